/* SPDX-License-Identifier: MIT */
/*
 * A byte buffer that grows up to a stated limit. An append that would pass the limit, or finds no
 * memory, marks the buffer as failed and drops everything later: check once, at the end, with
 * eco_buf_error(). `data` is always NUL-terminated once something was appended. init/finish.
 */
#pragma once

#include "base/macros.h"

#include <stddef.h>
#include <stdint.h>

struct eco_buf {
    char *data;
    size_t length, capacity, limit;
    int error; /* first negative errno, 0 = all is well */
};

void eco_buf_init(struct eco_buf *buf, size_t limit);
void eco_buf_finish(struct eco_buf *buf);
/** Empty it and forget its error; memory is kept. */
void eco_buf_reset(struct eco_buf *buf);
void eco_buf_add(struct eco_buf *buf, const void *bytes, size_t count);
void eco_buf_text(struct eco_buf *buf, const char *text);
void eco_buf_char(struct eco_buf *buf, char c);
void eco_buf_printf(struct eco_buf *buf, const char *format, ...) ECO_PRINTF(2, 3);
/** Shortest decimal that reads back as the same double, with '.', whatever the locale; "null" for nan/inf. */
void eco_buf_double(struct eco_buf *buf, double value);
/** With `decimals` places, with '.', whatever the locale. */
void eco_buf_fixed(struct eco_buf *buf, double value, int decimals);
int eco_buf_error(const struct eco_buf *buf);
