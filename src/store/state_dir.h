/* SPDX-License-Identifier: MIT */
/* Where what a user's runs leave behind is kept. */
#pragma once

#include "base/macros.h"

#include <stdbool.h>
#include <stddef.h>

/**
 * $XDG_STATE_HOME/ecocode, or .local/state/ecocode in the home directory ($HOME; as root the home of root
 * even under sudo, so that no file of root's appears in another user's home).
 *
 * @return false when this user has no home (then nothing is kept) or the path is too long
 */
bool eco_state_dir(char *ret, size_t size);

/** Make `path` and what is missing above it, mode 0700. 0 or negative errno. */
int eco_make_directories(const char *path) ECO_MUST_CHECK;
