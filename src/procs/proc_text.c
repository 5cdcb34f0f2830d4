/* SPDX-License-Identifier: MIT */
/* /proc/PID/status and /proc/PID/cmdline, and names of /proc that are processes. */
#include "procs/parse.h"

#include "base/parse.h"

#include <errno.h>
#include <string.h>

/* The value behind "Key:" when `line` begins with it, else NULL. */
static const char *value_of(const char *line, const char *end, const char *key)
{
    size_t n = strlen(key);

    if ((size_t)(end - line) <= n || memcmp(line, key, n) != 0 || line[n] != ':')
        return NULL;
    line += n + 1;
    while (line < end && (*line == ' ' || *line == '\t'))
        line++;
    return line;
}

/* eco_scan_u64 stops at the first byte that is no digit; a line without its '\n' must not run on. */
static bool scan_in(const char **cursor, const char *end, uint64_t *ret)
{
    const char *at = *cursor;
    uint64_t value = 0;

    while (at < end && (*at == ' ' || *at == '\t'))
        at++;
    if (at == end || *at < '0' || *at > '9' || eco_scan_u64(&at, &value) < 0 || at > end)
        return false;
    *cursor = at;
    *ret = value;
    return true;
}

static uint64_t kib_of(const char *value, const char *end)
{
    uint64_t kib = 0;

    return scan_in(&value, end, &kib) && kib <= UINT64_MAX / 1024 ? kib * 1024 : 0;
}

int eco_status_parse(const char *text, size_t length, struct eco_status_file *ret)
{
    struct eco_status_file file = {0};
    bool has_uid = false;
    const char *end = text + length;

    for (const char *line = text; line < end;) {
        const char *stop = memchr(line, '\n', (size_t)(end - line)), *value;
        if (stop == NULL)
            stop = end;
        if ((value = value_of(line, stop, "Uid")) != NULL && !has_uid) {
            uint64_t real = 0, effective = 0;
            has_uid =
                scan_in(&value, stop, &real) && scan_in(&value, stop, &effective) && effective <= UINT32_MAX;
            file.uid = (uint32_t)effective;
        } else if ((value = value_of(line, stop, "VmHWM")) != NULL) {
            file.max_rss_bytes = kib_of(value, stop);
        } else if ((value = value_of(line, stop, "VmRSS")) != NULL) {
            file.rss_bytes = kib_of(value, stop);
        }
        line = stop + 1;
    }
    if (!has_uid)
        return -EBADMSG;
    *ret = file;
    return 0;
}

size_t eco_cmdline_parse(const char *raw, size_t length, char *ret, size_t size)
{
    size_t n = 0;

    while (length > 0 && (raw[length - 1] == '\0' || raw[length - 1] == ' '))
        length--;
    for (; n < length && n + 1 < size; n++)
        ret[n] = raw[n] == '\0' ? ' ' : raw[n];
    if (size > 0)
        ret[n] = '\0';
    return n;
}

int32_t eco_pid_parse(const char *name)
{
    int64_t pid = 0;

    if (*name < '1' || *name > '9')
        return 0;
    for (; *name != '\0'; name++) {
        if (*name < '0' || *name > '9')
            return 0;
        pid = pid * 10 + (*name - '0');
        if (pid > INT32_MAX)
            return 0;
    }
    return (int32_t)pid;
}
