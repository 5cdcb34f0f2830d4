/* SPDX-License-Identifier: MIT */
/*
 * Whose a process is: container, pod, Slurm job, systemd unit, user. One for all processes of one cgroup and
 * user, owned by procs/ and never freed or changed while it lives; readers keep the pointer. NULL = not known
 * or none. Texts are as found (any bytes): clean them before they are shown.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* What the environment of some process of a job told of it. */
struct eco_slurm_told {
    const char *shown;   /* the job as its user sees it: "2_1" is element 1 of array 2 */
    const char *name;    /* SLURM_JOB_NAME */
    const char *cluster; /* SLURM_CLUSTER_NAME */
};

struct eco_slurm_job {
    const char *id;                              /* the number that cgroups carry: "3" */
    _Atomic(const struct eco_slurm_told *) told; /* comes once, later; NULL until then */
};

struct eco_identity {
    uint32_t id; /* from 1, dense */
    uint32_t uid;
    const char *user;   /* name in the list of users, NULL = not there */
    const char *cgroup; /* path, version 2 where it tells something */
    const char
        *container;      /* id (64 digits, rarely less), or name where the engine has names (lxc, machines) */
    const char *runtime; /* "docker" "containerd" "cri-o" "podman" "lxc" "nspawn" "qemu"; NULL: not told */
    const char *pod;     /* uid of the Kubernetes pod */
    const char *unit;    /* the innermost systemd unit, no slice */
    bool is_user_unit;   /* of a user's systemd, not of the system's */
    const struct eco_slurm_job *slurm;
    const char *slurm_step; /* "0" "batch" "extern" "interactive" */
    int32_t slurm_task;     /* -1 not told */
};

/** How the job is called by who sent it: "2_1", else its number. NULL: of no job. */
static inline const char *eco_identity_job(const struct eco_identity *identity)
{
    if (!identity || !identity->slurm)
        return 0;
    const struct eco_slurm_told *told = atomic_load_explicit(&identity->slurm->told, memory_order_acquire);
    return told && told->shown ? told->shown : identity->slurm->id;
}
