/* SPDX-License-Identifier: MIT */
#include "platform/root.h"

#include "base/parse.h"
#include "base/text.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#define NUMBER_MAX 64
#define LIST_BYTES 16384

static const char *const default_path[2] = {[ECO_PROCFS] = "/proc", [ECO_SYSFS] = "/sys"};

static void close_fd(int *fd)
{
    if (*fd >= 0)
        (void)close(*fd);
    *fd = -1;
}

static bool has_magic(int fd, unsigned long magic)
{
    struct statfs info;
    return fstatfs(fd, &info) == 0 && (unsigned long)info.f_type == magic;
}

/* /proc/self leads to our number in the pid namespace that this procfs was mounted for. */
static bool is_own_procfs(int fd)
{
    char target[32];
    uint64_t pid;
    ssize_t length = readlinkat(fd, "self", target, sizeof(target) - 1);
    if (length <= 0)
        return false;
    target[length] = '\0';
    return eco_parse_u64(target, &pid) == 0 && pid == (uint64_t)getpid();
}

static int open_tree(struct eco_root *root, enum eco_tree tree, const char *given)
{
    const char *path = given ? given : default_path[tree];
    if (eco_text_copy(root->path[tree], sizeof(root->path[tree]), path) >= sizeof(root->path[tree]))
        return -ENAMETOOLONG;
    root->fd[tree] = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (root->fd[tree] < 0)
        return given ? -errno : 0;

    bool at_home = strcmp(path, default_path[tree]) == 0;
    int fd = root->fd[tree];
    if (tree == ECO_PROCFS)
        root->is_own[tree] = at_home && has_magic(fd, PROC_SUPER_MAGIC) && is_own_procfs(fd);
    else
        root->is_own[tree] = at_home && has_magic(fd, SYSFS_MAGIC);
    return 0;
}

int eco_root_init(struct eco_root *root, const char *procfs, const char *sysfs)
{
    *root = (struct eco_root){.fd = {-1, -1}};
    int r = open_tree(root, ECO_PROCFS, procfs);
    if (r == 0)
        r = open_tree(root, ECO_SYSFS, sysfs);
    if (r < 0)
        eco_root_finish(root);
    return r;
}

void eco_root_finish(struct eco_root *root)
{
    close_fd(&root->fd[ECO_PROCFS]);
    close_fd(&root->fd[ECO_SYSFS]);
}

/* What is asked before anything is touched: the test's fault, and that the path stays below its root. */
static int check(const struct eco_root *root, enum eco_tree tree, const char *path)
{
    if (root->fault) {
        int r = root->fault(root->fault_context, tree, path);
        if (r != 0)
            return r;
    }
    if (path[0] == '/')
        return -EINVAL;
    return root->fd[tree] < 0 ? -ENOENT : 0;
}

