/* SPDX-License-Identifier: MIT */
/* Attributes and small helpers that every file may use. */
#pragma once

#include <stddef.h>
#include <stdlib.h>

/*
 * The result says whether the call worked; ignoring it is written (void). Clang checks it: GCC
 * would not accept the (void) either.
 */
#ifdef __clang__
#define ECO_MUST_CHECK __attribute__((warn_unused_result))
#else
#define ECO_MUST_CHECK
#endif
#define ECO_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
/* Exported from libecocode; everything else is hidden. */
#define ECO_EXPORT __attribute__((visibility("default")))

#define ECO_COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Not known. NAN of <math.h> is a float, which mixes badly with doubles. */
#define ECO_NAN __builtin_nan("")

/* Runs `fn(&variable)` when the variable leaves its scope. */
#define ECO_CLEANUP(fn) __attribute__((cleanup(fn)))

#define ECO_NS_PER_S  1000000000ull
#define ECO_NS_PER_MS 1000000ull
#define ECO_NS_PER_US 1000ull

static inline void eco_cleanup_free(void *pointer)
{
    void **p = pointer;
    free(*p);
    *p = NULL;
}
