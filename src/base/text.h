/* SPDX-License-Identifier: MIT */
/*
 * Text that came from elsewhere (process names, command lines, sysfs) made safe to print, and how
 * wide it is. Nothing here allocates. Out buffers are always NUL-terminated.
 */
#pragma once

#include "base/macros.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Decode one code point at `text` (at most `length` bytes). Returns bytes used; invalid ones give 0xFFFD, 1.
 */
size_t eco_utf8_decode(const char *text, size_t length, uint32_t *ret_code);

/**
 * Copy `text` so that no terminal is hijacked: control characters (C0, DEL, C1), line breaks,
 * bidirectional overrides and invalid UTF-8 become '?', white space becomes a blank. With `ascii`
 * everything outside ASCII becomes '?'. Cut at a character's edge to fit `size` bytes.
 *
 * @return bytes written without the NUL
 */
size_t eco_text_clean(char *ret, size_t size, const char *text, size_t length, bool ascii);

/** Columns of clean UTF-8 text on a terminal (wide East Asian characters count 2, combining marks 0). */
size_t eco_text_width(const char *text);

/** Cut clean text to at most `columns`, ending in "..." (or the ellipsis) when something was cut. */
void eco_text_cut(char *text, size_t columns, bool ascii);

/** strlcpy: truncates, always terminates; returns the length of `text`. */
size_t eco_text_copy(char *ret, size_t size, const char *text);

/** Damerau-Levenshtein distance of short words (for "did you mean"); words over 32 bytes give 99. */
unsigned eco_text_distance(const char *a, const char *b);
