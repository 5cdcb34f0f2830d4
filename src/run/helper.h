/* SPDX-License-Identifier: MIT */
/*
 * A helper program of ours that is asked over a pair of sockets. Cloned without an exit signal (own.c says
 * why): no wait for "any child" sees it. It gets the one socket as its fd 0 and no other descriptor. Only for
 * programs.
 */
#pragma once

#include "base/macros.h"

#include <sys/types.h>

/**
 * Returns as soon as the program runs. It gets no environment and no argument.
 *
 * @param path     absolute
 * @param ret_fd   our end, SOCK_SEQPACKET, close-on-exec; closing it asks the helper to end
 * @param ret_pid  for eco_helper_end
 * @return 0 or negative errno, that of exec included
 */
int eco_helper_start(const char *path, int *ret_fd, pid_t *ret_pid) ECO_MUST_CHECK;

/** The same with arguments, argv[0] included, and an environment; both end in NULL. */
int eco_helper_start_with(const char *path, char *const *argv, char *const *environment, int *ret_fd,
                          pid_t *ret_pid) ECO_MUST_CHECK;

/**
 * Ends it, however it is: closes *fd and kills. Never waits; *fd is -1 and *pid 0 then. Thread: any, each its
 * own helper.
 */
void eco_helper_end(int *fd, pid_t *pid);

/** Leaves it to end by itself, as one does that sees its socket closed: *fd is -1 and *pid 0 then. Never
 * waits. */
void eco_helper_leave(int *fd, pid_t *pid);

/** Take its zombie away if it has ended by itself; never waits. Sets *pid to 0 then. */
void eco_helper_reap(pid_t *pid);

/**
 * Take the zombies of those that were ended or left away, so that nobody else is left with them; not for
 * longer than that. Before this process ends.
 */
void eco_helper_await_all(unsigned timeout_ms);
