/* SPDX-License-Identifier: MIT */
/* Whose worker is this process? So that `monitor -p WORKER` can offer the tree that was meant. */
#pragma once

#include "platform/root.h"

#include <stdbool.h>
#include <stdint.h>

struct eco_worker {
    const char *role;       /* "data worker"; static */
    int32_t root_pid;       /* the nearest ancestor that is nobody's worker */
    char root_cmdline[128]; /* clean text */
};

/** True when `pid` is a worker by its name and place in the tree. */
bool eco_find_worker(const struct eco_root *root, int32_t pid, struct eco_worker *ret);
