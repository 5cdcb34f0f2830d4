/* SPDX-License-Identifier: MIT */
/* What the parts of `ecocode history` share; for the history_*.c files. Each answers with the exit status. */
#pragma once

#include "history/catalog.h"
#include "history/commands.h"
#include "history/run_file.h"

#include <limits.h>
#include <stdio.h>

struct eco_history {
    struct eco_call *call;
    char state_dir[PATH_MAX];
    struct eco_index *index;
    struct eco_run_filter filter; /* of the options */
};

int eco_history_list(struct eco_history *history);
int eco_history_sum(struct eco_history *history);
int eco_history_trend(struct eco_history *history);
int eco_history_show(struct eco_history *history, char *const *refs);
int eco_history_delete(struct eco_history *history, char *const *refs);
int eco_history_prune(struct eco_history *history);
int eco_history_redact(struct eco_history *history, char *const *refs);
int eco_history_recost(struct eco_history *history, char *const *refs);

/** A mistake or failure that was found: prints it; ECO_EXIT_MISUSE. */
int eco_history_fail(const struct eco_history *history, const struct eco_why *why);
/**
 * The runs that a word means, or with NULL those of the filter, the newest first.
 *
 * @return 0 with at least one; -ENOENT, -EEXIST, ... with a reason
 */
int eco_history_find(const struct eco_history *history, const char *ref, struct eco_catalog *ret,
                     struct eco_why *why) ECO_MUST_CHECK;

/* Figures for columns. At most 15 characters; "-" for what is not known. */
#define ECO_CELL_MAX 24
void eco_cell_energy(double joules, bool is_estimated, char ret[ECO_CELL_MAX]);
void eco_cell_duration(double seconds, char ret[ECO_CELL_MAX]);
void eco_cell_mass(double grams, char ret[ECO_CELL_MAX]);
void eco_cell_bytes(double bytes, char ret[ECO_CELL_MAX]);
/** `text` (NULL is "") made safe for a terminal and cut to `columns`. */
void eco_cell_text(const char *text, size_t columns, char *ret, size_t size);
bool eco_history_is_estimated(const struct eco_run_entry *run);
