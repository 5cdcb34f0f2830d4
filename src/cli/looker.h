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
    uint64_t since_ns; /* of the present look */
    _Atomic(eco_look) look;
    atomic_int result; /* of the last look */
};

/** Starts nothing yet. */
void eco_looker_init(struct eco_looker *looker, struct eco_meter *meter);
/**
 * Begin a look; none is going on. Where no thread can be had it is made here and now.
 *
 * @return whether it is going on (is_busy)
 */
bool eco_looker_start(struct eco_looker *looker, eco_look look);
/** Whether the look has come back: then is_busy is false and `result` set. Never waits. */
bool eco_looker_is_back(struct eco_looker *looker);
