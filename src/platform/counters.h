/* SPDX-License-Identifier: MIT */
/*
 * Energy counters that this user may not read, as told by somebody who may. The values are a moment old: each
 * sample says when it was really read. Whoever tells them limits how often that is (CVE-2020-8694). Thread:
 * one at a time.
 */
#pragma once

#include "base/why.h"

#include <stdint.h>

#define ECO_COUNTER_NAME_MAX 40
#define ECO_COUNTERS_MAX     64

struct eco_counter_value {
    char zone[ECO_COUNTER_NAME_MAX]; /* as below class/powercap: "intel-rapl:0:1" */
    uint64_t value_uj;
    int32_t error; /* 0, or negative errno: value_uj means nothing */
    uint32_t reserved;
};

/* All counters, read one behind the other. Sorted as they were found. */
struct eco_counter_sample {
    uint64_t begin_ns, end_ns; /* MONOTONIC, around the real read */
    uint32_t count;
    uint32_t is_cut; /* there are more than fit */
    struct eco_counter_value values[ECO_COUNTERS_MAX];
};

struct eco_counters {
    const char *name;   /* "ecocode-priv" */
    uint64_t period_ns; /* no two samples are nearer to each other */
    /*
     * The newest sample there is. Bounded: gives up with -ETIMEDOUT rather than keeping the caller from its
     * next look. -EACCES when this user gets none, another negative errno; with the reason.
     */
    int (*read)(struct eco_counters *self, struct eco_counter_sample *ret, struct eco_why *why);
};

/** Of that zone, or NULL. */
static inline const struct eco_counter_value *eco_counter_find(const struct eco_counter_sample *sample,
                                                               const char *zone)
{
    for (uint32_t i = 0; i < sample->count && i < ECO_COUNTERS_MAX; i++)
        if (__builtin_strcmp(sample->values[i].zone, zone) == 0)
            return &sample->values[i];
    return NULL;
}
