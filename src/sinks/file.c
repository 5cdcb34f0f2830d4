/* SPDX-License-Identifier: MIT */
#include "sinks/file.h"

#include "base/mem.h"
#include "base/parse.h"
#include "sinks/write.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define TEMP_TRIES  100
#define HEADER_MAX  1024
#define NEW_MODE    0666u
#define PERMISSIONS 07777u

static const char device_prefix[] = "/dev/fd/";

static int refuse(struct eco_why *why, const char *path, int error)
{
    eco_why_set(why, "cannot write %s: %s", path, strerror(error));
    return -error;
}

/* Our own name for a descriptor: opening it anew would begin at offset 0, over what the command wrote there.
 */
static int fd_of_path(const char *path)
{
    uint64_t number;
    if (strcmp(path, "/dev/stdout") == 0)
        return STDOUT_FILENO;
    if (strcmp(path, "/dev/stderr") == 0)
        return STDERR_FILENO;
    if (strncmp(path, device_prefix, strlen(device_prefix)) == 0 &&
        eco_parse_u64(path + strlen(device_prefix), &number) == 0 && number <= INT_MAX)
        return (int)number;
    return -1;
}

static int adopt(struct eco_sink *sink, int fd, struct eco_why *why)
{
    int flags = fcntl(fd, F_GETFL);
    if (flags < 0 || (flags & O_ACCMODE) == O_RDONLY) {
        eco_why_set(why,
                    flags < 0 ? "descriptor %d is not open, nothing can be written there"
                              : "descriptor %d is open for reading only, nothing can be written there",
                    fd);
        return -EBADF;
    }
    struct stat file;
    sink->is_regular = fstat(fd, &file) == 0 && S_ISREG(file.st_mode);
    sink->fd = fd;
    return 0;
}

/* A device, a pipe, a socket's name. */
static int open_special(struct eco_sink *sink, const struct stat *file, struct eco_why *why)
{
    if (S_ISDIR(file->st_mode)) {
        eco_why_set(why, "%s is a directory; name a file in it", sink->path);
        return -EISDIR;
    }
    /* Without O_NONBLOCK the open of a FIFO would wait for its reader. */
    sink->fd = open(sink->path, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (sink->fd >= 0)
        return 0;
    int error = errno;
    if (error == ENXIO && S_ISFIFO(file->st_mode)) {
        eco_why_set(why, "nobody reads from the pipe %s; start its reader first", sink->path);
        return -ENXIO;
    }
    return refuse(why, sink->path, error);
}

static int check_header(const struct eco_sink *sink, struct eco_why *why)
{
    char first[HEADER_MAX];
    size_t length = strlen(sink->ops->header);
    ssize_t got = pread(sink->fd, first, sizeof(first), 0);
    if (got < 0)
        return refuse(why, sink->path, errno);
    if (got == 0 || ((size_t)got > length && memcmp(first, sink->ops->header, length) == 0 &&
                     (first[length] == '\n' || first[length] == '\r')))
        return 0;
    eco_why_set(why, "%s begins with other columns than this version writes; append to another file",
                sink->path);
    return -EINVAL;
}

static int prepare_append(struct eco_sink *sink, struct eco_why *why)
{
    if (sink->ops->header) {
        int r = check_header(sink, why);
        if (r < 0)
            return r;
    }
    struct stat file;
    char last;
    if (fstat(sink->fd, &file) == 0 && file.st_size > 0 && pread(sink->fd, &last, 1, file.st_size - 1) == 1)
        sink->is_stopped_at_line = last != '\n';
    return 0;
}

/* Opened, but not yet emptied: the command may not start at all. */
static int open_in_place(struct eco_sink *sink, struct eco_why *why)
{
    int flags = (sink->options.append ? O_RDWR | O_APPEND : O_WRONLY) | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
    sink->is_regular = true;
    sink->fd = open(sink->path, flags | O_CREAT | O_EXCL, NEW_MODE);
    sink->is_created = sink->fd >= 0;
    if (sink->fd < 0 && errno == EEXIST)
        sink->fd = open(sink->path, flags | O_CREAT, NEW_MODE); /* through a link that leads nowhere, too */
    if (sink->fd < 0)
        return refuse(why, sink->path, errno);
    return sink->options.append ? prepare_append(sink, why) : 0;
}

/* A new file beside the final one. Returns its descriptor and sets sink->temp_path. */
static int make_temp(struct eco_sink *sink)
{
    static unsigned counter;
    const char *slash = strrchr(sink->final_path, '/');
    int folder = slash ? (int)(slash - sink->final_path) + 1 : 0;
    size_t size = (size_t)folder + 64;
    ECO_CLEANUP(eco_cleanup_free) char *path = eco_calloc(size, 1);
    if (!path)
        return -ENOMEM;
    for (int i = 0; i < TEMP_TRIES; i++) {
        (void)snprintf(path, size, "%.*s.ecocode-%ld-%u.tmp", folder, sink->final_path, (long)getpid(),
                       counter++);
        int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_NOCTTY | O_CLOEXEC, NEW_MODE);
        if (fd < 0 && errno == EEXIST)
            continue;
        if (fd < 0)
            return -errno;
        sink->temp_path = path;
        path = NULL;
        return fd;
    }
    return -EEXIST;
}

