/* SPDX-License-Identifier: MIT */
/* Who is whose child: intrusive lists, so that a look can go from a process to its children. */
#include "procs/table.h"

static void unlink_row(struct eco_table *table, struct eco_row *row)
{
    if (row->parent == ECO_SLOT_NONE)
        return;
    if (row->previous != ECO_SLOT_NONE)
        eco_table_row(table, row->previous)->next = row->next;
    else
        eco_table_row(table, row->parent)->first_child = row->next;
    if (row->next != ECO_SLOT_NONE)
        eco_table_row(table, row->next)->previous = row->previous;
    row->parent = row->next = row->previous = ECO_SLOT_NONE;
}

/* A parent read before its own parent changed may look like its child's child: pids are used again. */
static bool is_below(const struct eco_table *table, uint32_t slot, uint32_t above)
{
    for (; slot != ECO_SLOT_NONE; slot = eco_table_row(table, slot)->parent)
        if (slot == above)
            return true;
    return false;
}

void eco_tree_link(struct eco_table *table, struct eco_row *row, uint32_t parent)
{
    if (row->parent == parent)
        return;
    unlink_row(table, row);
    if (parent == ECO_SLOT_NONE || is_below(table, parent, row->slot))
        return;
    struct eco_row *above = eco_table_row(table, parent);
    row->parent = parent;
    row->next = above->first_child;
    if (row->next != ECO_SLOT_NONE)
        eco_table_row(table, row->next)->previous = row->slot;
    above->first_child = row->slot;
}
