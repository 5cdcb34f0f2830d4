/* SPDX-License-Identifier: MIT */
#include "platform/cgroup.h"

#include <errno.h>

int eco_cgroup_path(pid_t pid, char *ret, size_t size)
{
    (void)pid;
    (void)ret;
    (void)size;
    return -ENOTSUP;
}

int eco_cgroup_open_own(char *ret_path, size_t size, struct eco_why *why)
{
    (void)ret_path;
    (void)size;
    eco_why_set(why, "built for a platform without cgroups");
    return -ENOTSUP;
}

int eco_cgroup_number(int dir_fd, const char *group, uint64_t *ret_id, uint32_t *ret_depth)
{
    (void)dir_fd;
    (void)group;
    (void)ret_id;
    (void)ret_depth;
    return -ENOTSUP;
}

uint32_t eco_cgroup_depth(const char *group)
{
    (void)group;
    return 0;
}

int eco_cgroup_mount_path(const char *line, const char *group, char *ret, size_t size)
{
    (void)line;
    (void)group;
    (void)ret;
    (void)size;
    return -ENOTSUP;
}
