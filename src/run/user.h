/* SPDX-License-Identifier: MIT */
/*
 * Users of this machine. The program is linked statically and so has no name service of its own: getent(1) is
 * asked, which knows all of them, and where it is not there the files are read.
 */
#pragma once

#include "base/why.h"

#include <stdbool.h>
#include <sys/types.h>

#define ECO_USER_TEXT_MAX   256
#define ECO_USER_GROUPS_MAX 1024

struct eco_user {
    char name[ECO_USER_TEXT_MAX], home[ECO_USER_TEXT_MAX], shell[ECO_USER_TEXT_MAX];
    uid_t uid;
    gid_t gid;
    gid_t groups[ECO_USER_GROUPS_MAX]; /* gid among them */
    size_t group_count;
};

/** One line of passwd(5). 0 or -EINVAL. */
int eco_user_parse_passwd(const char *line, struct eco_user *ret) ECO_MUST_CHECK;
/** One line of group(5): 1 when `name` is listed as a member, 0 when not, -EINVAL; *ret_gid is the group's.
 */
int eco_user_parse_group(const char *line, const char *name, gid_t *ret_gid) ECO_MUST_CHECK;

/**
 * By name or number.
 *
 * @return 0, -ENOENT no such user, another negative errno; with the reason
 */
int eco_user_find(const char *name_or_number, struct eco_user *ret, struct eco_why *why) ECO_MUST_CHECK;
/** Its id; -ENOENT. */
int eco_group_find(const char *name, gid_t *ret) ECO_MUST_CHECK;
/** Whether `user` is listed as a member of `group`, whatever the groups of the running session are. */
bool eco_group_has_member(const char *group, const char *user);

/**
 * Run a program of the system's and wait for it: a fixed PATH, no other environment, standard input closed.
 *
 * @param ret   what it printed, NUL-ended, cut at `size`; NULL = it prints where we print
 * @return its exit status, 127 when there is none of that name, or negative errno
 */
int eco_tool_run(const char *const *argv, char *ret, size_t size) ECO_MUST_CHECK;
