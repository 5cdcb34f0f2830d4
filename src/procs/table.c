/* SPDX-License-Identifier: MIT */
#include "procs/table.h"

#include "base/mem.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#define HASH_MIN 64u

void eco_table_init(struct eco_table *table, size_t limit)
{
    *table = (struct eco_table){.free_head = ECO_SLOT_NONE, .limit = limit};
}

/* A command line, held as often as rows have it: a server and its workers. */
struct shared_text {
    uint32_t holders;
    char text[];
};

static struct shared_text *shared_of(const struct eco_row *row)
{
    return (struct shared_text *)(void *)((uintptr_t)row->proc.cmdline - offsetof(struct shared_text, text));
}

static void drop_cmdline(struct eco_row *row)
{
    if (row->proc.cmdline != NULL && --shared_of(row)->holders == 0)
        free(shared_of(row));
    row->proc.cmdline = NULL;
}

void eco_row_set_cmdline(struct eco_row *row, const char *text, size_t length, const struct eco_row *like)
{
    struct shared_text *shared;

    if (like != NULL && like->proc.cmdline != NULL && strlen(like->proc.cmdline) == length &&
        memcmp(like->proc.cmdline, text, length) == 0) {
        shared = shared_of(like);
    } else {
        shared = eco_calloc(1, sizeof(*shared) + length + 1);
        if (shared == NULL)
            return;
        memcpy(shared->text, text, length);
    }
    shared->holders++;
    drop_cmdline(row);
    row->proc.cmdline = shared->text;
}

static void free_row(struct eco_row *row)
{
    drop_cmdline(row);
    free(eco_row_places(row));
    row->proc.place_ns = NULL;
}

void eco_table_finish(struct eco_table *table)
{
    for (uint32_t slot = 0; slot < table->high; slot++)
        free_row(eco_table_row(table, slot));
    for (uint32_t i = 0; i < table->chunk_count; i++)
        free(table->chunks[i]);
    free(table->chunks);
    free(table->hot);
    free(table->hash);
    eco_table_init(table, 0);
}

/* pids are dense and near each other: multiplying by an odd number spreads them (Knuth, TAOCP 3, 6.4). */
static uint32_t hash_of(const struct eco_table *table, int32_t pid)
{
    return ((uint32_t)pid * 2654435769u >> 7) & table->hash_mask;
}

uint32_t eco_table_find(const struct eco_table *table, int32_t pid)
{
    if (table->hash == NULL || pid <= 0)
        return ECO_SLOT_NONE;
    for (uint32_t at = hash_of(table, pid); table->hash[at] != 0; at = (at + 1) & table->hash_mask)
        if (table->hot[table->hash[at] - 1].pid == pid)
            return table->hash[at] - 1;
    return ECO_SLOT_NONE;
}

static void hash_put(struct eco_table *table, uint32_t slot)
{
    uint32_t at = hash_of(table, table->hot[slot].pid);

    while (table->hash[at] != 0)
        at = (at + 1) & table->hash_mask;
    table->hash[at] = slot + 1;
}

/* At most half full, so that probes stay short. */
static int hash_reserve(struct eco_table *table, uint32_t need)
{
    uint32_t size = table->hash != NULL ? table->hash_mask + 1 : 0, wanted = size > 0 ? size : HASH_MIN;

    while (wanted < need * 2)
        wanted *= 2;
    if (wanted == size)
        return 0;
    uint32_t *hash = eco_calloc(wanted, sizeof(*hash));
    if (hash == NULL)
        return -ENOMEM;
    free(table->hash);
    table->hash = hash;
    table->hash_mask = wanted - 1;
    for (uint32_t slot = 0; slot < table->high; slot++)
        if (table->hot[slot].pid > 0)
            hash_put(table, slot);
    return 0;
}

