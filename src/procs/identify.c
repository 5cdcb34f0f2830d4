/* SPDX-License-Identifier: MIT */
/*
 * Whose a process is: read when it is first seen, after exec, and every minute of those that run. Those
 * that sleep are never looked at again.
 */
#include "procs/scan.h"

#include "base/text.h"

#include <string.h>
#include <unistd.h>

#define CGROUP_SIZE  8192u
#define ENVIRON_SIZE 32768u
#define RECHECK_NS   (60 * ECO_NS_PER_S) /* 10 us then, against 60 looks of 10 us */
#define TELL_TRIES   64u /* processes of jobs whose environment does not tell, or cannot be read */

static void close_fd(const int *fd)
{
    if (*fd >= 0)
        (void)close(*fd);
}

/* Its beginning: slurmstepd's variables come first but for those that the job was sent with. */
static bool read_slurm_env(struct eco_scan *scan, const struct eco_row *row, struct eco_slurm_env *ret)
{
    char path[ECO_PATH_MAX], text[ENVIRON_SIZE];
    size_t length = 0;

    if (eco_path(path, "%d/environ", row->proc.pid) < 0)
        return false;
    ECO_CLEANUP(close_fd) int fd = eco_root_open(scan->base.env->root, ECO_PROCFS, path);
    if (fd < 0 && row->is_unseen) /* gone: it was born of this process, where this one is */
        fd = eco_root_open(scan->base.env->root, ECO_PROCFS, "self/environ");
    while (fd >= 0 && length < sizeof(text)) {
        ssize_t n = read(fd, text + length, sizeof(text) - length);
        if (n <= 0)
            break;
        length += (size_t)n;
    }
    return eco_slurm_env_parse(text, length, ret);
}

/* Where Slurm makes no cgroups only the environment tells: that of its first process, and what descends. */
static bool find_slurm_env(struct eco_scan *scan, const struct eco_row *row, struct eco_slurm_env *ret)
{
    const struct eco_row *parent =
        row->parent != ECO_SLOT_NONE ? eco_table_row(&scan->table, row->parent) : NULL;
    const struct eco_identity *above = parent != NULL ? parent->proc.identity : NULL;

    if (parent == NULL ? scan->base.options.scope == ECO_SCOPE_TREE
                       : strcmp(parent->proc.name, "slurmstepd") == 0)
        return read_slurm_env(scan, row, ret);
    if (above == NULL || above->slurm == NULL)
        return false;
    *ret = (struct eco_slurm_env){.task = above->slurm_task};
    (void)eco_text_copy(ret->job, sizeof(ret->job), above->slurm->id);
    if (above->slurm_step != NULL)
        (void)eco_text_copy(ret->step, sizeof(ret->step), above->slurm_step);
    return true;
}

static void set_identity(struct eco_scan *scan, struct eco_row *row, const struct eco_identity *identity)
{
    struct eco_identities *identities = &scan->identities;
    const struct eco_identity *before = row->proc.identity;

    if (identity == before)
        return;
    if (before != NULL && row->is_counted)
        identities->alive[before->id - 1]--;
    row->is_counted = identity != NULL && !row->is_zombie;
    if (row->is_counted)
        identities->alive[identity->id - 1]++;
    row->proc.identity = identity;
    eco_scan_change(scan, row);
}

void eco_scan_identify(struct eco_scan *scan, struct eco_row *row)
{
    struct eco_identities *identities = &scan->identities;
    char path[ECO_PATH_MAX], text[CGROUP_SIZE] = "";
    struct eco_slurm_env env;
    ssize_t n = 0;

    row->identified_ms = eco_scan_ms(scan);
    if ((row->proc.flags & ECO_PROC_KERNEL) == 0) {
        n = eco_path(path, "%d/cgroup", row->proc.pid);
        if (n == 0)
            n = eco_root_read(scan->base.env->root, ECO_PROCFS, path, text, sizeof(text));
        if (n < 0 && row->is_unseen)
            n = eco_root_read(scan->base.env->root, ECO_PROCFS, "self/cgroup", text, sizeof(text));
        if (n < 0 && row->proc.identity != NULL)
            return; /* gone, or not to be read: what is known stays */
        if (n < 0) {
            text[0] = '\0';
            n = 0;
        }
    }
    const struct eco_identity *identity =
        eco_identities_get(identities, text, (size_t)n, row->proc.uid, NULL);
    if (identity != NULL && identity->slurm == NULL && n > 0 && find_slurm_env(scan, row, &env))
        identity = eco_identities_get(identities, text, (size_t)n, row->proc.uid, &env);
    else if (identity != NULL && identity->slurm != NULL && atomic_load(&identity->slurm->told) == NULL &&
             scan->tell_tries < TELL_TRIES) {
        scan->tell_tries++;
        if (read_slurm_env(scan, row, &env))
            eco_identities_tell(identities, identity, &env);
        if (atomic_load(&identity->slurm->told) != NULL)
            scan->tell_tries = 0;
    }
    set_identity(scan, row, identity);
}

void eco_scan_inherit_identity(struct eco_scan *scan, struct eco_row *row, const struct eco_row *parent)
{
    row->identified_ms = eco_scan_ms(scan);
    row->proc.identity = parent != NULL ? parent->proc.identity : NULL;
    row->is_counted = row->proc.identity != NULL;
    if (row->is_counted)
        scan->identities.alive[row->proc.identity->id - 1]++;
}

void eco_scan_identify_again(struct eco_scan *scan, struct eco_row *row)
{
    /* Of what has ended hierarchies of version 1 say nothing any more. */
    if (row->is_zombie)
        eco_scan_forget_identity(scan, row);
    if (row->is_zombie || eco_scan_ms(scan) - row->identified_ms < RECHECK_NS / ECO_NS_PER_MS ||
        (row->proc.flags & ECO_PROC_KERNEL) != 0)
        return;
    eco_scan_identify(scan, row);
}

void eco_scan_forget_identity(struct eco_scan *scan, struct eco_row *row)
{
    if (row->is_counted)
        scan->identities.alive[row->proc.identity->id - 1]--;
    row->is_counted = false;
}

/* The topmost ancestor that is known, below the machine's first process. */
static const struct eco_row *find_top(const struct eco_scan *scan, const struct eco_row *row)
{
    const struct eco_row *top = row;

    for (unsigned depth = 0; depth < 4096 && top->parent != ECO_SLOT_NONE; depth++) {
        const struct eco_row *above = eco_table_row(&scan->table, top->parent);
        if (above->proc.pid == 1)
            break;
        top = above;
    }
    return top;
}

void eco_scan_find_trees(struct eco_scan *scan)
{
    for (uint32_t i = 0; i < scan->changed_count; i++) {
        struct eco_row *row = (struct eco_row *)scan->changed[i];
        bool is_group = (row->proc.flags & ECO_PROC_GROUP) != 0;
        if (is_group && row->proc.parent_id != 0)
            continue; /* has its parent's */
        const struct eco_row *top = find_top(scan, row);
        row->proc.tree_id = top->proc.id;
        row->proc.tree_pid = top->proc.pid;
        (void)eco_text_copy(row->proc.tree_name, sizeof(row->proc.tree_name), top->proc.name);
    }
}
