/* SPDX-License-Identifier: MIT */
/*
 * What RUN means, in every command: an unambiguous beginning of its id (six digits are printed), "last",
 * "last~N", "label:KEY=VALUE" (all that have it, the newest first), or a file.
 */
#pragma once

#include "history/run_file.h"

#include <stddef.h>

struct eco_run_list {
    struct eco_run_report *runs; /* newest first, owned */
    size_t count, capacity;
};

/**
 * @param state_dir  where the user's records are, NULL = eco_state_dir()
 * @param limit      so many of a label at most, 0 = all
 * @return 0 with at least one run; -ENOENT: no such run (the reason says what to do: on an empty history,
 * what to run); -EEXIST: ambiguous (the reason names some); else as eco_run_report_read
 */
int eco_runs_resolve(const char *state_dir, const char *ref, size_t limit, struct eco_run_list *ret,
                     struct eco_why *why) ECO_MUST_CHECK;
/**
 * All runs that the words mean, in their order; of a label the newest first.
 *
 * @param otherwise  what is meant where there is no word, NULL = none is 0 runs
 */
int eco_runs_resolve_words(char *const *words, const char *otherwise, struct eco_run_list *ret,
                           struct eco_why *why) ECO_MUST_CHECK;
/** Move the runs of `more`, which is empty then, to the end of `list`. -ENOMEM: both are as they were. */
int eco_run_list_take(struct eco_run_list *list, struct eco_run_list *more) ECO_MUST_CHECK;
void eco_run_list_finish(struct eco_run_list *list);
