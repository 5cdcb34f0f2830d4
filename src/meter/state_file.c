/* SPDX-License-Identifier: MIT */
#include "meter/state_file.h"

#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void cleanup_close(int *fd)
{
    if (*fd >= 0)
        (void)close(*fd);
}

/* A host's name is not trusted to be a file name. */
static int file_name(const char *kind, const char *host, char *ret, size_t size)
{
    char clean[65];
    size_t n = 0;
    for (; host[n] && n + 1 < sizeof clean; n++)
        clean[n] = strchr("/ \t\n", host[n]) ? '_' : host[n];
    clean[n] = '\0';
    int length = snprintf(ret, size, "%s-%s.txt", kind, n ? clean : "host");
    return length > 0 && (size_t)length < size ? 0 : -ENAMETOOLONG;
}

int eco_state_file_read(const char *dir, const char *kind, const char *host, size_t limit, char **ret)
{
    char name[128];
    struct stat status;
    int r = file_name(kind, host, name, sizeof name);
    if (r < 0)
        return r;
    ECO_CLEANUP(cleanup_close) int dir_fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (dir_fd < 0)
        return -errno;
    ECO_CLEANUP(cleanup_close) int fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW);
    if (fd < 0 || fstat(fd, &status) < 0)
        return -errno;
    if (!S_ISREG(status.st_mode))
        return -EINVAL;
    if (status.st_mode & S_IWOTH)
        return -EPERM;
    if (status.st_size < 0 || (uint64_t)status.st_size > limit)
        return -EFBIG;
    ECO_CLEANUP(eco_cleanup_free) char *text = eco_calloc(1, (size_t)status.st_size + 1);
    if (!text)
        return -ENOMEM;
    ssize_t got = pread(fd, text, (size_t)status.st_size, 0);
    if (got < 0)
        return -errno;
    if (memchr(text, '\0', (size_t)got))
        return -EILSEQ;
    text[got] = '\0';
    *ret = text;
    text = NULL;
    return 0;
}

/* mkdir -p, each level 0700 but a public last one. */
static int make_dirs(const char *dir, bool is_public)
{
    char path[4096];
    int length = snprintf(path, sizeof path, "%s", dir);
    if (length <= 0 || (size_t)length >= sizeof path)
        return -ENAMETOOLONG;
    for (char *at = path + 1; *at; at++)
        if (*at == '/') {
            *at = '\0';
            if (mkdir(path, is_public ? 0755 : 0700) < 0 && errno != EEXIST)
                return -errno;
            *at = '/';
        }
    if (mkdir(path, 0700) < 0)
        return errno == EEXIST ? 0 : -errno;
    return is_public && chmod(path, 0755) < 0 ? -errno : 0;
}

static int write_all(int fd, const char *data, size_t length)
{
    while (length) {
        ssize_t done = write(fd, data, length);
        if (done < 0 && errno == EINTR)
            continue;
        if (done < 0)
            return -errno;
        data += done;
        length -= (size_t)done;
    }
    return 0;
}

static int replace(int dir_fd, const char *name, mode_t mode, const char *data, size_t length)
{
    char temp[320];
    int n = snprintf(temp, sizeof temp, "%s.%ld", name, (long)getpid());
    if (n < 0 || (size_t)n >= sizeof temp)
        return -ENAMETOOLONG;
    ECO_CLEANUP(cleanup_close)
    int fd = openat(dir_fd, temp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return -errno;
    int r = write_all(fd, data, length);
    if (r >= 0 && mode != 0600 && (fchmod(fd, mode) < 0 || fsync(fd) < 0))
        r = -errno;
    if (r >= 0 && renameat(dir_fd, temp, dir_fd, name) < 0)
        r = -errno;
    if (r < 0)
        (void)unlinkat(dir_fd, temp, 0);
    return r;
}

int eco_state_file_write(const char *dir, const char *kind, const char *host, bool is_public,
                         const char *data, size_t length)
{
    char name[128];
    int r = file_name(kind, host, name, sizeof name);
    if (r < 0)
        return r;
    ECO_CLEANUP(cleanup_close) int dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir_fd < 0 && errno == ENOENT && (r = make_dirs(dir, is_public)) == 0)
        dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir_fd < 0)
        return r < 0 ? r : -errno;
    return replace(dir_fd, name, is_public ? 0644 : 0600, data, length);
}

int eco_state_file_replace(const char *path, const char *data, size_t length)
{
    const char *slash = strrchr(path, '/');
    char dir[4096] = ".";
    if (slash && (size_t)(slash - path) >= sizeof dir)
        return -ENAMETOOLONG;
    if (slash)
        (void)snprintf(dir, sizeof dir, "%.*s", slash > path ? (int)(slash - path) : 1, path);
    const char *name = slash ? slash + 1 : path;
    if (!*name)
        return -EISDIR;
    ECO_CLEANUP(cleanup_close) int dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return dir_fd < 0 ? -errno : replace(dir_fd, name, 0644, data, length);
}
