/* SPDX-License-Identifier: MIT */
/*
 * Control groups, version 2 only: where a process is, and the directory of our own. These look at the
 * real procfs and cgroup2 mount, never at a replaced root: they are for the process that starts a
 * command. Nothing here writes. Thread: any.
 */
#pragma once

#include "base/macros.h"
#include "base/why.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/**
 * The line "0::/path" of /proc/PID/cgroup: "/" is the root of our cgroup namespace. A zombie still has it.
 *
 * @param pid  0 = ourselves
 * @return 0, -ENOENT (no such process, no procfs), -ENODATA (no version 2 in this kernel), -ENAMETOOLONG
 */
int eco_cgroup_path(pid_t pid, char *ret, size_t size) ECO_MUST_CHECK;

/**
 * Open our own cgroup's directory (close-on-exec, never 0-2).
 *
 * @param ret_path  our path, as eco_cgroup_path gives it
 * @return a descriptor, -ENODEV when no cgroup2 is mounted where our group can be seen, or negative errno
 */
int eco_cgroup_open_own(char *ret_path, size_t size, struct eco_why *why) ECO_MUST_CHECK;

/**
 * Where in a cgroup2 mount a group's directory is; pure, for eco_cgroup_open_own and its test.
 *
 * @param line   one line of /proc/self/mountinfo
 * @param group  the group, as eco_cgroup_path gives it
 * @return 0, -ENODEV when the line is no cgroup2 mount that shows the group, -EINVAL, -ENAMETOOLONG
 */
int eco_cgroup_mount_path(const char *line, const char *group, char *ret, size_t size) ECO_MUST_CHECK;
