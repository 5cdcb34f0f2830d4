/* SPDX-License-Identifier: MIT */
#include "model/grouping.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

static const char *const names[ECO_GROUPING_COUNT] = {
    [ECO_GROUPING_NONE] = "none",           [ECO_GROUPING_PROCESS] = "process", [ECO_GROUPING_TREE] = "tree",
    [ECO_GROUPING_CONTAINER] = "container", [ECO_GROUPING_POD] = "pod",         [ECO_GROUPING_JOB] = "job",
    [ECO_GROUPING_UNIT] = "unit",           [ECO_GROUPING_USER] = "user",
};

const char *eco_grouping_name(enum eco_grouping grouping)
{
    return (unsigned)grouping < ECO_GROUPING_COUNT ? names[grouping] : names[ECO_GROUPING_NONE];
}

enum eco_grouping eco_grouping_parse(const char *name)
{
    for (int grouping = ECO_GROUPING_NONE + 1; grouping < ECO_GROUPING_COUNT; grouping++)
        if (strcmp(names[grouping], name) == 0)
            return (enum eco_grouping)grouping;
    return ECO_GROUPING_NONE;
}

const char *eco_grouping_key(enum eco_grouping grouping, const struct eco_identity *identity, char *ret)
{
    if (!identity)
        return NULL;
    switch (grouping) {
    case ECO_GROUPING_CONTAINER:
        return identity->container;
    case ECO_GROUPING_POD:
        return identity->pod;
    case ECO_GROUPING_JOB:
        return identity->slurm ? identity->slurm->id : NULL;
    case ECO_GROUPING_UNIT:
        if (!identity->unit || !identity->is_user_unit)
            return identity->unit;
        /* Every user may have one of that name. */
        (void)snprintf(ret, ECO_GROUPING_TEXT_MAX, "%u/%s", identity->uid, identity->unit);
        return ret;
    case ECO_GROUPING_USER:
        (void)snprintf(ret, ECO_GROUPING_TEXT_MAX, "%u", identity->uid);
        return ret;
    case ECO_GROUPING_NONE:
    case ECO_GROUPING_PROCESS:
    case ECO_GROUPING_TREE:
    case ECO_GROUPING_COUNT:
        break;
    }
    return NULL;
}

const char *eco_grouping_label(enum eco_grouping grouping, const struct eco_identity *identity, char *ret)
{
    if (identity && grouping == ECO_GROUPING_JOB)
        return eco_identity_job(identity);
    if (identity && grouping == ECO_GROUPING_USER && identity->user)
        return identity->user;
    return eco_grouping_key(grouping, identity, ret);
}
