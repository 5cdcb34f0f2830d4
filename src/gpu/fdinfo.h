/* SPDX-License-Identifier: MIT */
/*
 * What the kernel says of one open file of a graphics card: /proc/PID/fdinfo/FD (Documentation/gpu/
 * drm-usage-stats.rst). Pure. Thread: any.
 */
#pragma once

#include "base/macros.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ECO_DRM_ENGINES_MAX 16

struct eco_drm_engine {
    char name[24];         /* "gfx" "render" "rcs" "copy" ... */
    uint64_t busy_ns;      /* cumulative; drm-engine-NAME */
    uint64_t cycles;       /* cumulative; drm-cycles-NAME, of total_cycles (xe) */
    uint64_t total_cycles; /* of the card's engines of that name, 0 = told in ns */
    uint32_t capacity;     /* engines of that name, at least 1 */
};

struct eco_drm_client {
    char driver[24], pdev[32]; /* pdev: PCI address, "" unknown */
    uint64_t client_id;        /* the same for every descriptor of one open file */
    bool has_client_id;
    struct eco_drm_engine engines[ECO_DRM_ENGINES_MAX];
    size_t engine_count;
    uint64_t memory_bytes; /* resident on the card; on integrated ones in main memory */
};

/** 0, or -EINVAL when the text is none of a graphics card's. Fields that are not understood are left out. */
int eco_drm_client_parse(const char *text, struct eco_drm_client *ret) ECO_MUST_CHECK;

/** What an engine's time counts beside that of the 3D and compute engines: copying and video take less power.
 */
double eco_drm_engine_factor(const char *name);
