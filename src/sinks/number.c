/* SPDX-License-Identifier: MIT */
#include "sinks/number.h"

#include <math.h>
#include <stdbool.h>

#define PLACES     12
#define SCALE      1000000000000ull /* 10^PLACES */
#define FAST_LIMIT 1e6              /* times SCALE still fits 64 bits */
#define DIGITS_MAX 20
#define WHOLE_MAX  9007199254740992.0 /* 2^53 */

static char *put_digits(char *end, uint64_t value)
{
    do {
        *--end = (char)('0' + value % 10);
        value /= 10;
    } while (value > 0);
    return end;
}

void eco_number_add_u64(struct eco_buf *out, uint64_t value)
{
    char digits[DIGITS_MAX];
    char *end = digits + sizeof(digits), *first = put_digits(end, value);
    eco_buf_add(out, first, (size_t)(end - first));
}

void eco_number_add(struct eco_buf *out, double value)
{
    if (!isfinite(value))
        return;
    if (fabs(value) >= FAST_LIMIT) {
        bool is_whole = value > 0 && value <= WHOLE_MAX && !(value > trunc(value));
        if (is_whole)
            eco_number_add_u64(out, (uint64_t)value);
        else
            eco_buf_double(out, value);
        return;
    }
    uint64_t scaled = (uint64_t)(fabs(value) * (double)SCALE + 0.5);
    uint64_t fraction = scaled % SCALE;
    char text[2 * DIGITS_MAX];
    char *end = text + sizeof(text), *at = end;
    if (fraction > 0) {
        for (int i = 0; i < PLACES; i++, fraction /= 10)
            *--at = (char)('0' + fraction % 10);
        while (end[-1] == '0')
            end--;
        *--at = '.';
    }
    at = put_digits(at, scaled / SCALE);
    if (value < 0 && scaled > 0)
        *--at = '-';
    eco_buf_add(out, at, (size_t)(end - at));
}

static char *put_padded(char *at, uint64_t value, int digits)
{
    for (int i = digits; i-- > 0; value /= 10)
        at[i] = (char)('0' + value % 10);
    return at + digits;
}

/*
 * Days since 1970 to a date, by eras of 400 years that begin in March (Hinnant, "chrono-compatible low-level
 * date algorithms", civil_from_days). Not gmtime(), which reads the time zone's file.
 */
static char *put_date(char *at, int64_t days)
{
    days += 719468; /* since 0000-03-01 */
    int64_t era = (days >= 0 ? days : days - 146096) / 146097;
    uint64_t day = (uint64_t)(days - era * 146097);
    uint64_t year = (day - day / 1460 + day / 36524 - day / 146096) / 365;
    uint64_t of_year = day - (365 * year + year / 4 - year / 100);
    uint64_t month = (5 * of_year + 2) / 153;
    uint64_t of_month = of_year - (153 * month + 2) / 5 + 1;
    month = month < 10 ? month + 3 : month - 9;
    year = (uint64_t)((int64_t)year + era * 400) + (month <= 2);
    at = put_padded(at, year, 4);
    *at++ = '-';
    at = put_padded(at, month, 2);
    *at++ = '-';
    return put_padded(at, of_month, 2);
}

void eco_time_format(int64_t real_ns, char ret[ECO_TIME_TEXT_MAX])
{
    const int64_t second = 1000000000, day_s = 86400;
    int64_t below_ns = real_ns % second, seconds = real_ns / second;
    if (below_ns < 0) {
        below_ns += second;
        seconds--;
    }
    int64_t days = seconds / day_s, of_day = seconds % day_s;
    if (of_day < 0) {
        of_day += day_s;
        days--;
    }
    char *at = put_date(ret, days);
    *at++ = 'T';
    at = put_padded(at, (uint64_t)of_day / 3600, 2);
    *at++ = ':';
    at = put_padded(at, (uint64_t)of_day / 60 % 60, 2);
    *at++ = ':';
    at = put_padded(at, (uint64_t)of_day % 60, 2);
    *at++ = '.';
    at = put_padded(at, (uint64_t)below_ns / 1000000, 3);
    *at++ = 'Z';
    *at = '\0';
}