/* Deletion without tombstones: what follows in the run moves up where its probe allows it. */
static void hash_delete(struct eco_table *table, uint32_t slot)
{
    uint32_t hole = hash_of(table, table->hot[slot].pid);

    while (table->hash[hole] != slot + 1)
        hole = (hole + 1) & table->hash_mask;
    for (uint32_t at = (hole + 1) & table->hash_mask; table->hash[at] != 0;
         at = (at + 1) & table->hash_mask) {
        uint32_t home = hash_of(table, table->hot[table->hash[at] - 1].pid);
        if (((at - home) & table->hash_mask) >= ((at - hole) & table->hash_mask)) {
            table->hash[hole] = table->hash[at];
            hole = at;
        }
    }
    table->hash[hole] = 0;
}

static int add_chunk(struct eco_table *table)
{
    uint32_t old = table->chunk_count * ECO_CHUNK_ROWS;

    if (table->chunk_count == table->chunk_capacity) {
        /* `hot` has as many places as `chunks` can hold rows. */
        uint32_t capacity = table->chunk_capacity > 0 ? table->chunk_capacity * 2 : 4;
        struct eco_row **chunks =
            eco_reallocarray(table->chunks, table->chunk_capacity, capacity, sizeof(struct eco_row *));
        if (chunks == NULL)
            return -ENOMEM;
        table->chunks = chunks;
        struct eco_hot *hot =
            eco_reallocarray(table->hot, old, (size_t)capacity * ECO_CHUNK_ROWS, sizeof(*hot));
        if (hot == NULL)
            return -ENOMEM;
        table->hot = hot;
        table->chunk_capacity = capacity;
    }
    struct eco_row *chunk = eco_calloc(ECO_CHUNK_ROWS, sizeof(*chunk));
    if (chunk == NULL)
        return -ENOMEM;
    table->chunks[table->chunk_count++] = chunk;
    return 0;
}

int eco_table_add(struct eco_table *table, int32_t pid, struct eco_row **ret)
{
    uint32_t slot;
    int rc;

    if (eco_table_find(table, pid) != ECO_SLOT_NONE)
        return -EEXIST;
    if (pid > 0 && table->used >= table->limit)
        return -E2BIG;
    rc = hash_reserve(table, table->used + 1);
    if (rc < 0)
        return rc;
    if (table->free_head != ECO_SLOT_NONE) {
        slot = table->free_head;
        table->free_head = eco_table_row(table, slot)->next;
    } else {
        if (table->high == table->chunk_count * ECO_CHUNK_ROWS && (rc = add_chunk(table)) < 0)
            return rc;
        slot = table->high++;
    }
    struct eco_row *row = eco_table_row(table, slot);
    *row = (struct eco_row){.slot = slot,
                            .parent = ECO_SLOT_NONE,
                            .first_child = ECO_SLOT_NONE,
                            .next = ECO_SLOT_NONE,
                            .previous = ECO_SLOT_NONE,
                            .group = ECO_SLOT_NONE};
    row->proc.id = ++table->last_id;
    row->proc.pid = pid;
    row->proc.last_cpu = -1;
    row->proc.count = 1;
    table->hot[slot] = (struct eco_hot){.pid = pid};
    if (pid > 0) {
        table->used++;
        hash_put(table, slot);
    }
    *ret = row;
    return 0;
}

void eco_table_detach(struct eco_table *table, struct eco_row *row)
{
    if (table->hot[row->slot].pid <= 0)
        return;
    hash_delete(table, row->slot);
    table->hot[row->slot].pid = 0;
    table->used--;
}

void eco_table_remove(struct eco_table *table, struct eco_row *row)
{
    assert(table->hot[row->slot].pid == 0);
    while (row->first_child != ECO_SLOT_NONE)
        eco_tree_link(table, eco_table_row(table, row->first_child), ECO_SLOT_NONE);
    eco_tree_link(table, row, ECO_SLOT_NONE);
    free_row(row);
    row->proc.id = 0;
    table->hot[row->slot] = (struct eco_hot){0};
    row->next = table->free_head;
    table->free_head = row->slot;
}
