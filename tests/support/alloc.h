/* SPDX-License-Identifier: MIT */
/*
 * Lets the first, second, third ... allocation of a call fail until the call gets through without
 * one. Run it under ASan: what a half-done call leaves behind is its finding.
 */
#pragma once

#include "base/mem.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#define ECO_ALLOC_TRIES_MAX 100000ul

/* True when the failure ordered for the n-th allocation is still to come. Takes the order back. */
static inline bool eco_alloc_is_pending(unsigned long n)
{
    bool pending = false;
    for (unsigned long i = 0; i < n && !pending; i++) {
        void *probe = eco_calloc(1, 1);
        pending = !probe;
        free(probe);
    }
    eco_mem_fail_at(0);
    return pending;
}

/**
 * @param attempt  does the work once and cleans up after itself, also when it failed. Returns 0, or
 *                 -ENOMEM; any other result ends the test program. It may return 0 although an
 *                 allocation failed where it can do without.
 * @return how many allocations failed, one after the other, before none was left to fail
 */
static inline unsigned long eco_alloc_fail_each(int (*attempt)(void *context), void *context)
{
    for (unsigned long n = 1; n < ECO_ALLOC_TRIES_MAX; n++) {
        eco_mem_fail_at(n);
        int r = attempt(context);
        bool was_hit = !eco_alloc_is_pending(n);
        if (r != 0 && (r != -ENOMEM || !was_hit)) {
            (void)fprintf(stderr, "allocation %lu failed, and the call returned %d\n", n, r);
            abort();
        }
        if (!was_hit)
            return n - 1;
    }
    abort();
}
