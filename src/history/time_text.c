/* SPDX-License-Identifier: MIT */
#include "base/text.h"
#include "history/catalog.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define DAY_S 86400ll

static int format_time(int64_t at_s, bool is_day, char ret[32])
{
    time_t at = (time_t)at_s;
    struct tm utc;
    if (!gmtime_r(&at, &utc))
        return -EINVAL;
    size_t n = is_day ? strftime(ret, 32, "%Y-%m-%d", &utc) : strftime(ret, 32, "%Y-%m-%dT%H:%M:%S", &utc);
    return n > 0 ? 0 : -EINVAL;
}

/* "7d", "36h", "2w", "30m" */
static bool read_span(const char *text, int64_t *ret_s)
{
    static const struct {
        char letter;
        int64_t seconds;
    } units[] = {{'m', 60}, {'h', 3600}, {'d', DAY_S}, {'w', 7 * DAY_S}};
    char *end;
    if (*text < '0' || *text > '9' || strlen(text) > 8)
        return false;
    long count = strtol(text, &end, 10);
    for (size_t i = 0; i < ECO_COUNT(units); i++) {
        if (*end != units[i].letter || end[1])
            continue;
        *ret_s = count * units[i].seconds;
        return true;
    }
    return false;
}

/* The beginning of "2026-11-22T10:00:00.000Z", at least the year; a blank may stand for the T. */
static bool read_prefix(const char *text, char ret[32])
{
    static const char form[] = "dddd-dd-ddTdd:dd:dd.dddZ";
    size_t length = strlen(text);
    if (length < 4 || length >= sizeof form)
        return false;
    for (size_t i = 0; i < length; i++) {
        bool is_digit = text[i] >= '0' && text[i] <= '9';
        bool fits = form[i] == 'd' ? is_digit : text[i] == form[i] || (form[i] == 'T' && text[i] == ' ');
        if (!fits)
            return false;
        ret[i] = form[i] == 'd' ? text[i] : form[i];
    }
    ret[length] = 0;
    return true;
}

int eco_time_parse(const char *text, int64_t now_s, char ret[32], struct eco_why *why)
{
    char made[32];
    int64_t span_s;
    int r = 0;
    if (strcmp(text, "today") == 0)
        r = format_time(now_s, true, made);
    else if (strcmp(text, "yesterday") == 0)
        r = format_time(now_s - DAY_S, true, made);
    else if (read_span(text, &span_s))
        r = format_time(now_s - span_s, false, made);
    else
        r = read_prefix(text, made) ? 0 : -EINVAL;
    if (r < 0) {
        eco_why_set(
            why, "'%.40s': a time is 2026-11-22, 2026-11-22T10:00, today, yesterday, or so long ago: 7d, 36h",
            text);
        return -EINVAL;
    }
    (void)eco_text_copy(ret, 32, made);
    return 0;
}
