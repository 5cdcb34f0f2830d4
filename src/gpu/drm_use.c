/* SPDX-License-Identifier: MIT */
#include "gpu/drm_use.h"

#include "base/mem.h"
#include "base/parse.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define DISCOVER_NS   (1 * ECO_NS_PER_S)
#define EXAMINE_NS    (10 * ECO_NS_PER_S)
#define SPREAD_NS     (37 * ECO_NS_PER_MS)
#define PROCESSES_MAX (1u << 22)
#define FDS_MAX       4096u
#define TEXT_MAX      4096

struct seen { /* a process that was looked at; sorted by pid */
    int32_t pid;
    uint64_t inode, due_ns;
};

struct handle { /* a descriptor of a card */
    int32_t pid, fd;
};

struct client { /* an open file of a card: one or more descriptors, of one or more processes */
    char pdev[32];
    uint64_t id;
    int32_t pid, fd; /* fd counts only where the kernel gives no id */
    bool has_id, is_seen;
    struct eco_drm_engine last[ECO_DRM_ENGINES_MAX];
    size_t engine_count;
};

struct eco_drm_use {
    const struct eco_env *env;
    char driver[24];
    struct seen *seen, *next;
    size_t seen_count, seen_capacity, next_count, next_capacity;
    struct handle *handles;
    size_t handle_count, handle_capacity;
    struct client *clients;
    size_t client_count, client_capacity;
    struct eco_use_books *books; /* of the look in progress */
    uint64_t discovered_ns, now_ns, before_ns;
    size_t hidden;
    int32_t examined; /* pid whose descriptors are being listed */
    bool has_looked;  /* what clients used before the first look is not ours to tell */
    int error;
};

int eco_drm_use_new(const struct eco_env *env, const char *driver, struct eco_drm_use **ret)
{
    struct eco_drm_use *use = eco_calloc(1, sizeof(*use));

    if (!use)
        return -ENOMEM;
    use->env = env;
    (void)snprintf(use->driver, sizeof(use->driver), "%s", driver);
    *ret = use;
    return 0;
}

struct eco_drm_use *eco_drm_use_free(struct eco_drm_use *use)
{
    if (!use)
        return NULL;
    free(use->seen);
    free(use->next);
    free(use->handles);
    free(use->clients);
    free(use);
    return NULL;
}

size_t eco_drm_use_hidden(const struct eco_drm_use *use)
{
    return use->hidden;
}

/* ---- which descriptors ---- */

static void drop_handles(struct eco_drm_use *use, int32_t pid)
{
    size_t kept = 0;

    for (size_t i = 0; i < use->handle_count; i++)
        if (use->handles[i].pid != pid)
            use->handles[kept++] = use->handles[i];
    use->handle_count = kept;
}

static int take_fd(void *context, const char *name, uint64_t inode)
{
    struct eco_drm_use *use = context;
    char path[ECO_PATH_MAX], target[64];
    uint64_t fd;

    (void)inode;
    if (eco_parse_u64(name, &fd) < 0 || fd > INT32_MAX ||
        eco_path(path, "%d/fd/%s", use->examined, name) < 0 ||
        eco_root_link_name(use->env->root, ECO_PROCFS, path, target, sizeof(target)) < 0)
        return 0;
    if (strncmp(target, "renderD", 7) != 0 && strncmp(target, "card", 4) != 0)
        return 0;
    if (eco_grow((void **)&use->handles, &use->handle_capacity, use->handle_count + 1, FDS_MAX,
                 sizeof(*use->handles)) < 0)
        return 1;
    use->handles[use->handle_count++] = (struct handle){.pid = use->examined, .fd = (int32_t)fd};
    return 0;
}

static void examine(struct eco_drm_use *use, int32_t pid)
{
    char path[ECO_PATH_MAX];

    drop_handles(use, pid);
    use->examined = pid;
    if (eco_path(path, "%d/fd", pid) < 0)
        return;
    int rc = eco_root_list(use->env->root, ECO_PROCFS, path, take_fd, use);
    if (rc == -EACCES || rc == -EPERM)
        use->hidden++;
}

