/* SPDX-License-Identifier: MIT */
/* What a process is for. The table is data/roles.csv, first match wins; '*' stands for any bytes. */
#include "procs/scan.h"

#include <string.h>

struct role {
    const char *role, *name, *cmdline;
    bool is_forked; /* only where the command line is the parent's */
};

#include "procs/roles_table.h"

/* Iterative, so that no pattern can make it slow: only the last star is ever gone back to. */
static bool matches(const char *pattern, const char *text)
{
    const char *star = NULL, *retry = NULL;

    while (*text != '\0') {
        if (*pattern == '*') {
            star = pattern++;
            retry = text;
        } else if (*pattern == *text) {
            pattern++;
            text++;
        } else if (star != NULL) {
            pattern = star + 1;
            text = ++retry;
        } else {
            return false;
        }
    }
    while (*pattern == '*')
        pattern++;
    return *pattern == '\0';
}

const char *eco_role_find(const char *name, const char *cmdline, bool same_as_parent)
{
    for (size_t i = 0; i < ECO_COUNT(roles); i++)
        if ((same_as_parent || !roles[i].is_forked) && matches(roles[i].name, name) &&
            matches(roles[i].cmdline, cmdline))
            return roles[i].role;
    return NULL;
}
