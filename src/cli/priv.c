/* SPDX-License-Identifier: MIT */
/* Where ecocode-priv is, and whether it may be trusted and run. */
#include "cli/priv.h"

#include "base/text.h"
#include "platform/process.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#define INSTALLED  ECO_LIBEXECDIR "/ecocode/ecocode-priv"
#define CAPABILITY "security.capability"

/* Nobody but root and we ourselves can have put it there. */
static bool is_ours(const char *path, mode_t kind)
{
    struct stat st;
    return lstat(path, &st) == 0 && (st.st_mode & S_IFMT) == kind &&
           (st.st_uid == 0 || st.st_uid == geteuid()) && (st.st_mode & (S_IWGRP | S_IWOTH)) == 0;
}

static bool has_powers(const char *path)
{
    return geteuid() == 0 || getxattr(path, CAPABILITY, NULL, 0) > 0;
}

/* In a build tree it lies beside us. The system's own program never looks anywhere but in its place. */
static bool find_beside(char *ret, size_t size)
{
    char own[PATH_MAX];
    if (getauxval(AT_SECURE) != 0 || eco_process_own_path(own, sizeof own) < 0)
        return false;
    char *slash = strrchr(own, '/');
    if (!slash || slash == own)
        return false;
    *slash = '\0';
    if (strcmp(own, ECO_BINDIR) == 0 || !is_ours(own, S_IFDIR))
        return false;
    int n = snprintf(ret, size, "%s/ecocode-priv", own);
    return n > 0 && (size_t)n < size && is_ours(ret, S_IFREG) && access(ret, X_OK) == 0;
}

enum eco_priv_place eco_priv_find(char *ret, size_t size)
{
    if (find_beside(ret, size) && has_powers(ret))
        return ECO_PRIV_THERE;
    struct stat st;
    eco_text_copy(ret, size, INSTALLED);
    if (stat(ret, &st) != 0)
        return errno == EACCES ? ECO_PRIV_FORBIDDEN : ECO_PRIV_ABSENT;
    if (!is_ours(ret, S_IFREG))
        return ECO_PRIV_ABSENT;
    if (access(ret, X_OK) != 0)
        return ECO_PRIV_FORBIDDEN;
    return has_powers(ret) ? ECO_PRIV_THERE : ECO_PRIV_POWERLESS;
}
