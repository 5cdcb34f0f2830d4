/* SPDX-License-Identifier: MIT */
/*
 * RAPL through the kernel's perf PMUs `power` and, on AMD since 6.14, `power_core`.
 *
 * Kernel: arch/x86/events/rapl.c. Counting only, one event per CPU of `cpumask` (one a package or
 * die; for power_core one a core). The kernel keeps 64 bits and reads often enough itself, so
 * nothing wraps. The unit is 2^-32 J whatever the hardware's is. Opening needs perf_event_paranoid
 * <= 0 or CAP_PERFMON.
 */
#include "base/mem.h"
#include "base/parse.h"
#include "base/text.h"
#include "sensors/kinds.h"
#include "sensors/powercap_zone.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define EVENTS_MAX     512                   /* descriptors in all */
#define MAX_UW         5000000000ull         /* 5 kW a package */
#define CORE_PERIOD_NS (100 * ECO_NS_PER_MS) /* many descriptors, never counted: read no oftener */

__extension__ typedef unsigned __int128 wide;

struct event {
    int fd;
    uint32_t channel;
};

struct perf_power {
    struct eco_sensor base;
    struct event *events; /* those of one channel are neighbours */
    size_t event_count, event_capacity;
    uint64_t scale[ECO_CHANNELS_MAX]; /* uJ per count x 2^32 */
    uint64_t core_value_uj[ECO_CHANNELS_MAX];
    uint64_t core_read_ns[ECO_CHANNELS_MAX];
};

struct event_kind {
    char pmu[12], name[16];
    enum eco_kind kind;
};

static const struct event_kind kinds[] = {
    {"power", "energy-pkg", ECO_KIND_CPU},    {"power", "energy-ram", ECO_KIND_DRAM},
    {"power", "energy-cores", ECO_KIND_CORE}, {"power", "energy-gpu", ECO_KIND_UNCORE},
    {"power", "energy-psys", ECO_KIND_PSYS},  {"power_core", "energy-core", ECO_KIND_CORE},
};

/* "event=0x02" */
static int read_config(const struct eco_env *env, const struct event_kind *kind, uint64_t *ret)
{
    char path[ECO_PATH_MAX], text[64];
    int r = eco_path(path, "bus/event_source/devices/%s/events/%s", kind->pmu, kind->name);
    if (r < 0)
        return r;
    ssize_t length = eco_root_read(env->root, ECO_SYSFS, path, text, sizeof(text));
    if (length < 0)
        return (int)length;
    return strncmp(text, "event=0x", 8) == 0 ? eco_parse_hex(text + 8, ret) : -EPROTO;
}

/* Joules per count: uJ x 2^32 a count is a whole number for every power of two down to 2^-32. */
static int read_scale(const struct eco_env *env, const struct event_kind *kind, uint64_t *ret)
{
    char path[ECO_PATH_MAX], text[64];
    double joules;
    int r = eco_path(path, "bus/event_source/devices/%s/events/%s.scale", kind->pmu, kind->name);
    if (r < 0)
        return r;
    ssize_t length = eco_root_read(env->root, ECO_SYSFS, path, text, sizeof(text));
    if (length < 0)
        return (int)length;
    if (eco_parse_double(text, &joules) < 0 || !(joules > 1e-12) || joules > 1)
        return -EPROTO;
    *ret = (uint64_t)llround(ldexp(joules * 1e6, 32));
    return 0;
}

static int read_cpumask(const struct eco_env *env, const char *pmu, bool *set, unsigned limit)
{
    char path[ECO_PATH_MAX], text[2048];
    int r = eco_path(path, "bus/event_source/devices/%s/cpumask", pmu);
    if (r < 0)
        return r;
    ssize_t length = eco_root_read(env->root, ECO_SYSFS, path, text, sizeof(text));
    return length < 0 ? (int)length : eco_parse_cpulist(text, set, limit);
}

static int32_t package_of(const struct eco_env *env, unsigned cpu)
{
    const struct eco_topology *topology = env->host ? &env->host->topology : NULL;
    if (topology && topology->cpus && cpu < topology->cpu_count && topology->cpus[cpu].package >= 0)
        return topology->cpus[cpu].package;
    char path[ECO_PATH_MAX];
    uint64_t package;
    if (eco_path(path, "devices/system/cpu/cpu%u/topology/physical_package_id", cpu) < 0 ||
        eco_root_read_u64(env->root, ECO_SYSFS, path, &package) < 0 || package > 9999)
        return 0;
    return (int32_t)package;
}

static void refuse(struct perf_power *self, const struct event_kind *kind, int error)
{
    char what[ECO_NAME_MAX];
    (void)snprintf(what, sizeof(what), "%s/%s", kind->pmu, kind->name);
    struct eco_refusal *refusal =
        eco_sensor_refuse(&self->base, error, what, kind->kind == ECO_KIND_CPU ? "package-0" : "");
    if (!refusal)
        return;
    if (error == -EACCES || error == -EPERM) {
        eco_why_set(&refusal->why, "the kernel lets only root open energy counters through perf (it needs "
                                   "perf_event_paranoid <= 0 or CAP_PERFMON)");
        eco_why_fix(&refusal->why, "sudo sysctl kernel.perf_event_paranoid=0  # lasts until reboot");
        refusal->mendable = true;
    } else if (error == -EMFILE || error == -E2BIG) {
        eco_why_set(&refusal->why, "too many CPUs for one descriptor each: %s is left out", kind->name);
    } else {
        eco_why_set(&refusal->why, "perf event %s cannot be opened: %s", kind->name, strerror(-error));
    }
}

