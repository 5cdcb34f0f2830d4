/* SPDX-License-Identifier: MIT */
/*
 * One way to know accelerators: a vendor's library or the kernel's files. Sources live in ecocode-sensord,
 * a process apart, since a driver call may be slow, never return, or crash; each runs in a process of its
 * own there. To add one: a file that ends in one const table, a line in registry.c. Thread: one.
 */
#pragma once

#include "base/macros.h"
#include "base/why.h"
#include "model/gpu.h"
#include "platform/env.h"

#include <stddef.h>

struct eco_gpu_source;

struct eco_gpu_source_ops {
    const char *name; /* "nvml" "amdgpu" "i915" "xe" "rocm": `source` in reports */
    size_t size;
    /* May take seconds. -ENODEV: none here (silent); another errno with `why` in words. */
    int (*open)(struct eco_gpu_source *self, struct eco_why *why);
    /* Devices; again after sample() said that they changed. */
    size_t (*devices)(struct eco_gpu_source *self, struct eco_gpu_device *ret, size_t capacity);
    /*
     * One look: a state per device, and everybody who used one since the last look or holds a context.
     * 0; 1 when the set of devices has changed; negative errno when the whole source failed (retried with
     * open at doubling intervals).
     */
    int (*sample)(struct eco_gpu_source *self, struct eco_gpu_state *states, size_t *state_count,
                  struct eco_gpu_use *uses, size_t *use_count);
    void (*close)(struct eco_gpu_source *self);
};

struct eco_gpu_source {
    const struct eco_gpu_source_ops *ops;
    const struct eco_env *env;
    bool is_asked; /* this look: somebody wants all that is to be known now, as at the end of a measurement */
};

/* NULL-ended. */
extern const struct eco_gpu_source_ops *const eco_gpu_sources[];
