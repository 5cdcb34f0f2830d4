/* SPDX-License-Identifier: MIT */
/* The files that keep what was learnt: KIND-HOST.txt in a state directory, replaced by rename. */
#pragma once

#include "base/macros.h"

#include <stdbool.h>
#include <stddef.h>

/** The whole file, NUL-terminated, owned by the caller. -ENOENT, -EFBIG over `limit`, -EINVAL when it is no
 * regular file, -EILSEQ when it is no text, -EPERM when everybody may write to it. */
int eco_state_file_read(const char *dir, const char *kind, const char *host, size_t limit,
                        char **ret) ECO_MUST_CHECK;
/**
 * Makes the directory if need be. Nothing of the old file is lost on failure.
 *
 * @param is_public  for all users to read (0755, 0644) and on the disk before the old one goes; otherwise
 * ours alone (0700, 0600)
 */
int eco_state_file_write(const char *dir, const char *kind, const char *host, bool is_public,
                         const char *data, size_t length) ECO_MUST_CHECK;
/** The same for a file of any name. */
int eco_state_file_replace(const char *path, const char *data, size_t length) ECO_MUST_CHECK;