static int add_event(struct perf_power *self, int fd, size_t channel)
{
    void *array = self->events;
    int r = eco_grow(&array, &self->event_capacity, self->event_count + 1, EVENTS_MAX, sizeof(*self->events));
    if (r < 0)
        return r;
    self->events = array;
    self->events[self->event_count++] = (struct event){.fd = fd, .channel = (uint32_t)channel};
    return 0;
}

static void drop_events(struct perf_power *self, size_t count)
{
    const struct eco_perf *perf = self->base.env->perf;
    while (self->event_count > count)
        perf->close(perf, self->events[--self->event_count].fd);
}

/* Every CPU of the mask in this package, or none: a sum without one of its dies would be wrong. */
static int open_package(struct perf_power *self, const struct event_kind *kind, uint32_t type,
                        uint64_t config, const bool *cpus, int32_t package)
{
    const struct eco_perf *perf = self->base.env->perf;
    size_t before = self->event_count;
    for (unsigned cpu = 0; cpu < ECO_CPUS_MAX; cpu++) {
        if (!cpus[cpu] || package_of(self->base.env, cpu) != package)
            continue;
        int fd = self->event_count < EVENTS_MAX ? perf->open(perf, type, config, (int)cpu) : -E2BIG;
        int r = fd < 0 ? fd : add_event(self, fd, self->base.channel_count);
        if (r < 0) {
            if (fd >= 0)
                perf->close(perf, fd);
            drop_events(self, before);
            return r;
        }
    }
    (void)kind;
    return self->event_count > before ? 0 : -ENODEV;
}

static int add_channel(struct perf_power *self, const struct event_kind *kind, int32_t package,
                       uint64_t scale)
{
    struct eco_channel *channel = eco_sensor_add_channel(&self->base);
    if (!channel)
        return -ENOMEM;
    self->scale[self->base.channel_count - 1] = scale;
    channel->key.kind = kind->kind;
    channel->key.package = package;
    if (kind->kind == ECO_KIND_CORE || kind->kind == ECO_KIND_UNCORE) {
        channel->within = channel->key;
        channel->within.kind = ECO_KIND_CPU;
    }
    eco_powercap_domain_name(&channel->key, channel->name, sizeof(channel->name));
    (void)snprintf(channel->label, sizeof(channel->label), "%s/%s", kind->pmu, kind->name);
    channel->quantity = ECO_ENERGY_UJ;
    channel->quality = ECO_MEASURED;
    channel->quantum_uj = 61; /* of the counter behind it; the events' unit is finer */
    channel->period_ns = strcmp(kind->pmu, "power_core") == 0 ? CORE_PERIOD_NS : 976563;
    channel->max_uw = MAX_UW;
    channel->alpha = kind->kind == ECO_KIND_DRAM ? 0.075 : kind->kind == ECO_KIND_PSYS ? 0.10 : 0.025;
    return 0;
}

static bool next_package(const struct eco_env *env, const bool *cpus, int32_t *package)
{
    int32_t best = INT32_MAX;
    for (unsigned cpu = 0; cpu < ECO_CPUS_MAX; cpu++) {
        if (!cpus[cpu])
            continue;
        int32_t own = package_of(env, cpu);
        if (own > *package && own < best)
            best = own;
    }
    *package = best;
    return best != INT32_MAX;
}

/*
 * On server CPUs since Sapphire Rapids the kernel offers psys without having read the register (no_check in
 * arch/x86/events/rapl.c), so a guest has it alone of all: nothing counts behind it, and reading it
 * interrupts another CPU.
 */
static bool is_phantom(const struct eco_env *env, const struct event_kind *kind)
{
    return kind->kind == ECO_KIND_PSYS && env->host && env->host->is_hypervisor_guest &&
           eco_root_exists(env->root, ECO_SYSFS, "bus/event_source/devices/power/events/energy-pkg") < 0;
}

static int refuse_phantom(struct perf_power *self)
{
    struct eco_refusal *refusal = eco_sensor_refuse(&self->base, -ENODEV, "power/energy-psys", "psys");
    if (!refusal)
        return -ENOMEM;
    eco_why_set(&refusal->why, "the kernel lists this counter untested; in a virtual machine without any "
                               "other there is nothing behind it");
    return 0;
}

/* UINT64_MAX where there is no such PMU. */
static uint64_t read_type(const struct eco_env *env, const char *pmu)
{
    char path[ECO_PATH_MAX];
    uint64_t type;
    if (eco_path(path, "bus/event_source/devices/%s/type", pmu) < 0 ||
        eco_root_read_u64(env->root, ECO_SYSFS, path, &type) < 0 || type > UINT32_MAX)
        return UINT64_MAX;
    return type;
}

