/* SPDX-License-Identifier: MIT */
/* The sources there are: each is the end of its file. */
#pragma once

#include "gpu/source.h"

extern const struct eco_gpu_source_ops eco_gpu_nvml;
extern const struct eco_gpu_source_ops eco_gpu_amdgpu;
extern const struct eco_gpu_source_ops eco_gpu_rocm;
extern const struct eco_gpu_source_ops eco_gpu_i915;
extern const struct eco_gpu_source_ops eco_gpu_xe;
