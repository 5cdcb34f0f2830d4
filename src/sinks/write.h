/* SPDX-License-Identifier: MIT */
/* write(2) that goes on after short writes and signals and never kills the program. */
#pragma once

#include "base/macros.h"

#include <stdbool.h>
#include <stddef.h>

struct eco_write_target {
    int fd;
    bool is_regular; /* a file of our own: a write that fails is undone */
    int patience_ms; /* how long to wait for room where the descriptor does not block */
};

/**
 * Write all `count` bytes, by one write(2) wherever the kernel takes them so. SIGPIPE and SIGXFSZ that it
 * raises are taken away again.
 *
 * @return 0, or a negative errno: -EPIPE nobody reads, -ENOSPC, -EFBIG, -ETIMEDOUT no room in time, ...
 */
int eco_write_all(const struct eco_write_target *target, const void *bytes, size_t count) ECO_MUST_CHECK;
