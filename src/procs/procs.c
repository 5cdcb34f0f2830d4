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

void eco_procs_see_roots(struct eco_procs *procs)
{
    if (procs->ops->see_roots != NULL)
        procs->ops->see_roots(procs);
}

void eco_procs_own_cpu(struct eco_procs *procs, pid_t pid, uint64_t own_cpu_ns)
{
    procs->told_pid = pid;
    procs->told_cpu_ns = own_cpu_ns;
}

void eco_procs_tell_busy(struct eco_procs *procs, uint64_t busy_ns, uint64_t grain_ns)
{
    procs->busy_ns = busy_ns;
    procs->busy_grain_ns = grain_ns;
}

void eco_procs_child_ended(struct eco_procs *procs, pid_t pid, const struct rusage *usage)
{
    procs->ops->child_ended(procs, pid, usage);
}

int eco_procs_use_feed(struct eco_procs *procs, struct eco_feed *feed, const struct eco_places *places)
{
    if (procs->ops->use_feed != NULL)
        return procs->ops->use_feed(procs, feed, places);
    (void)eco_feed_free(feed);
    return -ENOTSUP;
}

void eco_procs_feed_state(const struct eco_procs *procs, struct eco_feed_state *ret)
{
    *ret = (struct eco_feed_state){.due_ns = UINT64_MAX};
    if (procs->ops->feed_state != NULL)
        procs->ops->feed_state(procs, ret);
}

int eco_procs_idle_ns(const struct eco_procs *procs, uint32_t cpu, uint64_t *ret)
{
    return procs->ops->idle_ns != NULL ? procs->ops->idle_ns(procs, cpu, ret) : -ENOTSUP;
}

const struct eco_proc *eco_procs_find(const struct eco_procs *procs, int32_t pid)
{
    return procs->ops->find(procs, pid);
}

int eco_procs_look(struct eco_procs *procs, bool final, struct eco_usage *ret)
{
    return procs->ops->look(procs, final, ret);
}
