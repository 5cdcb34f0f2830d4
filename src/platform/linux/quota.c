/* SPDX-License-Identifier: MIT */
/* How many CPUs our cgroup, and those above it, let us use (Documentation/admin-guide/cgroup-v2.rst). */
#include "base/parse.h"
#include "base/text.h"
#include "platform/linux/host_parts.h"

#include <math.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>

#define LEVELS_MAX 32

/* cpu.max: "max 100000" or "50000 100000", quota and period in us. */
static double read_v2(const struct eco_root *root, const char *folder)
{
    char path[ECO_PATH_MAX], text[64];
    uint64_t quota, period;
    if (eco_path(path, "%s/cpu.max", folder) < 0 ||
        eco_root_read(root, ECO_SYSFS, path, text, sizeof(text)) < 0)
        return (double)NAN;
    const char *p = text;
    if (eco_scan_u64(&p, &quota) < 0 || eco_scan_u64(&p, &period) < 0 || period == 0)
        return (double)NAN;
    return (double)quota / (double)period;
}

/* cpu.cfs_quota_us is -1 where there is no limit. */
static double read_v1(const struct eco_root *root, const char *folder)
{
    char path[ECO_PATH_MAX];
    uint64_t quota, period;
    if (eco_path(path, "%s/cpu.cfs_quota_us", folder) < 0 ||
        eco_root_read_u64(root, ECO_SYSFS, path, &quota) < 0)
        return (double)NAN;
    if (eco_path(path, "%s/cpu.cfs_period_us", folder) < 0 ||
        eco_root_read_u64(root, ECO_SYSFS, path, &period) < 0)
        return (double)NAN;
    return period > 0 ? (double)quota / (double)period : (double)NAN;
}

/* The smallest limit from `group` ("/a/b") upwards to the mount itself. */
static double walk_up(const struct eco_root *root, const char *mount, const char *group,
                      double (*read_one)(const struct eco_root *root, const char *folder))
{
    char folder[ECO_PATH_MAX];
    double least = (double)NAN;
    /* A group outside our cgroup namespace is shown as "/../..": only the mount is ours to see. */
    if (strstr(group, "..") || strcmp(group, "/") == 0)
        group = "";
    if (eco_path(folder, "%s%s", mount, group) < 0)
        return least;
    for (int level = 0; level < LEVELS_MAX; level++) {
        double limit = read_one(root, folder);
        if (isfinite(limit) && !(limit >= least))
            least = limit;
        char *slash = strrchr(folder, '/');
        if (!slash || strlen(folder) <= strlen(mount))
            break;
        *slash = '\0';
        if (strlen(folder) < strlen(mount))
            break;
    }
    return least;
}

static double smaller(double a, double b)
{
    if (!isfinite(a))
        return b;
    return isfinite(b) && b < a ? b : a;
}

/* True when `name` is one of the comma-separated `list` of `length` bytes. */
static bool lists(const char *list, size_t length, const char *name)
{
    size_t name_length = strlen(name);
    for (size_t at = 0; at < length;) {
        size_t word = 0;
        while (at + word < length && list[at + word] != ',')
            word++;
        if (word == name_length && memcmp(list + at, name, word) == 0)
            return true;
        at += word + 1;
    }
    return false;
}

/* One line of /proc/self/cgroup: "0::/path" (v2) or "4:cpu,cpuacct:/path" (v1). */
static double quota_of_line(const struct eco_root *root, const char *line)
{
    const char *controllers = strchr(line, ':');
    const char *group = controllers ? strchr(controllers + 1, ':') : NULL;
    if (!group)
        return (double)NAN;
    controllers++;
    size_t length = (size_t)(group - controllers);
    group++;
    if (length == 0 && line[0] == '0')
        return smaller(walk_up(root, "fs/cgroup", group, read_v2),
                       walk_up(root, "fs/cgroup/unified", group, read_v2));
    if (lists(controllers, length, "cpu"))
        return smaller(walk_up(root, "fs/cgroup/cpu", group, read_v1),
                       walk_up(root, "fs/cgroup/cpu,cpuacct", group, read_v1));
    return (double)NAN;
}

double eco_host_read_quota(const struct eco_root *root)
{
    char text[4096];
    double least = (double)NAN;
    if (eco_host_read_head(root, ECO_PROCFS, "self/cgroup", text, sizeof(text)) < 0)
        return least;
    for (char *line = text; *line;) {
        size_t length = strcspn(line, "\n");
        bool more = line[length] == '\n';
        line[length] = '\0';
        least = smaller(least, quota_of_line(root, line));
        line += length + more;
    }
    return least;
}

/* Affinity within the cpuset of our cgroup: what the scheduler goes by (sched_setaffinity(2)). */
void eco_host_read_cpuset(char *ret, size_t size)
{
    static const unsigned most = ECO_CPUS_MAX;
    cpu_set_t *set = CPU_ALLOC(most);
    size_t bytes = CPU_ALLOC_SIZE(most), length = 0;
    *ret = '\0';
    if (!set)
        return;
    if (sched_getaffinity(0, bytes, set) < 0) {
        CPU_FREE(set);
        return;
    }
    for (unsigned cpu = 0; cpu < most && length < size; cpu++) {
        if (!CPU_ISSET_S(cpu, bytes, set))
            continue;
        unsigned last = cpu;
        while (last + 1 < most && CPU_ISSET_S(last + 1, bytes, set))
            last++;
        const char *comma = length > 0 ? "," : "";
        int n = last > cpu ? snprintf(ret + length, size - length, "%s%u-%u", comma, cpu, last)
                           : snprintf(ret + length, size - length, "%s%u", comma, cpu);
        length += (size_t)n;
        cpu = last;
    }
    if (length >= size)
        *ret = '\0';
    CPU_FREE(set);
}
