/* SPDX-License-Identifier: MIT */
/*
 * The lines of a file, compressed (Zstandard) or not, one after another in bounded memory. A last line
 * without an end was cut off by the end of its writer: it is not given out. Files are not trusted.
 */
#pragma once

#include "base/macros.h"
#include "base/why.h"
#include "store/json_find.h"

#include <stdbool.h>
#include <stdint.h>

#define ECO_LONGEST_LINE (64u << 20) /* longer ones are passed over and counted */

struct eco_lines;

/** 0; the errno of the file; -EBADMSG no regular file; -ENOTSUP compressed, and built without Zstandard. */
int eco_lines_open(const char *path, struct eco_lines **ret, struct eco_why *why) ECO_MUST_CHECK;
/**
 * The next line without its end, borrowed until the next call.
 *
 * @return 1, 0 at the end (also where compressed text is cut off or damaged), or negative errno
 */
int eco_lines_next(struct eco_lines *lines, struct eco_span *ret) ECO_MUST_CHECK;
/** Bytes behind the last line end: of a line that was cut off. */
size_t eco_lines_cut_bytes(const struct eco_lines *lines);
/** Lines that were longer than ECO_LONGEST_LINE. */
uint64_t eco_lines_passed_over(const struct eco_lines *lines);
/** Accepts NULL, returns NULL. */
struct eco_lines *eco_lines_free(struct eco_lines *lines);
