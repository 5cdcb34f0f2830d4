/* SPDX-License-Identifier: MIT */
/* Cgroup paths, environments and lines of the list of users: what is found fits and is part of the text. */
#include "platform/users.h"
#include "procs/identity.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
    if (!holds)
        abort();
}

static bool is_within(const char *found, size_t most)
{
    return memchr(found, '\0', most) != NULL;
}

static void try_names(const char *text, size_t size)
{
    struct eco_cgroup_names names;
    eco_cgroup_names_parse(text, size, &names);
    require(is_within(names.cgroup, sizeof(names.cgroup)) &&
            is_within(names.container, sizeof(names.container)));
    require(is_within(names.pod, sizeof(names.pod)) && is_within(names.unit, sizeof(names.unit)));
    require(is_within(names.slurm_job, sizeof(names.slurm_job)) &&
            is_within(names.slurm_step, sizeof(names.slurm_step)));
    require(names.cgroup[0] == '\0' || names.cgroup[0] == '/');
    require(names.pod[0] == '\0' || strlen(names.pod) == 36 || strlen(names.pod) == 32);
    require(names.slurm_job[0] != '\0' || (names.slurm_step[0] == '\0' && names.slurm_task == -1));
    require(names.container[0] != '\0' || names.runtime == NULL);
    require(names.unit[0] == '\0' || memmem(text, size, names.unit, strlen(names.unit)) != NULL);
    require(names.slurm_task >= -1);
}

static void try_interning(const char *text, size_t size, const struct eco_slurm_env *env)
{
    struct eco_identities identities;
    eco_identities_init(&identities, false);
    const struct eco_identity *first = eco_identities_get(&identities, text, size, 7, env);
    require(first != NULL && first->id == 1 && first->uid == 7);
    require(eco_identities_get(&identities, text, size, 7, env) == first);
    require(eco_identities_get(&identities, text, size, 8, env) != first && identities.count == 2);
    eco_identities_finish(&identities);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct eco_slurm_env env;
    char *text = malloc(size + 1);
    size_t length = 0;
    uint32_t uid = 0;

    if (text == NULL)
        return 0;
    if (size > 0)
        memcpy(text, data, size);
    text[size] = '\0';
    try_names(text, size);
    bool is_slurm = eco_slurm_env_parse(text, size, &env);
    require(!is_slurm ||
            (env.job[0] != '\0' && env.shown[0] != '\0' && is_within(env.name, sizeof(env.name))));
    try_interning(text, size, is_slurm ? &env : NULL);
    if (eco_user_parse(text, &length, &uid) == 0)
        require(length > 0 && length < size && text[length] == ':');
    free(text);
    return 0;
}
