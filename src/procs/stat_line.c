/* SPDX-License-Identifier: MIT */
/* /proc/PID/stat: one line whose second field may hold anything. Fields by number as in proc(5). */
#include "procs/parse.h"

#include "base/parse.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* include/linux/sched.h: PF_KTHREAD. Same bit since 2.6.27. */
#define FLAG_KERNEL_THREAD 0x00200000u

/* Fields behind the name are numbered from 3; the last one used is 48 (arg_start). */
enum {
    FIELD_PPID = 4,
    FIELD_FLAGS = 9,
    FIELD_UTIME = 14,
    FIELD_STIME = 15,
    FIELD_CUTIME = 16,
    FIELD_CSTIME = 17,
    FIELD_THREADS = 20,
    FIELD_START = 22,
    FIELD_RSS = 24,
    FIELD_CPU = 39,
    FIELD_ARG_START = 48,
    FIELD_COUNT
};

/* Last ')' of `text`; memrchr is no portable function. */
static const char *find_last(const char *text, size_t length, char wanted)
{
    while (length > 0)
        if (text[--length] == wanted)
            return text + length;
    return NULL;
}

/* Some fields (tpgid, priority, nice, a swapped-out rss) are signed; those we use count from 0. */
static int scan_field(const char **cursor, const char *end, uint64_t *ret)
{
    const char *at = *cursor;
    bool negative = false;
    uint64_t value = 0;
    int rc;

    while (at < end && *at == ' ')
        at++;
    if (at < end && *at == '-') {
        negative = true;
        at++;
    }
    if (at == end || *at < '0' || *at > '9')
        return -EBADMSG;
    rc = eco_scan_u64(&at, &value);
    if (rc < 0)
        return rc == -ERANGE ? -ERANGE : -EBADMSG;
    if (at > end || (at < end && *at != ' ' && *at != '\n'))
        return -EBADMSG;
    *cursor = at;
    *ret = negative ? 0 : value;
    return 0;
}

/* Numbers from field 4 on; how many fields there are in *ret_count (one more than the last number). */
static int scan_fields(const char *cursor, const char *end, uint64_t fields[FIELD_COUNT], unsigned *ret_count)
{
    unsigned n = FIELD_PPID;

    while (n < FIELD_COUNT) {
        while (cursor < end && (*cursor == ' ' || *cursor == '\n'))
            cursor++;
        if (cursor == end)
            break;
        int rc = scan_field(&cursor, end, &fields[n]);
        if (rc < 0)
            return rc;
        n++;
    }
    *ret_count = n;
    return n > FIELD_RSS ? 0 : -EBADMSG;
}

static void copy_name(char *ret, const char *name, size_t length)
{
    if (length >= ECO_PROC_NAME_MAX)
        length = ECO_PROC_NAME_MAX - 1;
    memcpy(ret, name, length);
    ret[length] = '\0';
}

static void fill(struct eco_stat_line *line, const uint64_t fields[FIELD_COUNT], unsigned count)
{
    line->ppid = (int32_t)fields[FIELD_PPID];
    line->is_kernel = (fields[FIELD_FLAGS] & FLAG_KERNEL_THREAD) != 0;
    line->user_ticks = fields[FIELD_UTIME];
    line->system_ticks = fields[FIELD_STIME];
    line->children_user_ticks = fields[FIELD_CUTIME];
    line->children_system_ticks = fields[FIELD_CSTIME];
    line->threads = fields[FIELD_THREADS] > UINT32_MAX ? 0 : (uint32_t)fields[FIELD_THREADS];
    line->start_ticks = fields[FIELD_START];
    line->rss_pages = fields[FIELD_RSS];
    line->last_cpu = count > FIELD_CPU && fields[FIELD_CPU] <= INT32_MAX ? (int32_t)fields[FIELD_CPU] : -1;
    line->arg_start = count > FIELD_ARG_START ? fields[FIELD_ARG_START] : 0;
}

int eco_stat_parse(const char *text, size_t length, struct eco_stat_line *ret)
{
    struct eco_stat_line line = {0};
    uint64_t fields[FIELD_COUNT] = {0}, pid = 0;
    unsigned count = 0;
    const char *open = memchr(text, '(', length), *close = find_last(text, length, ')');
    const char *end = text + length, *cursor = text;

    if (open == NULL || close == NULL || close < open || open == text || open[-1] != ' ')
        return -EBADMSG;
    int rc = scan_field(&cursor, open, &pid);
    if (rc < 0)
        return rc;
    if (pid == 0 || pid > INT32_MAX || cursor != open - 1)
        return -EBADMSG;
    if (end - close < 4 || close[1] != ' ' || close[2] == ' ' || close[3] != ' ')
        return -EBADMSG;
    line.pid = (int32_t)pid;
    line.state = close[2];
    copy_name(line.name, open + 1, (size_t)(close - open - 1));
    rc = scan_fields(close + 3, end, fields, &count);
    if (rc < 0)
        return rc;
    if (fields[FIELD_PPID] > INT32_MAX)
        return -ERANGE;
    fill(&line, fields, count);
    *ret = line;
    return 0;
}
