/* SPDX-License-Identifier: MIT */
/* By what processes are put together: containers, jobs, units, users. */
#pragma once

#include "model/identity.h"

enum eco_grouping {
    ECO_GROUPING_NONE,
    ECO_GROUPING_PROCESS,
    ECO_GROUPING_TREE,
    ECO_GROUPING_CONTAINER,
    ECO_GROUPING_POD, /* in the report only */
    ECO_GROUPING_JOB,
    ECO_GROUPING_UNIT,
    ECO_GROUPING_USER,
    ECO_GROUPING_COUNT
};

#define ECO_GROUPING_TEXT_MAX 192

/** "container", as --by takes it. */
const char *eco_grouping_name(enum eco_grouping grouping);
/** The grouping of that name, or ECO_GROUPING_NONE. */
enum eco_grouping eco_grouping_parse(const char *name);

/**
 * What two processes of one group have in common: the container's id, the job's number, the unit's name, the
 * uid in digits. Text into ret (ECO_GROUPING_TEXT_MAX) or borrowed of the identity. NULL: of no such group.
 * Not for processes and trees.
 */
const char *eco_grouping_key(enum eco_grouping grouping, const struct eco_identity *identity, char *ret);
/** The same as people call it: "2_1", "alice". */
const char *eco_grouping_label(enum eco_grouping grouping, const struct eco_identity *identity, char *ret);
