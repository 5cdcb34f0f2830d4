/* SPDX-License-Identifier: MIT */
/*
 * Whether a GPU that some source could read may be here: a handful of files, no driver, no library. Machines
 * without one start nothing.
 */
#pragma once

#include "platform/root.h"

#include <stdbool.h>

bool eco_gpu_may_be_present(const struct eco_root *root);
/** NVIDIA's kernel driver is loaded. */
bool eco_gpu_has_nvidia(const struct eco_root *root);
