/* SPDX-License-Identifier: MIT */
/* Which processes are meant by --container --job --unit --user: one of each list that is not empty. */
#pragma once

#include "model/identity.h"

#include <stdbool.h>

#define ECO_SELECTED_MAX 32

struct eco_selection {
    const char *const *containers; /* beginnings of ids or of pod uids, or names; borrowed */
    const char *const *jobs;       /* "3", "2_1", or an array: "2" */
    const char *const *units;      /* a part of the cgroup's path: "nginx.service", "nginx", "user.slice" */
    const uint32_t *uids;
    unsigned container_count, job_count, unit_count, uid_count;
};

static inline bool eco_selection_is_empty(const struct eco_selection *selection)
{
    return selection->container_count + selection->job_count + selection->unit_count + selection->uid_count ==
           0;
}

bool eco_selection_matches(const struct eco_selection *selection, const struct eco_identity *identity);
/* One word of a list. */
bool eco_selection_is_container(const char *word, const struct eco_identity *identity);
bool eco_selection_is_job(const char *word, const struct eco_identity *identity);
bool eco_selection_is_unit(const char *word, const struct eco_identity *identity);
