/* SPDX-License-Identifier: MIT */
/*
 * RAPL counters below /sys/class/powercap (Intel, AMD, Hygon; MSR, MMIO and TPMI).
 *
 * Kernel: Documentation/power/powercap/powercap.rst, drivers/powercap/intel_rapl_common.c.
 * energy_uj has 32 bits of a unit and starts again after max_energy_range_uj; it is updated about
 * every millisecond, readable by root only since 5.10 (CVE-2020-8694). `enabled` is about the power
 * limit, not the counter: never looked at. Constraint files may be missing or give ENODATA.
 */
#include "base/mem.h"
#include "base/text.h"
#include "sensors/kinds.h"
#include "sensors/powercap_impl.h"
#include "sensors/powercap_why.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define DEFAULT_MAX_UW  5000000000ull /* 5 kW: no package takes that */
#define MIN_MAX_UW      100000000ull  /* limits can be set far below what flows for a moment */
#define LIMIT_FACTOR    2             /* peaks pass the stated limits for a while */
#define PLAUSIBLE_RANGE 1000000ull    /* a counter that laps in less than 1 J tells nothing */
#define UPDATE_NS       976563        /* 1/1024 s, the time unit of RAPL */

static int collect(void *context, const char *name, uint64_t inode)
{
    struct powercap *self = context;
    struct eco_powercap_id id;
    (void)inode;
    if (strlen(name) >= ZONE_NAME_MAX || eco_powercap_parse_id(name, &id) < 0)
        return 0;
    void *array = self->found;
    int r = eco_grow(&array, &self->found_capacity, self->found_count + 1, ECO_CHANNELS_MAX,
                     sizeof(*self->found));
    if (r == -E2BIG) {
        self->passed_over++;
        return 0;
    }
    if (r < 0)
        return r;
    self->found = array;
    struct found *found = &self->found[self->found_count++];
    found->id = id;
    found->fd = -ENODEV;
    eco_text_copy(found->name, sizeof(found->name), name);
    return 0;
}

static int compare_found(const void *a, const void *b)
{
    const struct found *left = a, *right = b;
    return eco_powercap_compare_id(&left->id, &right->id);
}

static const struct eco_key *find_parent(const struct powercap *self, const struct found *child)
{
    for (size_t i = 0; child->id.sub >= 0 && i < self->found_count; i++) {
        const struct found *other = &self->found[i];
        if (other->id.sub < 0 && other->id.zone == child->id.zone && other->id.is_mmio == child->id.is_mmio)
            return other->key.kind != ECO_KIND_NONE ? &other->key : NULL;
    }
    return NULL;
}

static int read_zone_file(const struct powercap *self, const char *zone, const char *file, uint64_t *ret)
{
    char path[ECO_PATH_MAX];
    int r = eco_path(path, "class/powercap/%s/%s", zone, file);
    return r < 0 ? r : eco_root_read_u64(self->base.env->root, ECO_SYSFS, path, ret);
}

/* The largest power that any limit of the zone speaks of, with room above; the default where none does. */
static uint64_t find_max_uw(const struct powercap *self, const char *zone)
{
    uint64_t max = 0;
    for (int i = 0; i < 3; i++) {
        static const char *const files[] = {"max_power_uw", "power_limit_uw"};
        for (size_t f = 0; f < ECO_COUNT(files); f++) {
            char file[48];
            uint64_t value;
            (void)snprintf(file, sizeof(file), "constraint_%d_%s", i, files[f]);
            if (read_zone_file(self, zone, file, &value) == 0 && value > max)
                max = value;
        }
    }
    if (max == 0 || max > DEFAULT_MAX_UW / LIMIT_FACTOR)
        return DEFAULT_MAX_UW;
    max *= LIMIT_FACTOR;
    return max < MIN_MAX_UW ? MIN_MAX_UW : max;
}

static void refuse(struct powercap *self, const struct found *found, const char *file, int error)
{
    char what[ECO_NAME_MAX * 2], domain[ECO_NAME_MAX] = "";
    (void)snprintf(what, sizeof(what), "%s/%s", found->name, file);
    if (found->key.kind != ECO_KIND_NONE)
        eco_powercap_domain_name(&found->key, domain, sizeof(domain));
    struct eco_refusal *refusal = eco_sensor_refuse(&self->base, error, what, domain);
    if (!refusal)
        return;
    eco_powercap_explain(refusal, found->name, self->base.env->host);
    /* Somebody could have told it: why not is what can be mended. */
    if (self->told_error < 0 && error == -EACCES && *self->told_why.text)
        refusal->why = self->told_why;
}

