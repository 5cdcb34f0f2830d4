/* SPDX-License-Identifier: MIT */
/*
 * The identities of a table of processes: one for each set of cgroups and user that was seen, made from
 * /proc/PID/cgroup when the first process of it ran. Bounded: what comes beyond has none, and is counted.
 * init/finish. Thread: that of the looks; identities themselves may be read by any (model/identity.h).
 */
#pragma once

#include "model/identity.h"
#include "procs/identity_text.h"

#define ECO_IDENTITIES_MAX 16384u

struct eco_identities {
    const struct eco_identity **all; /* [id - 1]; stay where they are */
    uint32_t *alive;                 /* [id - 1] living processes */
    uint32_t count;
    uint32_t overflow; /* processes that have none for want of room */
    bool has_users;    /* the list of users is that of this procfs */
    struct eco_slurm_job **jobs;
    size_t job_count, job_capacity;
    size_t all_capacity, alive_capacity;
    /* Private. */
    struct eco_identity_key *keys; /* open addressing */
    uint32_t key_mask;
    struct eco_identity_chunk *chunks; /* texts and structs */
};

void eco_identities_init(struct eco_identities *identities, bool has_users);
void eco_identities_finish(struct eco_identities *identities);

/**
 * The identity of those cgroups and user, made if need be.
 *
 * @param text  all of /proc/PID/cgroup; "" for a kernel thread
 * @param env   what its environment tells where cgroups tell of no job; NULL = nothing
 * @return NULL without memory or above the limit
 */
const struct eco_identity *eco_identities_get(struct eco_identities *identities, const char *text,
                                              size_t length, uint32_t uid, const struct eco_slurm_env *env);

/** What a process' environment says of its job; only the first that has the same number counts. */
void eco_identities_tell(struct eco_identities *identities, const struct eco_identity *identity,
                         const struct eco_slurm_env *env);
