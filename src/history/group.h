/* SPDX-License-Identifier: MIT */
/* The runs of one side of a comparison, oldest first. */
#pragma once

#include "base/why.h"
#include "history/sample.h"

#include <stddef.h>

struct eco_group {
    struct eco_sample *samples; /* owned */
    size_t count, capacity;
};

/**
 * Add what a word of the command line names: a RUN (refs.h), a folder (every .json and .jsonl file in it), or
 * several of these with commas between them. A file that has commas in its name is that file.
 *
 * @return 0 with at least one run more; negative errno with a reason; what was there stays
 */
int eco_group_add(struct eco_group *group, const char *word, struct eco_why *why) ECO_MUST_CHECK;
/** By their time; the same run once. Returns how many were there twice. */
size_t eco_group_sort(struct eco_group *group);
/** Take out the samples that are also in `other`. Returns how many. */
size_t eco_group_remove_common(struct eco_group *group, const struct eco_group *other);
/** Take out runs that failed or were cut off. Returns how many. */
size_t eco_group_remove_failed(struct eco_group *group);
void eco_group_finish(struct eco_group *group);