/* What this user may not read, somebody else may be there to tell. Asked once for all zones. */
static int ask(struct powercap *self, struct found *found)
{
    struct eco_counters *counters = self->base.env->counters;
    if (!counters || !self->base.env->root->is_own[ECO_SYSFS])
        return -EACCES;
    if (!self->has_asked)
        self->told_error = counters->read(counters, &self->told, &self->told_why);
    self->has_asked = true;
    if (self->told_error < 0 || eco_powercap_told(self, found->name, &found->value) < 0)
        return -EACCES;
    found->is_told = true;
    return 0;
}

/*
 * AMD's RAPL speaks for the package, whatever the die: kernels before rapl_msrs_are_pkg_scope() show
 * one counter once per die. Its `core` is the counter of one core, so no sum of cores.
 */
static bool is_useless_on_amd(struct powercap *self, struct found *found)
{
    if (!self->is_amd)
        return false;
    found->key.die = -1;
    if (found->key.kind != ECO_KIND_CORE)
        return false;
    struct eco_refusal *refusal = eco_sensor_refuse(&self->base, -ENOTSUP, found->name, "");
    if (refusal)
        eco_why_set(&refusal->why, "%s counts a single core on AMD, not all of them", found->name);
    return true;
}

static void identify(struct powercap *self, struct found *found)
{
    char path[ECO_PATH_MAX], name[ECO_NAME_MAX];
    int r = eco_path(path, "class/powercap/%s/name", found->name);
    if (r == 0)
        r = (int)eco_root_read(self->base.env->root, ECO_SYSFS, path, name, sizeof(name));
    if (r < 0 && r != -EFBIG) {
        refuse(self, found, "name", r);
        return;
    }
    if (r < 0 || eco_powercap_parse_name(name, find_parent(self, found), &found->key) < 0)
        found->key = (struct eco_key){.kind = ECO_KIND_NONE};
}

static int add_zone(struct powercap *self, const struct found *found, int fd, uint64_t value)
{
    void *array = self->zones;
    int r = eco_grow(&array, &self->zone_capacity, self->base.channel_count + 1, ECO_CHANNELS_MAX,
                     sizeof(*self->zones));
    if (r < 0)
        return r;
    self->zones = array;
    struct eco_channel *channel = eco_sensor_add_channel(&self->base);
    if (!channel)
        return -ENOMEM;
    struct zone *zone = &self->zones[self->base.channel_count - 1];
    *zone = (struct zone){.fd = fd, .is_told = found->is_told};
    eco_text_copy(zone->name, sizeof(zone->name), found->name);

    eco_powercap_domain_name(&found->key, channel->name, sizeof(channel->name));
    (void)snprintf(channel->label, sizeof(channel->label), "%s%s%s", found->name,
                   found->is_told ? " by " : "", found->is_told ? self->base.env->counters->name : "");
    channel->quantity = ECO_ENERGY_UJ;
    channel->quality = ECO_MEASURED;
    channel->key = found->key;
    if (found->key.kind == ECO_KIND_CORE || found->key.kind == ECO_KIND_UNCORE) {
        channel->within = found->key;
        channel->within.kind = ECO_KIND_CPU;
    }
    uint64_t range = 0;
    if (read_zone_file(self, found->name, "max_energy_range_uj", &range) == 0 && range >= PLAUSIBLE_RANGE &&
        range < UINT64_MAX / 2 && range >= value) {
        channel->quantum_uj = eco_powercap_unit_uj(range);
        channel->modulus = range + channel->quantum_uj;
    }
    channel->period_ns = found->is_told ? self->base.env->counters->period_ns : UPDATE_NS;
    channel->max_uw = find_max_uw(self, found->name);
    channel->alpha = found->key.kind == ECO_KIND_DRAM   ? 0.075
                     : found->key.kind == ECO_KIND_PSYS ? 0.10
                                                        : 0.025;
    return 0;
}

static void probe(struct powercap *self, struct found *found)
{
    char path[ECO_PATH_MAX];
    found->fd = -ENODEV;
    if (found->key.kind == ECO_KIND_NONE || is_useless_on_amd(self, found))
        return;
    found->fd = eco_path(path, "class/powercap/%s/energy_uj", found->name);
    if (found->fd == 0)
        found->fd = eco_root_open(self->base.env->root, ECO_SYSFS, path);
    int r = found->fd < 0 ? found->fd : eco_root_pread_u64(self->base.env->root, found->fd, &found->value);
    if (r < 0) {
        if (found->fd >= 0)
            (void)close(found->fd);
        found->fd = r;
        if (r == -EPERM || r == -EACCES)
            r = ask(self, found);
        if (r < 0)
            refuse(self, found, "energy_uj", r);
    }
}