static void drop_temp(struct eco_sink *sink)
{
    if (sink->temp_path)
        (void)unlink(sink->temp_path);
    free(sink->temp_path);
    sink->temp_path = NULL;
}

/* The file that a link leads to is the one to replace, not the link. */
static int resolve(struct eco_sink *sink, bool exists, struct eco_why *why)
{
    char *real = exists ? realpath(sink->path, NULL) : NULL;
    if (!real && exists)
        return refuse(why, sink->path, errno);
    sink->final_path = eco_strdup(real ? real : sink->path);
    free(real);
    return sink->final_path ? 0 : -ENOMEM;
}

/*
 * A file that will be replaced. The place beside it is tried now and the new file made when it is needed:
 * a killed run leaves nothing behind.
 */
static int try_replace(struct eco_sink *sink, const struct stat *file, struct eco_why *why)
{
    struct stat link;
    if (!file && lstat(sink->path, &link) == 0) /* a link that leads nowhere yet */
        return open_in_place(sink, why);
    if (file && faccessat(AT_FDCWD, sink->path, W_OK, AT_EACCESS) < 0)
        return refuse(why, sink->path, errno);
    int r = resolve(sink, file != NULL, why);
    if (r < 0)
        return r;
    sink->is_regular = true;
    sink->mode = file ? (unsigned)(file->st_mode & PERMISSIONS) : 0;
    int fd = make_temp(sink);
    if (fd >= 0) {
        (void)close(fd);
        drop_temp(sink);
        return 0;
    }
    if (!file)
        return refuse(why, sink->path, -fd);
    /* The file is ours to write, its folder is not: written in place. */
    free(sink->final_path);
    sink->final_path = NULL;
    return open_in_place(sink, why);
}

int eco_sink_file_open(struct eco_sink *sink, struct eco_why *why)
{
    if (!sink->path)
        return adopt(sink, sink->options.fd, why);
    int fd = fd_of_path(sink->path);
    if (fd >= 0) {
        free(sink->path);
        sink->path = NULL;
        return adopt(sink, fd, why);
    }
    struct stat file;
    bool exists = stat(sink->path, &file) == 0;
    if (!exists && errno != ENOENT)
        return refuse(why, sink->path, errno);
    if (exists && !S_ISREG(file.st_mode))
        return open_special(sink, &file, why);
    if (sink->ops->stream || sink->options.live || sink->options.append)
        return open_in_place(sink, why);
    return try_replace(sink, exists ? &file : NULL, why);
}

int eco_sink_file_begin(struct eco_sink *sink)
{
    if (!sink->path || !sink->is_regular || sink->options.append || sink->fd < 0)
        return 0;
    return ftruncate(sink->fd, 0) < 0 ? -errno : 0;
}

bool eco_sink_file_is_empty(const struct eco_sink *sink)
{
    struct stat file;
    if (sink->is_written)
        return false;
    return !sink->path || !sink->is_regular || fstat(sink->fd, &file) < 0 || file.st_size == 0;
}

int eco_sink_file_write(struct eco_sink *sink)
{
    const struct eco_write_target target = {.fd = sink->fd,
                                            .is_regular = sink->is_regular && sink->path,
                                            .patience_ms = sink->path ? ECO_SINK_PATIENCE_MS : -1};
    int r = sink->out.length > 0 ? eco_write_all(&target, sink->out.data, sink->out.length) : 0;
    if (r == 0 && sink->out.length > 0)
        sink->is_written = true;
    return r;
}

static int fill_temp(struct eco_sink *sink, int fd)
{
    const struct eco_write_target target = {.fd = fd, .is_regular = true};
    if (sink->mode != 0 && fchmod(fd, sink->mode) < 0)
        return -errno;
    return eco_write_all(&target, sink->out.data, sink->out.length);
}

int eco_sink_file_replace(struct eco_sink *sink)
{
    int fd = make_temp(sink);
    if (fd < 0)
        return fd;
    int r = fill_temp(sink, fd);
    /* Network file systems tell of a full disk only now. */
    if (close(fd) < 0 && r == 0)
        r = -errno;
    if (r == 0 && rename(sink->temp_path, sink->final_path) < 0)
        r = -errno;
    if (r < 0) {
        drop_temp(sink);
        return r;
    }
    free(sink->temp_path);
    sink->temp_path = NULL;
    sink->is_written = true;
    return 0;
}

void eco_sink_file_close(struct eco_sink *sink)
{
    if (sink->path && sink->fd >= 0)
        (void)close(sink->fd);
    sink->fd = -1;
    if (sink->path && sink->is_created && !sink->is_written)
        (void)unlink(sink->path);
    drop_temp(sink);
    free(sink->final_path);
    free(sink->path);
    sink->final_path = NULL;
    sink->path = NULL;
}
