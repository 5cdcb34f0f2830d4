/* SPDX-License-Identifier: MIT */
/*
 * No sensor: the energy that CPUs like these are known to take at this load, and RAM by watts per
 * gigabyte. Never more than an estimate. Needs the machine's description (env->host) at open and its
 * activity at every read; keeps its own counters, which start at 0 and never wrap.
 *
 * A physical machine: rated power of the socket and the curve of model_curve.h. A guest whose CPU
 * names its cores: the share of the rated power that its vCPUs have. Any other guest: watts per vCPU
 * of its microarchitecture (Cloud Carbon Footprint, from SPECpower), which hold the whole server and
 * its memory, so no RAM is added there. Calibrated by a wall meter: its idle and full power, the same
 * shape between them, and everything behind that meter is in it.
 */
#include "sensors/model.h"

#include "base/mem.h"
#include "sensors/cpu_tables.h"
#include "sensors/kinds.h"
#include "sensors/model_curve.h"
#include "sensors/model_impl.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define BYTES_PER_GB 1073741824.0 /* memory modules count in powers of two */

static bool is_online(const struct model *self, uint32_t cpu)
{
    const struct eco_topology *topology = model_topology(self);
    return !topology->cpus || (cpu < topology->cpu_count && topology->cpus[cpu].online);
}

/* Parts by socket; false when they cannot be told apart. */
static bool split_packages(struct model *self)
{
    const struct eco_topology *topology = model_topology(self);
    const struct eco_host *host = self->base.env->host;
    if (!topology->cpus || topology->package_count > MODEL_PARTS_MAX ||
        (host->is_hypervisor_guest && topology->package_count > 1))
        return false;
    for (uint32_t cpu = 0; cpu < topology->cpu_count; cpu++) {
        unsigned i = 0;
        if (!topology->cpus[cpu].online)
            continue;
        while (i < self->part_count && self->parts[i].package != model_package(topology, cpu))
            i++;
        if (i == MODEL_PARTS_MAX)
            return false;
        if (i == self->part_count)
            self->parts[self->part_count++].package = model_package(topology, cpu);
        self->parts[i].cpus++;
    }
    return self->part_count > 0;
}

static void make_parts(struct model *self)
{
    const struct eco_topology *topology = model_topology(self);
    if (split_packages(self))
        return;
    memset(self->parts, 0, sizeof(self->parts));
    self->parts[0] =
        (struct part){.package = -1, .cpus = topology->online_count ? topology->online_count : 1};
    self->part_count = 1;
}

static unsigned count_cores(const struct model *self, const struct part *part)
{
    const struct eco_topology *topology = model_topology(self);
    unsigned cores = 0;
    for (uint32_t cpu = 0; topology->cpus && cpu < topology->cpu_count; cpu++) {
        bool is_first = is_online(self, cpu) && model_is_in(self, part, cpu);
        int32_t other = topology->cpus[cpu].sibling;
        for (int step = 0; is_first && other >= 0 && (uint32_t)other < topology->cpu_count &&
                           (uint32_t)other != cpu && step < MODEL_RING_MAX;
             step++) {
            is_first = (uint32_t)other > cpu;
            other = topology->cpus[other].sibling;
        }
        cores += is_first;
    }
    return cores ? cores : part->cpus;
}

/* By a wall meter: sockets are taken as alike. */
static void spread_wall(struct model *self)
{
    const struct eco_host *host = self->base.env->host;
    double cpus = 0;
    self->basis = BASIS_WALL;
    for (unsigned i = 0; i < self->part_count; i++)
        cpus += self->parts[i].cpus;
    for (unsigned i = 0; i < self->part_count; i++) {
        self->parts[i].idle_w = host->wall_idle_w * self->parts[i].cpus / cpus;
        self->parts[i].full_w = host->wall_busy_w * self->parts[i].cpus / cpus;
    }
}

