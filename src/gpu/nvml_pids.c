/* SPDX-License-Identifier: MIT */
/*
 * The driver knows nothing of pid namespaces: it names processes as the host does, but some versions name
 * them in lists as a container does.
 */
#include "gpu/nvml_impl.h"

#include "base/parse.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#define INITIAL_NAMESPACE "pid:[4026531836]" /* PROC_PID_INIT_INO */
#define SEARCH_GAP_NS     (5 * ECO_NS_PER_S)
#define STATUS_MAX        4096

bool eco_nvml_pids_are_initial(const struct nvml *self)
{
    char name[64];
    int r = eco_root_link_name(self->base.env->root, ECO_PROCFS, "self/ns/pid", name, sizeof name);
    return r < 0 || strcmp(name, INITIAL_NAMESPACE) == 0;
}

bool eco_nvml_pid_exists(const struct nvml *self, int32_t pid)
{
    char path[ECO_PATH_MAX];
    return eco_path(path, "%d", pid) >= 0 && eco_root_exists(self->base.env->root, ECO_PROCFS, path) == 0;
}

int32_t eco_nvml_pid_inner(const char *status)
{
    const char *line = strstr(status, "\nNSpid:");
    if (!line)
        return 0;
    const char *at = line + strlen("\nNSpid:");
    uint64_t number, last = 0;
    unsigned count = 0;
    for (;;) {
        while (*at == ' ' || *at == '\t')
            at++;
        if (!isdigit((unsigned char)*at) || eco_scan_u64(&at, &number) < 0)
            break;
        last = number;
        count++;
    }
    return count > 1 && last <= INT32_MAX ? (int32_t)last : 0;
}

struct search {
    const struct nvml *self;
    int32_t inner, found;
    unsigned count;
};

static int try_process(void *context, const char *name, uint64_t inode)
{
    struct search *search = context;
    char path[ECO_PATH_MAX], status[STATUS_MAX];
    uint64_t pid;
    (void)inode;
    if (!isdigit((unsigned char)*name) || eco_parse_u64(name, &pid) < 0 || pid > INT32_MAX ||
        eco_path(path, "%s/status", name) < 0 ||
        eco_root_read(search->self->base.env->root, ECO_PROCFS, path, status, sizeof status) < 0)
        return 0;
    if (eco_nvml_pid_inner(status) == search->inner) {
        search->found = (int32_t)pid;
        search->count++;
    }
    return 0;
}

int32_t eco_nvml_pid_translate(struct nvml *self, int32_t inner)
{
    struct search search = {.self = self, .inner = inner};
    uint64_t now = nvml_now_ns(self);
    if (self->searched_ns && now - self->searched_ns < SEARCH_GAP_NS)
        return 0;
    self->searched_ns = now;
    int r = eco_root_list(self->base.env->root, ECO_PROCFS, ".", try_process, &search);
    return r == 0 && search.count == 1 ? search.found
                                       : 0; /* two containers with such a pid: nobody can say */
}
