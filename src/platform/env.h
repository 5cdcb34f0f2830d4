/* SPDX-License-Identifier: MIT */
/* Everything outside the program that measuring code may touch. Borrowed; outlives its users. */
#pragma once

#include "model/host.h"
#include "platform/clock.h"
#include "platform/counters.h"
#include "platform/perf.h"
#include "platform/root.h"

struct eco_gpu_client;

struct eco_env {
    const struct eco_root *root;
    const struct eco_clock *clock;
    const struct eco_perf *perf;   /* opens performance counters; NULL = never */
    struct eco_counters *counters; /* tells counters that this user may not read; NULL = nobody does */
    struct eco_gpu_client *gpus;   /* what ecocode-sensord tells; NULL = no daemon */
    const struct eco_host *host;   /* may be half filled while the machine is still looked at */
};
