/* SPDX-License-Identifier: MIT */
#include "sensors/powercap_impl.h"

#include <errno.h>
#include <unistd.h>

#define FIRST_BACKOFF_NS (100 * ECO_NS_PER_MS)
#define LAST_BACKOFF_NS  (60 * ECO_NS_PER_S)
#define FAILS_TO_REOPEN  4

/* The files of a zone can go and come back (CPU hotplug): open them again, less and less often. */
static int reopen(struct powercap *self, struct zone *zone, uint64_t now)
{
    char path[ECO_PATH_MAX];
    if (now < zone->retry_ns)
        return -ENODEV;
    int fd = eco_path(path, "class/powercap/%s/energy_uj", zone->name);
    if (fd == 0)
        fd = eco_root_open(self->base.env->root, ECO_SYSFS, path);
    if (fd < 0) {
        zone->backoff_ns = zone->backoff_ns ? zone->backoff_ns * 2 : FIRST_BACKOFF_NS;
        if (zone->backoff_ns > LAST_BACKOFF_NS)
            zone->backoff_ns = LAST_BACKOFF_NS;
        zone->retry_ns = now + zone->backoff_ns;
        return fd;
    }
    zone->fd = fd;
    zone->reopened = true;
    return 0;
}

static bool is_lost(const struct zone *zone, int error)
{
    switch (-error) {
    case ENODEV:
    case ENOENT:
    case ENXIO:
    case EBADF:
    case ENOTCONN:
        return true;
    default:
        return zone->fails >= FAILS_TO_REOPEN;
    }
}

int eco_powercap_told(const struct powercap *self, const char *zone, uint64_t *ret)
{
    const struct eco_counter_value *value = eco_counter_find(&self->told, zone);
    if (!value || value->error < 0)
        return value ? value->error : -EACCES;
    *ret = value->value_uj;
    return 0;
}

/* A value that is a moment old: when it was read is what it speaks for. */
static void read_told(struct powercap *self, size_t index, int error, struct eco_reading *reading)
{
    struct zone *zone = &self->zones[index];
    const struct eco_channel *channel = &self->base.channels[index];
    int r = error < 0 ? error : eco_powercap_told(self, zone->name, &reading->value);
    if (r == 0 && channel->modulus && reading->value >= channel->modulus)
        r = -EPROTO;
    reading->error = r;
    reading->state = r < 0 ? ECO_READING_ERROR : ECO_READING_OK;
    if (r < 0)
        return;
    reading->begin_ns = self->told.begin_ns;
    reading->end_ns = self->told.end_ns;
    reading->valid_to_ns = reading->begin_ns + (reading->end_ns - reading->begin_ns) / 2;
    reading->valid_from_ns = reading->valid_to_ns;
    if (reading->valid_to_ns == zone->told_ns)
        reading->state = ECO_READING_STALE;
    zone->told_ns = reading->valid_to_ns;
}

static bool wants_told(const struct powercap *self)
{
    for (size_t i = 0; i < self->base.channel_count; i++)
        if (self->zones[i].is_told && !self->base.channels[i].standby)
            return true;
    return false;
}

static int read_value(struct powercap *self, size_t index, uint64_t now, uint64_t *ret)
{
    struct zone *zone = &self->zones[index];
    const struct eco_channel *channel = &self->base.channels[index];
    int r = zone->fd < 0 ? reopen(self, zone, now) : 0;
    if (r == 0)
        r = eco_root_pread_u64(self->base.env->root, zone->fd, ret);
    if (r == 0 && channel->modulus && *ret >= channel->modulus)
        r = -EPROTO;
    if (r == 0) {
        zone->fails = 0;
        zone->backoff_ns = zone->retry_ns = 0;
        return 0;
    }
    zone->fails++;
    if (zone->fd >= 0 && is_lost(zone, r)) {
        (void)close(zone->fd);
        zone->fd = -1;
    }
    return r;
}

int eco_powercap_read(struct eco_sensor *base, const struct eco_activity *activity,
                      struct eco_reading *readings)
{
    struct powercap *self = (struct powercap *)base;
    const struct eco_clock *clock = base->env->clock;
    struct eco_counters *counters = base->env->counters;
    (void)activity;
    int told = wants_told(self) ? counters->read(counters, &self->told, NULL) : 0;
    for (size_t i = 0; i < base->channel_count; i++) {
        struct eco_reading *reading = &readings[i];
        *reading = (struct eco_reading){.state = ECO_READING_NONE};
        if (base->channels[i].standby)
            continue;
        if (self->zones[i].is_told) {
            read_told(self, i, told, reading);
            continue;
        }
        reading->begin_ns = clock->mono_ns(clock);
        int r = read_value(self, i, reading->begin_ns, &reading->value);
        reading->end_ns = clock->mono_ns(clock);
        reading->valid_to_ns = reading->begin_ns + (reading->end_ns - reading->begin_ns) / 2;
        reading->valid_from_ns = reading->valid_to_ns;
        reading->state = r < 0 ? ECO_READING_ERROR : ECO_READING_OK;
        reading->error = r;
        if (r == 0) {
            reading->rebased = self->zones[i].reopened;
            self->zones[i].reopened = false;
        }
    }
    return 0;
}
