/* SPDX-License-Identifier: MIT */
/* The helper with its group, its capabilities and the file that limits how often counters are read. */
#include "cli/fix.h"

#include "priv/limit.h"
#include "run/user.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <stdio.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#define ATTRIBUTE   "security.capability"
#define STATE_FILE  ECO_FIX_STATE "/" ECO_LIMIT_NAME
#define HELPER_MODE 0750u

static void close_fd(int *fd)
{
    if (*fd >= 0)
        (void)close(*fd);
}

static int run_tool(const char *const *argv, struct eco_why *why)
{
    int r = eco_tool_run(argv, NULL, 0);
    if (r == 0)
        return 0;
    eco_why_set(why, r == 127 ? "%s is not installed" : "%s failed", argv[0]);
    return r < 0 ? r : -EIO;
}

/* ---- the group and the user in it ---- */

bool eco_fix_has_group(const struct eco_fix *fix)
{
    gid_t gid;
    (void)fix;
    return eco_group_find(ECO_FIX_GROUP, &gid) == 0;
}

void eco_fix_show_group(const struct eco_fix *fix, FILE *out)
{
    (void)fix;
    (void)fputs("groupadd --system " ECO_FIX_GROUP "\n", out);
}

int eco_fix_make_group(const struct eco_fix *fix, struct eco_why *why)
{
    const char *const argv[] = {"groupadd", "--system", ECO_FIX_GROUP, NULL};
    (void)fix;
    return run_tool(argv, why);
}

bool eco_fix_has_user(const struct eco_fix *fix)
{
    return !*fix->user || eco_group_has_member(ECO_FIX_GROUP, fix->user);
}

void eco_fix_show_user(const struct eco_fix *fix, FILE *out)
{
    (void)fprintf(out, "usermod --append --groups " ECO_FIX_GROUP " %s  # from the next login on\n",
                  fix->user);
}

int eco_fix_let_user_in(const struct eco_fix *fix, struct eco_why *why)
{
    const char *const argv[] = {"usermod", "--append", "--groups", ECO_FIX_GROUP, fix->user, NULL};
    return run_tool(argv, why);
}

static void show_no_group(const struct eco_fix *fix, FILE *out)
{
    (void)fix;
    (void)fputs("groupdel " ECO_FIX_GROUP "\n", out);
}

static bool has_no_group(const struct eco_fix *fix)
{
    return !eco_fix_has_group(fix);
}

static int remove_group(const struct eco_fix *fix, struct eco_why *why)
{
    const char *const argv[] = {"groupdel", ECO_FIX_GROUP, NULL};
    (void)fix;
    return run_tool(argv, why);
}

/* ---- the helper ---- */

/* Permitted, not effective: the helper raises what it needs, and where the bounding set lacks one it still
 * runs and says so. */
static struct vfs_cap_data wanted_caps(void)
{
    uint64_t set =
        1ull << CAP_BPF | 1ull << CAP_PERFMON | 1ull << CAP_DAC_READ_SEARCH | 1ull << CAP_DAC_OVERRIDE;
    return (struct vfs_cap_data){
        .magic_etc = VFS_CAP_REVISION_2,
        .data = {{.permitted = (uint32_t)set}, {.permitted = (uint32_t)(set >> 32)}}};
}

bool eco_fix_has_caps(const char *path)
{
    struct vfs_cap_data wanted = wanted_caps(), found;
    return getxattr(path, ATTRIBUTE, &found, sizeof found) == (ssize_t)sizeof found &&
           memcmp(&wanted, &found, sizeof found) == 0;
}

static bool is_same_content(const char *a, const char *b)
{
    FILE *left = fopen(a, "re"), *right = fopen(b, "re");
    bool same = left && right;
    while (same) {
        char x[4096], y[4096];
        size_t n = fread(x, 1, sizeof x, left), m = fread(y, 1, sizeof y, right);
        same = n == m && memcmp(x, y, n) == 0;
        if (n == 0)
            break;
    }
    if (left)
        (void)fclose(left);
    if (right)
        (void)fclose(right);
    return same;
}

static bool has_helper(const struct eco_fix *fix)
{
    struct stat st;
    gid_t gid;
    return lstat(fix->helper, &st) == 0 && S_ISREG(st.st_mode) && st.st_uid == 0 &&
           (st.st_mode & 07777) == HELPER_MODE && eco_group_find(ECO_FIX_GROUP, &gid) == 0 &&
           st.st_gid == gid && eco_fix_has_caps(fix->helper) &&
           (fix->is_in_place || is_same_content(fix->source, fix->helper));
}

