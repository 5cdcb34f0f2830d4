/* SPDX-License-Identifier: MIT */
#include "procs/busy_text.h"

#include "base/parse.h"

#include <errno.h>
#include <string.h>

#define STAT_FIELDS 8 /* user nice system idle iowait irq softirq steal */

enum { USER, NICE, SYSTEM, IDLE, IOWAIT, IRQ, SOFTIRQ, STEAL };

/* A number before `end`; the text holds a NUL behind it, so that scanning stops there at the latest. */
static bool scan_number(const char **cursor, const char *end, uint64_t *ret)
{
    const char *at = *cursor;

    while (at < end && *at == ' ')
        at++;
    if (at == end || *at < '0' || *at > '9' || eco_scan_u64(&at, ret) < 0 || at > end)
        return false;
    *cursor = at;
    return true;
}

int eco_percpu_parse(const char *text, size_t length, uint64_t *values, bool *present, uint32_t limit)
{
    const char *at = text, *end = text + length;
    uint32_t cpu = 0;
    uint64_t value = 0;

    for (; scan_number(&at, end, &value); cpu++) {
        if (cpu >= limit)
            return -E2BIG;
        values[cpu] = value;
        present[cpu] = true;
    }
    while (at < end && (*at == ' ' || *at == '\n'))
        at++;
    return at == end && cpu > 0 ? (int)cpu : -EBADMSG;
}

/* The next line that begins with "cpuN": its CPU and where its numbers begin. False at the end. */
static bool next_cpu(const char **line, const char *end, uint64_t *ret_cpu, const char **ret_at,
                     const char **ret_stop)
{
    while (*line < end) {
        const char *start = *line, *stop = memchr(start, '\n', (size_t)(end - start));
        if (stop == NULL)
            stop = end;
        *line = stop < end ? stop + 1 : end;
        const char *at = start + 3;
        if (stop - start > 4 && memcmp(start, "cpu", 3) == 0 && *at >= '0' && *at <= '9' &&
            eco_scan_u64(&at, ret_cpu) == 0 && at < stop && *at == ' ') {
            *ret_at = at;
            *ret_stop = stop;
            return true;
        }
    }
    return false;
}

/* How many numbers were read into `fields`. */
static unsigned scan_numbers(const char *at, const char *stop, uint64_t *fields, unsigned wanted)
{
    unsigned n = 0;

    while (n < wanted && scan_number(&at, stop, &fields[n]))
        n++;
    return n;
}

int eco_schedstat_parse(const char *text, size_t length, uint64_t *values, bool *present, uint32_t limit)
{
    const char *line = text, *end = text + length, *at, *stop;
    uint64_t cpu = 0, highest = 0, fields[7];

    while (next_cpu(&line, end, &cpu, &at, &stop)) {
        if (scan_numbers(at, stop, fields, 7) < 7)
            return -EBADMSG;
        if (cpu >= limit)
            return -E2BIG;
        values[cpu] = fields[6];
        present[cpu] = true;
        highest = cpu + 1 > highest ? cpu + 1 : highest;
    }
    return highest > 0 ? (int)highest : -EBADMSG;
}

int eco_cpustat_parse(const char *text, size_t length, uint64_t *values, bool *present, uint32_t limit)
{
    const char *line = text, *end = text + length, *at, *stop;
    uint64_t cpu = 0, highest = 0;

    while (next_cpu(&line, end, &cpu, &at, &stop)) {
        uint64_t fields[STAT_FIELDS] = {0};
        /* steal came with Linux 2.6.11 */
        if (scan_numbers(at, stop, fields, STAT_FIELDS) < IOWAIT + 1)
            return -EBADMSG;
        if (cpu >= limit)
            return -E2BIG;
        values[cpu] = fields[IDLE] + fields[IOWAIT] + fields[STEAL];
        present[cpu] = true;
        highest = cpu + 1 > highest ? cpu + 1 : highest;
    }
    return highest > 0 ? (int)highest : -EBADMSG;
}

int eco_stat_sums_parse(const char *text, size_t length, struct eco_stat_sums *ret)
{
    static const char key[] = "processes ";
    const char *end = text + length;
    struct eco_stat_sums sums = {0};
    uint64_t fields[STAT_FIELDS] = {0};

    if (length < 4 || memcmp(text, "cpu ", 4) != 0)
        return -EBADMSG;
    const char *stop = memchr(text, '\n', length);
    if (stop == NULL)
        stop = end;
    if (scan_numbers(text + 4, stop, fields, STAT_FIELDS) < IOWAIT + 1)
        return -EBADMSG;
    sums.busy_ticks = fields[USER] + fields[NICE] + fields[SYSTEM] + fields[IRQ] + fields[SOFTIRQ];
    sums.idle_ticks = fields[IDLE] + fields[IOWAIT] + fields[STEAL];
    while (stop < end) {
        const char *line = stop + 1;
        stop = memchr(line, '\n', (size_t)(end - line));
        if (stop == NULL)
            stop = end;
        const char *at = line + sizeof(key) - 1;
        if ((size_t)(stop - line) >= sizeof(key) && memcmp(line, key, sizeof(key) - 1) == 0) {
            if (!scan_number(&at, stop, &sums.forks))
                sums.forks = 0;
            break;
        }
    }
    *ret = sums;
    return 0;
}
