/* SPDX-License-Identifier: MIT */
#include "history/csv_rows.h"

#include "base/mem.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static int add(struct eco_csv_row *row, size_t *used, char c)
{
    int r = eco_grow((void **)&row->text, &row->capacity, *used + 1, ECO_CSV_BYTES_MAX, 1);
    if (r == 0)
        row->text[(*used)++] = c;
    return r;
}

/* Behind a quote that may end the cell: a second one stands for itself. */
static bool is_doubled(FILE *file)
{
    int next = getc(file);
    if (next != '"' && next != EOF)
        (void)ungetc(next, file);
    return next == '"';
}

/* One row as cells that are each NUL-ended. 1, 0 at the end of the file, negative errno. */
static int read_row(FILE *file, struct eco_csv_row *row, size_t *ret_used)
{
    bool quoted = false, any = false;
    size_t used = 0;
    int c, r = 0;
    while (r == 0 && (c = getc(file)) != EOF) {
        any = true;
        if (c == 0)
            return -EBADMSG;
        if (c == '"' && quoted)
            quoted = is_doubled(file) ? (r = add(row, &used, '"'), true) : false;
        else if (c == '"' && (used == 0 || row->text[used - 1] == 0))
            quoted = true;
        else if (!quoted && c == '\n')
            break;
        else if (quoted || c != '\r')
            r = add(row, &used, !quoted && c == ',' ? 0 : (char)c);
    }
    if (r == 0 && ferror(file))
        r = -EIO;
    if (r == 0 && quoted)
        r = -EBADMSG;
    if (r == 0 && any)
        r = add(row, &used, 0);
    *ret_used = used;
    return r < 0 ? r : any;
}

int eco_csv_next(FILE *file, struct eco_csv_row *row)
{
    size_t used;
    int r;
    do
        r = read_row(file, row, &used);
    while (r == 1 && used <= 1);
    row->count = 0;
    if (r != 1)
        return r;
    for (size_t at = 0; at < used; at += strlen(row->text + at) + 1) {
        if (row->count == ECO_CSV_CELLS_MAX)
            return -E2BIG;
        row->cells[row->count++] = row->text + at;
    }
    return 1;
}

void eco_csv_finish(struct eco_csv_row *row)
{
    free(row->text);
    *row = (struct eco_csv_row){0};
}