static void choose_basis(struct model *self)
{
    const struct eco_host *host = self->base.env->host;
    if (host->wall_busy_w > host->wall_idle_w && host->wall_idle_w >= 0) {
        spread_wall(self);
        return;
    }
    double tdp_w = eco_cpu_tdp_w(host->cpu_model);
    unsigned threads = 2 * eco_cpu_name_cores(host->cpu_model);
    if (host->is_hypervisor_guest) {
        self->basis = tdp_w > 0 && threads > 0 ? BASIS_SHARE : BASIS_VCPU;
        self->vcpu =
            eco_cpu_vcpu_watts(eco_cpu_microarchitecture(host), host->cloud[0] ? host->cloud : "aws");
    } else {
        self->basis = tdp_w > 0 ? BASIS_RATED : BASIS_CORES;
    }
    for (unsigned i = 0; i < self->part_count; i++) {
        struct part *part = &self->parts[i];
        unsigned sockets =
            part->package < 0 && host->topology.package_count > 1 ? host->topology.package_count : 1;
        if (self->basis == BASIS_SHARE)
            part->rated_w = tdp_w * part->cpus / threads;
        else if (self->basis == BASIS_RATED)
            part->rated_w = tdp_w * sockets;
        else if (self->basis == BASIS_CORES)
            part->rated_w = ECO_MODEL_UNKNOWN_W_PER_CORE * count_cores(self, part);
        bool is_vcpu = self->basis == BASIS_VCPU;
        part->idle_w = is_vcpu ? self->vcpu->min_w * part->cpus : eco_model_idle_w(part->rated_w);
        part->full_w = is_vcpu ? self->vcpu->max_w * part->cpus : eco_model_full_w(part->rated_w);
    }
}

static bool knows_frequency(const struct model *self)
{
    const struct eco_topology *topology = model_topology(self);
    for (uint32_t cpu = 0; topology->cpus && cpu < topology->cpu_count; cpu++) {
        if (topology->cpus[cpu].max_freq_khz > 0)
            return true;
    }
    return false;
}

static double ratio_of(const struct model *self)
{
    if (self->basis == BASIS_WALL)
        return ECO_MODEL_RATIO_CALIBRATED;
    if (self->basis == BASIS_CORES)
        return ECO_MODEL_RATIO_UNKNOWN;
    return self->basis != BASIS_VCPU && knows_frequency(self) ? ECO_MODEL_RATIO : ECO_MODEL_RATIO_NO_FREQ;
}

static void describe(struct model *self, double ratio)
{
    const struct eco_host *host = self->base.env->host;
    const char *name = host->cpu_model[0] ? host->cpu_model : "unknown CPU";
    const struct part *part = &self->parts[0];
    char ram[64] = "", times[24] = "";
    if (self->has_ram)
        (void)snprintf(ram, sizeof(ram), "; RAM %.1f GB at %.3f W each",
                       (double)host->memory_bytes / BYTES_PER_GB, ECO_MODEL_RAM_W_PER_GB);
    if (self->has_ram)
        (void)snprintf(self->ram_text, sizeof(self->ram_text), "%s; truth within x%.1f", ram + 2,
                       ECO_MODEL_RATIO);
    if (self->part_count > 1)
        (void)snprintf(times, sizeof(times), "%u x ", self->part_count);
    switch (self->basis) {
    case BASIS_RATED:
        (void)snprintf(
            self->text, sizeof(self->text),
            "%s, %s%.0f W rated: W = rated x (0.07 + f/fmax x (0.29 A + 0.36 u))%s; truth within x%.1f", name,
            times, part->rated_w, ram, ratio);
        break;
    case BASIS_SHARE:
        (void)snprintf(
            self->text, sizeof(self->text),
            "%s, %u vCPU of its %u threads, %.1f W rated: W = rated x (0.07 + f/fmax x (0.29 A + 0.36 u))%s; "
            "truth within x%.1f",
            name, part->cpus, 2 * eco_cpu_name_cores(host->cpu_model), part->rated_w, ram, ratio);
        break;
    case BASIS_VCPU:
        (void)snprintf(self->text, sizeof(self->text),
                       "%s, %u vCPU at %.2f-%.2f W each (%s, server and RAM included); truth within x%.1f",
                       name, part->cpus, self->vcpu->min_w, self->vcpu->max_w, self->vcpu->microarchitecture,
                       ratio);
        break;
    case BASIS_WALL:
        (void)snprintf(
            self->text, sizeof(self->text),
            "calibrated by a wall meter: %.4g W idle, %.4g W with all CPUs busy, at the wall: RAM, "
            "boards, disks, fans and loss in the power supply are in it; truth within x%.1f",
            host->wall_idle_w, host->wall_busy_w, ratio);
        break;
    case BASIS_CORES:
    case BASIS_NONE:
        (void)snprintf(
            self->text, sizeof(self->text),
            "%s, not in the table: %s%.0f W by 4 W a core: W = rated x (0.07 + f/fmax x (0.29 A + 0.36 "
            "u))%s; truth within x%.1f",
            name, times, part->rated_w, ram, ratio);
        break;
    }
}

static uint64_t to_uw(double watts)
{
    return (uint64_t)llround(watts * 1e6);
}

