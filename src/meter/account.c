/* SPDX-License-Identifier: MIT */
#include "meter/account.h"

#include "base/mem.h"
#include "base/text.h"

#include <errno.h>
#include <string.h>

#define FOLD_ID_TOP 0xfffffff0u

int eco_accounts_init(struct eco_accounts *accounts, unsigned columns, unsigned domains, unsigned slots)
{
    *accounts = (struct eco_accounts){
        .columns = columns, .domains = domains, .slots = slots, .next_fold_id = FOLD_ID_TOP, .hash_size = 64};
    accounts->hash = eco_calloc(accounts->hash_size, sizeof *accounts->hash);
    return accounts->hash ? 0 : -ENOMEM;
}

static void account_free(struct eco_account *account)
{
    if (!account)
        return;
    free(account->weight); /* one block: weight, mark, share_s, energy_uj, frame_uj */
    free(account->cmdline);
    free(account->place_ns);
    free(account->gpu);
    free(account);
}

void eco_accounts_finish(struct eco_accounts *accounts)
{
    for (size_t i = 0; i < accounts->count; i++)
        account_free(accounts->all[i]);
    free(accounts->all);
    free(accounts->hash);
    *accounts = (struct eco_accounts){0};
}

static size_t hash_place(const struct eco_accounts *accounts, uint32_t id)
{
    return (size_t)(id * 2654435761u) & (accounts->hash_size - 1);
}

/* Index + 1, or 0. Deleted entries leave UINT32_MAX behind, so that probing goes on. */
static uint32_t hash_find(const struct eco_accounts *accounts, uint32_t id)
{
    for (size_t at = hash_place(accounts, id); accounts->hash[at];
         at = (at + 1) & (accounts->hash_size - 1)) {
        uint32_t entry = accounts->hash[at];
        if (entry != UINT32_MAX && accounts->all[entry - 1] && accounts->all[entry - 1]->name.id == id)
            return entry;
    }
    return 0;
}

static void hash_put(struct eco_accounts *accounts, uint32_t id, uint32_t entry)
{
    size_t at = hash_place(accounts, id);
    while (accounts->hash[at])
        at = (at + 1) & (accounts->hash_size - 1);
    accounts->hash[at] = entry;
    accounts->hash_used++;
}

static int hash_make_room(struct eco_accounts *accounts)
{
    if (accounts->hash_used * 2 < accounts->hash_size)
        return 0;
    size_t live = 0;
    for (size_t i = 0; i < accounts->count; i++)
        live += accounts->all[i] != NULL;
    size_t size = accounts->hash_size;
    while (live * 4 >= size)
        size *= 2;
    uint32_t *fresh = eco_calloc(size, sizeof *fresh);
    if (!fresh)
        return -ENOMEM;
    free(accounts->hash);
    accounts->hash = fresh;
    accounts->hash_size = size;
    accounts->hash_used = 0;
    for (size_t i = 0; i < accounts->count; i++)
        if (accounts->all[i])
            hash_put(accounts, accounts->all[i]->name.id, (uint32_t)i + 1);
    return 0;
}

static void hash_remove(struct eco_accounts *accounts, uint32_t id)
{
    uint32_t entry = hash_find(accounts, id);
    for (size_t at = hash_place(accounts, id); entry && accounts->hash[at];
         at = (at + 1) & (accounts->hash_size - 1))
        if (accounts->hash[at] == entry) {
            accounts->hash[at] = UINT32_MAX;
            return;
        }
}

struct eco_account *eco_accounts_get(const struct eco_accounts *accounts, uint32_t id)
{
    uint32_t entry = id ? hash_find(accounts, id) : 0;
    return entry ? accounts->all[entry - 1] : NULL;
}

static size_t books_size(const struct eco_accounts *accounts)
{
    return accounts->columns + (size_t)accounts->domains * (2 + 2 * (size_t)accounts->slots);
}

static void place_books(const struct eco_accounts *accounts, struct eco_account *account, double *books)
{
    account->weight = books;
    account->mark = account->weight + accounts->columns;
    account->share_s = account->mark + accounts->domains;
    account->energy_uj = account->share_s + accounts->domains;
    account->frame_uj = account->energy_uj + (size_t)accounts->slots * accounts->domains;
}

