/* SPDX-License-Identifier: MIT */
/* Tables by container, pod, job, unit, user, process or tree, for people. */
#pragma once

#include "sinks/groups.h"
#include "sinks/text.h"

struct eco_group_table {
    struct eco_tally tally;
    struct eco_groups groups;
    unsigned rows;  /* height of the terminal */
    unsigned lines; /* of the last table, which the next one is written over on a terminal that can */
};

/** One table for each interval: the largest first, as many as fit, the others in one line, and what is
 * nobody's. */
int eco_group_table_frame(struct eco_group_table *table, struct eco_page *page,
                          const struct eco_frame *frame);
/** The rows of the report in place of processes. 0 or -ENOMEM. */
int eco_text_groups(struct eco_page *page, const struct eco_report *report, enum eco_grouping by);
