/* SPDX-License-Identifier: MIT */
#include "procs/identity.h"

#include "base/mem.h"
#include "platform/users.h"

#include <stdlib.h>
#include <string.h>

#define KEYS_MIN    64u
#define CHUNK_BYTES 4096u
#define JOBS_MAX    ECO_IDENTITIES_MAX

/* Two hashes of what an identity was made from: texts need not be kept to be told apart. */
struct eco_identity_key {
    uint64_t a, b;
    uint32_t id; /* 0 = empty */
};

struct eco_identity_chunk {
    struct eco_identity_chunk *next;
    size_t used, size;
    _Alignas(16) char bytes[];
};

void eco_identities_init(struct eco_identities *identities, bool has_users)
{
    *identities = (struct eco_identities){.has_users = has_users};
}

void eco_identities_finish(struct eco_identities *identities)
{
    while (identities->chunks != NULL) {
        struct eco_identity_chunk *next = identities->chunks->next;
        free(identities->chunks);
        identities->chunks = next;
    }
    free(identities->all);
    free(identities->alive);
    free(identities->jobs);
    free(identities->keys);
    eco_identities_init(identities, false);
}

/* Memory that lives as long as the table. */
static void *take(struct eco_identities *identities, size_t size)
{
    struct eco_identity_chunk *chunk = identities->chunks;

    size = (size + 15) & ~(size_t)15;
    if (chunk == NULL || chunk->size - chunk->used < size) {
        size_t bytes = size > CHUNK_BYTES ? size : CHUNK_BYTES;
        chunk = eco_calloc(1, sizeof(*chunk) + bytes);
        if (chunk == NULL)
            return NULL;
        chunk->size = bytes;
        chunk->next = identities->chunks;
        identities->chunks = chunk;
    }
    void *place = chunk->bytes + chunk->used;
    chunk->used += size;
    return place;
}

/* "" is not told, and so is what there is no memory for. */
static const char *keep(struct eco_identities *identities, const char *text)
{
    size_t size = strlen(text) + 1;
    char *copy = size > 1 ? take(identities, size) : NULL;

    return copy != NULL ? memcpy(copy, text, size) : NULL;
}

/* The same text as the identity made last where it is: neighbours in a cgroup share most. */
static const char *share(struct eco_identities *identities, const char *text, const char *before)
{
    return before != NULL && strcmp(before, text) == 0 ? before : keep(identities, text);
}

/* FNV-1a, 64 bits (Fowler, Noll, Vo), from two beginnings. */
static uint64_t hash_more(uint64_t hash, const void *bytes, size_t length)
{
    const unsigned char *at = bytes;

    for (size_t i = 0; i < length; i++)
        hash = (hash ^ at[i]) * 0x100000001b3u;
    return hash;
}

static struct eco_identity_key key_of(const char *text, size_t length, uint32_t uid,
                                      const struct eco_slurm_env *env)
{
    struct eco_identity_key key = {.a = 0xcbf29ce484222325u, .b = 0x9e3779b97f4a7c15u};
    uint64_t *const parts[] = {&key.a, &key.b};

    for (size_t i = 0; i < ECO_COUNT(parts); i++) {
        uint64_t hash = hash_more(*parts[i], text, length);
        hash = hash_more(hash, &uid, sizeof(uid));
        if (env != NULL) {
            hash = hash_more(hash, env->job, strlen(env->job) + 1);
            hash = hash_more(hash, env->step, strlen(env->step) + 1);
            hash = hash_more(hash, &env->task, sizeof(env->task));
        }
        *parts[i] = hash;
    }
    return key;
}

static struct eco_identity_key *find_key(const struct eco_identities *identities,
                                         const struct eco_identity_key *wanted)
{
    uint32_t at = (uint32_t)(wanted->a >> 20) & identities->key_mask;

    while (identities->keys[at].id != 0 &&
           (identities->keys[at].a != wanted->a || identities->keys[at].b != wanted->b))
        at = (at + 1) & identities->key_mask;
    return &identities->keys[at];
}

/* At most half full. */
static bool reserve_keys(struct eco_identities *identities)
{
    uint32_t old = identities->keys != NULL ? identities->key_mask + 1 : 0;
    uint32_t wanted = old > 0 ? old : KEYS_MIN;

    if ((identities->count + 1) * 2 > wanted)
        wanted *= 2;
    if (wanted == old)
        return true;
    struct eco_identity_key *before = identities->keys, *keys = eco_calloc(wanted, sizeof(*keys));
    if (keys == NULL)
        return false;
    identities->keys = keys;
    identities->key_mask = wanted - 1;
    for (uint32_t i = 0; i < old; i++)
        if (before[i].id != 0)
            *find_key(identities, &before[i]) = before[i];
    free(before);
    return true;
}

