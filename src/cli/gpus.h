/* SPDX-License-Identifier: MIT */
/* Graphics cards: ecocode-sensord, started where one may be, and what it tells. init (zeroed), start, finish.
 */
#pragma once

#include "base/why.h"
#include "platform/root.h"

#include <stdint.h>
#include <sys/types.h>

struct eco_call;
struct eco_gpu_client;

struct eco_gpus {
    struct eco_gpu_client *client; /* NULL = no card seems to be here, or the daemon is not */
    pid_t pid;
    struct eco_why why; /* why not, where a card seems to be here */
};

/**
 * Returns at once.
 *
 * @param interval_ns  of the measurement; 0 = 1 s
 */
void eco_gpus_start(struct eco_gpus *self, const struct eco_root *root, uint64_t interval_ns);
/** The same for the roots that the options name. */
void eco_gpus_start_for(struct eco_gpus *self, const struct eco_call *call);
/** Wait until every source has told of its cards or failed, but not beyond `until_ns` (MONOTONIC). */
void eco_gpus_await(struct eco_gpus *self, uint64_t until_ns);
/** Lets the daemon end while a thread may still look at what it told; before this process ends. */
void eco_gpus_leave(struct eco_gpus *self);
void eco_gpus_finish(struct eco_gpus *self);
