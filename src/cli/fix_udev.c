/* SPDX-License-Identifier: MIT */
/* A rule of udev that opens the energy counters to the group, without any helper and without any limit. */
#include "cli/fix.h"

#include "run/user.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define TEXT                                                                                   \
    "# Made by `ecocode doctor --fix --udev`; `ecocode doctor --undo --udev` takes it away.\n" \
    "SUBSYSTEM==\"powercap\", KERNEL==\"intel-rapl*\", RUN+=\"/bin/chgrp " ECO_FIX_GROUP       \
    " /sys/%p/energy_uj\", RUN+=\"/bin/chmod g+r /sys/%p/energy_uj\"\n"

static void close_fd(int *fd)
{
    if (*fd >= 0)
        (void)close(*fd);
}

struct change {
    const struct eco_root *root;
    gid_t gid;
    mode_t mode;
    bool only_looks;
    bool differs;
};

static int each_zone(void *context, const char *name, uint64_t inode)
{
    struct change *change = context;
    char path[ECO_PATH_MAX];
    struct stat st;
    (void)inode;
    int folder = change->root->fd[ECO_SYSFS];
    if (strncmp(name, "intel-rapl", 10) != 0 || eco_path(path, "class/powercap/%s/energy_uj", name) < 0 ||
        fstatat(folder, path, &st, 0) != 0)
        return 0;
    if (st.st_gid == change->gid && (st.st_mode & 0777) == change->mode)
        return 0;
    change->differs = true;
    if (change->only_looks)
        return 0;
    return fchownat(folder, path, 0, change->gid, 0) != 0 || fchmodat(folder, path, change->mode, 0) != 0
               ? -errno
               : 0;
}

static int change_zones(const struct eco_fix *fix, gid_t gid, mode_t mode, bool only_looks, bool *ret_differs)
{
    struct change change = {&fix->root, gid, mode, only_looks, false};
    int r = eco_root_list(&fix->root, ECO_SYSFS, "class/powercap", each_zone, &change);
    *ret_differs = change.differs;
    return r == -ENOENT ? 0 : r;
}

static bool has_rule_file(void)
{
    char text[sizeof TEXT + 1];
    ECO_CLEANUP(close_fd) int fd = open(ECO_FIX_RULE, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text);
    return n == (ssize_t)(sizeof TEXT - 1) && memcmp(text, TEXT, sizeof TEXT - 1) == 0;
}

static bool has_rule(const struct eco_fix *fix)
{
    gid_t gid;
    bool differs = true;
    if (!has_rule_file() || eco_group_find(ECO_FIX_GROUP, &gid) < 0)
        return false;
    return change_zones(fix, gid, 0440, true, &differs) == 0 && !differs;
}

static void show_rule(const struct eco_fix *fix, FILE *out)
{
    (void)fix;
    (void)fputs("cat > " ECO_FIX_RULE " << 'END'\n" TEXT "END\n", out);
    (void)fprintf(out, "chgrp " ECO_FIX_GROUP " %s/class/powercap/intel-rapl*/energy_uj\n",
                  fix->root.path[ECO_SYSFS]);
    (void)fprintf(out, "chmod 0440 %s/class/powercap/intel-rapl*/energy_uj\n", fix->root.path[ECO_SYSFS]);
}

static int write_rule(void)
{
    (void)unlink(ECO_FIX_RULE ".new");
    ECO_CLEANUP(close_fd)
    int fd = open(ECO_FIX_RULE ".new", O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
    if (fd < 0)
        return -errno;
    int r = fchmod(fd, 0644) != 0 ? -errno : 0;
    if (r == 0 && write(fd, TEXT, sizeof TEXT - 1) != (ssize_t)(sizeof TEXT - 1))
        r = -ENOSPC;
    if (r == 0 && rename(ECO_FIX_RULE ".new", ECO_FIX_RULE) != 0)
        r = -errno;
    if (r < 0)
        (void)unlink(ECO_FIX_RULE ".new");
    return r;
}

static int make_rule(const struct eco_fix *fix, struct eco_why *why)
{
    gid_t gid;
    bool differs;
    int r = write_rule();
    if (r < 0) {
        eco_why_set(why, r == -ENOENT ? "there is no udev on this machine: %s" : "%s cannot be written",
                    ECO_FIX_RULE);
        return r;
    }
    r = eco_group_find(ECO_FIX_GROUP, &gid);
    if (r == 0)
        r = change_zones(fix, gid, 0440, false, &differs);
    if (r < 0)
        eco_why_set(why, "the counters that are there cannot be opened now: %s", strerror(-r));
    return r;
}

static bool has_no_rule(const struct eco_fix *fix)
{
    struct stat st;
    bool differs = true;
    return lstat(ECO_FIX_RULE, &st) != 0 && errno == ENOENT &&
           change_zones(fix, 0, 0400, true, &differs) == 0 && !differs;
}

static void show_no_rule(const struct eco_fix *fix, FILE *out)
{
    (void)fprintf(out, "rm -f " ECO_FIX_RULE "\n");
    (void)fprintf(out, "chgrp root %s/class/powercap/intel-rapl*/energy_uj\n", fix->root.path[ECO_SYSFS]);
    (void)fprintf(out, "chmod 0400 %s/class/powercap/intel-rapl*/energy_uj\n", fix->root.path[ECO_SYSFS]);
}

static int remove_rule(const struct eco_fix *fix, struct eco_why *why)
{
    bool differs;
    int r = unlink(ECO_FIX_RULE) != 0 && errno != ENOENT ? -errno : 0;
    if (r == 0)
        r = change_zones(fix, 0, 0400, false, &differs);
    if (r < 0)
        eco_why_set(why, "the rule cannot be taken away: %s", strerror(-r));
    return r;
}

const struct eco_fix_step eco_fix_udev[] = {
    {"the group " ECO_FIX_GROUP, eco_fix_has_group, eco_fix_show_group, eco_fix_make_group},
    {"the rule of udev for energy_uj", has_rule, show_rule, make_rule},
    {"the user in the group", eco_fix_has_user, eco_fix_show_user, eco_fix_let_user_in},
    {0}};

const struct eco_fix_step eco_undo_udev[] = {
    {"no rule of udev for energy_uj", has_no_rule, show_no_rule, remove_rule}, {0}};
