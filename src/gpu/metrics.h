/* SPDX-License-Identifier: MIT */
/*
 * amdgpu's `gpu_metrics` file: a binary table whose layout its header names (offsets:
 * data/amdgpu_gpu_metrics_offsets.csv, from rocm_smi_gpu_metrics.h). Pure. Thread: any.
 */
#pragma once

#include "base/macros.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct eco_amd_metrics {
    bool has_power, has_energy, has_busy;
    bool is_unit_known; /* of energy: stated by the layout. RDNA cards use other units in older ones */
    uint64_t power_uw;  /* socket power of the moment or an average of the firmware's */
    uint64_t energy_uj; /* since the driver was loaded; step 15.259 uJ */
    double busy_ratio;  /* 0 to 1 */
};

/** 0; -EINVAL cut or no such table; -ENOTSUP a layout that is not known. */
int eco_amd_metrics_parse(const void *data, size_t size, struct eco_amd_metrics *ret) ECO_MUST_CHECK;
