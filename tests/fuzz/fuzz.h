/* SPDX-License-Identifier: MIT */
/* What fuzz targets share: a check that no build option takes away, and inputs of several fields. */
#pragma once

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FUZZ_FIELDS_MAX 16

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Says where, then ends the program in the way that fuzzers see. */
static inline void fuzz_check(bool holds, const char *file, int line)
{
    if (holds)
        return;
    (void)fprintf(stderr, "%s:%d: does not hold\n", file, line);
    abort();
}
#define require(holds) fuzz_check(holds, __FILE__, __LINE__)

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
    errno = 0;
    unsigned long long value = strtoull(text, &end, 10);
    if (errno == ERANGE || end[strspn(end, " \t\r\n\v\f")] != '\0')
        return false;
    *ret = value;
    return true;
}

/* The same of a file: a number's file is read up to 63 bytes, and no further than a newline there. */
static inline bool fuzz_file_is_number(const struct fuzz_fields *fields, unsigned index, uint64_t *ret)
{
    char head[64];

    if (index >= fields->count)
        return false;
    if (fields->length[index] <= 63)
        return fuzz_is_number(fields->text[index], ret);
    memcpy(head, fields->text[index], 63);
    head[63] = '\0';
    return head[62] == '\n' && fuzz_is_number(head, ret);
}
