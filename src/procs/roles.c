/* SPDX-License-Identifier: MIT */
/* What a process is for. The table is data/roles.csv, first match wins; '*' stands for any bytes. */
#include "procs/scan.h"

#include <string.h>

struct role {
    const char *role, *name, *cmdline;
    bool is_forked; /* only where the command line is the parent's */
};

#include "procs/roles_table.h"

/*
 * Iterative, so that no pattern can make it slow: only the last star is ever gone back to, and from there to
 * the next place where what follows it can begin (this runs for every pattern and every new process).
 */
static bool matches(const char *pattern, const char *text)
{
    const char *star = NULL, *retry = NULL;

    for (;;) {
        if (*pattern == '*') {
            while (*pattern == '*')
                pattern++;
            if (*pattern == '\0')
                return true;
            star = pattern;
            retry = text = strchr(text, *pattern);
        } else if (*pattern == *text) {
            if (*text == '\0')
                return true;
            pattern++;
            text++;
            continue;
        } else {
            pattern = star;
            retry = text = star != NULL && *text != '\0' ? strchr(retry + 1, *star) : NULL;
        }
        if (text == NULL)
            return false;
    }
}

const char *eco_role_find(const char *name, const char *cmdline, bool same_as_parent)
{
    for (size_t i = 0; i < ECO_COUNT(roles); i++)
        if ((same_as_parent || !roles[i].is_forked) && matches(roles[i].name, name) &&
            matches(roles[i].cmdline, cmdline))
            return roles[i].role;
    return NULL;
}
