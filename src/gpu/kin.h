/* SPDX-License-Identifier: MIT */
/* From whom a process descends, read while it lives: it may be gone before anybody else has seen it. */
#pragma once

#include "model/gpu.h"
#include "platform/root.h"

#include <stddef.h>

/** Parent, grandparent ...; 0 where there is none or it cannot be read. */
void eco_gpu_kin_read(const struct eco_root *root, int32_t pid, int32_t ret_parents[ECO_GPU_PARENTS]);
/** Of all uses: as told before (`known`), or read now. */
void eco_gpu_kin_fill(const struct eco_root *root, struct eco_gpu_use *uses, size_t count,
                      const struct eco_gpu_use *known, size_t known_count);
