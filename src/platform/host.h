/* SPDX-License-Identifier: MIT */
/* Reads what machine this is. */
#pragma once

#include "model/host.h"
#include "platform/root.h"

/** Names, CPU model (first block of cpuinfo only), memory, kernel, virtualization, quota. What cannot be read
 * stays unknown. Allocates nothing. */
void eco_host_read(const struct eco_root *root, struct eco_host *ret);
/** The same without what only divides energy: cpu_quota and cpuset, for eco_host_read_limits. */
void eco_host_read_early(const struct eco_root *root, struct eco_host *ret);
void eco_host_read_limits(const struct eco_root *root, struct eco_host *ret);

/**
 * Packages, cores, siblings, which CPUs are online. About 8 us a file: read it after the command
 * has started. Without sysfs every CPU is a core of its own in package 0.
 *
 * @return 0 or -ENOMEM; ret->topology.cpus is owned: eco_host_finish()
 */
int eco_host_read_topology(const struct eco_root *root, struct eco_host *ret) ECO_MUST_CHECK;
/**
 * As many CPUs, online or not, in as many files for any number of them; neither cores nor siblings. For a
 * guest whose command is not to wait: it has one package when its first and its last CPU are in the same,
 * else 2.
 */
int eco_host_sketch_topology(const struct eco_root *root, struct eco_host *ret) ECO_MUST_CHECK;
void eco_host_finish(struct eco_host *host);