static bool reserve(struct eco_identities *identities)
{
    return reserve_keys(identities) &&
           eco_grow((void **)&identities->all, &identities->all_capacity, identities->count + 1,
                    ECO_IDENTITIES_MAX, sizeof(void *)) == 0 &&
           eco_grow((void **)&identities->alive, &identities->alive_capacity, identities->count + 1,
                    ECO_IDENTITIES_MAX, sizeof(*identities->alive)) == 0;
}

static const char *user_of(struct eco_identities *identities, uint32_t uid)
{
    char name[64];

    for (uint32_t i = 0; i < identities->count; i++)
        if (identities->all[i]->uid == uid)
            return identities->all[i]->user;
    if (!identities->has_users || eco_user_name(uid, name, sizeof(name)) < 0)
        return NULL;
    return keep(identities, name);
}

static struct eco_slurm_job *job_of(struct eco_identities *identities, const char *number)
{
    for (size_t i = identities->job_count; i-- > 0;)
        if (strcmp(identities->jobs[i]->id, number) == 0)
            return identities->jobs[i];
    struct eco_slurm_job *job = NULL;
    if (eco_grow((void **)&identities->jobs, &identities->job_capacity, identities->job_count + 1, JOBS_MAX,
                 sizeof(void *)) == 0)
        job = take(identities, sizeof(*job));
    if (job == NULL || (job->id = keep(identities, number)) == NULL)
        return NULL;
    atomic_init(&job->told, NULL);
    identities->jobs[identities->job_count++] = job;
    return job;
}

static void set_slurm(struct eco_identities *identities, struct eco_identity *identity, const char *job,
                      const char *step, int32_t task)
{
    identity->slurm = job_of(identities, job);
    identity->slurm_step = keep(identities, step);
    identity->slurm_task = task;
}

static struct eco_identity *make(struct eco_identities *identities, const char *text, size_t length,
                                 uint32_t uid, const struct eco_slurm_env *env)
{
    static const struct eco_identity nothing = {0};
    const struct eco_identity *before =
        identities->count > 0 ? identities->all[identities->count - 1] : &nothing;
    struct eco_cgroup_names names;
    struct eco_identity *identity = take(identities, sizeof(*identity));

    if (identity == NULL)
        return NULL;
    eco_cgroup_names_parse(text, length, &names);
    *identity = (struct eco_identity){.uid = uid,
                                      .user = user_of(identities, uid),
                                      .cgroup = share(identities, names.cgroup, before->cgroup),
                                      .container = share(identities, names.container, before->container),
                                      .runtime = names.runtime,
                                      .pod = share(identities, names.pod, before->pod),
                                      .unit = share(identities, names.unit, before->unit),
                                      .is_user_unit = names.is_user_unit,
                                      .slurm_task = -1};
    if (names.slurm_job[0] != '\0')
        set_slurm(identities, identity, names.slurm_job, names.slurm_step, names.slurm_task);
    else if (env != NULL)
        set_slurm(identities, identity, env->job, env->step, env->task);
    return identity;
}

const struct eco_identity *eco_identities_get(struct eco_identities *identities, const char *text,
                                              size_t length, uint32_t uid, const struct eco_slurm_env *env)
{
    struct eco_identity_key key = key_of(text, length, uid, env), *place = NULL;

    if (identities->keys != NULL && (place = find_key(identities, &key))->id != 0)
        return identities->all[place->id - 1];
    struct eco_identity *identity = NULL;
    if (identities->count < ECO_IDENTITIES_MAX && reserve(identities))
        identity = make(identities, text, length, uid, env);
    if (identity == NULL) {
        identities->overflow++;
        return NULL;
    }
    identities->all[identities->count] = identity;
    identities->alive[identities->count] = 0;
    identity->id = key.id = ++identities->count;
    *find_key(identities, &key) = key;
    if (env != NULL)
        eco_identities_tell(identities, identity, env);
    return identity;
}

void eco_identities_tell(struct eco_identities *identities, const struct eco_identity *identity,
                         const struct eco_slurm_env *env)
{
    for (size_t i = 0; i < identities->job_count; i++) {
        struct eco_slurm_job *job = identities->jobs[i];
        if (job != identity->slurm || strcmp(job->id, env->job) != 0 || atomic_load(&job->told) != NULL)
            continue;
        struct eco_slurm_told *told = take(identities, sizeof(*told));
        if (told == NULL)
            return;
        *told = (struct eco_slurm_told){.shown = keep(identities, env->shown),
                                        .name = keep(identities, env->name),
                                        .cluster = keep(identities, env->cluster)};
        atomic_store_explicit(&job->told, told, memory_order_release);
    }
}
