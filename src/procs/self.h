/* SPDX-License-Identifier: MIT */
#pragma once

#include "model/host.h"
#include "platform/root.h"

/** Cgroup, container, pod and Slurm job that EcoCode itself runs in, into `ret`. After eco_host_read. */
void eco_identify_self(const struct eco_root *root, struct eco_host *ret);
