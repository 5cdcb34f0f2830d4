/* SPDX-License-Identifier: MIT */
/*
 * Starts ecocode-sensord, which reads GPUs in processes of its own. Nothing waits for it: what it tells is
 * read when it has come, and it ends when the client is freed or we end. Only for programs.
 *
 * ECOCODE_SENSORD=off keeps it from being started; a path there is started in its place, whether a GPU seems
 * to be here or not.
 */
#pragma once

#include "base/why.h"
#include "gpu/client.h"
#include "platform/root.h"

#include <sys/types.h>

/**
 * @param interval_ns  between two looks of its, 10 ms to 60 s; half of the meter's own or less
 * @param ret          for struct eco_env.gpus
 * @param ret_pid      for eco_sensord_end
 * @return 0; -ENODEV no GPU is here, or none is wanted (silent); -ENOENT with the reason: the program is
 *         not where it belongs; another negative errno
 */
int eco_sensord_start(const struct eco_root *root, uint64_t interval_ns, struct eco_gpu_client **ret,
                      pid_t *ret_pid, struct eco_why *why) ECO_MUST_CHECK;

/**
 * Frees the client, and the daemon ends, with its children, by itself: it is not killed, so that they are not
 * left to whoever inherits orphans. Never waits (eco_helper_await_all does, for a moment). NULL and 0 then.
 */
void eco_sensord_end(struct eco_gpu_client **client, pid_t *pid);
