/* SPDX-License-Identifier: MIT */
#include "sinks/groups.h"

#include "base/mem.h"
#include "base/text.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SLOTS_MIN 64u
#define SLOTS_MAX (16 * ECO_GROUP_SUMS_MAX) /* identities and processes that are known at once */

/* Which group an identity or a process belongs to. */
struct eco_group_slot {
    uint32_t key, index; /* index + 1; 0 = empty */
};

static bool is_by_process(enum eco_grouping by)
{
    return by == ECO_GROUPING_PROCESS || by == ECO_GROUPING_TREE;
}

void eco_groups_init(struct eco_groups *groups, enum eco_grouping by)
{
    *groups = (struct eco_groups){.by = by};
}

void eco_groups_finish(struct eco_groups *groups)
{
    free(groups->all);
    free(groups->slots);
    *groups = (struct eco_groups){.by = groups->by};
}

static struct eco_group_slot *find_slot(const struct eco_groups *groups, uint32_t key)
{
    uint32_t mask = groups->slot_count - 1, at = key * 2654435769u >> 7 & mask;
    while (groups->slots[at].index && groups->slots[at].key != key)
        at = (at + 1) & mask;
    return &groups->slots[at];
}

/* At most half full. */
static int reserve_slots(struct eco_groups *groups)
{
    uint32_t old = groups->slot_count, wanted = old ? old : SLOTS_MIN;
    if ((groups->slot_used + 1) * 2 > wanted)
        wanted *= 2;
    if (wanted == old)
        return 0;
    struct eco_group_slot *before = groups->slots, *slots = eco_calloc(wanted, sizeof *slots);
    if (!slots)
        return -ENOMEM;
    groups->slots = slots;
    groups->slot_count = wanted;
    for (uint32_t i = 0; i < old; i++)
        if (before[i].index)
            *find_slot(groups, before[i].key) = before[i];
    free(before);
    return 0;
}

static bool is_same_group(const struct eco_groups *groups, const struct eco_identity *a,
                          const struct eco_identity *b)
{
    char space_a[ECO_GROUPING_TEXT_MAX], space_b[ECO_GROUPING_TEXT_MAX];
    const char *key_a = eco_grouping_key(groups->by, a, space_a);
    const char *key_b = eco_grouping_key(groups->by, b, space_b);
    return key_a && key_b ? strcmp(key_a, key_b) == 0 : key_a == key_b;
}

static void fold(struct eco_group_sum *to, const struct eco_group_sum *from)
{
    to->energy_uj += from->energy_uj;
    to->cpu_ns += from->cpu_ns;
    if (isfinite(from->frame_uj))
        to->frame_uj = isfinite(to->frame_uj) ? to->frame_uj + from->frame_uj : from->frame_uj;
    to->frame_cpu_ns += from->frame_cpu_ns;
}

/* No room: what is neither alive nor was in the last two frames becomes one. */
static void compact(struct eco_groups *groups)
{
    struct eco_group_sum rest = {.is_rest = true, .frame_uj = (double)NAN};
    size_t kept = 0;
    for (size_t i = 0; i < groups->count; i++) {
        struct eco_group_sum sum = groups->all[i];
        if (sum.is_rest || (!sum.is_seen && !sum.was_seen))
            fold(&rest, &sum);
        else
            groups->all[kept++] = sum;
    }
    groups->all[kept] = rest; /* one place is kept for it */
    groups->count = kept + 1;
    /* Whom the others belong to is found again by those that come. */
    groups->slot_used = 0;
    memset(groups->slots, 0, groups->slot_count * sizeof *groups->slots);
    for (size_t i = 0; is_by_process(groups->by) && i < kept; i++, groups->slot_used++)
        *find_slot(groups, groups->all[i].id) = (struct eco_group_slot){groups->all[i].id, (uint32_t)i + 1};
}

static size_t find_group(const struct eco_groups *groups, const struct eco_identity *identity)
{
    size_t i = 0;
    while (i < groups->count &&
           (groups->all[i].is_rest || !is_same_group(groups, groups->all[i].identity, identity)))
        i++;
    return i;
}

static struct eco_group_sum *make(struct eco_groups *groups, uint32_t key,
                                  const struct eco_identity *identity)
{
    char space[ECO_GROUPING_TEXT_MAX];
    void *all = groups->all;
    if (eco_grow(&all, &groups->capacity, groups->count + 2, ECO_GROUP_SUMS_MAX, sizeof *groups->all) < 0)
        return NULL;
    groups->all = all;
    bool has_key = is_by_process(groups->by) || eco_grouping_key(groups->by, identity, space);
    groups->all[groups->count] =
        (struct eco_group_sum){.id = key, .identity = has_key ? identity : NULL, .frame_uj = (double)NAN};
    return &groups->all[groups->count++];
}

/* The group of that process or identity, made if need be; NULL without memory. */
static struct eco_group_sum *take(struct eco_groups *groups, uint32_t key,
                                  const struct eco_identity *identity)
{
    if (reserve_slots(groups) < 0)
        return NULL;
    struct eco_group_slot *slot = find_slot(groups, key);
    if (slot->index)
        return &groups->all[slot->index - 1];
    if (groups->slot_used >= SLOTS_MAX)
        compact(groups);
    size_t at = is_by_process(groups->by) ? groups->count : find_group(groups, identity);
    if (at == groups->count && at + 1 >= ECO_GROUP_SUMS_MAX) {
        compact(groups);
        at = groups->count;
    }
    if (at + 1 >= ECO_GROUP_SUMS_MAX)
        return &groups->all[groups->count - 1]; /* all others are alive */
    if (at == groups->count && !make(groups, key, identity))
        return NULL;
    *find_slot(groups, key) = (struct eco_group_slot){key, (uint32_t)at + 1};
    groups->slot_used++;
    return &groups->all[at];
}

