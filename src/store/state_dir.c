/* SPDX-License-Identifier: MIT */
#include "store/state_dir.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A directory that is there and ours: writing into another user's home would leave files they cannot remove.
 */
static bool is_own_directory(const char *path)
{
    struct stat st;
    return path && path[0] == '/' && stat(path, &st) == 0 && S_ISDIR(st.st_mode) && st.st_uid == geteuid();
}

static const char *home(void)
{
    const char *path = getenv("HOME");
    if (is_own_directory(path))
        return path;
    return geteuid() == 0 && is_own_directory("/root") ? "/root" : NULL;
}

bool eco_state_dir(char *ret, size_t size)
{
    const char *xdg = getenv("XDG_STATE_HOME");
    int n;
    if (xdg && xdg[0] == '/') {
        n = snprintf(ret, size, "%s/ecocode", xdg);
    } else {
        const char *base = home();
        if (!base)
            return false;
        n = snprintf(ret, size, "%s/.local/state/ecocode", base);
    }
    return n > 0 && (size_t)n < size;
}

int eco_make_directories(const char *path)
{
    char part[PATH_MAX];
    size_t length = strlen(path);
    if (length == 0 || length >= sizeof part)
        return -ENAMETOOLONG;
    if (mkdir(path, 0700) == 0 || errno == EEXIST)
        return 0;
    if (errno != ENOENT)
        return -errno;
    memcpy(part, path, length + 1);
    for (char *c = part + 1; *c; c++) {
        if (*c != '/')
            continue;
        *c = 0;
        if (mkdir(part, 0700) < 0 && errno != EEXIST)
            return -errno;
        *c = '/';
    }
    return mkdir(part, 0700) < 0 && errno != EEXIST ? -errno : 0;
}
