/* SPDX-License-Identifier: MIT */
/*
 * One report of several: the ranks and nodes of one job. What the ranks used is added up; what a machine used
 * is counted once, however many of them measured it.
 */
#pragma once

#include "history/run_file.h"

#include <stddef.h>

struct eco_merge_result {
    json_t *report;    /* `ecocode.run/1` with the key `merged`, owned */
    size_t rank_count; /* reports that were added up */
    size_t node_count;
};

/**
 * A report that is given twice counts once, one that was measured inside another (its parent_run_id) does not
 * count; both are told in the warnings. A machine's figures are those of its report of longest duration when
 * that covers the others, else null.
 *
 * @return 0; -EINVAL: they cannot be added up (different policies), with a reason; -ENOMEM
 */
int eco_merge(const struct eco_run_report *reports, size_t count, struct eco_merge_result *ret,
              struct eco_why *why) ECO_MUST_CHECK;