static void show_helper(const struct eco_fix *fix, FILE *out)
{
    if (fix->is_in_place)
        (void)fprintf(out, "chown root:" ECO_FIX_GROUP " %s\nchmod %04o %s\n", fix->helper, HELPER_MODE,
                      fix->helper);
    else
        (void)fprintf(out, "install -D -o root -g " ECO_FIX_GROUP " -m %04o %s %s\n", HELPER_MODE,
                      fix->source, fix->helper);
    (void)fprintf(out, "setcap " ECO_FIX_CAPS " %s\n", fix->helper);
}

static int make_parents(const char *path)
{
    char parent[PATH_MAX];
    (void)snprintf(parent, sizeof parent, "%s", path);
    for (char *slash = strchr(parent + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        if (mkdir(parent, 0755) == 0)
            (void)chmod(parent, 0755); /* whatever the umask */
        else if (errno != EEXIST)
            return -errno;
        *slash = '/';
    }
    return 0;
}

static int copy(const char *from, int to)
{
    struct stat st;
    ECO_CLEANUP(close_fd) int fd = open(from, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0 || fstat(fd, &st) != 0)
        return -errno;
    for (off_t left = st.st_size; left > 0;) {
        ssize_t n = sendfile(to, fd, NULL, (size_t)left);
        if (n <= 0)
            return n < 0 ? -errno : -EIO;
        left -= n;
    }
    return 0;
}

/* In this order: a change of owner takes capabilities away, and the group must be in place before there are
 * any. */
static int dress(int fd, gid_t gid)
{
    struct vfs_cap_data caps = wanted_caps();
    if (fchown(fd, 0, gid) != 0 || fchmod(fd, HELPER_MODE) != 0 ||
        fsetxattr(fd, ATTRIBUTE, &caps, sizeof caps, 0) != 0)
        return -errno;
    return 0;
}

/* A new file, complete before it gets its name: whoever runs the old one goes on. */
static int install(const struct eco_fix *fix, gid_t gid)
{
    char aside[PATH_MAX + 8];
    int r = make_parents(fix->helper);
    if (r < 0)
        return r;
    (void)snprintf(aside, sizeof aside, "%s.new", fix->helper);
    (void)unlink(aside);
    ECO_CLEANUP(close_fd) int fd = open(aside, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return -errno;
    r = copy(fix->source, fd);
    if (r == 0)
        r = dress(fd, gid);
    if (r == 0 && fsync(fd) != 0)
        r = -errno;
    if (r == 0 && rename(aside, fix->helper) != 0)
        r = -errno;
    if (r < 0)
        (void)unlink(aside);
    return r;
}

static int make_helper(const struct eco_fix *fix, struct eco_why *why)
{
    gid_t gid;
    int r = eco_group_find(ECO_FIX_GROUP, &gid);
    if (r == 0 && !fix->is_in_place) {
        r = install(fix, gid);
    } else if (r == 0) {
        ECO_CLEANUP(close_fd) int fd = open(fix->helper, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
        r = fd < 0 ? -errno : dress(fd, gid);
    }
    if (r == -ENOTSUP)
        eco_why_set(why, "the file system of %.200s keeps no capabilities", fix->helper);
    else if (r < 0)
        eco_why_set(why, "%.200s: %s", fix->helper, strerror(-r));
    return r;
}

static bool has_no_helper(const struct eco_fix *fix)
{
    struct stat st;
    if (lstat(fix->helper, &st) != 0)
        return errno == ENOENT;
    return fix->is_in_place && st.st_gid == 0 && getxattr(fix->helper, ATTRIBUTE, NULL, 0) < 0;
}

static void show_no_helper(const struct eco_fix *fix, FILE *out)
{
    if (fix->is_in_place)
        (void)fprintf(out, "setcap -r %s\nchown root:root %s\nchmod 0755 %s\n", fix->helper, fix->helper,
                      fix->helper);
    else
        (void)fprintf(out, "rm -f %s\n", fix->helper);
}

/* What a package has installed stays, without powers; what --fix has installed goes. */
static int remove_helper(const struct eco_fix *fix, struct eco_why *why)
{
    int r = 0;
    if (fix->is_in_place) {
        (void)removexattr(fix->helper, ATTRIBUTE);
        if (lchown(fix->helper, 0, 0) != 0 || chmod(fix->helper, 0755) != 0)
            r = -errno;
    } else if (unlink(fix->helper) != 0 && errno != ENOENT) {
        r = -errno;
    } else {
        char folder[PATH_MAX];
        (void)snprintf(folder, sizeof folder, "%s", fix->helper);
        *strrchr(folder, '/') = '\0';
        (void)rmdir(folder); /* as long as something else is in it, it stays */
    }
    if (r < 0)
        eco_why_set(why, "%.200s: %s", fix->helper, strerror(-r));
    return r;
}

/* ---- the limit ---- */

static bool has_state(const struct eco_fix *fix)
{
    struct stat folder, file;
    (void)fix;
    return lstat(ECO_FIX_STATE, &folder) == 0 && S_ISDIR(folder.st_mode) && folder.st_uid == 0 &&
           (folder.st_mode & (S_IWGRP | S_IWOTH)) == 0 && lstat(STATE_FILE, &file) == 0 &&
           S_ISREG(file.st_mode) && file.st_uid == 0 && (file.st_mode & 07777) == 0600 &&
           file.st_nlink == 1 && file.st_size == (off_t)sizeof(struct eco_limit_state);
}

static void show_state(const struct eco_fix *fix, FILE *out)
{
    (void)fix;
    (void)fprintf(out,
                  "install -d -o root -g root -m 0755 " ECO_FIX_STATE "\n"
                  "rm -f " STATE_FILE "\n"
                  "(umask 077 && head -c %zu /dev/zero > " STATE_FILE ")\n",
                  sizeof(struct eco_limit_state));
}

static int make_state_file(void)
{
    static const struct eco_limit_state nothing;
    (void)unlink(STATE_FILE ".new");
    ECO_CLEANUP(close_fd)
    int fd = open(STATE_FILE ".new", O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return -errno;
    int r = fchown(fd, 0, 0) != 0 || fchmod(fd, 0600) != 0 ? -errno : 0;
    if (r == 0 && write(fd, &nothing, sizeof nothing) != (ssize_t)sizeof nothing)
        r = -ENOSPC;
    if (r == 0 && rename(STATE_FILE ".new", STATE_FILE) != 0)
        r = -errno;
    if (r < 0)
        (void)unlink(STATE_FILE ".new");
    return r;
}

static int make_state(const struct eco_fix *fix, struct eco_why *why)
{
    (void)fix;
    struct stat st;
    int r = 0;
    if (mkdir(ECO_FIX_STATE, 0755) != 0 && errno != EEXIST)
        r = -errno;
    if (r == 0 && (lstat(ECO_FIX_STATE, &st) != 0 || !S_ISDIR(st.st_mode)))
        r = -ENOTDIR;
    if (r == 0 && (lchown(ECO_FIX_STATE, 0, 0) != 0 || chmod(ECO_FIX_STATE, 0755) != 0))
        r = -errno;
    if (r == 0)
        r = make_state_file();
    if (r < 0)
        eco_why_set(why, ECO_FIX_STATE ": %s", strerror(-r));
    return r;
}

static bool has_no_state(const struct eco_fix *fix)
{
    struct stat st;
    (void)fix;
    return lstat(STATE_FILE, &st) != 0 && errno == ENOENT;
}

static void show_no_state(const struct eco_fix *fix, FILE *out)
{
    (void)fix;
    (void)fputs("rm -f " STATE_FILE "\nrmdir --ignore-fail-on-non-empty " ECO_FIX_STATE "\n", out);
}

static int remove_state(const struct eco_fix *fix, struct eco_why *why)
{
    (void)fix;
    if (unlink(STATE_FILE) != 0 && errno != ENOENT) {
        eco_why_set(why, STATE_FILE ": %s", strerror(errno));
        return -errno;
    }
    (void)rmdir(ECO_FIX_STATE); /* a calibration in it stays */
    return 0;
}

/* The limit is there before anybody can ask, and the helper is gone before the limit is. */
const struct eco_fix_step eco_fix_helper[] = {
    {"the group " ECO_FIX_GROUP, eco_fix_has_group, eco_fix_show_group, eco_fix_make_group},
    {"the limit on reading counters in " ECO_FIX_STATE, has_state, show_state, make_state},
    {"ecocode-priv with its capabilities", has_helper, show_helper, make_helper},
    {"the user in the group", eco_fix_has_user, eco_fix_show_user, eco_fix_let_user_in},
    {0}};

const struct eco_fix_step eco_undo_helper[] = {
    {"no ecocode-priv with capabilities", has_no_helper, show_no_helper, remove_helper},
    {"no limit file", has_no_state, show_no_state, remove_state},
    {"no group " ECO_FIX_GROUP, has_no_group, show_no_group, remove_group},
    {0}};
