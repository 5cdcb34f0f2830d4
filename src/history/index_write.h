/* SPDX-License-Identifier: MIT */
/* Rows of the index, from the files. */
#pragma once

#include "history/index_files.h"

/**
 * Read what has changed and write its rows, in one transaction.
 *
 * @return SQLite's result code
 */
int eco_index_write(sqlite3 *db, const char *runs_dir, const struct eco_index_files *files) ECO_MUST_CHECK;
