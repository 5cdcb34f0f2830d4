/* SPDX-License-Identifier: MIT */
/* What eco_host_read() is made of. Private to this folder; every part fills only what it can learn. */
#pragma once

#include "model/host.h"
#include "platform/root.h"

/** The first `size - 1` bytes of a file of any length. Returns bytes or negative errno. */
ssize_t eco_host_read_head(const struct eco_root *root, enum eco_tree tree, const char *path, char *ret,
                           size_t size) ECO_MUST_CHECK;

/** CPU's names and the hypervisor flag, from the first block of /proc/cpuinfo. */
void eco_host_read_cpu(const struct eco_root *root, struct eco_host *ret);
/** Hypervisor, container, cloud, machine type. After eco_host_read_cpu(). */
void eco_host_read_virt(const struct eco_root *root, struct eco_host *ret);
/** CPUs that our cgroup and those above it allow; nan = no limit. */
/** CPUs that we may run on, as "0-3,8"; "" when that is not to be had or does not fit. */
void eco_host_read_cpuset(char *ret, size_t size);
double eco_host_read_quota(const struct eco_root *root);
