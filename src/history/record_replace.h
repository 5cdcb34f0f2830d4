/* SPDX-License-Identifier: MIT */
/* Files of records are replaced whole, and removed only where that was asked for. */
#pragma once

#include "base/macros.h"
#include "base/why.h"

#include <stddef.h>

/**
 * Make `path` anew: `write` fills a file beside it, which takes the place of `path` (with `new_path`, which
 * may be the same, as its name). The mode is 0600 and the time that of the old one, so that nothing looks
 * newer than it is.
 *
 * @return 0 or negative errno with a reason; the old file is there then as it was
 */
int eco_record_replace(const char *path, const char *new_path,
                       int (*write)(void *context, const char *from, int to), void *context,
                       struct eco_why *why) ECO_MUST_CHECK;
