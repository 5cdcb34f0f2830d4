/* SPDX-License-Identifier: MIT */
#include "base/buf.h"

#include "base/decimal.h"
#include "base/mem.h"

#include <errno.h>
#include <float.h>
#include <math.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* "-" + the 309 digits of DBL_MAX + "." + decimals + NUL */
#define NUMBER_MAX   352
#define DECIMALS_MAX 20
/* Every whole number up to here is a double of its own. */
#define WHOLE_MAX 9007199254740992.0

void eco_buf_init(struct eco_buf *buf, size_t limit)
{
    *buf = (struct eco_buf){.limit = limit < SIZE_MAX ? limit : SIZE_MAX - 1};
}

void eco_buf_finish(struct eco_buf *buf)
{
    free(buf->data);
    *buf = (struct eco_buf){.limit = buf->limit};
}

void eco_buf_reset(struct eco_buf *buf)
{
    buf->length = 0;
    buf->error = 0;
    if (buf->data)
        buf->data[0] = '\0';
}

/* Room for `count` more bytes and the NUL; false = the buffer has failed. */
static bool reserve(struct eco_buf *buf, size_t count)
{
    if (buf->error)
        return false;
    if (count > buf->limit - buf->length) {
        buf->error = -E2BIG;
        return false;
    }
    void *data = buf->data;
    int r = eco_grow(&data, &buf->capacity, buf->length + count + 1, buf->limit + 1, 1);
    buf->data = data;
    if (r < 0) {
        buf->error = r;
        return false;
    }
    return true;
}

void eco_buf_add(struct eco_buf *buf, const void *bytes, size_t count)
{
    if (!reserve(buf, count))
        return;
    if (count > 0)
        memcpy(buf->data + buf->length, bytes, count);
    buf->length += count;
    buf->data[buf->length] = '\0';
}

void eco_buf_text(struct eco_buf *buf, const char *text)
{
    eco_buf_add(buf, text, strlen(text));
}

void eco_buf_char(struct eco_buf *buf, char c)
{
    eco_buf_add(buf, &c, 1);
}

void eco_buf_printf(struct eco_buf *buf, const char *format, ...)
{
    char small[256];
    va_list args;
    va_start(args, format);
    int length = vsnprintf(small, sizeof(small), format, args);
    va_end(args);
    if (length < 0) {
        if (!buf->error)
            buf->error = -EINVAL;
        return;
    }
    if ((size_t)length < sizeof(small)) {
        eco_buf_add(buf, small, (size_t)length);
        return;
    }
    if (!reserve(buf, (size_t)length))
        return;
    va_start(args, format);
    (void)vsnprintf(buf->data + buf->length, (size_t)length + 1, format, args);
    va_end(args);
    buf->length += (size_t)length;
}

/* printf writes the locale's decimal point, which may be several bytes: whatever belongs to no number is it.
 */
static void add_number(struct eco_buf *buf, const char *printed)
{
    static const char number_chars[] = "0123456789+-e";
    char plain[NUMBER_MAX];
    size_t length = 0;
    for (const char *p = printed; *p && length < sizeof(plain); p++) {
        if (strchr(number_chars, *p))
            plain[length++] = *p;
        else if (length == 0 || plain[length - 1] != '.')
            plain[length++] = '.';
    }
    eco_buf_add(buf, plain, length);
}

static bool reads_back(const char *printed, double value)
{
    /* strtod and printf agree on the locale, so this needs no '.'. */
    double read = strtod(printed, NULL);
    return !(read < value) && !(read > value);
}

void eco_buf_double(struct eco_buf *buf, double value)
{
    char printed[NUMBER_MAX];
    if (!isfinite(value)) {
        eco_buf_text(buf, "null");
        return;
    }
    size_t length = eco_decimal(value, printed);
    if (length > 0) {
        eco_buf_add(buf, printed, length);
        return;
    }
    if (fabs(value) <= WHOLE_MAX && fabs(value) >= 1.0 && !(value < trunc(value)) &&
        !(value > trunc(value))) {
        (void)snprintf(printed, sizeof(printed), "%.0f", value);
        add_number(buf, printed);
        return;
    }
    /* DBL_DIG digits always suffice for what was typed with as many; subnormals have fewer to give. */
    int precision = fabs(value) < DBL_MIN ? 1 : DBL_DIG;
    for (; precision <= DBL_DECIMAL_DIG; precision++) {
        (void)snprintf(printed, sizeof(printed), "%.*g", precision, value);
        if (reads_back(printed, value))
            break;
    }
    add_number(buf, printed);
}

void eco_buf_fixed(struct eco_buf *buf, double value, int decimals)
{
    char printed[NUMBER_MAX];
    if (!isfinite(value)) {
        eco_buf_text(buf, "null");
        return;
    }
    if (decimals < 0)
        decimals = 0;
    if (decimals > DECIMALS_MAX)
        decimals = DECIMALS_MAX;
    (void)snprintf(printed, sizeof(printed), "%.*f", decimals, value);
    add_number(buf, printed);
}

int eco_buf_error(const struct eco_buf *buf)
{
    return buf->error;
}