int eco_root_open(const struct eco_root *root, enum eco_tree tree, const char *path)
{
    int r = check(root, tree, path);
    if (r < 0)
        return r;
    /* O_NONBLOCK: a FIFO put in place of a file must not hold us before we see what it is. */
    int fd = openat(root->fd[tree], path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return -errno;
    /* The kernel's own trees hold regular files, folders (which cannot be read), and nothing that blocks. */
    if (root->is_own[tree])
        return fd;
    struct stat info;
    r = fstat(fd, &info) < 0 ? -errno : 0;
    if (r == 0 && !S_ISREG(info.st_mode))
        r = -EINVAL;
    if (r < 0) {
        close_fd(&fd);
        return r;
    }
    return fd;
}

/*
 * The whole file from offset 0. Reads until the end, since a short read of a seq_file is none; but
 * where one line is all that is wanted its newline is the end, and a system call is saved.
 */
/*
 * Kernel files come in pieces of a page (seq_file), cut between records: a piece of less than half a page
 * that is also less than was asked for is the last one, and asking again would only be told so.
 */
#define SHORT_READ 2048

static ssize_t read_whole(int fd, char *ret, size_t size, bool one_line)
{
    size_t length = 0;
    if (size == 0)
        return -EINVAL;
    for (;;) {
        char extra;
        bool full = length == size - 1;
        ssize_t n = pread(fd, full ? &extra : ret + length, full ? 1 : size - 1 - length, (off_t)length);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        if (n == 0)
            break;
        if (full)
            return -EFBIG;
        size_t wanted = full ? 1 : size - 1 - length;
        length += (size_t)n;
        if ((one_line && ret[length - 1] == '\n') || ((size_t)n < wanted && n < SHORT_READ))
            break;
    }
    while (length > 0 && strchr(" \t\r\n\v\f", ret[length - 1]) && ret[length - 1] != '\0')
        length--;
    ret[length] = '\0';
    return (ssize_t)length;
}

ssize_t eco_root_read(const struct eco_root *root, enum eco_tree tree, const char *path, char *ret,
                      size_t size)
{
    ECO_CLEANUP(close_fd) int fd = eco_root_open(root, tree, path);
    if (fd < 0)
        return fd;
    return read_whole(fd, ret, size, false);
}

static int read_number(int fd, uint64_t *ret)
{
    char text[NUMBER_MAX];
    ssize_t length = read_whole(fd, text, sizeof(text), true);
    return length < 0 ? (int)length : eco_parse_u64(text, ret);
}

int eco_root_read_u64(const struct eco_root *root, enum eco_tree tree, const char *path, uint64_t *ret)
{
    ECO_CLEANUP(close_fd) int fd = eco_root_open(root, tree, path);
    return fd < 0 ? fd : read_number(fd, ret);
}

static int ask_fault(const struct eco_root *root)
{
    return root->fault ? root->fault(root->fault_context, ECO_PROCFS, "") : 0;
}

ssize_t eco_root_pread(const struct eco_root *root, int fd, char *ret, size_t size)
{
    int r = ask_fault(root);
    return r != 0 ? r : read_whole(fd, ret, size, false);
}

int eco_root_pread_u64(const struct eco_root *root, int fd, uint64_t *ret)
{
    int r = ask_fault(root);
    return r != 0 ? r : read_number(fd, ret);
}

/* As getdents64(2) fills it. */
struct entry {
    uint64_t inode;
    int64_t offset;
    unsigned short length;
    unsigned char type;
    char name[];
};

/* By the system call: opendir() allocates 32 KiB a time, and /proc is listed at every look. */
int eco_root_list(const struct eco_root *root, enum eco_tree tree, const char *path,
                  int (*each)(void *context, const char *name, uint64_t inode), void *context)
{
    int r = check(root, tree, path);
    if (r < 0)
        return r;
    ECO_CLEANUP(close_fd)
    int fd = openat(root->fd[tree], path[0] ? path : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return -errno;

    _Alignas(struct entry) char bytes[LIST_BYTES];
    for (;;) {
        long count = syscall(SYS_getdents64, fd, bytes, sizeof(bytes));
        if (count < 0)
            return -errno;
        if (count == 0)
            return 0;
        for (long at = 0; at < count;) {
            const struct entry *entry = (const void *)(bytes + at);
            at += entry->length;
            if (strcmp(entry->name, ".") == 0 || strcmp(entry->name, "..") == 0)
                continue;
            r = each(context, entry->name, entry->inode);
            if (r != 0)
                return r;
        }
    }
}

int eco_root_link_name(const struct eco_root *root, enum eco_tree tree, const char *path, char *ret,
                       size_t size)
{
    int r = check(root, tree, path);
    if (r < 0)
        return r;
    char target[ECO_PATH_MAX * 2];
    ssize_t length = readlinkat(root->fd[tree], path, target, sizeof(target));
    if (length < 0)
        return -errno;
    if ((size_t)length >= sizeof(target))
        return -ENAMETOOLONG;
    target[length] = '\0';
    const char *slash = strrchr(target, '/');
    const char *name = slash ? slash + 1 : target;
    if (strlen(name) >= size)
        return -ENAMETOOLONG;
    (void)eco_text_copy(ret, size, name);
    return 0;
}

int eco_root_exists(const struct eco_root *root, enum eco_tree tree, const char *path)
{
    int r = check(root, tree, path);
    if (r < 0)
        return r;
    struct stat info;
    return fstatat(root->fd[tree], path, &info, 0) < 0 ? -errno : 0;
}
