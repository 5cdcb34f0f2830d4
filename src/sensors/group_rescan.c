/* SPDX-License-Identifier: MIT */
/*
 * Sensors that come and go while something is measured. A kind of sensor that finds the same as before stays
 * as it is; otherwise it is opened afresh and takes over the baselines of what both have, so that a socket
 * that appears costs the others nothing.
 */
#include "base/mem.h"
#include "base/text.h"
#include "sensors/group_impl.h"

#include <errno.h>
#include <string.h>

/* What a kind was before it was opened afresh. */
struct before {
    struct kind_state kind;
    struct eco_domain domains[ECO_DOMAINS_MAX];
    struct slot slots[ECO_DOMAINS_MAX];
    unsigned domain_count;
};

static bool is_same_channel(const struct eco_channel *a, const struct eco_channel *b)
{
    return a->quantity == b->quantity && a->modulus == b->modulus && strcmp(a->label, b->label) == 0 &&
           strcmp(a->name, b->name) == 0;
}

static bool is_same_list(const struct eco_sensor *a, const struct eco_sensor *b)
{
    size_t count = a ? a->channel_count : 0;
    if (count != (b ? b->channel_count : 0))
        return false;
    for (size_t c = 0; c < count; c++) {
        if (!is_same_channel(&a->channels[c], &b->channels[c]))
            return false;
    }
    return true;
}

/* Files that were lost with their driver are found again by a fresh sensor only. */
static bool is_broken(const struct kind_state *kind)
{
    for (size_t c = 0; kind->sensor && c < kind->sensor->channel_count; c++) {
        if (kind->readings[c].state == ECO_READING_ERROR)
            return true;
    }
    return false;
}

/* The same channel in `fresh`, and that the old one still answers without having begun anew; -1 none. */
static int find_heir(const struct before *before, struct channel_ref ref, const struct kind_state *fresh)
{
    const struct eco_channel *channel = &before->kind.sensor->channels[ref.channel];
    const struct eco_reading *reading = &before->kind.readings[ref.channel];
    bool answers = reading->state == ECO_READING_OK || reading->state == ECO_READING_STALE;
    if (!answers || reading->rebased)
        return -1;
    for (size_t c = 0; fresh->sensor && c < fresh->sensor->channel_count; c++) {
        if (is_same_channel(channel, &fresh->sensor->channels[c]))
            return (int)c;
    }
    return -1;
}

/* Members may be in another order; all of them must be there. */
static bool inherit_source(const struct before *before, const struct source *from,
                           const struct kind_state *fresh, struct source *to)
{
    struct source source = *from;
    if (from->member_count != to->member_count)
        return false;
    for (unsigned m = 0; m < to->member_count; m++) {
        unsigned found = 0;
        while (found < from->member_count &&
               find_heir(before, from->members[found], fresh) != (int)to->members[m].channel)
            found++;
        if (found == from->member_count)
            return false;
        source.members[m] = to->members[m];
        source.base[m] = from->base[found];
    }
    *to = source;
    return true;
}

static void inherit_domain(struct eco_group *group, const struct before *before, unsigned index,
                           unsigned kind)
{
    struct eco_domain *domain = &group->domains[index];
    struct slot *slot = &group->slots[index];
    for (unsigned s = 0; s < domain->source_count; s++) {
        if (slot->sources[s].members[0].sensor != kind)
            continue;
        for (unsigned old = 0; old < before->domains[index].source_count; old++) {
            const struct source *from = &before->slots[index].sources[old];
            if (from->members[0].sensor != kind ||
                !inherit_source(before, from, &group->kinds[kind], &slot->sources[s]))
                continue;
            domain->sources[s].used_ns = before->domains[index].sources[old].used_ns;
            if (old == before->domains[index].active_source)
                domain->active_source = s;
        }
    }
}

/* Periods that were learnt, and the power that findings show. */
static void inherit_looks(const struct before *before, struct kind_state *fresh)
{
    const struct eco_sensor *old = before->kind.sensor;
    for (size_t c = 0; old && c < old->channel_count; c++) {
        int heir = find_heir(before, (struct channel_ref){.channel = (uint16_t)c}, fresh);
        if (heir < 0)
            continue;
        fresh->looks[heir] = before->kind.looks[c];
        if (before->kind.looks[c].learns)
            fresh->sensor->channels[heir].period_ns = old->channels[c].period_ns;
    }
}

static int replace_kind(struct eco_group *group, unsigned kind, const struct kind_state *fresh)
{
    struct before *before = eco_calloc(1, sizeof(*before));
    if (!before)
        return -ENOMEM;
    /* Whether what it holds is still alive shows only when it is read. */
    eco_group_read_kind(group, &group->kinds[kind], NULL);
    before->kind = group->kinds[kind];
    before->domain_count = group->domain_count;
    memcpy(before->domains, group->domains, sizeof(before->domains));
    memcpy(before->slots, group->slots, sizeof(before->slots));
    eco_group_remove_kind(group, kind);
    group->kinds[kind] = *fresh;
    eco_group_add_kind(group, kind);
    if (before->kind.sensor) {
        inherit_looks(before, &group->kinds[kind]);
        for (unsigned i = 0; i < before->domain_count; i++)
            inherit_domain(group, before, i, kind);
    }
    eco_group_drop_kind(&before->kind);
    free(before);
    return 0;
}

int eco_group_rescan(struct eco_group *group)
{
    unsigned first = group->domain_count;
    int result = 0;
    for (unsigned k = 0; k < group->kind_count; k++) {
        struct kind_state fresh = {.ops = group->kinds[k].ops};
        int r = eco_group_open_kind(group, group->kinds[k].ops, &fresh);
        if (r >= 0 && is_same_list(group->kinds[k].sensor, fresh.sensor) && !is_broken(&group->kinds[k]))
            eco_group_drop_kind(&fresh);
        else if (r >= 0)
            r = replace_kind(group, k, &fresh);
        if (r < 0) {
            eco_group_drop_kind(&fresh);
            result = r;
        }
    }
    if (first < group->domain_count || first == 0)
        eco_group_decide(group, first);
    for (unsigned i = 0; i < group->domain_count; i++)
        eco_group_describe_domain(group, i);
    group->has_read = false;
    eco_group_set_standby(group);
    return result;
}

/* Order does not matter: a directory lists its names in any. FNV-1a of each. */
static int add_name(void *context, const char *name, uint64_t inode)
{
    uint64_t *sum = context, hash = 0xcbf29ce484222325u;
    (void)inode;
    for (const char *at = name; *at; at++)
        hash = (hash ^ (unsigned char)*at) * 0x100000001b3u;
    *sum += hash;
    return 0;
}

uint64_t eco_group_fingerprint(const struct eco_group *group)
{
    uint64_t sum = 0;
    for (unsigned k = 0; k < group->kind_count; k++) {
        uint64_t own = k + 1;
        const char *place = group->kinds[k].ops->appears_in;
        if (place && eco_root_list(group->env->root, ECO_SYSFS, place, add_name, &own) >= 0)
            sum += own * (2 * k + 3);
    }
    return sum;
}