static int open_kind(struct perf_power *self, const struct event_kind *kind, uint64_t type)
{
    const struct eco_env *env = self->base.env;
    uint64_t config, scale = 0;
    int r;
    if (read_config(env, kind, &config) < 0)
        return 0; /* no such event here */
    if (is_phantom(env, kind))
        return refuse_phantom(self);
    bool cpus[ECO_CPUS_MAX] = {false};
    if (read_scale(env, kind, &scale) < 0 || read_cpumask(env, kind->pmu, cpus, ECO_CPUS_MAX) <= 0) {
        refuse(self, kind, -EPROTO);
        return 0;
    }
    int32_t package = -1;
    while (next_package(env, cpus, &package)) {
        r = open_package(self, kind, (uint32_t)type, config, cpus, package);
        if (r == 0)
            r = add_channel(self, kind, package, scale);
        if (r == -ENOMEM)
            return r;
        if (r < 0) {
            refuse(self, kind, r);
            return 0;
        }
    }
    return 0;
}

static int perf_power_open(struct eco_sensor *base, const struct eco_env *env, struct eco_why *why)
{
    struct perf_power *self = (struct perf_power *)base;
    if (!env->perf)
        return -ENODEV;
    uint64_t type = UINT64_MAX;
    for (size_t k = 0; k < ECO_COUNT(kinds); k++) {
        if (k == 0 || strcmp(kinds[k].pmu, kinds[k - 1].pmu) != 0)
            type = read_type(env, kinds[k].pmu);
        int r = type != UINT64_MAX ? open_kind(self, &kinds[k], type) : 0;
        if (r < 0)
            return r;
    }
    if (base->channel_count > 0)
        return 0;
    if (base->refusal_count == 0)
        return -ENODEV;
    if (why)
        *why = base->refusals[0].why;
    return base->refusals[0].error;
}

static int read_sum(const struct perf_power *self, size_t *cursor, size_t channel, uint64_t *ret)
{
    const struct eco_perf *perf = self->base.env->perf;
    uint64_t sum = 0;
    int error = 0;
    for (; *cursor < self->event_count && self->events[*cursor].channel == channel; ++*cursor) {
        uint64_t values[3];
        int r = error == 0 ? perf->read(perf, self->events[*cursor].fd, values) : 0;
        if (r < 0)
            error = r;
        else if (error == 0 && values[1] > 0 && values[2] == 0)
            error = -EIO; /* enabled, but it never ran */
        else if (error == 0)
            sum += values[0];
    }
    if (error == 0)
        *ret = (uint64_t)((wide)sum * self->scale[channel] >> 32);
    return error;
}

static void skip_events(const struct perf_power *self, size_t *cursor, size_t channel)
{
    while (*cursor < self->event_count && self->events[*cursor].channel == channel)
        ++*cursor;
}

static int perf_power_read(struct eco_sensor *base, const struct eco_activity *activity,
                           struct eco_reading *readings)
{
    struct perf_power *self = (struct perf_power *)base;
    const struct eco_clock *clock = base->env->clock;
    size_t cursor = 0;
    (void)activity;
    for (size_t i = 0; i < base->channel_count; i++) {
        struct eco_reading *reading = &readings[i];
        *reading = (struct eco_reading){.state = ECO_READING_NONE};
        if (base->channels[i].standby) {
            skip_events(self, &cursor, i);
            continue;
        }
        reading->begin_ns = clock->mono_ns(clock);
        bool is_slow = base->channels[i].period_ns == CORE_PERIOD_NS;
        if (is_slow && self->core_read_ns[i] && reading->begin_ns - self->core_read_ns[i] < CORE_PERIOD_NS) {
            skip_events(self, &cursor, i);
            *reading = (struct eco_reading){.state = ECO_READING_STALE, .value = self->core_value_uj[i]};
            reading->begin_ns = reading->end_ns = reading->valid_from_ns = reading->valid_to_ns =
                self->core_read_ns[i];
            continue;
        }
        int r = read_sum(self, &cursor, i, &reading->value);
        reading->end_ns = clock->mono_ns(clock);
        reading->valid_to_ns = reading->begin_ns + (reading->end_ns - reading->begin_ns) / 2;
        reading->valid_from_ns = reading->valid_to_ns;
        reading->state = r < 0 ? ECO_READING_ERROR : ECO_READING_OK;
        reading->error = r;
        if (r == 0) {
            self->core_value_uj[i] = reading->value;
            self->core_read_ns[i] = reading->valid_to_ns;
        }
    }
    return 0;
}

static void perf_power_close(struct eco_sensor *base)
{
    struct perf_power *self = (struct perf_power *)base;
    if (base->env->perf)
        drop_events(self, 0);
    free(self->events);
}

const struct eco_sensor_ops eco_sensor_perf = {
    .name = "perf",
    .summary = "RAPL energy counters through the perf PMUs power and power_core",
    .size = sizeof(struct perf_power),
    .appears_in = "bus/event_source/devices",
    .open = perf_power_open,
    .read = perf_power_read,
    .close = perf_power_close,
};