static void copy_books(const struct eco_accounts *from, const struct eco_accounts *to,
                       const struct eco_account *account, struct eco_account *wide)
{
    size_t domains = from->domains * sizeof(double);
    memcpy(wide->weight, account->weight, from->columns * sizeof(double));
    memcpy(wide->mark, account->mark, domains);
    memcpy(wide->share_s, account->share_s, domains);
    for (size_t s = 0; s < from->slots; s++) {
        memcpy(wide->energy_uj + s * to->domains, account->energy_uj + s * from->domains, domains);
        memcpy(wide->frame_uj + s * to->domains, account->frame_uj + s * from->domains, domains);
    }
}

int eco_accounts_widen(struct eco_accounts *accounts, unsigned columns, unsigned domains)
{
    struct eco_accounts wide = *accounts;
    wide.columns = columns;
    wide.domains = domains;
    double **books = eco_calloc(accounts->count ? accounts->count : 1, sizeof *books);
    int r = books ? 0 : -ENOMEM;
    for (size_t i = 0; r == 0 && i < accounts->count; i++)
        if (accounts->all[i]) {
            books[i] = eco_calloc(books_size(&wide), sizeof **books);
            r = books[i] ? 0 : -ENOMEM;
        }
    for (size_t i = 0; books && i < accounts->count; i++) {
        struct eco_account *account = accounts->all[i];
        struct eco_account fresh;
        if (r < 0 || !account) {
            free(books[i]);
            continue;
        }
        fresh = *account;
        place_books(&wide, &fresh, books[i]);
        copy_books(accounts, &wide, account, &fresh);
        free(account->weight);
        *account = fresh;
    }
    free(books);
    if (r == 0)
        *accounts = wide;
    return r;
}

static struct eco_account *account_new(const struct eco_accounts *accounts, uint32_t id)
{
    struct eco_account *account = eco_calloc(1, sizeof *account);
    if (!account)
        return NULL;
    double *books = eco_calloc(books_size(accounts), sizeof *books);
    if (!books) {
        free(account);
        return NULL;
    }
    place_books(accounts, account, books);
    account->name.id = id;
    account->name.count = 1;
    account->last_cpu = -1;
    return account;
}

struct eco_account *eco_accounts_take(struct eco_accounts *accounts, uint32_t id)
{
    struct eco_account *account = eco_accounts_get(accounts, id);
    if (account)
        return account;
    size_t index = accounts->free_hint;
    while (index < accounts->count && accounts->all[index])
        index++;
    accounts->free_hint = index;
    void *all = accounts->all;
    if (hash_make_room(accounts) < 0 ||
        eco_grow(&all, &accounts->capacity, index + 1, 2 * (size_t)ECO_PROCS_LIMIT, sizeof(void *)) < 0)
        return NULL;
    accounts->all = all;
    account = account_new(accounts, id);
    if (!account)
        return NULL;
    accounts->all[index] = account;
    if (index == accounts->count)
        accounts->count++;
    hash_put(accounts, id, (uint32_t)index + 1);
    return account;
}

int eco_account_describe(struct eco_account *account, const struct eco_proc *proc, bool in_job,
                         uint64_t start_offset_ns)
{
    char *cmdline = NULL;
    if (proc->cmdline) {
        cmdline = eco_strdup(proc->cmdline);
        if (!cmdline)
            return -ENOMEM;
    }
    free(account->cmdline);
    account->cmdline = cmdline;
    account->in_job = in_job;
    account->name = (struct eco_proc_name){.id = proc->id,
                                           .parent_id = proc->parent_id,
                                           .pid = proc->pid,
                                           .ppid = proc->ppid,
                                           .uid = proc->uid,
                                           .count = proc->count ? proc->count : 1,
                                           .flags = proc->flags,
                                           .start_offset_ns = start_offset_ns,
                                           .identity = proc->identity,
                                           .role = proc->role,
                                           .cmdline = cmdline};
    eco_text_copy(account->name.name, sizeof account->name.name, proc->name);
    return 0;
}

void eco_accounts_end(struct eco_accounts *accounts, struct eco_account *account, uint64_t seq,
                      uint64_t offset_ns)
{
    if (account->ended_seq)
        return;
    account->ended_seq = seq ? seq : 1;
    account->end_offset_ns = offset_ns;
    account->name.flags |= ECO_PROC_ENDED;
    accounts->ended_count++;
}

