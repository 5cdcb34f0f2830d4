/* SPDX-License-Identifier: MIT */
/* The lists of a look, which never run out of room once a row has got its own: what changed, what is to be
 * read. */
#include "procs/scan.h"

#include "base/mem.h"

#include <errno.h>

void eco_scan_change(struct eco_scan *scan, struct eco_row *row)
{
    struct eco_hot *hot = &scan->table.hot[row->slot];

    if ((hot->marks & ECO_ROW_CHANGED) != 0)
        return;
    hot->marks |= ECO_ROW_CHANGED;
    scan->changed[scan->changed_count++] = &row->proc;
}

void eco_scan_enqueue(struct eco_scan *scan, struct eco_row *row)
{
    struct eco_hot *hot = &scan->table.hot[row->slot];

    if (hot->pid <= 0 || (hot->marks & ECO_ROW_QUEUED) != 0)
        return;
    hot->marks |= ECO_ROW_QUEUED;
    scan->queue[(scan->queue_head + scan->queue_count++) % scan->list_capacity] = row->slot;
}

/* All lists have room for every slot, so that nothing can fail in the middle of a look. */
static int reserve_lists(struct eco_scan *scan)
{
    uint32_t old = scan->list_capacity, wanted = scan->table.chunk_capacity * ECO_CHUNK_ROWS;
    uint32_t **lists[] = {&scan->touched,   &scan->vanished, &scan->reaped, &scan->fed.newborn,
                          &scan->fed.ended, &scan->fed.gone, &scan->fed.ran};

    if (wanted <= old)
        return 0;
    uint32_t *queue = eco_calloc(wanted, sizeof(*queue));
    if (queue == NULL)
        return -ENOMEM;
    for (uint32_t i = 0; i < scan->queue_count; i++)
        queue[i] = scan->queue[(scan->queue_head + i) % old];
    free(scan->queue);
    scan->queue = queue;
    scan->queue_head = 0;
    /* The ring is only longer from here on: where one below fails, list_capacity still is the old. */
    for (size_t i = 0; i < ECO_COUNT(lists); i++) {
        uint32_t *list = eco_reallocarray(*lists[i], old, wanted, sizeof(*list));
        if (list == NULL)
            return -ENOMEM;
        *lists[i] = list;
    }
    struct eco_proc **changed = eco_reallocarray(scan->changed, old, wanted, sizeof(struct eco_proc *));
    if (changed == NULL)
        return -ENOMEM;
    scan->changed = changed;
    scan->list_capacity = wanted;
    return 0;
}

int eco_scan_add_quiet(struct eco_scan *scan, int32_t pid, struct eco_row **ret)
{
    struct eco_row *row;
    int rc = eco_table_add(&scan->table, pid, &row);

    if (rc < 0)
        return rc;
    rc = reserve_lists(scan);
    if (rc < 0) {
        eco_table_detach(&scan->table, row);
        eco_table_remove(&scan->table, row);
        return rc;
    }
    row->proc.seen_ns = scan->now_ns;
    row->proc.flags = ECO_PROC_NEW;
    *ret = row;
    return 0;
}

int eco_scan_add_row(struct eco_scan *scan, int32_t pid, struct eco_row **ret)
{
    int rc = eco_scan_add_quiet(scan, pid, ret);

    if (rc == 0)
        eco_scan_change(scan, *ret);
    return rc;
}
