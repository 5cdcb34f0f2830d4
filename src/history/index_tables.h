/* SPDX-License-Identifier: MIT */
/* The file of the index: opening it, its tables and their versions. */
#pragma once

#include "base/macros.h"
#include "base/why.h"

#include <sqlite3.h>

#define ECO_INDEX_VERSION 1

enum eco_index_state {
    ECO_INDEX_READY,
    ECO_INDEX_BROKEN, /* no database, or damaged: it can be removed and made anew */
    ECO_INDEX_UNFIT   /* not ours, of a later version, in use, not to be written: leave it alone */
};

/**
 * Open the database at `path` (":memory:" too), set it up for the file system it is on and make or migrate
 * its tables.
 *
 * @param ret  NULL unless READY
 * @param why  set unless READY: what is wrong with it, without its name
 */
enum eco_index_state eco_index_tables_open(const char *path, sqlite3 **ret,
                                           struct eco_why *why) ECO_MUST_CHECK;
/** What a failed call of SQLite means. */
enum eco_index_state eco_index_state_of(int sqlite_error);
