/* SPDX-License-Identifier: MIT */
#include "platform/users.h"

#include <errno.h>

int eco_user_name(uint32_t uid, char *ret, size_t size)
{
    (void)uid;
    (void)ret;
    (void)size;
    return -ENOTSUP;
}

int eco_user_id(const char *name, uint32_t *ret)
{
    (void)name;
    (void)ret;
    return -ENOTSUP;
}

int eco_user_parse(const char *line, size_t *ret_length, uint32_t *ret_uid)
{
    (void)line;
    (void)ret_length;
    (void)ret_uid;
    return -EINVAL;
}
