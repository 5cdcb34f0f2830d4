/* SPDX-License-Identifier: MIT */
#include "run/sensord.h"

#include "base/text.h"
#include "gpu/present.h"
#include "platform/process.h"
#include "run/helper.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NAME      "ecocode-sensord"
#define INSTALLED ECO_LIBEXECDIR "/ecocode/" NAME
#define MS_MIN    10u
#define MS_MAX    60000u

static bool is_runnable(const char *path)
{
    return access(path, X_OK) == 0;
}

/*
 * In a build tree it lies beside us, and may be trusted as we are. Nothing is gained by another one in its
 * place: it runs with our caller's rights.
 */
static bool find_beside(char *ret, size_t size)
{
    char own[PATH_MAX];
    if (eco_process_own_path(own, sizeof own) < 0)
        return false;
    char *slash = strrchr(own, '/');
    if (!slash || slash == own)
        return false;
    *slash = '\0';
    int n = snprintf(ret, size, "%s/" NAME, own);
    return n > 0 && (size_t)n < size && is_runnable(ret);
}

static int find(const struct eco_root *root, char *ret, size_t size)
{
    const char *given = secure_getenv("ECOCODE_SENSORD");
    if (given && strcmp(given, "off") == 0)
        return -ENODEV;
    if (given && *given == '/') {
        (void)eco_text_copy(ret, size, given);
        return is_runnable(ret) ? 0 : -ENOENT;
    }
    if (!eco_gpu_may_be_present(root))
        return -ENODEV;
    if (is_runnable(INSTALLED)) {
        (void)eco_text_copy(ret, size, INSTALLED);
        return 0;
    }
    return find_beside(ret, size) ? 0 : -ENOENT;
}

int eco_sensord_start(const struct eco_root *root, uint64_t interval_ns, struct eco_gpu_client **ret,
                      pid_t *ret_pid, struct eco_why *why)
{
    char path[PATH_MAX], interval[24], procfs[sizeof root->path[0]], sysfs[sizeof root->path[0]];
    char name[] = NAME, interval_option[] = "--interval-ms", procfs_option[] = "--path.procfs",
         sysfs_option[] = "--path.sysfs";
    char *argv[8] = {name, interval_option, interval};
    size_t count = 3;
    int fd, r = find(root, path, sizeof path);
    if (r == -ENOENT)
        eco_why_set(why, "a GPU may be here, but %s, which reads it, is not where it belongs", NAME);
    if (r < 0)
        return r;
    uint64_t ms = interval_ns / ECO_NS_PER_MS;
    (void)snprintf(interval, sizeof interval, "%llu",
                   (unsigned long long)(ms < MS_MIN   ? MS_MIN
                                        : ms > MS_MAX ? MS_MAX
                                                      : ms));
    if (!root->is_own[ECO_PROCFS]) {
        (void)eco_text_copy(procfs, sizeof procfs, root->path[ECO_PROCFS]);
        argv[count++] = procfs_option;
        argv[count++] = procfs;
    }
    if (!root->is_own[ECO_SYSFS]) {
        (void)eco_text_copy(sysfs, sizeof sysfs, root->path[ECO_SYSFS]);
        argv[count++] = sysfs_option;
        argv[count++] = sysfs;
    }
    r = eco_helper_start_with(path, argv, environ, &fd, ret_pid);
    if (r < 0) {
        eco_why_set(why, "%s cannot be started: %s", NAME, strerror(-r));
        return r;
    }
    r = eco_gpu_client_new(fd, ret);
    if (r < 0) {
        int none = -1; /* closed by the client */
        eco_helper_leave(&none, ret_pid);
    }
    return r;
}

void eco_sensord_end(struct eco_gpu_client **client, pid_t *pid)
{
    int none = -1; /* the client had the socket */
    *client = eco_gpu_client_free(*client);
    eco_helper_leave(&none, pid);
}
