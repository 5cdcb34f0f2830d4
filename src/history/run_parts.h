/* SPDX-License-Identifier: MIT */
/*
 * The files of a run. A record is HOST-RUNID.jsonl; one that goes on for days has a further file for each
 * of them, HOST-RUNID.2026-11-23.jsonl; ".zst" behind it says that `history prune` has compressed it. What
 * they have in common before the first of these endings is the run's stem.
 */
#pragma once

#include "base/macros.h"

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

#define ECO_RUN_PARTS_MAX 4096 /* of one run: eleven years */

struct eco_run_part_name {
    size_t stem_length;
    char day[11]; /* "2026-11-23"; "" = the first file */
    bool is_packed;
};

/** What a file's name (without folder) says. False: it is no name of a record. */
bool eco_run_part_parse(const char *name, struct eco_run_part_name *ret);

struct eco_run_parts {
    char **paths; /* in the order of time, owned */
    size_t count, capacity;
};

/**
 * All files of the run that `path` is one of, from its folder. A file that has not the name of a record
 * is the only one.
 *
 * @return 0 or negative errno
 */
int eco_run_parts_of(const char *path, struct eco_run_parts *ret) ECO_MUST_CHECK;
void eco_run_parts_finish(struct eco_run_parts *parts);
/** Order of two names of one run. */
int eco_run_part_compare(const char *a, const char *b);