double eco_row_energy_uj(const struct eco_frame *frame, const struct eco_interval *interval, uint32_t row)
{
    const double *energy = eco_frame_row_energy(frame, row, frame->headline);
    double sum_uj = 0.0;
    bool known = false;
    for (unsigned i = 0; i < frame->domain_count; i++) {
        if (!frame->domain_info[i].counted || interval->domains[i].state != ECO_ENERGY_OK)
            continue;
        sum_uj += energy[i];
        known = true;
    }
    return known ? sum_uj : (double)NAN;
}

static uint32_t key_of_row(enum eco_grouping by, const struct eco_frame_row *row)
{
    if (by == ECO_GROUPING_PROCESS)
        return row->proc_id;
    if (by == ECO_GROUPING_TREE)
        return row->tree_id ? row->tree_id : row->proc_id;
    return row->identity ? row->identity->id : 0;
}

static void name_of_row(enum eco_grouping by, const struct eco_frame_row *row, struct eco_group_sum *sum)
{
    bool is_tree = by == ECO_GROUPING_TREE && row->tree_id;
    sum->pid = is_tree ? row->tree_pid : row->pid;
    (void)eco_text_copy(sum->name, sizeof sum->name, is_tree ? row->tree_name : row->name);
}

static int add_row(struct eco_groups *groups, const struct eco_frame *frame,
                   const struct eco_interval *interval, uint32_t index)
{
    const struct eco_frame_row *row = &frame->rows[index];
    struct eco_group_sum *sum = take(groups, key_of_row(groups->by, row), row->identity);
    double energy_uj = eco_row_energy_uj(frame, interval, index);
    if (!sum)
        return -ENOMEM;
    if (is_by_process(groups->by) && !sum->is_rest) {
        sum->identity = row->identity;
        name_of_row(groups->by, row, sum);
    }
    sum->is_seen = true;
    sum->frame_cpu_ns += row->cpu_ns;
    if (isfinite(energy_uj))
        sum->frame_uj = isfinite(sum->frame_uj) ? sum->frame_uj + energy_uj : energy_uj;
    if (groups->by == ECO_GROUPING_PROCESS && !(row->flags & ECO_PROC_ENDED))
        sum->alive = 1;
    return 0;
}

static int add_living(struct eco_groups *groups, const struct eco_frame *frame)
{
    for (uint32_t i = 0; i < frame->identity_count && !is_by_process(groups->by); i++) {
        const struct eco_identity *identity = frame->identities[i].identity;
        struct eco_group_sum *sum = take(groups, identity->id, identity);
        if (!sum)
            return -ENOMEM;
        sum->alive += frame->identities[i].alive;
        sum->is_seen = true;
    }
    return 0;
}

int eco_groups_add_frame(struct eco_groups *groups, const struct eco_frame *frame,
                         const struct eco_interval *interval)
{
    bool known = interval->total->state == ECO_ENERGY_OK;
    int r = 0;
    for (size_t i = 0; i < groups->count; i++) {
        struct eco_group_sum *sum = &groups->all[i];
        /* A frame of totals since the beginning stands in place of what was added before. */
        if (frame->keyframe) {
            sum->energy_uj = 0;
            sum->cpu_ns = 0;
        }
        sum->frame_uj = known ? 0 : (double)NAN;
        sum->frame_cpu_ns = 0;
        sum->alive = 0;
        sum->was_seen = sum->is_seen;
        sum->is_seen = false;
    }
    for (uint32_t i = 0; i < frame->row_count && r == 0; i++)
        r = add_row(groups, frame, interval, i);
    if (r == 0)
        r = add_living(groups, frame);
    for (size_t i = 0; i < groups->count; i++) {
        struct eco_group_sum *sum = &groups->all[i];
        if (isfinite(sum->frame_uj))
            sum->energy_uj += sum->frame_uj;
        else if (known)
            sum->frame_uj = 0;
        sum->cpu_ns += sum->frame_cpu_ns;
    }
    return r;
}

int eco_groups_add_report(struct eco_groups *groups, const struct eco_report *report)
{
    for (size_t i = 0; i < report->process_count; i++) {
        const struct eco_report_process *process = &report->processes[i];
        struct eco_group_sum *sum =
            take(groups, process->identity ? process->identity->id : 0, process->identity);
        if (!sum)
            return -ENOMEM;
        sum->energy_uj += process->energy_j[report->headline] * 1e6;
        sum->cpu_ns += (uint64_t)(process->cpu_s * 1e9);
        sum->alive += process->count;
        sum->is_seen = true;
    }
    return 0;
}

static const char *pid_text(const struct eco_group_sum *sum, char *ret)
{
    if (sum->pid <= 0)
        return NULL;
    (void)snprintf(ret, ECO_GROUPING_TEXT_MAX, "%d", sum->pid);
    return ret;
}

const char *eco_group_key(const struct eco_groups *groups, const struct eco_group_sum *sum,
                          char ret[ECO_GROUPING_TEXT_MAX])
{
    return is_by_process(groups->by) ? pid_text(sum, ret) : eco_grouping_key(groups->by, sum->identity, ret);
}

const char *eco_group_label(const struct eco_groups *groups, const struct eco_group_sum *sum,
                            char ret[ECO_GROUPING_TEXT_MAX])
{
    if (!is_by_process(groups->by))
        return eco_grouping_label(groups->by, sum->identity, ret);
    (void)eco_text_copy(ret, ECO_GROUPING_TEXT_MAX, sum->name);
    return sum->is_rest ? NULL : ret;
}
