/* SPDX-License-Identifier: MIT */
/* What every source of processes has in common. */
#include "procs/procs.h"

#include "base/mem.h"

#include <assert.h>
#include <errno.h>

int eco_procs_open(const struct eco_procs_ops *ops, const struct eco_env *env,
                   const struct eco_procs_options *options, struct eco_procs **ret, struct eco_why *why)
{
    assert(ops->name != NULL && ops->size >= sizeof(struct eco_procs));
    assert(ops->open != NULL && ops->add_root != NULL && ops->child_ended != NULL && ops->look != NULL &&
           ops->close != NULL);
    struct eco_procs *procs = eco_calloc(1, ops->size);

    if (procs == NULL)
        return -ENOMEM;
    procs->ops = ops;
    procs->env = env;
    procs->options = *options;
    int rc = ops->open(procs, why);
    if (rc < 0) {
        (void)eco_procs_free(procs);
        return rc;
    }
    *ret = procs;
    return 0;
}

struct eco_procs *eco_procs_free(struct eco_procs *procs)
{
    if (procs != NULL) {
        procs->ops->close(procs);
        free(procs);
    }
    return NULL;
}

int eco_procs_add_root(struct eco_procs *procs, pid_t pid)
{
    return procs->ops->add_root(procs, pid);
}

void eco_procs_child_ended(struct eco_procs *procs, pid_t pid, const struct rusage *usage)
{
    procs->ops->child_ended(procs, pid, usage);
}

int eco_procs_look(struct eco_procs *procs, bool final, struct eco_usage *ret)
{
    return procs->ops->look(procs, final, ret);
}
