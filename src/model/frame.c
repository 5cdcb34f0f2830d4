/* SPDX-License-Identifier: MIT */
#include "model/frame.h"

#include <string.h>

static const char *const policy_names[ECO_POLICY_COUNT] = {
    [ECO_POLICY_NONE] = "none",   [ECO_POLICY_ACTIVE] = "active",     [ECO_POLICY_FULL] = "full",
    [ECO_POLICY_EQUAL] = "equal", [ECO_POLICY_RESERVED] = "reserved",
};

const char *eco_policy_name(enum eco_policy policy)
{
    return (unsigned)policy < ECO_POLICY_COUNT ? policy_names[policy] : policy_names[ECO_POLICY_NONE];
}

enum eco_policy eco_policy_parse(const char *name)
{
    for (int policy = ECO_POLICY_NONE + 1; policy < ECO_POLICY_COUNT; policy++) {
        if (strcmp(policy_names[policy], name) == 0)
            return (enum eco_policy)policy;
    }
    return ECO_POLICY_NONE;
}
