/* SPDX-License-Identifier: MIT */
#include "platform/process.h"

#include <errno.h>

int eco_process_children(int (*each)(void *context, pid_t pid), void *context)
{
    (void)each;
    (void)context;
    return -ENOTSUP;
}

int eco_process_children_of(pid_t pid, int (*each)(void *context, pid_t pid), void *context)
{
    (void)pid;
    return eco_process_children(each, context);
}

int eco_process_is_stopped(pid_t pid)
{
    (void)pid;
    return -ENOTSUP;
}

int eco_process_own_path(char *ret, size_t size)
{
    (void)ret;
    (void)size;
    return -ENOENT;
}

bool eco_process_is_in_first_namespaces(void)
{
    return false;
}
