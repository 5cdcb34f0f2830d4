/* SPDX-License-Identifier: MIT */
/* The file that keeps what was learnt: idle-HOST.txt in the state directory, replaced by rename. */
#pragma once

#include "base/macros.h"

#include <stddef.h>

/** The whole file, NUL-terminated, owned by the caller. -ENOENT, -EFBIG over `limit`, -EINVAL when it is no
 * regular file. */
int eco_state_file_read(const char *dir, const char *host, size_t limit, char **ret) ECO_MUST_CHECK;
/** Makes the directory (0700) if need be. Nothing of the old file is lost on failure. */
int eco_state_file_write(const char *dir, const char *host, const char *data, size_t length) ECO_MUST_CHECK;
