/* SPDX-License-Identifier: MIT */
#include "base/parse.h"

#include "base/macros.h"

#include <errno.h>
#include <locale.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* More digits than this in one number are no number that anyone meant. */
#define NUMBER_MAX 128

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\v' || c == '\f';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool only_space(const char *text)
{
    while (is_space(*text))
        text++;
    return *text == '\0';
}

static int digit_value(char c, unsigned base)
{
    int value = -1;
    if (is_digit(c))
        value = c - '0';
    else if (c >= 'a' && c <= 'f')
        value = c - 'a' + 10;
    else if (c >= 'A' && c <= 'F')
        value = c - 'A' + 10;
    return value >= 0 && (unsigned)value < base ? value : -1;
}

/* Digits at *cursor; *cursor moves behind them, also when they do not fit. */
static int scan_digits(const char **cursor, unsigned base, uint64_t *ret)
{
    const char *p = *cursor;
    uint64_t value = 0;
    bool overflow = false;
    int digit = digit_value(*p, base);
    if (digit < 0)
        return -EINVAL;
    for (; digit >= 0; digit = digit_value(*++p, base)) {
        if (value > (UINT64_MAX - (unsigned)digit) / base)
            overflow = true;
        else
            value = value * base + (unsigned)digit;
    }
    *cursor = p;
    if (overflow)
        return -ERANGE;
    *ret = value;
    return 0;
}

static int parse_whole(const char *text, unsigned base, uint64_t *ret)
{
    uint64_t value = 0;
    int r = scan_digits(&text, base, &value);
    if (r == -EINVAL || !only_space(text))
        return -EINVAL;
    if (r < 0)
        return r;
    *ret = value;
    return 0;
}

int eco_parse_u64(const char *text, uint64_t *ret)
{
    return parse_whole(text, 10, ret);
}

int eco_parse_hex(const char *text, uint64_t *ret)
{
    if (text[0] == '0' && (text[1] == 'x' || text[1] == 'X'))
        text += 2;
    return parse_whole(text, 16, ret);
}

int eco_parse_i64(const char *text, int64_t *ret)
{
    bool negative = *text == '-';
    uint64_t value;
    int r = eco_parse_u64(text + negative, &value);
    if (r < 0)
        return r;
    if (value > (uint64_t)INT64_MAX + negative)
        return -ERANGE;
    *ret = negative ? (int64_t)(0 - value) : (int64_t)value;
    return 0;
}

/* How many bytes at `text` are digits, an optional fraction and an optional exponent; 0 = no number. */
static size_t decimal_length(const char *text)
{
    const char *p = text;
    size_t digits = 0;
    for (; is_digit(*p); p++)
        digits++;
    if (*p == '.') {
        for (p++; is_digit(*p); p++)
            digits++;
    }
    if (digits == 0)
        return 0;
    if (*p == 'e' || *p == 'E') {
        const char *exponent = p + 1;
        if (*exponent == '+' || *exponent == '-')
            exponent++;
        if (is_digit(*exponent)) {
            while (is_digit(*exponent))
                exponent++;
            p = exponent;
        }
    }
    return (size_t)(p - text);
}

/* A decimal without a sign at *cursor; *cursor moves behind it. strtod wants the locale's decimal point. */
static int scan_decimal(const char **cursor, double *ret)
{
    size_t length = decimal_length(*cursor);
    if (length == 0)
        return -EINVAL;
    const char *point = localeconv()->decimal_point;
    size_t point_length = strlen(point);
    char copy[NUMBER_MAX + 16];
    if (length > NUMBER_MAX || point_length > sizeof(copy) - NUMBER_MAX)
        return -ERANGE;

    size_t used = 0;
    for (size_t i = 0; i < length; i++) {
        if ((*cursor)[i] != '.') {
            copy[used++] = (*cursor)[i];
            continue;
        }
        memcpy(copy + used, point, point_length);
        used += point_length;
    }
    copy[used] = '\0';

    double value = strtod(copy, NULL);
    if (!isfinite(value))
        return -ERANGE;
    *cursor += length;
    *ret = value;
    return 0;
}

int eco_parse_double(const char *text, double *ret)
{
    bool negative = *text == '-';
    double value;
    text += negative;
    int r = scan_decimal(&text, &value);
    if (r < 0)
        return r;
    if (!only_space(text))
        return -EINVAL;
    *ret = negative ? -value : value;
    return 0;
}

struct unit {
    const char *suffix;
    double factor;
};

