/* SPDX-License-Identifier: MIT */
/*
 * The index of recorded runs: STATE/index.sqlite, made from the records when it is opened and never the only
 * place of anything (docs/history.md has its tables). What has changed since is read again, told by size and
 * time of each file. Where it cannot be used - locked by another program, of a later version, a folder that
 * cannot be written - the same tables are built in memory, and one line says so.
 */
#pragma once

#include "base/macros.h"
#include "base/why.h"

#include <sqlite3.h>
#include <stdbool.h>

struct eco_index {
    sqlite3 *db;
    char *runs_dir; /* owned */
    int lock_fd;    /* -1 = in memory, or nothing was to be changed */
    bool is_in_memory;
};

/**
 * Open it and bring it up to date.
 *
 * @return 0; -ENOMEM; the errno of the folder of records, with a reason. No folder is an empty index.
 */
int eco_index_open(const char *state_dir, struct eco_index **ret, struct eco_why *why) ECO_MUST_CHECK;
/** Accepts NULL, returns NULL. */
struct eco_index *eco_index_free(struct eco_index *index);

/** Prepare; NULL with a reason on failure. */
sqlite3_stmt *eco_index_prepare(const struct eco_index *index, const char *sql, struct eco_why *why);
