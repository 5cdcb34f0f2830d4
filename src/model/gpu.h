/* SPDX-License-Identifier: MIT */
/*
 * Graphics and other accelerators as plain data: what a device is, how it was at a moment, who used it.
 * Filled by ecocode-sensord, read by the meter. Integers: microjoules, microwatts, nanoseconds of
 * CLOCK_MONOTONIC. Everything that grows is cumulative since the source was opened, so that a lost message
 * loses nothing.
 */
#pragma once

#include "model/channel.h"

#define ECO_GPUS_MAX      64 /* devices and instances of one machine */
#define ECO_GPU_USES_MAX  4096
#define ECO_GPU_TEXT_MAX  96
#define ECO_GPU_NO_PARENT (-1)
#define ECO_GPU_PARENTS   5 /* of a process that uses one: as many ancestors are told */

enum eco_gpu_vendor { ECO_GPU_NONE, ECO_GPU_NVIDIA, ECO_GPU_AMD, ECO_GPU_INTEL };

struct eco_gpu_device {
    int32_t index;  /* unique in its source, stable while the source lives */
    int32_t parent; /* device that this is an instance of (MIG), or ECO_GPU_NO_PARENT */
    enum eco_gpu_vendor vendor;
    bool is_integrated;    /* its energy is in the CPU package's (uncore) already: shown, not counted */
    bool is_module;        /* its figure holds a CPU as well (Grace Hopper): that CPU is not counted again */
    uint32_t slices;       /* of an instance: compute slices; of a device: all it has; 0 unknown */
    uint64_t memory_bytes; /* 0 unknown */
    uint64_t period_ns;    /* of its energy or power figure, 0 unknown */
    double alpha;          /* relative standard uncertainty of the sensor's gain */
    double blind_ratio; /* part of the time that the sensor does not see (A100, H100: 0.75); 0 none known */
    char name[ECO_GPU_TEXT_MAX], uuid[ECO_GPU_TEXT_MAX], pci[32], driver[48];
};

enum eco_gpu_fields {
    ECO_GPU_HAS_ENERGY = 1u << 0, /* energy_uj: a counter, or power integrated where quality is derived */
    ECO_GPU_HAS_POWER = 1u << 1,
    ECO_GPU_HAS_BUSY = 1u << 2,
    ECO_GPU_HAS_MEMORY = 1u << 3,
    ECO_GPU_HAS_TEMPERATURE = 1u << 4,
    ECO_GPU_HAS_THROTTLED = 1u << 5,
    ECO_GPU_HAS_LIMIT = 1u << 6,
    ECO_GPU_HAS_CLOCK = 1u << 7,
    ECO_GPU_REBASED = 1u << 8, /* the counter began anew: not to be compared with earlier ones */
    ECO_GPU_ASLEEP = 1u << 9,  /* suspended and left so: no power figure, not an error */
    /*
     * Its uses carry energy_uj and span_ns: all that it drew up to divided_ns (divided_uj on the counter) is
     * divided among them, slice by slice of the driver's own samples. Later energy is nobody's yet.
     */
    ECO_GPU_HAS_DIVIDED = 1u << 10
};

struct eco_gpu_state {
    int32_t index;
    uint32_t fields; /* enum eco_gpu_fields */
    int32_t error;   /* negative errno: the device cannot be read now */
    enum eco_quality quality;
    uint64_t valid_from_ns, valid_to_ns; /* time that energy and power speak for; equal for an instant */
    uint64_t begin_ns, end_ns;           /* just before and after the read */
    uint64_t energy_uj;
    uint64_t divided_ns, divided_uj; /* with ECO_GPU_HAS_DIVIDED: not later, and not more, than the above */
    uint64_t power_uw;
    uint64_t busy_ns; /* cumulative: integral of utilisation */
    uint64_t throttled_ns;
    uint64_t memory_used_bytes;
    uint64_t limit_uw;
    uint32_t clock_mhz;
    int32_t temperature_mc;
};

enum eco_gpu_use_flags {
    ECO_GPU_USE_CONTEXT = 1u << 0, /* holds a context now */
    ECO_GPU_USE_ENDED = 1u << 1,   /* gone: figures are final */
    ECO_GPU_USE_SPLIT = 1u << 2,   /* busy_ns is by slices or another estimate, not measured per process */
    ECO_GPU_USE_UNSEEN = 1u << 3   /* not even that: by the size of its instance alone */
};

/*
 * One process on one device or instance. Weights of a device and all its instances compare: those of an
 * instance are scaled by its activity and its part of the device.
 */
struct eco_gpu_use {
    int32_t index;
    int32_t pid; /* as our /proc names it; 0 = processes of a pid namespace that we cannot see, together */
    uint32_t flags;
    int32_t parents[ECO_GPU_PARENTS]; /* from whom it descends, nearest first, as of when it was first seen; 0
                                         unknown */
    uint64_t busy_ns;                 /* cumulative: utilisation x time, or engine time; compute and 3D */
    uint64_t weight_ns; /* cumulative: the same with the factors of all engines; what energy is divided by */
    /* Cumulative, with ECO_GPU_HAS_DIVIDED of the card: its part, by weights, of what the card drew in each
     * slice, idle power and all, and of the slice's length. */
    uint64_t energy_uj, span_ns;
    uint64_t memory_bytes;
};
