/* SPDX-License-Identifier: MIT */
/*
 * What a sensor offers (channel) and what it read (reading). Plain data shared by sensors and the
 * meter. Integers: microjoules, microwatts, nanoseconds of CLOCK_MONOTONIC.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define ECO_NAME_MAX   48
#define ECO_SOURCE_MAX 32

enum eco_kind {
    ECO_KIND_NONE,
    ECO_KIND_CPU, /* a package (socket) */
    ECO_KIND_DRAM,
    ECO_KIND_GPU,
    ECO_KIND_CORE,    /* RAPL PP0: part of the package */
    ECO_KIND_UNCORE,  /* RAPL PP1, integrated GPU: part of the package */
    ECO_KIND_PSYS,    /* platform: outer envelope, never summed with its parts */
    ECO_KIND_SYSTEM,  /* whole machine by a power meter (ACPI, BMC, INA VDD_IN) */
    ECO_KIND_BATTERY, /* whole machine while discharging */
    ECO_KIND_DEVICE,  /* a rail or device of its own */
    ECO_KIND_COUNT
};

enum eco_quantity { ECO_QUANTITY_NONE, ECO_ENERGY_UJ, ECO_POWER_UW };

/* How a figure is known. The order matters: a sum is as good as its worst part (the larger value). */
enum eco_quality { ECO_QUALITY_NONE, ECO_MEASURED, ECO_DERIVED, ECO_ESTIMATED };

/* Which energy a channel tells of: the same key = the same joules, whoever reports them. -1 = undivided. */
struct eco_key {
    enum eco_kind kind;
    int32_t package;
    int32_t die;
    int32_t device;
};

struct eco_channel {
    char name[ECO_NAME_MAX];      /* domain's name: "package-0", "dram-0", "psys"; stable across reboots */
    char source[ECO_SOURCE_MAX];  /* "nvml"; "" = the sensor's own name */
    char label[ECO_NAME_MAX * 2]; /* where it comes from, for people: "intel-rapl:0", "hwmon3/power1_input" */
    enum eco_quantity quantity;
    enum eco_quality quality;
    struct eco_key key;
    struct eco_key within; /* the domain that already includes this one; kind NONE = none */
    uint64_t modulus;      /* counter runs 0 .. modulus-1 (uJ); 0 = 64 bits */
    uint64_t period_ns;    /* reading sooner repeats the old value; 0 = unknown */
    uint64_t quantum_uj;   /* step of the counter, at least 1 */
    uint64_t max_uw;       /* more than this x time is a reset, not a wrap; 0 = unknown */
    double alpha;   /* relative standard uncertainty of the sensor's gain (method.md 4), 0.025 = 2.5 % */
    bool holds_cpu; /* a module's figure, with its CPU and memory in it: these are not counted again */
    bool slow;      /* reading may block: not in the sampling thread */
    uint64_t range_low_uw;  /* for `sensors`, 0 = unknown; of an estimate: idle power */
    uint64_t range_high_uw; /* and full power */
    bool standby;           /* set by the reader: not wanted now, read() may leave its reading at NONE */
};

enum eco_reading_state { ECO_READING_NONE, ECO_READING_OK, ECO_READING_STALE, ECO_READING_ERROR };

struct eco_reading {
    enum eco_reading_state state;
    int error;                           /* negative errno when state is ERROR */
    uint64_t value;                      /* uJ or uW by the channel's quantity */
    uint64_t valid_from_ns, valid_to_ns; /* the time that the value speaks for; equal for an instant */
    uint64_t begin_ns, end_ns;           /* MONOTONIC just before and after the read */
    bool rebased; /* the counter was opened anew: `value` cannot be compared with earlier ones */
};

static inline bool eco_key_equal(const struct eco_key *a, const struct eco_key *b)
{
    return a->kind == b->kind && a->package == b->package && a->die == b->die && a->device == b->device;
}

const char *eco_kind_name(enum eco_kind kind);          /* "cpu" "dram" "gpu" "core" ... as in JSON */
const char *eco_quality_name(enum eco_quality quality); /* "measured" ... */