/* A number and one of `units`; the whole text. */
static int parse_with_unit(const char *text, const struct unit *units, size_t count, double *ret)
{
    double value;
    int r = scan_decimal(&text, &value);
    if (r < 0)
        return r;
    size_t length = strlen(text);
    while (length > 0 && is_space(text[length - 1]))
        length--;
    for (size_t i = 0; i < count; i++) {
        if (strlen(units[i].suffix) == length && memcmp(units[i].suffix, text, length) == 0) {
            *ret = value * units[i].factor;
            return 0;
        }
    }
    return -EINVAL;
}

int eco_parse_duration(const char *text, uint64_t *ret_ns)
{
    static const struct unit units[] = {{"", 1e9},   {"s", 1e9},  {"ms", 1e6},  {"us", 1e3},
                                        {"ns", 1.0}, {"m", 60e9}, {"h", 3600e9}};
    double ns;
    int r = parse_with_unit(text, units, ECO_COUNT(units), &ns);
    if (r < 0)
        return r;
    ns = floor(ns + 0.5);
    if (ns < 1.0)
        return -EINVAL;
    if (ns >= (double)INT64_MAX)
        return -ERANGE;
    *ret_ns = (uint64_t)ns;
    return 0;
}

int eco_parse_power(const char *text, double *ret_w)
{
    static const struct unit units[] = {{"", 1.0}, {"W", 1.0}, {"mW", 1e-3}, {"kW", 1e3}};
    double watts;
    int r = parse_with_unit(text, units, ECO_COUNT(units), &watts);
    if (r < 0)
        return r;
    if (!isfinite(watts))
        return -ERANGE;
    *ret_w = watts;
    return 0;
}

int eco_parse_percent(const char *text, double *ret_ratio)
{
    static const struct unit units[] = {{"%", 0.01}, {" %", 0.01}};
    double ratio;
    int r = parse_with_unit(text, units, ECO_COUNT(units), &ratio);
    if (r < 0)
        return r;
    if (!isfinite(ratio))
        return -ERANGE;
    *ret_ratio = ratio;
    return 0;
}

int eco_parse_bool(const char *text, bool *ret)
{
    static const char *const words[] = {"no", "yes", "false", "true", "off", "on", "0", "1"};
    size_t length = strlen(text);
    while (length > 0 && is_space(text[length - 1]))
        length--;
    for (size_t i = 0; i < ECO_COUNT(words); i++) {
        if (strlen(words[i]) == length && memcmp(words[i], text, length) == 0) {
            *ret = i % 2 == 1;
            return 0;
        }
    }
    return -EINVAL;
}

int eco_scan_u64(const char **cursor, uint64_t *ret)
{
    const char *p = *cursor;
    uint64_t value = 0;
    while (*p == ' ' || *p == '\t')
        p++;
    int r = scan_digits(&p, 10, &value);
    if (r < 0)
        return r;
    *cursor = p;
    *ret = value;
    return 0;
}

/* One "3" or "0-3" at *cursor. */
static int scan_range(const char **cursor, uint64_t *ret_first, uint64_t *ret_last)
{
    const char *p = *cursor;
    uint64_t first = 0, last = 0;
    int r = scan_digits(&p, 10, &first);
    if (r < 0)
        return r;
    last = first;
    if (*p == '-') {
        p++;
        r = scan_digits(&p, 10, &last);
        if (r < 0)
            return r;
    }
    if (last < first)
        return -EINVAL;
    *cursor = p;
    *ret_first = first;
    *ret_last = last;
    return 0;
}

/* Walks the list; marks it in `set` unless that is NULL. */
static int walk_cpulist(const char *text, bool *set, unsigned limit)
{
    if (only_space(text))
        return 0;
    for (const char *p = text;; p++) {
        uint64_t first, last;
        int r = scan_range(&p, &first, &last);
        if (r < 0)
            return r;
        if (last >= limit)
            return -ERANGE;
        for (uint64_t cpu = first; set && cpu <= last; cpu++)
            set[cpu] = true;
        if (*p == ',')
            continue;
        return only_space(p) ? 0 : -EINVAL;
    }
}

int eco_parse_cpulist(const char *text, bool *set, unsigned limit)
{
    int r = walk_cpulist(text, NULL, limit);
    if (r < 0)
        return r;
    memset(set, 0, limit * sizeof(*set));
    r = walk_cpulist(text, set, limit);
    if (r < 0)
        return r;
    int count = 0;
    for (unsigned cpu = 0; cpu < limit; cpu++)
        count += set[cpu];
    return count;
}