static struct eco_channel *add_channel(struct model *self, enum eco_kind kind, int32_t package, double ratio)
{
    struct eco_channel *channel = eco_sensor_add_channel(&self->base);
    if (!channel)
        return NULL;
    channel->quantity = ECO_ENERGY_UJ;
    channel->quality = ECO_ESTIMATED;
    channel->key.kind = kind;
    channel->key.package = package;
    channel->period_ns = ECO_NS_PER_MS;
    channel->alpha = eco_model_alpha(ratio);
    return channel;
}

static int add_channels(struct model *self, double ratio)
{
    static const char *const labels[] = {
        "", "rated power", "share of rated power", "watts per vCPU", "watts per core", "wall meter"};
    for (unsigned i = 0; i < self->part_count; i++) {
        const struct part *part = &self->parts[i];
        struct eco_channel *channel = add_channel(self, ECO_KIND_CPU, part->package, ratio);
        if (!channel)
            return -ENOMEM;
        if (part->package < 0)
            (void)snprintf(channel->name, sizeof(channel->name), "cpu");
        else
            (void)snprintf(channel->name, sizeof(channel->name), "package-%d", (int)part->package);
        (void)snprintf(channel->label, sizeof(channel->label), "%s", labels[self->basis]);
        channel->range_low_uw = to_uw(part->idle_w);
        channel->range_high_uw = to_uw(part->full_w);
    }
    if (!self->has_ram)
        return 0;
    struct eco_channel *channel = add_channel(self, ECO_KIND_DRAM, -1, ECO_MODEL_RATIO);
    if (!channel)
        return -ENOMEM;
    (void)snprintf(channel->name, sizeof(channel->name), "dram");
    (void)snprintf(channel->label, sizeof(channel->label), "watts per GB");
    channel->range_low_uw = channel->range_high_uw = to_uw(self->ram_w);
    return 0;
}

static int model_open(struct eco_sensor *base, const struct eco_env *env, struct eco_why *why)
{
    struct model *self = (struct model *)base;
    (void)why;
    if (!env->host)
        return -ENODEV;
    make_parts(self);
    choose_basis(self);
    self->cpu_capacity = env->host->topology.cpu_count ? env->host->topology.cpu_count : ECO_CPUS_MAX;
    self->last_busy_ns = eco_calloc(self->cpu_capacity, sizeof(*self->last_busy_ns));
    self->window_busy_ns = eco_calloc(self->cpu_capacity, sizeof(*self->window_busy_ns));
    if (!self->last_busy_ns || !self->window_busy_ns)
        return -ENOMEM;
    self->ram_w = ECO_MODEL_RAM_W_PER_GB * (double)env->host->memory_bytes / BYTES_PER_GB;
    self->has_ram = self->basis != BASIS_VCPU && self->basis != BASIS_WALL && env->host->memory_bytes > 0;
    double ratio = ratio_of(self);
    describe(self, ratio);
    return add_channels(self, ratio);
}

static int model_read(struct eco_sensor *base, const struct eco_activity *activity,
                      struct eco_reading *readings)
{
    struct model *self = (struct model *)base;
    memset(readings, 0, base->channel_count * sizeof(*readings));
    if (!activity || !activity->cpus)
        return 0;
    bool is_first = !self->has_last;
    bool is_fresh = is_first || activity->time_ns > self->last_ns;
    if (is_first)
        eco_model_begin_window(self, activity);
    else if (is_fresh)
        eco_model_advance(self, activity);
    if (is_fresh)
        eco_model_remember(self, activity);
    for (size_t i = 0; i < base->channel_count; i++) {
        double uj = i < self->part_count ? self->parts[i].energy_uj : self->ram_energy_uj;
        readings[i].state = is_fresh ? ECO_READING_OK : ECO_READING_STALE;
        readings[i].value = (uint64_t)uj;
        readings[i].valid_from_ns = readings[i].valid_to_ns = self->last_ns;
        readings[i].begin_ns = readings[i].end_ns = self->last_ns;
    }
    return 0;
}

static void model_close(struct eco_sensor *base)
{
    struct model *self = (struct model *)base;
    free(self->last_busy_ns);
    free(self->window_busy_ns);
}

const char *eco_model_text(const struct eco_sensor *sensor, bool with_cpu)
{
    const struct model *self = (const struct model *)sensor;
    return with_cpu ? self->text : self->ram_text;
}

const struct eco_sensor_ops eco_sensor_model = {
    .name = "model",
    .summary = "estimate from rated power or watts per vCPU and load, RAM by W/GB; where no sensor is",
    .size = sizeof(struct model),
    .open = model_open,
    .read = model_read,
    .close = model_close,
};
