/* SPDX-License-Identifier: MIT */
/*
 * Names of users, from the list that every user can read (passwd(5)); no daemon or network is asked, for that
 * may take seconds: users that only a directory service knows have no name here. Thread: any.
 */
#pragma once

#include "base/macros.h"

#include <stddef.h>
#include <stdint.h>

/** @return 0, -ENOENT when the list has no such user, or the errno of the list; -ENOBUFS: the name is longer
 */
int eco_user_name(uint32_t uid, char *ret, size_t size) ECO_MUST_CHECK;
/** @return 0, -ENOENT, or the errno of the list */
int eco_user_id(const char *name, uint32_t *ret) ECO_MUST_CHECK;

/**
 * One line of the list; pure.
 *
 * @param ret_length  bytes of the name, which `line` begins with
 * @return 0 or -EINVAL
 */
int eco_user_parse(const char *line, size_t *ret_length, uint32_t *ret_uid) ECO_MUST_CHECK;
