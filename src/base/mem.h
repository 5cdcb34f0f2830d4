/* SPDX-License-Identifier: MIT */
/*
 * Allocation. Everything that the project allocates passes here, so that a test can let the n-th
 * allocation fail. Memory is always zeroed; free() releases it. Thread: any.
 */
#pragma once

#include "base/macros.h"

#include <stddef.h>

/** `count` zeroed elements of `size` bytes, or NULL when there is no memory or the product overflows. */
void *eco_calloc(size_t count, size_t size) __attribute__((malloc)) ECO_MUST_CHECK;

/**
 * Grow or shrink an array; new elements are zeroed.
 *
 * @return the new place, or NULL with the old array untouched
 */
void *eco_reallocarray(void *array, size_t old_count, size_t new_count, size_t size) ECO_MUST_CHECK;

/** A copy of `text` (NULL gives NULL), or NULL when there is no memory. */
char *eco_strdup(const char *text) ECO_MUST_CHECK;

/**
 * Make room for at least `need` elements in a growing array of at most `limit`; doubles.
 *
 * @return 0, -ENOMEM, or -E2BIG when `need` exceeds `limit`; the array is untouched then
 */
int eco_grow(void **array, size_t *capacity, size_t need, size_t limit, size_t size) ECO_MUST_CHECK;

/** For tests: let the n-th allocation from now on fail, once (1 is the next); 0 switches it off. */
void eco_mem_fail_at(unsigned long n);
