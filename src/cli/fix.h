/* SPDX-License-Identifier: MIT */
/*
 * `doctor --fix` and `--undo`: what lets users who are not root measure, as a list of steps. Every step knows
 * whether it is done already, the commands that would do it, and how to do it; none leaves anything half
 * done.
 */
#pragma once

#include "cli/command.h"
#include "platform/root.h"

#include <limits.h>
#include <sys/types.h>

#define ECO_FIX_GROUP "ecocode"
#define ECO_FIX_CAPS  "cap_bpf,cap_perfmon,cap_dac_read_search,cap_dac_override=p"
#define ECO_FIX_STATE "/var/lib/ecocode"
#define ECO_FIX_RULE  "/etc/udev/rules.d/70-ecocode-energy.rules"

struct eco_fix {
    struct eco_root root;
    char source[PATH_MAX]; /* the helper that is to be installed */
    char helper[PATH_MAX]; /* where to */
    bool is_in_place;      /* both are the same file: our package put it there */
    char user[256];        /* who is to be let in, "" nobody */
};

struct eco_fix_step {
    const char *what; /* "the group ecocode" */
    /* True when there is nothing to do. */
    bool (*is_done)(const struct eco_fix *fix);
    /* The commands that do it, a line each, for --dry-run and before asking. */
    void (*show)(const struct eco_fix *fix, FILE *out);
    int (*make)(const struct eco_fix *fix, struct eco_why *why);
};

/* fix_steps.c, fix_udev.c: in order, ending with a NULL `what`. */
extern const struct eco_fix_step eco_fix_helper[], eco_fix_udev[], eco_undo_helper[], eco_undo_udev[];
/** Shared by both lists: the group, and the user in it. */
bool eco_fix_has_group(const struct eco_fix *fix);
void eco_fix_show_group(const struct eco_fix *fix, FILE *out);
int eco_fix_make_group(const struct eco_fix *fix, struct eco_why *why);
bool eco_fix_has_user(const struct eco_fix *fix);
void eco_fix_show_user(const struct eco_fix *fix, FILE *out);
int eco_fix_let_user_in(const struct eco_fix *fix, struct eco_why *why);

/** Whether the file has the capabilities that the helper needs; more than these is not good either. */
bool eco_fix_has_caps(const char *path);

/** Does what the options of `doctor` ask for. Returns the exit status. */
int eco_fix_run(struct eco_call *call);
