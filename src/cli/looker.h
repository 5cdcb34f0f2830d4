/* SPDX-License-Identifier: MIT */
/*
 * A thread that touches the sensors, so that the one that tells what is known never waits for a driver longer
 * than it wants to. init ... start, done ... Never joined: it may be in a read that does not end.
 */
#pragma once

#include "base/macros.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct eco_meter;
typedef int (*eco_look)(struct eco_meter *meter);

struct eco_looker {
    struct eco_meter *meter;
    int ask_fd, done_fd; /* eventfd; done_fd can be polled */
    bool has_thread, is_busy;
    uint64_t since_ns; /* when the present look was asked for */
    _Atomic(eco_look) look;
    atomic_int result; /* of the last look that was asked for */
    void (*told)(void *context);
    void *context;
    pthread_mutex_t lock; /* held while something is told */
    bool is_cut;          /* nothing is told any more */
};

/**
 * Starts nothing yet.
 *
 * @param told  called in the thread after each of its ticks, to deliver the frame
 */
void eco_looker_init(struct eco_looker *looker, struct eco_meter *meter, void (*told)(void *context),
                     void *context);
/**
 * From now on the thread ticks by itself, whenever the meter's next look is due, the first time at once: one
 * wake-up an interval. Called again, it ticks once more now.
 *
 * @return false when no thread can be had
 */
bool eco_looker_go(struct eco_looker *looker);
/**
 * Begin another look than a tick; none is going on. The thread ticks no more. Where no thread can be had it
 * is made here and now.
 *
 * @return whether it is going on (is_busy)
 */
bool eco_looker_start(struct eco_looker *looker, eco_look look);
/** Whether the look has come back: then is_busy is false and `result` set. Never waits. */
bool eco_looker_is_back(struct eco_looker *looker);
/** It will not come back: whatever it does later, nothing is told of it. */
void eco_looker_cut(struct eco_looker *looker);
