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
#include <stdint.h>
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
 * What the kernel itself knows a group by: its number, and how far below the root of the version 2 tree it is
 * (the root: 0), wherever that is mounted.
 *
 * @param dir_fd  its directory
 * @param group   the group, as eco_cgroup_path gives it
 * @return 0, -ENOTSUP in a cgroup namespace that is not the first (depths are then not known) or where the
 *         kernel does not tell numbers, -EINVAL
 */
int eco_cgroup_number(int dir_fd, const char *group, uint64_t *ret_id, uint32_t *ret_depth) ECO_MUST_CHECK;
/** Names in a group's path: pure, for eco_cgroup_number and its test. */
uint32_t eco_cgroup_depth(const char *group);

/**
 * Where in a cgroup2 mount a group's directory is; pure, for eco_cgroup_open_own and its test.
 *
 * @param line   one line of /proc/self/mountinfo
 * @param group  the group, as eco_cgroup_path gives it
 * @return 0, -ENODEV when the line is no cgroup2 mount that shows the group, -EINVAL, -ENAMETOOLONG
 */
int eco_cgroup_mount_path(const char *line, const char *group, char *ret, size_t size) ECO_MUST_CHECK;
