/* SPDX-License-Identifier: MIT */
/*
 * The command's environment: ours, in the same order, with one variable set in its place or added at the end.
 * For another user also what would be the old one's: home, name, shell, folders.
 */
#include "run/run_internal.h"

#include "base/mem.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define VARIABLE "ECOCODE_RUN="

/* Whose values are somebody else's. What has to be there is added anew. */
static const char *const others[] = {"HOME=",           "USER=",
                                     "LOGNAME=",        "SHELL=",
                                     "MAIL=",           "XDG_CONFIG_HOME=",
                                     "XDG_STATE_HOME=", "XDG_DATA_HOME=",
                                     "XDG_CACHE_HOME=", "XDG_RUNTIME_DIR=",
                                     "XDG_SESSION_ID=", "DBUS_SESSION_BUS_ADDRESS=",
                                     "SUDO_USER=",      "SUDO_UID=",
                                     "SUDO_GID=",       "SUDO_COMMAND=",
                                     "SUDO_HOME=",      "OLDPWD="};

static bool begins(const char *entry, const char *name)
{
    return strncmp(entry, name, strlen(name)) == 0;
}

static bool is_of_another(const struct eco_run *run, const char *entry)
{
    if (!run->user)
        return false;
    for (size_t i = 0; i < ECO_COUNT(others); i++)
        if (begins(entry, others[i]))
            return true;
    return false;
}

/* Only where the user has a session does it exist, and is his. */
static bool has_runtime_folder(const struct eco_user *user, char *ret, size_t size)
{
    struct stat st;
    (void)snprintf(ret, size, "/run/user/%u", (unsigned)user->uid);
    return lstat(ret, &st) == 0 && S_ISDIR(st.st_mode) && st.st_uid == user->uid;
}

static char *add_text(char **at, const char *name, const char *value)
{
    char *entry = *at;
    size_t length = strlen(name), more = strlen(value);
    (void)snprintf(entry, length + more + 1, "%s%s", name, value);
    *at += length + more + 1;
    return entry;
}

static size_t add_user(struct eco_run *run, size_t count, char *at)
{
    char runtime[64];
    const struct eco_user *user = run->user;
    if (!user)
        return count;
    run->environment[count++] = add_text(&at, "HOME=", *user->home ? user->home : "/");
    run->environment[count++] = add_text(&at, "USER=", user->name);
    run->environment[count++] = add_text(&at, "LOGNAME=", user->name);
    run->environment[count++] = add_text(&at, "SHELL=", *user->shell ? user->shell : "/bin/sh");
    if (has_runtime_folder(user, runtime, sizeof runtime))
        run->environment[count++] = add_text(&at, "XDG_RUNTIME_DIR=", runtime);
    return count;
}

int eco_run_make_environment(struct eco_run *run)
{
    size_t count = 0;
    while (environ && environ[count])
        count++;
    run->environment = eco_calloc(count + 2 + ECO_COUNT(others), sizeof(char *));
    run->own_texts = eco_calloc(ECO_RUN_TEXTS_MAX, 1);
    if (!run->environment || !run->own_texts)
        return -ENOMEM;
    char *at = run->own_texts;
    char *own = add_text(&at, VARIABLE, run->run_id);
    bool is_placed = false;
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        bool is_ours = begins(environ[i], VARIABLE);
        if ((is_ours && is_placed) || is_of_another(run, environ[i]))
            continue;
        run->environment[kept++] = is_ours ? own : environ[i];
        is_placed = is_placed || is_ours;
    }
    if (!is_placed)
        run->environment[kept++] = own;
    (void)add_user(run, kept, at);
    return 0;
}
