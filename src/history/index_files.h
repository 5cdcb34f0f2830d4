/* SPDX-License-Identifier: MIT */
/* The files in the folder of records, and which of them the index does not know as they are. */
#pragma once

#include "base/why.h"
#include "history/run_parts.h"

#include <sqlite3.h>
#include <stdint.h>

#define ECO_INDEX_FILES_MAX (1u << 22)

struct eco_index_file {
    char *name; /* owned */
    struct eco_run_part_name part;
    int64_t size, mtime_ns;
    bool is_changed; /* not in the index, or otherwise there */
};

struct eco_index_files {
    struct eco_index_file *all; /* by run, each in the order of time */
    size_t count, capacity;
    char **gone; /* stems of runs of which a file is in the index alone, owned */
    size_t gone_count, gone_capacity;
    bool has_changes;
};

/** No folder: none. Negative errno otherwise. */
int eco_index_files_list(const char *runs_dir, struct eco_index_files *ret) ECO_MUST_CHECK;
/** Compare with the table `files`. SQLite's result code; SQLITE_NOMEM too. */
int eco_index_files_compare(struct eco_index_files *files, sqlite3 *db) ECO_MUST_CHECK;
void eco_index_files_finish(struct eco_index_files *files);
/** Two files belong to one run. */
bool eco_index_files_same_run(const struct eco_index_file *a, const struct eco_index_file *b);
