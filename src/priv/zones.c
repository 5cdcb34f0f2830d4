/* SPDX-License-Identifier: MIT */
#include "priv/zones.h"

#include "base/text.h"
#include "platform/clock.h"
#include "sensors/powercap_zone.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

static int add(void *context, const char *name, uint64_t inode)
{
    struct eco_zones *zones = context;
    struct eco_powercap_id id;
    (void)inode;
    if (strlen(name) >= ECO_COUNTER_NAME_MAX || eco_powercap_parse_id(name, &id) < 0)
        return 0;
    if (zones->count == ECO_COUNTERS_MAX) {
        zones->is_cut = true;
        return 0;
    }
    struct eco_zone_file *file = &zones->files[zones->count++];
    eco_text_copy(file->name, sizeof file->name, name);
    file->fd = -ENODEV;
    return 0;
}

/* What cannot be opened is told as such for its zone; a zone without a counter is left out. */
static int open_files(struct eco_zones *zones)
{
    uint32_t kept = 0, opened = 0;
    int error = -ENODEV;
    for (uint32_t i = 0; i < zones->count; i++) {
        char path[ECO_PATH_MAX];
        struct eco_zone_file *file = &zones->files[i];
        file->fd = eco_path(path, "class/powercap/%s/energy_uj", file->name);
        if (file->fd == 0)
            file->fd = eco_root_open(&zones->root, ECO_SYSFS, path);
        if (file->fd == -ENOENT)
            continue;
        if (file->fd < 0)
            error = file->fd;
        opened += file->fd >= 0;
        zones->files[kept++] = *file;
    }
    zones->count = kept;
    return opened > 0 ? 0 : error;
}

int eco_zones_open(struct eco_zones *zones, struct eco_why *why)
{
    *zones = (struct eco_zones){.root = {.fd = {-1, -1}}};
    int r = eco_root_init(&zones->root, NULL, NULL);
    if (r < 0)
        return r;
    if (eco_root_read(&zones->root, ECO_PROCFS, "sys/kernel/random/boot_id", zones->boot_id,
                      sizeof zones->boot_id) < 0)
        zones->boot_id[0] = '\0';
    if (!zones->root.is_own[ECO_SYSFS]) {
        eco_why_set(why, "what is mounted as sysfs is not the kernel's");
        return -EINVAL;
    }
    r = eco_root_list(&zones->root, ECO_SYSFS, "class/powercap", add, zones);
    if (r == 0)
        r = open_files(zones);
    if (r == -ENOENT)
        r = -ENODEV;
    if (r < 0)
        eco_why_set(why,
                    r == -ENODEV ? "this machine has no energy counters (RAPL)"
                                 : "ecocode-priv may not read the energy counters either: %s",
                    strerror(-r));
    return r;
}

void eco_zones_read(struct eco_zones *zones, struct eco_counter_sample *ret)
{
    const struct eco_clock *clock = &eco_clock_system;
    memset(ret, 0, sizeof *ret);
    ret->count = zones->count;
    ret->is_cut = zones->is_cut;
    ret->begin_ns = clock->mono_ns(clock);
    for (uint32_t i = 0; i < zones->count; i++) {
        struct eco_counter_value *value = &ret->values[i];
        int fd = zones->files[i].fd;
        value->error = fd < 0 ? fd : eco_root_pread_u64(&zones->root, fd, &value->value_uj);
        zones->is_lost = zones->is_lost || (fd >= 0 && value->error < 0);
        eco_text_copy(value->zone, sizeof value->zone, zones->files[i].name);
    }
    ret->end_ns = clock->mono_ns(clock);
}

void eco_zones_finish(struct eco_zones *zones)
{
    for (uint32_t i = 0; i < zones->count; i++)
        if (zones->files[i].fd >= 0)
            (void)close(zones->files[i].fd);
    zones->count = 0;
    eco_root_finish(&zones->root);
}
