/* SPDX-License-Identifier: MIT */
/*
 * What the files of src/run/ share. One thread only. The signals that the loop waits for are blocked
 * from eco_run_prepare to eco_run_finish; threads that are started later inherit that.
 */
#pragma once

#include "run/run.h"

#include <sys/time.h>

#define ECO_RUN_GROUP_NAME_MAX 32
#define ECO_RUN_PATH_MAX       1024
#define ECO_RUN_TEXTS_MAX      2048 /* ECOCODE_RUN and a user's variables */
/* Timers of the process (ITIMER_REAL, VIRTUAL, PROF) survive exec, but not fork. */
#define ECO_RUN_TIMERS 3

/* How we were when we were started: the command must find it so. */
struct eco_run_found {
    sigset_t mask;
    struct sigaction chld, pipe;
    sigset_t ignored; /* of those in eco_run.waited */
    struct itimerval timers[ECO_RUN_TIMERS];
    bool has_timer;
    int subreaper;
    int parent_death_signal;
};

/* A signal from our own process group, kept back until it is known whether the whole group had it. */
struct eco_run_held {
    int signo; /* 0 = none */
    pid_t sender;
    uint64_t until_ns;
};

struct eco_run {
    char *const *argv;
    char **environment; /* owned: the array and what points into `own_texts`; the rest is borrowed */
    char *own_texts;
    const struct eco_user *user;   /* NULL = as we are */
    char folder[ECO_RUN_PATH_MAX]; /* with `user`: where we are, "" unknown */
    char run_id[64];
    bool no_cgroup, has_place, wait_all; /* has_place: the cgroup was made, or could not be */

    struct eco_run_found found;
    sigset_t waited;

    pid_t *strangers; /* children that we had already; never the job's */
    size_t stranger_count, stranger_capacity;
    bool has_unknown_strangers; /* there are some, but nothing tells which */

    pid_t pid;            /* the command; 0 before the fork */
    pid_t own_pid;        /* of eco_run_fork_own, 0 none */
    bool has_own_to_reap; /* by eco_run_finish */
    uint64_t own_cpu_ns;  /* of the command alone, read just before it was last asked for */
    int release_fd, error_fd;
    bool is_released, has_ended;

    int watch_fd, signal_fd; /* eco_run_watch; signalfd of `waited`, made when first needed; -1 none */

    int own_group_fd, group_fd;
    char group_name[ECO_RUN_GROUP_NAME_MAX];
    char group_path[ECO_RUN_PATH_MAX];
    struct eco_why group_why;

    bool may_reap;    /* wait4 may have something for us */
    bool no_children; /* wait4 said so */
    bool is_empty_told;
    unsigned events_overdue; /* events given since the deadline passed */
    uint64_t look_again_ns;  /* when to ask again whether the job is empty */
    struct eco_run_held held;
    pid_t group_sender; /* it has just signalled the whole group: its SIGCONT is not for us to pass on */
    uint64_t group_sender_until_ns;
};

uint64_t eco_run_now_ns(void);

/* environment.c */
int eco_run_make_environment(struct eco_run *run) ECO_MUST_CHECK;

/* become.c */
/** In the child: become that user (NULL: nothing). 0 or negative errno, then exec must not follow. */
int eco_run_become(const struct eco_user *user, const char *folder) ECO_MUST_CHECK;

/* strangers.c */
int eco_run_find_strangers(struct eco_run *run) ECO_MUST_CHECK;
bool eco_run_has_strangers(const struct eco_run *run);
/** Whether an ended child of ours, not yet reaped, is of the job. */
bool eco_run_is_of_job(const struct eco_run *run, pid_t pid);
/** Whether a child of ours was one before there was a job. */
bool eco_run_is_stranger(const struct eco_run *run, pid_t pid);
/** Forget a stranger that was reaped. */
void eco_run_drop_stranger(struct eco_run *run, pid_t pid);
/** Whether nothing of the job runs any more, asked after the command's end and after all that ended was
 * reaped. */
bool eco_run_is_empty(const struct eco_run *run);

/* cgroup.c: fills group_fd, or group_why */
void eco_run_make_group(struct eco_run *run);
/** What is closed of 0-2 is /dev/null from now on: what we open must not land there. */
void eco_run_plug_stdio(void);

/* signals.c */
/** Remember how signals stand, then block what the loop waits for. Cannot fail half way. */
void eco_run_take_signals(struct eco_run *run);
void eco_run_give_signals_back(struct eco_run *run);
/** In the child, just before exec. Makes system calls only. */
void eco_run_restore_for_command(const struct eco_run *run);
/** Decide on one signal. Returns 1 when `ret` is an event to tell, 0 when not. */
int eco_run_handle_signal(struct eco_run *run, const siginfo_t *info, struct eco_run_event *ret);
/** Pass the held signal on when its time has come. As eco_run_handle_signal. */
int eco_run_flush_held(struct eco_run *run, uint64_t now_ns, struct eco_run_event *ret);

/* stop.c */
/** The command has stopped because of `signo`: stop likewise, return when we go on. */
void eco_run_stop_too(struct eco_run *run, int signo);
