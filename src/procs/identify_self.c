/* SPDX-License-Identifier: MIT */
/* What EcoCode itself runs in. Inside a container of its own cgroup namespace only the mounts tell. */
#include "procs/identity_text.h"

#include "base/text.h"
#include "procs/self.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

#define MOUNTS_SIZE 65536u

static size_t id_length(const char *text)
{
    return strspn(text, "0123456789abcdef");
}

/* Files that engines mount into every container: ".../containers/ID/resolv.conf", ".../pods/UID/etc-hosts".
 */
static void find_in_mounts(const char *text, struct eco_host *ret)
{
    static const char *const places[] = {"/containers/", "/overlay-containers/", "/sandboxes/"};

    for (size_t i = 0; i < ECO_COUNT(places) && ret->container[0] == '\0'; i++)
        for (const char *at = strstr(text, places[i]); at != NULL; at = strstr(at + 1, places[i])) {
            const char *id = at + strlen(places[i]);
            if (id_length(id) != 64 || id[64] != '/')
                continue;
            memcpy(ret->container, id, 64);
            ret->container[64] = '\0';
            break;
        }
    for (const char *at = strstr(text, "/pods/"); at != NULL && ret->pod[0] == '\0';
         at = strstr(at + 1, "/pods/")) {
        const char *uid = at + strlen("/pods/");
        size_t length = strspn(uid, "0123456789abcdef-");
        if ((length == 36 || length == 32) && uid[length] == '/') {
            memcpy(ret->pod, uid, length);
            ret->pod[length] = '\0';
        }
    }
}

void eco_identify_self(const struct eco_root *root, struct eco_host *ret)
{
    char text[8192];
    struct eco_cgroup_names names;
    const char *job = getenv("SLURM_JOB_ID"), *array = getenv("SLURM_ARRAY_JOB_ID"),
               *element = getenv("SLURM_ARRAY_TASK_ID");
    ssize_t n = eco_root_read(root, ECO_PROCFS, "self/cgroup", text, sizeof(text));

    if (n > 0) {
        eco_cgroup_names_parse(text, (size_t)n, &names);
        (void)eco_text_copy(ret->cgroup, sizeof(ret->cgroup), names.cgroup);
        (void)eco_text_copy(ret->container, sizeof(ret->container), names.container);
        (void)eco_text_copy(ret->pod, sizeof(ret->pod), names.pod);
        (void)eco_text_copy(ret->slurm_job, sizeof(ret->slurm_job), names.slurm_job);
    }
    if (job != NULL && *job != '\0' && (ret->slurm_job[0] == '\0' || strcmp(job, ret->slurm_job) == 0)) {
        (void)eco_text_copy(ret->slurm_job, sizeof(ret->slurm_job), job);
        if (array != NULL && element != NULL &&
            strlen(array) + strlen(element) + 2 <= sizeof(ret->slurm_job)) {
            char *to = stpcpy(ret->slurm_job, array);
            *to++ = '_';
            (void)stpcpy(to, element);
        }
    }
    if (!ret->is_container || ret->container[0] != '\0')
        return;
    char *mounts = eco_calloc(MOUNTS_SIZE, 1);
    n = mounts != NULL ? eco_root_read(root, ECO_PROCFS, "self/mountinfo", mounts, MOUNTS_SIZE) : -1;
    if (n > 0)
        find_in_mounts(mounts, ret);
    free(mounts);
}
