/* SPDX-License-Identifier: MIT */
/* What the terminal behind a descriptor can show. Reads the environment, never the locale. */
#pragma once

#include <stdbool.h>

/** Do LC_ALL, LC_CTYPE or LANG (the first that is set) name UTF-8? */
bool eco_terminal_utf8(void);
/** @param when  "always", "never", anything else (or NULL): on a terminal that is not dumb, without NO_COLOR
 */
bool eco_terminal_color(int fd, const char *when);
/** Columns and rows; 0 where they are not known. */
void eco_terminal_size(int fd, unsigned *ret_columns, unsigned *ret_rows);