/* The dies of a package are one sum: without one of them it would be wrong. */
static bool misses_a_die(const struct powercap *self, const struct found *found)
{
    for (size_t i = 0; found->key.die >= 0 && i < self->found_count; i++) {
        const struct found *other = &self->found[i];
        if (other->fd < 0 && !other->is_told && other->key.kind == found->key.kind &&
            other->key.package == found->key.package && other->id.is_mmio == found->id.is_mmio)
            return true;
    }
    return false;
}

static int keep(struct powercap *self, struct found *found)
{
    if (found->fd < 0 && !found->is_told)
        return 0;
    if (misses_a_die(self, found)) {
        struct eco_refusal *refusal = eco_sensor_refuse(&self->base, -ENODATA, found->name, "");
        if (refusal)
            eco_why_set(&refusal->why, "another die of the package of %s cannot be read", found->name);
        return 0;
    }
    int r = add_zone(self, found, found->fd, found->value);
    found->is_kept = r == 0;
    return r;
}

static void drop_found(struct powercap *self)
{
    for (size_t i = 0; i < self->found_count; i++) {
        if (self->found[i].fd >= 0 && !self->found[i].is_kept)
            (void)close(self->found[i].fd);
    }
    free(self->found);
    self->found = NULL;
    self->found_capacity = self->found_count = 0;
}

/* Vendor, else the unit that only AMD has (15258 nJ). */
static bool is_amd(const struct powercap *self)
{
    const struct eco_host *host = self->base.env->host;
    if (host && host->cpu_vendor[0])
        return strcmp(host->cpu_vendor, "AuthenticAMD") == 0 || strcmp(host->cpu_vendor, "HygonGenuine") == 0;
    uint64_t range;
    return self->found_count > 0 &&
           read_zone_file(self, self->found[0].name, "max_energy_range_uj", &range) == 0 &&
           range == 65532610987ull;
}

static int open_zones(struct powercap *self)
{
    if (self->found_count > 1)
        qsort(self->found, self->found_count, sizeof(*self->found), compare_found);
    self->is_amd = is_amd(self);
    for (size_t i = 0; i < self->found_count; i++)
        identify(self, &self->found[i]);
    for (size_t i = 0; i < self->found_count; i++)
        probe(self, &self->found[i]);
    for (size_t i = 0; i < self->found_count; i++) {
        int r = keep(self, &self->found[i]);
        if (r < 0)
            return r;
    }
    if (self->passed_over > 0) {
        struct eco_refusal *refusal = eco_sensor_refuse(&self->base, -E2BIG, "class/powercap", "");
        if (refusal)
            eco_why_set(&refusal->why, "%u zones beyond the first %d are not read", self->passed_over,
                        ECO_CHANNELS_MAX);
    }
    return 0;
}

static int powercap_open(struct eco_sensor *base, const struct eco_env *env, struct eco_why *why)
{
    struct powercap *self = (struct powercap *)base;
    int r = eco_root_list(env->root, ECO_SYSFS, "class/powercap", collect, self);
    if (r == -ENOMEM)
        return r;
    r = open_zones(self);
    if (r < 0)
        return r;
    if (self->found_count == 0)
        eco_powercap_explain_absence(base);
    drop_found(self);
    if (base->channel_count > 0)
        return 0;
    int error = -ENODEV;
    for (size_t i = 0; i < base->refusal_count; i++) {
        if (base->refusals[i].error == -EACCES || base->refusals[i].error == -EPERM)
            error = -EACCES;
    }
    if (why && base->refusal_count > 0)
        *why = base->refusals[0].why;
    return error;
}

static void powercap_close(struct eco_sensor *base)
{
    struct powercap *self = (struct powercap *)base;
    size_t count = self->zones ? self->zone_capacity : 0;
    for (size_t i = 0; i < count; i++) {
        if (self->zones[i].name[0] && self->zones[i].fd >= 0)
            (void)close(self->zones[i].fd);
    }
    free(self->zones);
    drop_found(self);
}

const struct eco_sensor_ops eco_sensor_powercap = {
    .name = "powercap",
    .summary = "RAPL energy counters of the kernel's powercap framework (/sys/class/powercap)",
    .size = sizeof(struct powercap),
    .appears_in = "class/powercap",
    .open = powercap_open,
    .read = eco_powercap_read,
    .close = powercap_close,
};