static int take_process(void *context, const char *name, uint64_t inode)
{
    struct eco_drm_use *use = context;
    uint64_t pid;

    if (name[0] < '1' || name[0] > '9' || eco_parse_u64(name, &pid) < 0 || pid > INT32_MAX)
        return 0;
    int rc = eco_grow((void **)&use->next, &use->next_capacity, use->next_count + 1, PROCESSES_MAX,
                      sizeof(*use->next));
    if (rc == 0)
        use->next[use->next_count++] = (struct seen){.pid = (int32_t)pid, .inode = inode};
    return rc;
}

static int compare_seen(const void *a, const void *b)
{
    const struct seen *x = a, *y = b;

    return (x->pid > y->pid) - (x->pid < y->pid);
}

/* Those that are new or due are looked at; spread over time, so that not all fall due at once. */
static void merge(struct eco_drm_use *use)
{
    size_t at = 0;

    for (size_t i = 0; i < use->next_count; i++) {
        struct seen *seen = &use->next[i];
        while (at < use->seen_count && use->seen[at].pid < seen->pid)
            drop_handles(use, use->seen[at++].pid);
        if (at < use->seen_count && use->seen[at].pid == seen->pid) {
            seen->due_ns = use->seen[at].inode == seen->inode ? use->seen[at].due_ns : 0;
            at++;
        }
        if (seen->due_ns > use->now_ns)
            continue;
        seen->due_ns = use->now_ns + EXAMINE_NS / 2 + (uint64_t)seen->pid * SPREAD_NS % (EXAMINE_NS / 2);
        examine(use, seen->pid);
    }
    while (at < use->seen_count)
        drop_handles(use, use->seen[at++].pid);
}

static int discover(struct eco_drm_use *use)
{
    if (use->has_looked && use->now_ns - use->discovered_ns < DISCOVER_NS)
        return 0;
    use->discovered_ns = use->now_ns;
    use->next_count = use->hidden = 0;
    int rc = eco_root_list(use->env->root, ECO_PROCFS, "", take_process, use);
    if (rc < 0)
        return rc == -ENOMEM ? rc : 0;
    /* /proc is in the order of numbers; a copy of one need not be */
    if (use->next_count > 0 && !use->env->root->is_own[ECO_PROCFS])
        qsort(use->next, use->next_count, sizeof(*use->next), compare_seen);
    merge(use);
    struct seen *seen = use->seen;
    size_t capacity = use->seen_capacity;
    use->seen = use->next;
    use->seen_capacity = use->next_capacity;
    use->seen_count = use->next_count;
    use->next = seen;
    use->next_capacity = capacity;
    return 0;
}

/* ---- what they used ---- */

static struct client *client_of(struct eco_drm_use *use, const struct handle *handle,
                                const struct eco_drm_client *now, bool *ret_is_new)
{
    *ret_is_new = false;
    for (size_t i = 0; i < use->client_count; i++) {
        struct client *client = &use->clients[i];
        bool same = client->has_id == now->has_client_id && strcmp(client->pdev, now->pdev) == 0;
        if (same && (client->has_id ? client->id == now->client_id
                                    : client->pid == handle->pid && client->fd == handle->fd))
            return client;
    }
    if (eco_grow((void **)&use->clients, &use->client_capacity, use->client_count + 1, FDS_MAX,
                 sizeof(*use->clients)) < 0)
        return NULL;
    struct client *client = &use->clients[use->client_count++];
    *client = (struct client){
        .id = now->client_id, .has_id = now->has_client_id, .pid = handle->pid, .fd = handle->fd};
    memcpy(client->pdev, now->pdev, sizeof(client->pdev));
    *ret_is_new = true;
    return client;
}

/* Of the engines of one name, the part of the time that this client had since `last`, as time of one engine.
 */
