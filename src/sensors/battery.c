/* SPDX-License-Identifier: MIT */
/*
 * Batteries, while they discharge: then their power is that of the whole machine. Kernel:
 * Documentation/ABI/testing/sysfs-class-power. Some drivers tell power_now, others current_now and
 * voltage_now; some give a sign. The firmware refreshes every 1-60 s, and asking the embedded
 * controller can take milliseconds, so it is asked no oftener than every 2 s.
 */
#include "base/parse.h"
#include "base/text.h"
#include "sensors/kinds.h"

#include <errno.h>
#include <string.h>

#define BATTERIES_MAX 8
#define ASK_NS        (2 * ECO_NS_PER_S)
#define PLAUSIBLE_UW  1000000000ull /* 1 kW from batteries is nonsense */

struct battery {
    struct eco_sensor base;
    char names[BATTERIES_MAX][ECO_NAME_MAX];
    unsigned count;
    struct eco_reading last;
};

static ssize_t read_text(const struct eco_env *env, const char *name, const char *file, char *ret,
                         size_t size)
{
    char path[ECO_PATH_MAX];
    int r = eco_path(path, "class/power_supply/%s/%s", name, file);
    return r < 0 ? r : eco_root_read(env->root, ECO_SYSFS, path, ret, size);
}

static int read_magnitude(const struct eco_env *env, const char *name, const char *file, uint64_t *ret)
{
    char text[32];
    int64_t value;
    ssize_t length = read_text(env, name, file, text, sizeof(text));
    if (length < 0)
        return (int)length;
    int r = eco_parse_i64(text, &value);
    if (r < 0)
        return r;
    *ret = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    return 0;
}

static int collect(void *context, const char *name, uint64_t inode)
{
    struct battery *self = context;
    char text[32];
    (void)inode;
    if (self->count == BATTERIES_MAX || strlen(name) >= ECO_NAME_MAX)
        return 0;
    if (read_text(self->base.env, name, "type", text, sizeof(text)) < 0 || strcmp(text, "Battery") != 0)
        return 0;
    /* That of a mouse or a headset has scope Device. */
    if (read_text(self->base.env, name, "scope", text, sizeof(text)) >= 0 && strcmp(text, "Device") == 0)
        return 0;
    eco_text_copy(self->names[self->count++], ECO_NAME_MAX, name);
    return 0;
}

static int battery_power(const struct eco_env *env, const char *name, uint64_t *ret_uw)
{
    uint64_t power = 0, current = 0, voltage = 0;
    int r = read_magnitude(env, name, "power_now", &power);
    if (r < 0) {
        r = read_magnitude(env, name, "current_now", &current);
        if (r == 0)
            r = read_magnitude(env, name, "voltage_now", &voltage);
        if (r < 0)
            return r;
        if (current > 1000000000ull || voltage > 1000000000ull)
            return -EPROTO;
        power = current * voltage / 1000000; /* uA x uV = 1e-12 W */
    }
    if (power > PLAUSIBLE_UW)
        return -EPROTO;
    *ret_uw = power;
    return 0;
}

/* The sum over all that discharge; -ENODATA when none does. */
static int read_power(const struct battery *self, uint64_t *ret_uw)
{
    uint64_t sum = 0;
    for (unsigned i = 0; i < self->count; i++) {
        char status[32];
        ssize_t length = read_text(self->base.env, self->names[i], "status", status, sizeof(status));
        if (length < 0)
            return (int)length;
        if (strcmp(status, "Discharging") != 0)
            continue;
        uint64_t power = 0;
        int r = battery_power(self->base.env, self->names[i], &power);
        if (r < 0)
            return r;
        sum += power;
    }
    if (sum == 0)
        return -ENODATA;
    *ret_uw = sum;
    return 0;
}

static int battery_open(struct eco_sensor *base, const struct eco_env *env, struct eco_why *why)
{
    struct battery *self = (struct battery *)base;
    (void)why;
    int r = eco_root_list(env->root, ECO_SYSFS, "class/power_supply", collect, self);
    if (r < 0 || self->count == 0)
        return -ENODEV;
    struct eco_channel *channel = eco_sensor_add_channel(base);
    if (!channel)
        return -ENOMEM;
    eco_text_copy(channel->name, sizeof(channel->name), "battery");
    eco_text_copy(channel->label, sizeof(channel->label), self->names[0]);
    channel->quantity = ECO_POWER_UW;
    channel->quality = ECO_MEASURED;
    channel->key.kind = ECO_KIND_BATTERY;
    channel->alpha = 0.10;
    channel->slow = true;
    return 0;
}

static int battery_read(struct eco_sensor *base, const struct eco_activity *activity,
                        struct eco_reading *readings)
{
    struct battery *self = (struct battery *)base;
    const struct eco_clock *clock = base->env->clock;
    uint64_t now = clock->mono_ns(clock);
    (void)activity;
    if (self->last.end_ns && now - self->last.end_ns < ASK_NS) {
        readings[0] = self->last;
        if (self->last.state == ECO_READING_OK)
            readings[0].state = ECO_READING_STALE;
        return 0;
    }
    struct eco_reading reading = {.begin_ns = now};
    int r = read_power(self, &reading.value);
    reading.end_ns = clock->mono_ns(clock);
    reading.valid_from_ns = reading.valid_to_ns = reading.end_ns;
    reading.error = r;
    /* On the mains it tells nothing; that is no error. */
    reading.state = r == 0 ? ECO_READING_OK : r == -ENODATA ? ECO_READING_NONE : ECO_READING_ERROR;
    self->last = readings[0] = reading;
    return 0;
}

static void battery_close(struct eco_sensor *base)
{
    (void)base;
}

const struct eco_sensor_ops eco_sensor_battery = {
    .name = "battery",
    .summary = "power drawn from batteries while they discharge: the whole machine, for comparison",
    .size = sizeof(struct battery),
    .appears_in = "class/power_supply",
    .open = battery_open,
    .read = battery_read,
    .close = battery_close,
};
