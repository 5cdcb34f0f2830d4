/* SPDX-License-Identifier: MIT */
#include "platform/cgroup.h"

#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

/* Overlayfs has longer ones, cgroup2 has not. Small, for our stack counts in the peak of the child we fork.
 */
#define LINE_MAX_BYTES 4096
#define OWN_MAX        1024 /* of the path of our own group */

struct line_reader {
    int fd;
    size_t used;
    bool is_end;
    char text[LINE_MAX_BYTES];
};

static void close_fd(int *fd)
{
    if (*fd >= 0) {
        (void)close(*fd);
    }
}

static void fill(struct line_reader *reader)
{
    ssize_t n;
    do {
        n = read(reader->fd, reader->text + reader->used, sizeof(reader->text) - reader->used);
    } while (n < 0 && errno == EINTR);
    if (n <= 0) {
        reader->is_end = true;
    } else {
        reader->used += (size_t)n;
    }
}

/* The next line, without its end, into ret (LINE_MAX_BYTES); false at the end. Overlong lines are left out.
 */
static bool next_line(struct line_reader *reader, char *ret)
{
    bool is_skipping = false;
    for (;;) {
        char *end = memchr(reader->text, '\n', reader->used);
        if (end != NULL) {
            size_t length = (size_t)(end - reader->text);
            memcpy(ret, reader->text, length);
            ret[length] = '\0';
            reader->used -= length + 1;
            memmove(reader->text, end + 1, reader->used);
            if (!is_skipping) {
                return true;
            }
            is_skipping = false;
            continue;
        }
        if (reader->used == sizeof(reader->text)) {
            is_skipping = true;
            reader->used = 0;
        }
        if (reader->is_end) {
            return false;
        }
        fill(reader);
    }
}

int eco_cgroup_path(pid_t pid, char *ret, size_t size)
{
    char path[64];
    if (pid == 0) {
        (void)eco_text_copy(path, sizeof(path), "/proc/self/cgroup");
    } else {
        (void)snprintf(path, sizeof(path), "/proc/%d/cgroup", (int)pid);
    }
    int fd ECO_CLEANUP(close_fd) = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return -errno;
    }
    struct line_reader reader;
    reader.fd = fd;
    reader.used = 0;
    reader.is_end = false;
    char line[LINE_MAX_BYTES];
    while (next_line(&reader, line)) {
        if (strncmp(line, "0::/", 4) != 0) {
            continue;
        }
        if (strlen(line + 3) >= size) {
            return -ENAMETOOLONG;
        }
        (void)eco_text_copy(ret, size, line + 3);
        return 0;
    }
    return -ENODATA;
}

/* Fields of mountinfo hold blanks, tabs, line ends and backslashes as \ooo (kernel fs/proc_namespace.c,
 * mangle()). */
static void unescape(char *text)
{
    char *to = text;
    for (const char *from = text; *from != '\0';) {
        bool is_octal = from[0] == '\\' && from[1] >= '0' && from[1] <= '3' && from[2] >= '0' &&
                        from[2] <= '7' && from[3] >= '0' && from[3] <= '7';
        if (is_octal) {
            *to++ = (char)((from[1] - '0') * 64 + (from[2] - '0') * 8 + (from[3] - '0'));
            from += 4;
        } else {
            *to++ = *from++;
        }
    }
    *to = '\0';
}

static bool copy_field(const char **cursor, char *ret, size_t size)
{
    size_t length = strcspn(*cursor, " ");
    if (length == 0 || length >= size) {
        return false;
    }
    memcpy(ret, *cursor, length);
    ret[length] = '\0';
    *cursor += length;
    *cursor += strspn(*cursor, " ");
    return true;
}

/* What is left of `group` below `root`; NULL when it is not below. Both begin with '/'. */
static const char *below(const char *group, const char *root)
{
    if (strcmp(root, "/") == 0) {
        return group;
    }
    size_t length = strlen(root);
    if (strncmp(group, root, length) != 0 || (group[length] != '/' && group[length] != '\0')) {
        return NULL;
    }
    return group + length;
}

int eco_cgroup_mount_path(const char *line, const char *group, char *ret, size_t size)
{
    /* "41 31 0:38 / /sys/fs/cgroup rw,relatime shared:9 - cgroup2 cgroup2 rw,nsdelegate" */
    const char *type = strstr(line, " - ");
    if (type == NULL) {
        return -EINVAL;
    }
    if (strncmp(type + 3, "cgroup2 ", 8) != 0) {
        return -ENODEV;
    }
    char skipped[64];
    char root[LINE_MAX_BYTES / 2];
    char mount[LINE_MAX_BYTES / 2];
    const char *cursor = line;
    for (int i = 0; i < 3; i++) {
        if (!copy_field(&cursor, skipped, sizeof(skipped))) {
            return -EINVAL;
        }
    }
    if (!copy_field(&cursor, root, sizeof(root)) || !copy_field(&cursor, mount, sizeof(mount))) {
        return -EINVAL;
    }
    unescape(root);
    unescape(mount);
    if (root[0] != '/' || mount[0] != '/' || group[0] != '/') {
        return -EINVAL;
    }
    /* "/.." begins what lies outside our cgroup namespace: that directory is not ours to use. */
    const char *rest =
        strncmp(root, "/..", 3) == 0 || strncmp(group, "/..", 3) == 0 ? NULL : below(group, root);
    if (rest == NULL) {
        return -ENODEV;
    }
    if (strlen(mount) + strlen(rest) >= size) {
        return -ENAMETOOLONG;
    }
    (void)snprintf(ret, size, "%s%s", mount, rest);
    return 0;
}

