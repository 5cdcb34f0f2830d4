/* SPDX-License-Identifier: MIT */
#include "history/record_replace.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A name that no reader of the folder takes for a record. */
static int make_temp(const char *path, char *ret, size_t size)
{
    const char *slash = strrchr(path, '/');
    size_t folder = slash ? (size_t)(slash - path) + 1 : 0;
    int n = snprintf(ret, size, "%.*s.%s.%ld.tmp", (int)folder, path, path + folder, (long)getpid());
    if (n < 0 || (size_t)n >= size)
        return -ENAMETOOLONG;
    int fd = open(ret, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY, 0600);
    return fd < 0 ? -errno : fd;
}

int eco_record_replace(const char *path, const char *new_path,
                       int (*write)(void *context, const char *from, int to), void *context,
                       struct eco_why *why)
{
    char temp[PATH_MAX];
    struct stat st;
    if (stat(path, &st) < 0) {
        int error = errno;
        eco_why_set(why, "%s: %s", path, strerror(error));
        return -error;
    }
    int fd = make_temp(path, temp, sizeof temp);
    if (fd < 0) {
        eco_why_set(why, "%s: %s", path, strerror(-fd));
        return fd;
    }
    const struct timespec times[] = {st.st_atim, st.st_mtim};
    int r = write(context, path, fd);
    /* what takes the place of the only copy must be on the disk first */
    if (r >= 0 && (fdatasync(fd) < 0 || futimens(fd, times) < 0))
        r = -errno;
    if (close(fd) < 0 && r >= 0)
        r = -errno;
    if (r >= 0 && rename(temp, new_path) < 0)
        r = -errno;
    if (r < 0) {
        (void)unlink(temp);
        if (why && !*why->text)
            eco_why_set(why, "%s: %s", path, strerror(-r));
        return r;
    }
    if (strcmp(path, new_path) != 0)
        (void)unlink(path);
    return 0;
}
