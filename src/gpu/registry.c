/* SPDX-License-Identifier: MIT */
#include "gpu/kinds.h"

#include <stddef.h>

const struct eco_gpu_source_ops *const eco_gpu_sources[] = {
    &eco_gpu_nvml, &eco_gpu_amdgpu, &eco_gpu_rocm, &eco_gpu_i915, &eco_gpu_xe, NULL,
};
