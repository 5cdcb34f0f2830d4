/* SPDX-License-Identifier: MIT */
/* /proc/PID/cgroup (cgroups(7)) and cpu.stat of version 2 (Documentation/admin-guide/cgroup-v2.rst). */
#include "procs/parse.h"

#include "base/parse.h"

#include <errno.h>
#include <string.h>

static const char deleted[] = " (deleted)";

/* Whether `list` ("cpu,cpuacct", also "name=systemd") names `wanted`; version 2 has an empty list. */
static bool list_has(const char *list, const char *end, const char *wanted)
{
    size_t n = strlen(wanted);

    for (;;) {
        const char *comma = memchr(list, ',', (size_t)(end - list));
        const char *stop = comma != NULL ? comma : end;
        if ((size_t)(stop - list) == n && memcmp(list, wanted, n) == 0)
            return true;
        if (comma == NULL)
            return false;
        list = comma + 1;
    }
}

static int copy_path(const char *path, const char *end, char *ret, size_t size)
{
    size_t n = (size_t)(end - path), tail = sizeof(deleted) - 1;

    if (n > tail && memcmp(end - tail, deleted, tail) == 0)
        n -= tail;
    if (n == 0 || *path != '/' || memchr(path, '\0', n) != NULL)
        return -EBADMSG;
    if (n >= size)
        return -E2BIG;
    memcpy(ret, path, n);
    ret[n] = '\0';
    return (int)n;
}

int eco_cgroup_parse(const char *text, size_t length, const char *controller, char *ret, size_t size)
{
    const char *end = text + length;

    for (const char *line = text; line < end;) {
        const char *stop = memchr(line, '\n', (size_t)(end - line));
        if (stop == NULL)
            stop = end;
        const char *first = memchr(line, ':', (size_t)(stop - line));
        const char *second = first != NULL ? memchr(first + 1, ':', (size_t)(stop - first - 1)) : NULL;
        if (second == NULL)
            return -EBADMSG;
        /* "0:" is version 2; a named hierarchy of version 1 without controllers has "name=". */
        bool is_v2 = first - line == 1 && *line == '0';
        if (is_v2 == (*controller == '\0') && list_has(first + 1, second, controller))
            return copy_path(second + 1, stop, ret, size);
        line = stop + 1;
    }
    return -ENOENT;
}

static int parse_line(const char *line, const char *stop, const char *key, uint64_t *ret, bool *seen)
{
    size_t n = strlen(key);
    const char *at = line + n + 1;
    uint64_t value = 0;

    if ((size_t)(stop - line) <= n + 1 || memcmp(line, key, n) != 0 || line[n] != ' ')
        return 0;
    if (*seen || *at < '0' || *at > '9' || eco_scan_u64(&at, &value) < 0 || at != stop)
        return -EBADMSG;
    *seen = true;
    *ret = value;
    return 0;
}

int eco_cgroup_cpu_parse(const char *text, size_t length, struct eco_cgroup_cpu *ret)
{
    struct eco_cgroup_cpu cpu = {0};
    bool has_usage = false, has_user = false, has_system = false;
    const char *end = text + length;

    for (const char *line = text; line < end;) {
        const char *stop = memchr(line, '\n', (size_t)(end - line));
        if (stop == NULL)
            stop = end;
        if (parse_line(line, stop, "usage_usec", &cpu.usage_us, &has_usage) < 0 ||
            parse_line(line, stop, "user_usec", &cpu.user_us, &has_user) < 0 ||
            parse_line(line, stop, "system_usec", &cpu.system_us, &has_system) < 0)
            return -EBADMSG;
        line = stop + 1;
    }
    if (!has_usage || !has_user || !has_system)
        return -EBADMSG;
    *ret = cpu;
    return 0;
}
