/* SPDX-License-Identifier: MIT */
#include "history/sheet.h"

#include "base/num.h"
#include "base/text.h"

#include <errno.h>
#include <math.h>

#define CELL_MAX 4096

static int write_out(struct eco_sheet *sheet, const char *text, size_t length)
{
    errno = 0;
    if (sheet->error == 0 && length > 0 && fwrite(text, 1, length, sheet->file) != length)
        sheet->error = errno ? -errno : -EIO;
    return sheet->error;
}

int eco_sheet_flush(struct eco_sheet *sheet)
{
    size_t used = sheet->used;
    sheet->used = 0;
    return write_out(sheet, sheet->bytes, used);
}

void eco_sheet_put_long(struct eco_sheet *sheet, const char *text, size_t length)
{
    (void)eco_sheet_flush(sheet);
    if (length > ECO_SHEET_BYTES)
        (void)write_out(sheet, text, length);
    else
        eco_sheet_put(sheet, text, length);
}

/* What begins like a formula is one for spreadsheets: a blank before it makes it text (OWASP, CSV injection).
 */
void eco_sheet_cell(struct eco_sheet *sheet, const char *text)
{
    char clean[CELL_MAX];
    size_t length = eco_text_clean(clean, sizeof clean, text, strlen(text), false);
    bool is_formula = length > 0 && strchr("=+-@", clean[0]);
    if (!is_formula && strcspn(clean, ",\"") == length) {
        eco_sheet_put(sheet, clean, length);
        return;
    }
    eco_sheet_char(sheet, '"');
    if (is_formula)
        eco_sheet_char(sheet, ' ');
    for (size_t i = 0; i < length; i++) {
        if (clean[i] == '"')
            eco_sheet_char(sheet, '"');
        eco_sheet_char(sheet, clean[i]);
    }
    eco_sheet_char(sheet, '"');
}

void eco_sheet_label(struct eco_sheet *sheet, const char *text)
{
    char clean[CELL_MAX];
    (void)eco_text_clean(clean, sizeof clean, text, strlen(text), false);
    for (const char *at = clean; *at; at++) {
        if (*at == '\\' || *at == '"')
            eco_sheet_char(sheet, '\\');
        eco_sheet_char(sheet, *at);
    }
}

void eco_sheet_number(struct eco_sheet *sheet, double value)
{
    char text[40];
    int n = isfinite(value) ? snprintf(text, sizeof text, "%.15g", value) : 0;
    if (n > 0)
        eco_sheet_put(sheet, text, (size_t)n);
}