struct eco_account *eco_accounts_split(struct eco_accounts *accounts, struct eco_account *account,
                                       uint64_t seq, uint64_t offset_ns)
{
    uint32_t id = account->name.id, entry = hash_find(accounts, id);
    if (!entry || hash_make_room(accounts) < 0)
        return NULL;
    hash_remove(accounts, id);
    account->name.id = accounts->next_fold_id;
    struct eco_account *next = eco_accounts_take(accounts, id);
    if (!next) {
        account->name.id = id;
        hash_put(accounts, id, entry);
        return NULL;
    }
    accounts->next_fold_id--;
    hash_put(accounts, account->name.id, entry);
    next->before_ns = account->before_ns + account->cpu_ns;
    account->is_moved = true;
    eco_accounts_end(accounts, account, seq, offset_ns);
    return next;
}

/* The group that an ended account joins: same parent, name and identity. When there are too many, one for
 * each identity; at last one of all. */
static struct eco_account *fold_target(struct eco_accounts *accounts, const struct eco_account *from)
{
    bool is_full = accounts->fold_count >= ECO_ACCOUNTS_FOLD_MAX;
    struct eco_account *rest = NULL;
    const struct eco_identity *identity = from->name.identity;
    for (size_t i = 0; i < accounts->count; i++) {
        struct eco_account *group = accounts->all[i];
        if (!group || !group->is_fold || group->in_job != from->in_job)
            continue;
        bool is_rest = !group->name.name[0] && !group->name.parent_id;
        if (group->name.parent_id == from->name.parent_id && group->name.identity == identity && !is_rest &&
            !strcmp(group->name.name, from->name.name))
            return group;
        if (is_rest && (group->name.identity == identity || (!group->name.identity && !rest)))
            rest = group;
    }
    bool is_last = accounts->fold_count >= ECO_ACCOUNTS_FOLD_MAX + ECO_ACCOUNTS_REST_MAX;
    if (is_full && rest && (is_last || rest->name.identity == identity))
        return rest;
    struct eco_account *group = eco_accounts_take(accounts, accounts->next_fold_id);
    if (!group)
        return rest;
    accounts->next_fold_id--;
    accounts->fold_count++;
    uint32_t id = group->name.id;
    group->name = from->name;
    group->name.id = id;
    group->name.pid = 0;
    group->name.count = 0;
    group->name.cmdline = NULL;
    group->name.flags |= ECO_PROC_GROUP | ECO_PROC_ENDED;
    if (is_full) { /* the last group takes all that find no place */
        group->name.name[0] = '\0';
        group->name.parent_id = 0;
        group->name.role = NULL;
        if (is_last)
            group->name.identity = NULL;
    }
    group->in_job = from->in_job;
    group->is_fold = true;
    group->ended_seq = 1;
    return group;
}

static void fold_into(const struct eco_accounts *accounts, struct eco_account *group,
                      const struct eco_account *from)
{
    group->cpu_ns += from->cpu_ns;
    group->name.count += from->is_moved ? 0 : from->name.count;
    if (from->max_rss_bytes > group->max_rss_bytes)
        group->max_rss_bytes = from->max_rss_bytes;
    group->gpu_busy_ns += from->gpu_busy_ns;
    if (from->gpu_memory_max_bytes > group->gpu_memory_max_bytes)
        group->gpu_memory_max_bytes = from->gpu_memory_max_bytes;
    if (from->end_offset_ns > group->end_offset_ns)
        group->end_offset_ns = from->end_offset_ns;
    if (from->name.start_offset_ns < group->name.start_offset_ns)
        group->name.start_offset_ns = from->name.start_offset_ns;
    for (unsigned d = 0; d < accounts->domains; d++)
        group->share_s[d] += from->share_s[d];
    for (size_t i = 0; i < (size_t)accounts->slots * accounts->domains; i++)
        group->energy_uj[i] += from->energy_uj[i];
}

void eco_accounts_fold(struct eco_accounts *accounts, uint64_t seq)
{
    if (accounts->ended_count <= ECO_ACCOUNTS_ENDED_MAX)
        return;
    for (size_t i = 0; i < accounts->count; i++) {
        struct eco_account *from = accounts->all[i];
        if (!from || from->is_fold || !from->ended_seq || from->ended_seq >= seq || from->is_pending)
            continue;
        struct eco_account *group = fold_target(accounts, from);
        if (!group)
            return; /* no memory: folded later */
        fold_into(accounts, group, from);
        hash_remove(accounts, from->name.id);
        accounts->all[i] = NULL;
        if (i < accounts->free_hint)
            accounts->free_hint = i;
        account_free(from);
        accounts->ended_count--;
    }
}
