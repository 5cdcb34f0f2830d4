/* SPDX-License-Identifier: MIT */
/* The part of root.h that is the same on every platform. */
#include "platform/root.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

int eco_path(char *ret, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int length = vsnprintf(ret, ECO_PATH_MAX, format, args);
    va_end(args);
    if (length < 0)
        return -EINVAL;
    return length < ECO_PATH_MAX ? 0 : -ENAMETOOLONG;
}
