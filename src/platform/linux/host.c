/* SPDX-License-Identifier: MIT */
#include "platform/host.h"

#include "base/parse.h"
#include "base/text.h"
#include "platform/linux/host_parts.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

ssize_t eco_host_read_head(const struct eco_root *root, enum eco_tree tree, const char *path, char *ret,
                           size_t size)
{
    int fd = eco_root_open(root, tree, path);
    if (fd < 0)
        return fd;
    ssize_t length = read(fd, ret, size - 1);
    int error = errno;
    (void)close(fd);
    if (length < 0)
        return -error;
    ret[length] = '\0';
    return length;
}

static void read_names(const struct eco_root *root, struct eco_host *ret)
{
    struct utsname names;
    if (uname(&names) == 0) {
        (void)eco_text_clean(ret->hostname, sizeof(ret->hostname), names.nodename, strlen(names.nodename),
                             false);
        (void)eco_text_clean(ret->kernel, sizeof(ret->kernel), names.release, strlen(names.release), false);
    }
    char boot_id[64];
    ssize_t length = eco_root_read(root, ECO_PROCFS, "sys/kernel/random/boot_id", boot_id, sizeof(boot_id));
    if (length > 0)
        (void)eco_text_clean(ret->boot_id, sizeof(ret->boot_id), boot_id, (size_t)length, true);
}

/* "MemTotal:       16318636 kB" is the first line. */
static uint64_t read_memory_bytes(const struct eco_root *root)
{
    char text[256];
    uint64_t kib;
    if (eco_host_read_head(root, ECO_PROCFS, "meminfo", text, sizeof(text)) < 0)
        return 0;
    const char *value = strstr(text, "MemTotal:");
    if (!value)
        return 0;
    value += strlen("MemTotal:");
    if (eco_scan_u64(&value, &kib) < 0 || kib > UINT64_MAX / 1024)
        return 0;
    return kib * 1024;
}

struct power_supplies {
    const struct eco_root *root;
    bool discharging, on_line;
};

static bool supply_is(const struct eco_root *root, const char *name, const char *attribute, const char *value)
{
    char path[ECO_PATH_MAX], text[64];
    return eco_path(path, "class/power_supply/%s/%s", name, attribute) == 0 &&
           eco_root_read(root, ECO_SYSFS, path, text, sizeof(text)) >= 0 && strcmp(text, value) == 0;
}

static int look_at_supply(void *context, const char *name, uint64_t inode)
{
    (void)inode;
    struct power_supplies *supplies = context;
    if (supply_is(supplies->root, name, "type", "Battery")) {
        /* scope "Device": the battery of a mouse. */
        if (supply_is(supplies->root, name, "status", "Discharging") &&
            !supply_is(supplies->root, name, "scope", "Device"))
            supplies->discharging = true;
    } else if (supply_is(supplies->root, name, "online", "1")) {
        supplies->on_line = true;
    }
    return 0;
}

static bool read_on_battery(const struct eco_root *root)
{
    struct power_supplies supplies = {.root = root};
    (void)eco_root_list(root, ECO_SYSFS, "class/power_supply", look_at_supply, &supplies);
    return supplies.discharging && !supplies.on_line;
}

void eco_host_read_early(const struct eco_root *root, struct eco_host *ret)
{
    struct eco_topology topology = ret->topology;
    *ret = (struct eco_host){.topology = topology};
    read_names(root, ret);
    ret->memory_bytes = read_memory_bytes(root);
    eco_host_read_cpu(root, ret);
    eco_host_read_virt(root, ret);
    ret->cpu_quota = (double)NAN;
    ret->on_battery = read_on_battery(root);
    long ticks = sysconf(_SC_CLK_TCK);
    ret->ticks_per_s = ticks > 0 ? (uint32_t)ticks : 0;
}

void eco_host_read_limits(const struct eco_root *root, struct eco_host *ret)
{
    ret->cpu_quota = eco_host_read_quota(root);
    eco_host_read_cpuset(ret->cpuset, sizeof(ret->cpuset));
}

void eco_host_read(const struct eco_root *root, struct eco_host *ret)
{
    eco_host_read_early(root, ret);
    eco_host_read_limits(root, ret);
}

void eco_host_finish(struct eco_host *host)
{
    free(host->topology.cpus);
    host->topology = (struct eco_topology){0};
}
