/* SPDX-License-Identifier: MIT */
/* The first and the last whole line of a file, without reading what lies between where it is not compressed.
 */
#pragma once

#include "base/macros.h"
#include "base/why.h"

#include <stddef.h>

struct eco_ends {
    char *first, *last; /* NUL-terminated, owned; NULL = there is no whole line */
    size_t first_length, last_length;
};

/**
 * @return 0, -EBADMSG no file of lines (too long a line), -ENOTSUP compressed and built without that, errno
 * of the file
 */
int eco_ends_read(const char *path, struct eco_ends *ret, struct eco_why *why) ECO_MUST_CHECK;
void eco_ends_finish(struct eco_ends *ends);
