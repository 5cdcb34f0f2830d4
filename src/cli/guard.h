/* SPDX-License-Identifier: MIT */
/*
 * Keeps the command from being harmed by a sensor whose driver never returns from a read. The calls that
 * touch sensors are made between enter and leave; a second thread, which otherwise only looks at the clock
 * once a second, takes the command over when such a call lasts too long: it lets it begin, reaps it, passes
 * signals on, and ends the program when the command has ended and the call has still not come back.
 *
 *   init (child is held) ... enter, call, leave ... begun ... ended ... finish
 */
#pragma once

#include "cli/session.h"
#include "run/run.h"

#include <pthread.h>
#include <stdatomic.h>

#define ECO_GUARD_EVENTS_MAX 1024

struct eco_guard {
    struct eco_run *run;
    struct eco_session *session;
    /* Handles guard->events and reports what is known, when the call never came back. Called by the thread.
     */
    void (*last_words)(void *context);
    void *context;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    atomic_int state;
    _Atomic uint64_t since_ns; /* of the present call */
    bool has_thread, stop;     /* under lock, as all below */
    bool wait_all, has_begun;
    bool has_ended, is_over;                           /* CMD has ended; nothing more is waited for */
    bool is_back;                                      /* the call has returned */
    int status;                                        /* of CMD, as from waitpid */
    struct eco_run_event events[ECO_GUARD_EVENTS_MAX]; /* what happened meanwhile, for the meter */
    size_t event_count;
};

/** run, session, last_words, context and wait_all are set. Starts the thread; where that fails all goes on
 * without. */
void eco_guard_init(struct eco_guard *guard);
void eco_guard_finish(struct eco_guard *guard);

/** Around a call that may not come back. */
void eco_guard_enter(struct eco_guard *guard);
/**
 * @return true when the command was looked after meanwhile: guard->events is what happened, to be handled
 *         now. Does not return where the guard is going to end the program.
 */
bool eco_guard_leave(struct eco_guard *guard);

/** The command runs. */
void eco_guard_begun(struct eco_guard *guard);
/** The command has ended with that status; `is_over`: nothing else of the job is waited for either. */
void eco_guard_ended(struct eco_guard *guard, int status, bool is_over);
