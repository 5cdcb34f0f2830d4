/* SPDX-License-Identifier: MIT */
/*
 * What the process that starts a command must know of its own children. Reads the real procfs, never
 * a replaced root. Thread: any; eco_process_is_stopped may be called between fork and exec.
 */
#pragma once

#include "base/macros.h"

#include <stdbool.h>
#include <sys/types.h>

/**
 * Children of the calling thread (at start: of the process).
 *
 * @param each  called for every child, ended ones included; nonzero stops and is returned
 * @return 0, what `each` returned, or -ENOENT where the kernel does not tell (CONFIG_PROC_CHILDREN)
 */
int eco_process_children(int (*each)(void *context, pid_t pid), void *context) ECO_MUST_CHECK;

/** The same of another process, of all its threads: what it had when it was looked at. */
int eco_process_children_of(pid_t pid, int (*each)(void *context, pid_t pid), void *context) ECO_MUST_CHECK;

/** 1 when the process is stopped (by a signal or a tracer), 0 when not or ended, negative errno when unknown.
 */
int eco_process_is_stopped(pid_t pid) ECO_MUST_CHECK;

/** True in the first namespaces for process ids and for time: ids and start times are the kernel's own. */
bool eco_process_is_in_first_namespaces(void);

/** Path of the program that runs. 0, -ENAMETOOLONG, -ENOENT where no procfs tells it. */
int eco_process_own_path(char *ret, size_t size) ECO_MUST_CHECK;
