/* SPDX-License-Identifier: MIT */
/*
 * Starts a command, holds it until the meter is ready, gives it its cgroup, passes signals and job
 * control, reaps. Only for programs (never in libecocode). It never harms the command: same process
 * group, dispositions, mask, limits and descriptors as we found them, environment plus ECOCODE_RUN; with
 * eco_run_options.user as he would have them.
 *
 *   eco_run_prepare   before anything else: remembers the signal state, sets SIGCHLD to default, blocks what
 *                     the loop waits for, becomes subreaper, remembers strangers that are children already
 *   eco_run_spawn     fork (into a private cgroup where one can be made); the child waits on a pipe
 *   eco_run_release   the child execs; tells 126/127 errors
 *   eco_run_wait      until a deadline or an event
 *   eco_run_finish    removes the cgroup, restores; call it after the report: until then a late signal or a
 *                     background terminal (SIGTTOU) cannot end us, nor a closed pipe (SIGPIPE)
 *
 * One thread calls all of this, in one process. A process of ours that may get stuck (it reads sensors) is
 * begun by eco_run_fork_own.
 */
#pragma once

#include "base/why.h"
#include "run/user.h"

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/types.h>

struct eco_run;

struct eco_run_options {
    char *const *argv;  /* NULL-ended; borrowed until the release */
    const char *run_id; /* value of ECOCODE_RUN for the child */
    bool no_cgroup;
    bool wait_all; /* go on until every process of the job has ended */
    /*
     * The command runs as this user, NULL = as we do. Only root may. Without any capability, with no
     * descriptor but 0-2, with his groups, HOME, USER, LOGNAME, SHELL and without the caller's XDG folders;
     * in the present folder if he may go there, else in his home. Borrowed until the release.
     */
    const struct eco_user *user;
};

enum eco_run_event_kind {
    ECO_RUN_DEADLINE,  /* the given time has come */
    ECO_RUN_REAPED,    /* another descendant, never a stranger, ended (event.pid, .usage): tell the meter */
    ECO_RUN_EXITED,    /* CMD itself ended: event.status, event.usage */
    ECO_RUN_EMPTY,     /* CMD has ended and nothing of the job runs any more (wait_all) */
    ECO_RUN_STOPPED,   /* CMD stopped and we after it; now both go on again: time has passed */
    ECO_RUN_SIGNAL,    /* a signal that was passed on, or is for us (SIGWINCH is not told): event.signo */
    ECO_RUN_INTERRUPT, /* before the release or after CMD's end: SIGINT, TERM, HUP, QUIT ask us to finish now
                        */
    ECO_RUN_READABLE   /* the descriptor of eco_run_watch has something to read, or was closed */
};

struct eco_run_event {
    enum eco_run_event_kind kind;
    pid_t pid;
    int status; /* as from waitpid */
    int signo;
    struct rusage usage; /* of pid and what it had waited for */
    uint64_t own_cpu_ns; /* EXITED: of CMD alone, without what it had waited for; 0 unknown */
    uint64_t at_ns;      /* MONOTONIC, when it was noticed */
};

int eco_run_prepare(const struct eco_run_options *options, struct eco_run **ret,
                    struct eco_why *why) ECO_MUST_CHECK;
/** The private cgroup, unless none is wanted; eco_run_spawn does it where it is not yet done. */
void eco_run_find_place(struct eco_run *run);
/**
 * Forks. What is closed of our own 0-2 is /dev/null from then on (the command still finds it closed).
 *
 * @return 0 or negative errno (then nothing runs)
 */
int eco_run_spawn(struct eco_run *run, struct eco_why *why) ECO_MUST_CHECK;
pid_t eco_run_pid(const struct eco_run *run);
/** Private cgroup of the job: directory descriptor (borrowed), path as /proc/PID/cgroup has it; -1 / NULL. */
int eco_run_cgroup_fd(const struct eco_run *run);
const char *eco_run_cgroup_path(const struct eco_run *run);
/** Why there is no private cgroup, "" when there is one or none was wanted. */
const char *eco_run_cgroup_why(const struct eco_run *run);

/**
 * Fork a process of our own beside the command, best before eco_run_spawn: then it begins while the command
 * is still made. The command inherits nothing of it either way. In the child every signal is blocked, what
 * was closed of 0-2 is /dev/null, and nothing holds the command; only the getters above may be used there,
 * and of a command that is spawned later they know the place alone. It counts neither as the job's nor as a
 * stranger, its end is no event, and nobody has to wait for it.
 *
 * @return as fork(), or negative errno
 */
pid_t eco_run_fork_own(struct eco_run *run) ECO_MUST_CHECK;
/** Wait for the end of that process. For one that is known to be ending. */
void eco_run_reap_own(struct eco_run *run);
/** The same, but at the end of eco_run_finish: what is still to be done goes on beside its last moments. */
void eco_run_reap_own_later(struct eco_run *run);
/** eco_run_wait ends with ECO_RUN_READABLE, too, when `fd` can be read; -1 = none. Borrowed. */
void eco_run_watch(struct eco_run *run, int fd);

/**
 * Let the command begin and wait until exec has happened or failed.
 *
 * @param ret_started_ns  MONOTONIC just before it was let go
 * @return 0, or negative errno of exec: -ENOENT (127), -EACCES, -ENOEXEC ... (126); the child is reaped then
 */
int eco_run_release(struct eco_run *run, uint64_t *ret_started_ns, struct eco_why *why) ECO_MUST_CHECK;
/** Give the child up before release: it ends without having run anything. */
void eco_run_abandon(struct eco_run *run);

/**
 * Signal every process of the job: those of its cgroup, else the command, what descends from it and its
 * orphans (not strangers). A process that is born meanwhile may be missed: call again. Only what we may
 * signal is.
 *
 * @param signo  0 = only count
 * @return how many processes had it
 */
unsigned eco_run_signal_job(const struct eco_run *run, int signo);

/** Wait for an event, at most until `deadline_ns` (MONOTONIC). 0 or negative errno. */
int eco_run_wait(struct eco_run *run, uint64_t deadline_ns, struct eco_run_event *ret) ECO_MUST_CHECK;

/** Removes the cgroup (leaves it when something still runs there; a later run sweeps it), for who has time
 * for that before eco_run_finish, which does it otherwise. Once nobody asks for the processes in it. */
void eco_run_remove_group(struct eco_run *run);
/** Removes the cgroup and restores what eco_run_prepare changed. Accepts NULL, returns NULL. */
struct eco_run *eco_run_finish(struct eco_run *run);

/** Die of the signal that CMD died of (default action, no core of our own), or return the exit status to end
 * with. */
int eco_run_exit_status(int wait_status);
void eco_run_die_like(int wait_status);

/** As process 1, or where CMD's children outlive it: reap what is left, without waiting. */
void eco_run_reap_rest(struct eco_run *run);

/** 32 hex digits from the system's random source. */
void eco_run_new_id(char ret[33]);
