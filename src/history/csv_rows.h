/* SPDX-License-Identifier: MIT */
/* Rows of a CSV file (RFC 4180: quotes, doubled quotes, line ends within quotes, CRLF or LF). Not trusted. */
#pragma once

#include "base/macros.h"

#include <stddef.h>
#include <stdio.h>

#define ECO_CSV_CELLS_MAX 256
#define ECO_CSV_BYTES_MAX (1u << 20) /* of one row */

struct eco_csv_row {
    char *text; /* all cells, each NUL-ended; owned */
    size_t capacity;
    const char *cells[ECO_CSV_CELLS_MAX];
    size_t count;
};

/**
 * The next row that is not empty. Begin with a zeroed row; its cells are good until the next call.
 *
 * @return 1, 0 at the end, -EBADMSG (a quote is never closed, a NUL), -E2BIG, -ENOMEM, -EIO
 */
int eco_csv_next(FILE *file, struct eco_csv_row *row) ECO_MUST_CHECK;
void eco_csv_finish(struct eco_csv_row *row);
