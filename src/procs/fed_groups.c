/* SPDX-License-Identifier: MIT */
/* Short-lived processes beyond what gets rows of its own: one row per parent and name. Sums stay exact. */
#include "procs/scan.h"

#include <string.h>

static bool is_group_for(const struct eco_scan *scan, const struct eco_named_group *group,
                         const struct eco_row *row)
{
    const struct eco_proc *proc = &eco_table_row(&scan->table, group->slot)->proc;

    return group->parent == row->parent && proc->identity == row->proc.identity &&
           strcmp(proc->name, row->proc.name) == 0 && ((proc->flags ^ row->proc.flags) & ECO_PROC_JOB) == 0;
}

static struct eco_row *group_for(struct eco_scan *scan, const struct eco_row *row)
{
    struct eco_fed *fed = &scan->fed;
    struct eco_row *parent = row->parent != ECO_SLOT_NONE ? eco_table_row(&scan->table, row->parent) : NULL;

    if (fed->last_group < fed->group_count && is_group_for(scan, &fed->groups[fed->last_group], row))
        return eco_table_row(&scan->table, fed->groups[fed->last_group].slot);
    for (uint32_t i = 0; i < fed->group_count; i++)
        if (is_group_for(scan, &fed->groups[i], row)) {
            fed->last_group = i;
            return eco_table_row(&scan->table, fed->groups[i].slot);
        }
    if (fed->group_count == ECO_GROUPS_MAX)
        return parent != NULL ? eco_scan_group_of(scan, parent) : NULL;
    struct eco_row *group = eco_scan_new_group(scan, parent, row->proc.name);
    if (group == NULL)
        return NULL;
    group->proc.flags |= row->proc.flags & ECO_PROC_JOB;
    group->proc.uid = row->proc.uid;
    group->proc.identity = row->proc.identity;
    fed->last_group = fed->group_count;
    fed->groups[fed->group_count++] = (struct eco_named_group){group->slot, row->parent};
    return group;
}

/* Its children are its parent's from here on, and so is what stands for some of them: the row goes at once.
 */
static void hand_children_up(struct eco_scan *scan, struct eco_row *row)
{
    uint32_t parent_id = row->proc.parent_id, parent = row->parent;
    struct eco_fed *fed = &scan->fed;

    for (uint32_t i = 0; i < fed->group_count; i++)
        if (fed->groups[i].parent == row->slot) {
            fed->groups[i].parent = parent;
            eco_table_row(&scan->table, fed->groups[i].slot)->proc.parent_id = parent_id;
        }
    if (row->group != ECO_SLOT_NONE) {
        scan->group_count--;
        eco_scan_end_group(scan, eco_table_row(&scan->table, row->group));
    }

    while (row->first_child != ECO_SLOT_NONE) {
        struct eco_row *child = eco_table_row(&scan->table, row->first_child);
        child->proc.parent_id = parent_id;
        eco_tree_link(&scan->table, child, parent);
    }
}

static void add_places(const struct eco_scan *scan, struct eco_row *group, struct eco_row *row)
{
    uint64_t *place_ns = eco_row_places(group);

    if (row->proc.place_ns == NULL)
        return;
    if (place_ns == NULL) {
        group->proc.place_ns = row->proc.place_ns;
        row->proc.place_ns = NULL;
        return;
    }
    for (uint32_t i = 0; i < 2 * scan->fed.places.count; i++)
        place_ns[i] += row->proc.place_ns[i];
}

void eco_fed_merge(struct eco_scan *scan, struct eco_row *row)
{
    struct eco_row *group = group_for(scan, row);

    if (group == NULL) {
        eco_scan_vanish(scan, row);
        return;
    }
    /* rows_ns holds its time already. */
    group->proc.cpu_ns += row->proc.cpu_ns;
    group->proc.count++;
    add_places(scan, group, row);
    eco_scan_change(scan, group);
    hand_children_up(scan, row);
    if ((row->proc.flags & ECO_PROC_JOB) != 0 && row->exit_ns == 0)
        scan->job_alive--;
    eco_scan_forget_identity(scan, row);
    eco_table_detach(&scan->table, row);
    eco_table_remove(&scan->table, row);
}

void eco_fed_end_groups(struct eco_scan *scan, const struct eco_row *parent)
{
    struct eco_fed *fed = &scan->fed;

    for (uint32_t i = 0; i < fed->group_count;) {
        if (fed->groups[i].parent != parent->slot) {
            i++;
            continue;
        }
        struct eco_row *group = eco_table_row(&scan->table, fed->groups[i].slot);
        fed->groups[i] = fed->groups[--fed->group_count];
        eco_scan_end_group(scan, group);
    }
}