static double engine_ns(const struct eco_drm_use *use, const struct eco_drm_engine *last,
                        const struct eco_drm_engine *now)
{
    if (now->total_cycles == 0)
        return now->busy_ns > last->busy_ns ? (double)(now->busy_ns - last->busy_ns) / now->capacity : 0;
    if (now->cycles <= last->cycles || now->total_cycles <= last->total_cycles)
        return 0;
    double ratio = (double)(now->cycles - last->cycles) / (double)(now->total_cycles - last->total_cycles);
    return (ratio < now->capacity ? ratio / now->capacity : 1) * (double)(use->now_ns - use->before_ns);
}

/* Figures may go back for a moment while an engine's queue is switched: what was told stays told. */
static void keep_last(struct eco_drm_engine *last, const struct eco_drm_engine *now)
{
    last->busy_ns = now->busy_ns > last->busy_ns ? now->busy_ns : last->busy_ns;
    last->cycles = now->cycles > last->cycles ? now->cycles : last->cycles;
    last->total_cycles = now->total_cycles > last->total_cycles ? now->total_cycles : last->total_cycles;
}

static void grow(const struct eco_drm_use *use, struct client *client, const struct eco_drm_client *now,
                 bool is_base, struct eco_use_row *row)
{
    for (size_t i = 0; i < now->engine_count; i++) {
        const struct eco_drm_engine *engine = &now->engines[i];
        size_t at = 0;
        while (at < client->engine_count && strcmp(client->last[at].name, engine->name) != 0)
            at++;
        if (at == ECO_DRM_ENGINES_MAX)
            continue;
        bool is_first = at == client->engine_count;
        if (is_first) {
            client->last[client->engine_count++] = *engine;
            if (is_base || engine->total_cycles > 0)
                continue; /* cycles of the card since it was opened say nothing of a moment */
            client->last[at].busy_ns = 0;
        }
        double factor = eco_drm_engine_factor(engine->name);
        double busy = engine_ns(use, &client->last[at], engine);
        keep_last(&client->last[at], engine);
        row->weight_ns += factor * busy;
        row->busy_ns += factor >= 1 ? busy : 0;
    }
}

static void read_handle(struct eco_drm_use *use, const struct handle *handle,
                        int32_t (*index_of)(const void *context, const char *pdev), const void *context)
{
    char path[ECO_PATH_MAX], text[TEXT_MAX];
    struct eco_drm_client now;
    bool is_new;

    if (eco_path(path, "%d/fdinfo/%d", handle->pid, handle->fd) < 0)
        return;
    ssize_t n = eco_root_read(use->env->root, ECO_PROCFS, path, text, sizeof(text));
    if (n <= 0 || eco_drm_client_parse(text, &now) < 0 || strcmp(now.driver, use->driver) != 0)
        return;
    int32_t index = index_of(context, now.pdev);
    if (index < 0)
        return;
    struct client *client = client_of(use, handle, &now, &is_new);
    struct eco_use_row *row = client ? eco_use_books_see(use->books, index, handle->pid) : NULL;
    if (!row) {
        use->error = -ENOMEM;
        return;
    }
    if (client->is_seen)
        return; /* another descriptor of the same open file */
    client->is_seen = true;
    row->memory_bytes += now.memory_bytes;
    grow(use, client, &now, is_new && !use->has_looked, row);
}

int eco_drm_use_look(struct eco_drm_use *use, struct eco_use_books *books,
                     int32_t (*index_of)(const void *context, const char *pdev), const void *context)
{
    use->books = books;
    use->before_ns = use->now_ns;
    use->now_ns = use->env->clock->mono_ns(use->env->clock);
    use->error = discover(use);
    if (use->error < 0)
        return use->error;
    for (size_t i = 0; i < use->client_count; i++)
        use->clients[i].is_seen = false;
    for (size_t i = 0; i < use->handle_count; i++)
        read_handle(use, &use->handles[i], index_of, context);
    size_t kept = 0;
    for (size_t i = 0; i < use->client_count; i++)
        if (use->clients[i].is_seen)
            use->clients[kept++] = use->clients[i];
    use->client_count = kept;
    use->has_looked = true;
    return use->error;
}
