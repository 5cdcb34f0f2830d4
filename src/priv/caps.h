/* SPDX-License-Identifier: MIT */
/* The capabilities of this process: raised around the one call that needs them, then gone for good. */
#pragma once

#include "base/macros.h"

#include <stdint.h>

/** Bit of a capability number. */
#define ECO_CAP(number) (1ull << (number))

/**
 * Permitted becomes what is of `keep`; effective, inheritable and ambient become empty; the bounding set too
 * where that is allowed. What is not kept cannot come back.
 *
 * @return what is permitted now, or negative errno
 */
int64_t eco_caps_keep(uint64_t keep) ECO_MUST_CHECK;
/** Make these effective, as far as they are permitted, and nothing else. 0 or negative errno. */
int eco_caps_raise(uint64_t wanted) ECO_MUST_CHECK;
