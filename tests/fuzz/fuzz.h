/* SPDX-License-Identifier: MIT */
/* What fuzz targets share: a check that no build option takes away, and inputs of several fields. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define FUZZ_FIELDS_MAX 16

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static inline void require(bool holds)
{
    if (!holds)
        abort();
}

/* NUL-terminated, in memory of its own size; the caller's. Never NULL. */
static inline char *fuzz_copy(const void *data, size_t size)
{
    char *text = malloc(size + 1);

    require(text != NULL);
    if (size > 0)
        memcpy(text, data, size);
    text[size] = '\0';
    return text;
}

/* Input of several fields with '|' between them, which no file of the kernel holds. */
struct fuzz_fields {
    char *text[FUZZ_FIELDS_MAX]; /* NUL-terminated; NULL = this input has not so many */
    size_t length[FUZZ_FIELDS_MAX];
    unsigned count;
};

/* What is too much for the fields belongs to the last one. */
static inline void fuzz_split(struct fuzz_fields *ret, const uint8_t *data, size_t size)
{
    size_t from = 0;

    *ret = (struct fuzz_fields){.count = 0};
    for (size_t at = 0; at <= size; at++) {
        if (at < size && (data[at] != '|' || ret->count == FUZZ_FIELDS_MAX - 1))
            continue;
        ret->text[ret->count] = fuzz_copy(data + from, at - from);
        ret->length[ret->count++] = at - from;
        from = at + 1;
    }
}

static inline void fuzz_fields_free(struct fuzz_fields *fields)
{
    for (unsigned i = 0; i < fields->count; i++)
        free(fields->text[i]);
}

/* The whole text is one number of the kernel, by the C library: what our own parser must agree with. */
static inline bool fuzz_is_number(const char *text, uint64_t *ret)
{
    char *end = NULL;

    if (text == NULL || *text < '0' || *text > '9')
        return false;
    unsigned long long value = strtoull(text, &end, 10);
    if (value == UINT64_MAX && strncmp(text + strspn(text, "0"), "18446744073709551615", 20) != 0)
        return false;
    *ret = value;
    return end[strspn(end, " \t\r\n\v\f")] == '\0';
}
