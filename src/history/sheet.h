/* SPDX-License-Identifier: MIT */
/* Text that is written in many small pieces, through one buffer. A failed write is told once, at the end. */
#pragma once

#include "store/json_find.h"

#include <stdio.h>
#include <string.h>

#define ECO_SHEET_BYTES 65536u

struct eco_sheet {
    FILE *file; /* borrowed */
    size_t used;
    int error; /* negative errno of the first write that failed; nothing is written after it */
    char bytes[ECO_SHEET_BYTES];
};

/** Write what is in the buffer. 0 or the first error. */
int eco_sheet_flush(struct eco_sheet *sheet);

/** For pieces that are longer than the buffer. */
void eco_sheet_put_long(struct eco_sheet *sheet, const char *text, size_t length);

static inline void eco_sheet_put(struct eco_sheet *sheet, const char *text, size_t length)
{
    if (length > ECO_SHEET_BYTES - sheet->used) {
        eco_sheet_put_long(sheet, text, length);
        return;
    }
    memcpy(sheet->bytes + sheet->used, text, length);
    sheet->used += length;
}

static inline void eco_sheet_char(struct eco_sheet *sheet, char c)
{
    if (sheet->used == ECO_SHEET_BYTES)
        (void)eco_sheet_flush(sheet);
    sheet->bytes[sheet->used++] = c;
}

static inline void eco_sheet_text(struct eco_sheet *sheet, const char *text)
{
    eco_sheet_put(sheet, text, strlen(text));
}

static inline void eco_sheet_span(struct eco_sheet *sheet, struct eco_span span)
{
    eco_sheet_put(sheet, span.text, span.length);
}

/** A cell of CSV (RFC 4180): quoted where it must be; control characters become '?'. */
void eco_sheet_cell(struct eco_sheet *sheet, const char *text);

/** A label's value of OpenMetrics without its quotes: backslash, quote and line end escaped. */
void eco_sheet_label(struct eco_sheet *sheet, const char *text);

/** A number with all its digits, nothing for NaN. */
void eco_sheet_number(struct eco_sheet *sheet, double value);
