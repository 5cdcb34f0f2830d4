/* SPDX-License-Identifier: MIT */
/*
 * What the two processes of `run` tell each other, over a pair of sockets that keep datagrams apart: the
 * parent is the process that was started and runs the command; the measurer reads sensors and writes reports.
 * What the measurer writes to its standard error while it measures goes the same way, as text.
 */
#pragma once

#include "base/macros.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/resource.h>

#define ECO_LINK_TEXT_MAX 4096

enum eco_link_kind {
    ECO_LINK_NONE,     /* nothing is there to read now */
    ECO_LINK_CLOSED,   /* the other process has ended, or given up */
    ECO_LINK_TEXT,     /* for standard error */
    ECO_LINK_READY,    /* measurer: the baseline is taken */
    ECO_LINK_FAILED,   /* measurer: it is not going to measure; it said why */
    ECO_LINK_ALIVE,    /* measurer: it is making progress */
    ECO_LINK_EXCEEDED, /* measurer: a budget is exceeded. .action; .is_final: it was seen after the end */
    ECO_LINK_MEASURED, /* measurer: the last sensor is read; with .wants_standard it waits for STANDARD */
    ECO_LINK_DONE,     /* measurer: everything is written. .is_stuck: it cannot end yet */
    ECO_LINK_HELD,     /* parent: the command is there, and waits: .pid. .has_group: in its cgroup */
    ECO_LINK_RELEASED, /* parent: the command runs, since .at_ns, .real_ns. .is_late: without a baseline */
    ECO_LINK_REAPED,   /* parent: another process of the job ended: .pid, .usage */
    ECO_LINK_EXITED,   /* parent: the command ended: .pid, .status, .usage, .own_cpu_ns, .self_cpu_ns */
    ECO_LINK_TICK,     /* parent: look now: the command was stopped, and goes on */
    ECO_LINK_OVER,     /* parent: nothing of the job is left, or a signal asks to finish */
    ECO_LINK_ABANDON,  /* parent: the command is not going to run */
    ECO_LINK_STANDARD  /* parent: .fds are standard output and error */
};

struct eco_link_message {
    uint32_t magic;
    enum eco_link_kind kind;
    bool is_late, is_stuck, wants_standard, has_group, is_final;
    int32_t action; /* enum eco_budget_action */
    int32_t pid, status;
    int fds[2]; /* of a received STANDARD, to be closed; else -1 */
    uint64_t at_ns, own_cpu_ns, self_cpu_ns;
    int64_t real_ns;
    struct rusage usage;
};

/** Two ends above 2, closed on exec. 0 or negative errno. */
int eco_link_open(int ret_fds[2]) ECO_MUST_CHECK;
/** Never waits. 0, -EAGAIN when the other process does not read, -EPIPE when it is gone, another errno. */
int eco_link_send(int fd, const struct eco_link_message *message) ECO_MUST_CHECK;
/** As eco_link_send, nothing but a kind. */
int eco_link_tell(int fd, enum eco_link_kind kind);
/** Lends our own standard output and error to the other process. */
int eco_link_send_standard(int fd) ECO_MUST_CHECK;
/**
 * Never waits.
 *
 * @param ret       filled unless it is NONE, CLOSED or TEXT
 * @param ret_text  ECO_LINK_TEXT_MAX + 1 bytes, with a NUL behind the text
 */
enum eco_link_kind eco_link_receive(int fd, struct eco_link_message *ret, char *ret_text);
/** Wait until there is something to read; false when `until_ns` (MONOTONIC) came before. */
bool eco_link_wait(int fd, uint64_t until_ns);
