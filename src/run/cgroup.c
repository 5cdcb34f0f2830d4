/* SPDX-License-Identifier: MIT */
/*
 * The job's private cgroup: a new directory below our own, of version 2, so that its cpu.stat counts
 * the job and nothing else. The child is born there (CLONE_INTO_CGROUP): moving it later through
 * cgroup.procs waits for an RCU grace period. Limits stay those of the group above.
 */
#include "run/run_internal.h"

#include "base/text.h"
#include "platform/cgroup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define NAME_PREFIX     "ecocode-"
#define NAME_DIGITS     12
#define SWEEP_DEPTH     4
#define SWEEP_MIN_AGE_S 1

static bool is_our_name(const char *name)
{
    size_t length = strlen(NAME_PREFIX);
    if (strncmp(name, NAME_PREFIX, length) != 0) {
        return false;
    }
    return strspn(name + length, "0123456789abcdef") == NAME_DIGITS && name[length + NAME_DIGITS] == '\0';
}

/* Our own descriptors never take a place below 3: the command may have been given those closed. */
static int open_above_stdio(int dir_fd, const char *name)
{
    int fd = openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0 || fd > 2) {
        return fd < 0 ? -errno : fd;
    }
    int high = fcntl(fd, F_DUPFD_CLOEXEC, 3);
    int error = errno;
    (void)close(fd);
    return high >= 0 ? high : -error;
}

static int make_directory(struct eco_run *run)
{
    if (mkdirat(run->own_group_fd, run->group_name, 0755) != 0) {
        return -errno;
    }
    int fd = open_above_stdio(run->own_group_fd, run->group_name);
    if (fd < 0) {
        (void)unlinkat(run->own_group_fd, run->group_name, AT_REMOVEDIR);
        return fd;
    }
    /* Until all of this run have let go of it no other one sweeps it away, empty as it may be. */
    (void)flock(fd, LOCK_SH | LOCK_NB);
    run->group_fd = fd;
    return 0;
}

void eco_run_make_group(struct eco_run *run)
{
    char own_path[ECO_RUN_PATH_MAX - ECO_RUN_GROUP_NAME_MAX];
    run->own_group_fd = eco_cgroup_open_own(own_path, sizeof(own_path), &run->group_why);
    if (run->own_group_fd < 0) {
        run->own_group_fd = -1;
        return;
    }
    (void)snprintf(run->group_name, sizeof(run->group_name), NAME_PREFIX "%.*s", NAME_DIGITS, run->run_id);
    int r = make_directory(run);
    if (r < 0) {
        eco_why_set(&run->group_why, "no directory can be made in our cgroup %s: %s", own_path, strerror(-r));
        return;
    }
    (void)snprintf(run->group_path, sizeof(run->group_path), "%s/%s",
                   strcmp(own_path, "/") == 0 ? "" : own_path, run->group_name);
}

static bool is_old(int dir_fd, const char *name)
{
    struct stat st;
    struct timespec now;
    if (fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISDIR(st.st_mode)) {
        return false;
    }
    (void)clock_gettime(CLOCK_REALTIME, &now);
    return now.tv_sec - st.st_mtim.tv_sec > SWEEP_MIN_AGE_S;
}

static bool is_held(int dir_fd, const char *name)
{
    int fd = openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    bool held = fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK;
    if (fd >= 0) {
        (void)close(fd);
    }
    return held;
}

/*
 * Remove what runs before us left: only directories of our own naming, and the kernel removes none that a
 * process is in. One that is brand new may be waiting for its first process. `fd` is taken.
 */
static void sweep(int fd, unsigned depth)
{
    DIR *dir = fdopendir(fd);
    if (dir == NULL) {
        (void)close(fd);
        return;
    }
    for (const struct dirent *entry = readdir(dir); entry != NULL; entry = readdir(dir)) {
        if (!is_our_name(entry->d_name) || !is_old(dirfd(dir), entry->d_name) ||
            is_held(dirfd(dir), entry->d_name)) {
            continue;
        }
        if (unlinkat(dirfd(dir), entry->d_name, AT_REMOVEDIR) == 0 || errno != EBUSY || depth == 0) {
            continue;
        }
        /* An inner run may have left its own directory inside. */
        int inner = open_above_stdio(dirfd(dir), entry->d_name);
        if (inner >= 0) {
            sweep(inner, depth - 1);
            (void)unlinkat(dirfd(dir), entry->d_name, AT_REMOVEDIR);
        }
    }
    (void)closedir(dir);
}

void eco_run_remove_group(struct eco_run *run)
{
    if (run->group_fd >= 0) {
        (void)close(run->group_fd);
        run->group_fd = -1;
        (void)unlinkat(run->own_group_fd, run->group_name, AT_REMOVEDIR);
    }
    if (run->own_group_fd >= 0) {
        int fd = run->own_group_fd;
        run->own_group_fd = -1;
        sweep(fd, SWEEP_DEPTH);
    }
}

int eco_run_cgroup_fd(const struct eco_run *run)
{
    return run->group_fd;
}

const char *eco_run_cgroup_path(const struct eco_run *run)
{
    return run->group_fd >= 0 ? run->group_path : NULL;
}

const char *eco_run_cgroup_why(const struct eco_run *run)
{
    return run->group_why.text;
}
