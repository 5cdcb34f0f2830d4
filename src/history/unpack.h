/* SPDX-License-Identifier: MIT */
/* The bytes of a file, unpacked where it is compressed (Zstandard); what it is, its first bytes tell. */
#pragma once

#include "base/macros.h"

#include <stdbool.h>
#include <stddef.h>

struct eco_unpack;

/** @param fd taken over, whatever comes. 0, -ENOMEM, -ENOTSUP compressed and built without Zstandard. */
int eco_unpack_open(int fd, struct eco_unpack **ret) ECO_MUST_CHECK;
/** Up to `size` bytes (1 or more). 0 at the end, also where compressed text is cut off or damaged; or
 * negative errno. */
long eco_unpack_read(struct eco_unpack *unpack, char *ret, size_t size) ECO_MUST_CHECK;
/** The compressed text did not end where its writer ended it. */
bool eco_unpack_is_damaged(const struct eco_unpack *unpack);
/** Accepts NULL, returns NULL. */
struct eco_unpack *eco_unpack_free(struct eco_unpack *unpack);

/**
 * Compress what `from` holds, from its beginning, into `to`.
 *
 * @return 0, negative errno, -ENOTSUP built without Zstandard; `to` then holds a part
 */
int eco_pack_file(int from, int to) ECO_MUST_CHECK;
