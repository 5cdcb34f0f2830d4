/* SPDX-License-Identifier: MIT */
/* What the environment of a process tells of its Slurm job (srun(1), "OUTPUT ENVIRONMENT VARIABLES"). */
#include "procs/identity_text.h"

#include "base/text.h"

#include <string.h>

static void take_value(const char *value, char *ret, size_t size)
{
    if (strlen(value) < size)
        (void)eco_text_copy(ret, size, value);
}

static void take_number(const char *value, char *ret, size_t size)
{
    size_t n = strlen(value);

    if (n > 0 && n <= 10 && strspn(value, "0123456789") == n)
        take_value(value, ret, size);
}

bool eco_slurm_env_parse(const char *text, size_t length, struct eco_slurm_env *ret)
{
    struct eco_slurm_env env = {.task = -1};
    char array[16] = "", element[16] = "", task[16] = "";
    const struct {
        const char *key;
        char *to;
        size_t size;
        bool is_number;
    } wanted[] = {{"JOB_ID=", env.job, sizeof(env.job), true},
                  {"STEP_ID=", env.step, sizeof(env.step), true},
                  {"PROCID=", task, sizeof(task), true},
                  {"ARRAY_JOB_ID=", array, sizeof(array), true},
                  {"ARRAY_TASK_ID=", element, sizeof(element), true},
                  {"JOB_NAME=", env.name, sizeof(env.name), false},
                  {"CLUSTER_NAME=", env.cluster, sizeof(env.cluster), false}};

    /* Entries end with a NUL; the last one may be cut. */
    for (const char *at = text, *end = text + length; at < end;) {
        const char *stop = memchr(at, '\0', (size_t)(end - at));
        for (size_t i = 0; stop != NULL && i < ECO_COUNT(wanted) && strncmp(at, "SLURM_", 6) == 0; i++) {
            size_t n = strlen(wanted[i].key);
            if (strncmp(at + 6, wanted[i].key, n) != 0)
                continue;
            (wanted[i].is_number ? take_number : take_value)(at + 6 + n, wanted[i].to, wanted[i].size);
        }
        at = stop != NULL ? stop + 1 : end;
    }
    if (env.job[0] == '\0')
        return false;
    for (const char *digit = task; *digit != '\0' && env.task < INT32_MAX / 10 - 1; digit++)
        env.task = (env.task < 0 ? 0 : env.task) * 10 + (*digit - '0');
    if (array[0] != '\0' && element[0] != '\0') {
        char *to = stpcpy(env.shown, array);
        *to++ = '_';
        (void)stpcpy(to, element);
    } else {
        (void)eco_text_copy(env.shown, sizeof(env.shown), env.job);
    }
    *ret = env;
    return true;
}
