/* SPDX-License-Identifier: MIT */
#include "history/out_file.h"

#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int open_in_place(const char *path)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY | O_APPEND);
    return fd < 0 ? -errno : fd;
}

static int open_standard(void)
{
    int fd = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
    return fd < 0 ? -errno : fd;
}

/* Beside the file, so that the rename stays in one file system; a link keeps pointing where it points. */
static int open_aside(const char *path, struct eco_out_file *out)
{
    char real[PATH_MAX], temp[PATH_MAX];
    struct stat st;
    const char *target = lstat(path, &st) == 0 && S_ISLNK(st.st_mode) && realpath(path, real) ? real : path;
    int n = snprintf(temp, sizeof temp, "%s.%ld.tmp", target, (long)getpid());
    if (n < 0 || (size_t)n >= sizeof temp)
        return -ENAMETOOLONG;
    out->path = eco_strdup(target);
    out->temp_path = eco_strdup(temp);
    if (!out->path || !out->temp_path)
        return -ENOMEM;
    int fd = open(temp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOCTTY, 0666);
    if (fd < 0)
        return -errno;
    /* a file that is replaced keeps its mode */
    if (stat(target, &st) == 0)
        (void)fchmod(fd, st.st_mode & 0777);
    return fd;
}

static void forget(struct eco_out_file *out)
{
    free(out->path);
    free(out->temp_path);
    *out = (struct eco_out_file){0};
}

int eco_out_open(const char *path, struct eco_out_file *ret, struct eco_why *why)
{
    struct eco_out_file out = {0};
    struct stat st;
    int fd;
    if (strcmp(path, "-") == 0)
        fd = open_standard();
    else if (stat(path, &st) == 0 && !S_ISREG(st.st_mode))
        fd = S_ISDIR(st.st_mode) ? -EISDIR : open_in_place(path);
    else
        fd = open_aside(path, &out);
    out.file = fd >= 0 ? fdopen(fd, "w") : NULL;
    if (out.file) {
        *ret = out;
        return 0;
    }
    if (fd >= 0)
        (void)close(fd);
    int r = fd < 0 ? fd : -ENOMEM;
    forget(&out);
    eco_why_set(why, "%s: %s", path, strerror(-r));
    return r;
}

int eco_out_commit(struct eco_out_file *out, struct eco_why *why)
{
    const char *name = out->path ? out->path : "output";
    errno = 0;
    bool failed = ferror(out->file) != 0;
    failed = fclose(out->file) != 0 || failed;
    int r = failed ? -(errno ? errno : EIO) : 0;
    out->file = NULL;
    if (r == 0 && out->temp_path && rename(out->temp_path, out->path) < 0)
        r = -errno;
    if (r < 0) {
        eco_why_set(why, "%s: %s", name, strerror(-r));
        if (out->temp_path)
            (void)unlink(out->temp_path);
    }
    forget(out);
    return r;
}

void eco_out_abandon(struct eco_out_file *out)
{
    if (out->file)
        (void)fclose(out->file);
    if (out->temp_path)
        (void)unlink(out->temp_path);
    forget(out);
}
