/* SPDX-License-Identifier: MIT */
#include "sinks/number.h"

#include <math.h>
#include <stdio.h>
#include <time.h>

#define PLACES     12
#define SCALE      1000000000000ull /* 10^PLACES */
#define FAST_LIMIT 1e6              /* times SCALE still fits 64 bits */
#define DIGITS_MAX 20

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

void eco_time_format(int64_t real_ns, char ret[ECO_TIME_TEXT_MAX])
{
    const int64_t second = 1000000000, milli = 1000000;
    int64_t below = real_ns % second;
    time_t seconds = (time_t)(real_ns / second);
    if (below < 0) {
        below += second;
        seconds--;
    }
    struct tm utc;
    char day[24];
    if (!gmtime_r(&seconds, &utc) || strftime(day, sizeof(day), "%Y-%m-%dT%H:%M:%S", &utc) == 0)
        day[0] = '\0';
    (void)snprintf(ret, ECO_TIME_TEXT_MAX, "%s.%03dZ", day, (int)(below / milli));
}
