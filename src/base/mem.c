/* SPDX-License-Identifier: MIT */
#include "base/mem.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_CAPACITY 8u

static atomic_ulong fail_countdown;

static bool must_fail(void)
{
    unsigned long left = atomic_load_explicit(&fail_countdown, memory_order_relaxed);
    while (left > 0) {
        if (atomic_compare_exchange_weak(&fail_countdown, &left, left - 1))
            return left == 1;
    }
    return false;
}

void eco_mem_fail_at(unsigned long n)
{
    atomic_store(&fail_countdown, n);
}

void *eco_calloc(size_t count, size_t size)
{
    if (must_fail())
        return NULL;
    /* calloc(0) may give NULL, which a caller would take for "no memory". */
    if (count == 0 || size == 0)
        return calloc(1, 1);
    if (count > SIZE_MAX / size)
        return NULL;
    return calloc(count, size);
}

void *eco_reallocarray(void *array, size_t old_count, size_t new_count, size_t size)
{
    if (size != 0 && new_count > SIZE_MAX / size)
        return NULL;
    if (must_fail())
        return NULL;

    size_t old_bytes = old_count * size, new_bytes = new_count * size;
    char *grown = realloc(array, new_bytes > 0 ? new_bytes : 1);
    if (!grown)
        return NULL;
    if (new_bytes > old_bytes)
        memset(grown + old_bytes, 0, new_bytes - old_bytes);
    return grown;
}

char *eco_strdup(const char *text)
{
    if (!text)
        return NULL;
    size_t size = strlen(text) + 1;
    char *copy = eco_calloc(size, 1);
    if (copy)
        memcpy(copy, text, size);
    return copy;
}

int eco_grow(void **array, size_t *capacity, size_t need, size_t limit, size_t size)
{
    if (need > limit)
        return -E2BIG;
    if (need <= *capacity)
        return 0;

    size_t wanted = *capacity > limit / 2 ? limit : *capacity * 2;
    if (wanted < FIRST_CAPACITY)
        wanted = FIRST_CAPACITY < limit ? FIRST_CAPACITY : limit;
    if (wanted < need)
        wanted = need;

    /* By memcpy: `array` points at a pointer of the caller's own type, not at a void pointer. */
    void *old;
    memcpy(&old, array, sizeof(old));
    void *grown = eco_reallocarray(old, *capacity, wanted, size);
    if (!grown)
        return -ENOMEM;
    memcpy(array, &grown, sizeof(grown));
    *capacity = wanted;
    return 0;
}
