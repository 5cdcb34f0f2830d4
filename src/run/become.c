/* SPDX-License-Identifier: MIT */
/* In the child, just before exec: from root to another user, for good. Makes system calls only. */
#include "run/run_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define DESCRIPTORS_TRIED 65536
#ifndef CLOSE_RANGE_CLOEXEC
#define CLOSE_RANGE_CLOEXEC 4u
#endif

/* What root had open is not the user's. Standard input, output and error are what the command works with. */
static void keep_standard_only(void)
{
#ifdef SYS_close_range
    if (syscall(SYS_close_range, 3u, ~0u, CLOSE_RANGE_CLOEXEC) == 0)
        return;
#endif
    for (int fd = 3; fd < DESCRIPTORS_TRIED; fd++)
        (void)fcntl(fd, F_SETFD, FD_CLOEXEC);
}

/* setresuid() takes them, unless securebits say otherwise, and never the inheritable ones. */
static int drop_capabilities(void)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    const struct __user_cap_data_struct none[2] = {{0}, {0}};
    (void)prctl(PR_CAP_AMBIENT, (unsigned long)PR_CAP_AMBIENT_CLEAR_ALL, 0ul, 0ul, 0ul);
    return syscall(SYS_capset, &header, none) == 0 ? 0 : -errno;
}

/* Where we stand may be nowhere that he may go. */
static void keep_place(const struct eco_user *user, const char *folder)
{
    if (folder[0] == '/' && chdir(folder) == 0)
        return;
    if (!*user->home || chdir(user->home) != 0)
        (void)!chdir("/");
}

int eco_run_become(const struct eco_user *user, const char *folder)
{
    if (!user)
        return 0;
    keep_standard_only();
    if (setgroups(user->group_count, user->groups) != 0 || setresgid(user->gid, user->gid, user->gid) != 0 ||
        setresuid(user->uid, user->uid, user->uid) != 0)
        return -errno;
    int r = drop_capabilities();
    if (r < 0)
        return r;
    if (user->uid != 0 && (setresuid(0, 0, 0) == 0 || geteuid() != user->uid || getegid() != user->gid))
        return -EPERM;
    keep_place(user, folder);
    return 0;
}