/* -ENODEV when something else is mounted over it. */
static int open_group(const char *path)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        return -errno;
    }
    struct statfs fs;
    if (fstatfs(fd, &fs) != 0 || (unsigned long)fs.f_type != CGROUP2_SUPER_MAGIC) {
        (void)close(fd);
        return -ENODEV;
    }
    if (fd > 2) {
        return fd;
    }
    int high = fcntl(fd, F_DUPFD_CLOEXEC, 3);
    int error = errno;
    (void)close(fd);
    return high >= 0 ? high : -error;
}

/* Its number is fixed: include/uapi/linux/nsfs.h. Kernels without such namespaces have one tree for all. */
static bool is_first_namespace(void)
{
    struct stat st;
    if (stat("/proc/self/ns/cgroup", &st) != 0) {
        return errno == ENOENT;
    }
    return st.st_ino == 0xeffffffbu;
}

/* The topmost directory has this number (kernel fs/kernfs/dir.c: the first that kernfs_create_root gives
 * out).
 */
#define ROOT_NUMBER 1u

/*
 * Where it is mounted usually, and whole: then the list of all mounts, which takes longer to make than all
 * else here, need not be read. -ENODEV = look there.
 */
static int open_usual(const char *group)
{
    static const char *const mounts[] = {"/sys/fs/cgroup", "/sys/fs/cgroup/unified"};
    char path[OWN_MAX + 32];
    if (strncmp(group, "/..", 3) == 0 || !is_first_namespace()) {
        return -ENODEV;
    }
    for (size_t i = 0; i < sizeof(mounts) / sizeof(*mounts); i++) {
        struct statfs fs;
        struct stat st;
        if (statfs(mounts[i], &fs) == 0 && (unsigned long)fs.f_type == CGROUP2_SUPER_MAGIC &&
            stat(mounts[i], &st) == 0 && st.st_ino == ROOT_NUMBER) {
            (void)snprintf(path, sizeof(path), "%s%s", mounts[i], group);
            return open_group(path);
        }
    }
    return -ENODEV;
}

int eco_cgroup_open_own(char *ret_path, size_t size, struct eco_why *why)
{
    char group[OWN_MAX] = "";
    int r = eco_cgroup_path(0, group, sizeof(group));
    if (r == 0 && strlen(group) >= size) {
        r = -ENAMETOOLONG;
    }
    if (r < 0) {
        eco_why_set(why, "our own cgroup is not to be found: %s", strerror(-r));
        return r == -ENODATA ? -ENODEV : r;
    }
    r = open_usual(group);
    if (r >= 0) {
        (void)eco_text_copy(ret_path, size, group);
        return r;
    }
    int fd ECO_CLEANUP(close_fd) = open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        r = -errno;
        eco_why_set(why, "/proc/self/mountinfo: %s", strerror(-r));
        return r;
    }
    struct line_reader reader;
    reader.fd = fd;
    reader.used = 0;
    reader.is_end = false;
    char line[LINE_MAX_BYTES];
    char path[LINE_MAX_BYTES];
    int last = -ENODEV;
    while (next_line(&reader, line)) {
        if (eco_cgroup_mount_path(line, group, path, sizeof(path)) < 0) {
            continue;
        }
        last = open_group(path);
        if (last >= 0) {
            (void)eco_text_copy(ret_path, size, group);
            return last;
        }
    }
    if (last == -ENODEV) {
        eco_why_set(why, "no cgroup version 2 is mounted that shows our own group");
    } else {
        eco_why_set(why, "%s: %s", path, strerror(-last));
    }
    return last;
}

uint32_t eco_cgroup_depth(const char *group)
{
    uint32_t depth = 0;
    for (const char *at = group; *at != '\0'; at++) {
        depth += at[0] == '/' && at[1] != '/' && at[1] != '\0';
    }
    return depth;
}

/* A handle of a kernfs file is its 64-bit number (include/linux/exportfs.h, FILEID_KERNFS); st_ino is only
 * where it has as many bits. */
int eco_cgroup_number(int dir_fd, const char *group, uint64_t *ret_id, uint32_t *ret_depth)
{
    union {
        struct file_handle head;
        char bytes[sizeof(struct file_handle) + sizeof(uint64_t)];
    } handle = {.head.handle_bytes = sizeof(uint64_t)};
    int mount_id;
    if (group[0] != '/') {
        return -EINVAL;
    }
    if (strncmp(group, "/..", 3) == 0 || !is_first_namespace()) {
        return -ENOTSUP;
    }
    if (name_to_handle_at(dir_fd, "", &handle.head, &mount_id, AT_EMPTY_PATH) != 0) {
        return errno == EBADF ? -EINVAL : -ENOTSUP;
    }
    if (handle.head.handle_bytes != sizeof(uint64_t)) {
        return -ENOTSUP;
    }
    memcpy(ret_id, handle.head.f_handle, sizeof(uint64_t));
    *ret_depth = eco_cgroup_depth(group);
    return 0;
}
