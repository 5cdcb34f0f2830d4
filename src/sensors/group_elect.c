/* SPDX-License-Identifier: MIT */
/* Which channels are the same joules, which of them gives the figure, and what counts. */
#include "base/text.h"
#include "sensors/group_impl.h"
#include "sensors/model_curve.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static bool is_envelope(enum eco_kind kind)
{
    return kind == ECO_KIND_PSYS || kind == ECO_KIND_SYSTEM || kind == ECO_KIND_BATTERY;
}

/* The same joules: die apart, since the dies of a package are one domain. */
static bool is_same_domain(const struct eco_key *a, const struct eco_key *b)
{
    return a->kind == b->kind && a->package == b->package && a->device == b->device;
}

static bool is_estimated(const struct eco_domain *domain)
{
    return domain->source_count > 0 && domain->sources[domain->active_source].quality == ECO_ESTIMATED;
}

static bool is_measured_kind(const struct eco_group *group, enum eco_kind kind)
{
    for (unsigned i = 0; i < group->domain_count; i++) {
        if (group->domains[i].kind == kind && !is_estimated(&group->domains[i]))
            return true;
    }
    return false;
}

static int find_domain(const struct eco_group *group, const struct eco_key *key)
{
    for (unsigned i = 0; i < group->domain_count; i++) {
        if (is_same_domain(&group->domains[i].key, key))
            return (int)i;
    }
    return -1;
}

static enum eco_quality quality_of(const struct eco_channel *channel)
{
    bool is_integrated = channel->quantity == ECO_POWER_UW;
    return is_integrated && channel->quality == ECO_MEASURED ? ECO_DERIVED : channel->quality;
}

static int new_domain(struct eco_group *group, const struct eco_channel *channel)
{
    if (group->domain_count == ECO_DOMAINS_MAX)
        return -1;
    unsigned index = group->domain_count++;
    struct eco_domain *domain = &group->domains[index];
    *domain =
        (struct eco_domain){.kind = channel->key.kind, .key = channel->key, .within = -1, .package = -1};
    group->slots[index] = (struct slot){.is_lost = false};
    domain->key.die = -1;
    eco_text_copy(domain->name, sizeof(domain->name), channel->name);
    if (!is_envelope(domain->kind) && domain->kind != ECO_KIND_GPU)
        domain->package = channel->key.package;
    domain->attributable = domain->kind == ECO_KIND_CPU || domain->kind == ECO_KIND_DRAM ||
                           domain->kind == ECO_KIND_CORE || domain->kind == ECO_KIND_GPU;
    domain->holds_cpu = channel->holds_cpu;
    domain->model_idle_uw = (double)NAN;
    return (int)index;
}

/* Another die of a source that is summed; the same die again is another source. */
static bool fits(const struct eco_group *group, const struct source *source, unsigned kind,
                 const struct eco_channel *channel)
{
    if (source->member_count == MEMBERS_MAX || source->members[0].sensor != kind || channel->key.die < 0)
        return false;
    for (unsigned m = 0; m < source->member_count; m++) {
        const struct eco_channel *other = group_channel(group, source->members[m]);
        if (other->key.die < 0 || other->key.die == channel->key.die || other->quantity != channel->quantity)
            return false;
    }
    return true;
}

/* Behind the sources of kinds that are preferred, and of its own kind in the order of the sensor. */
static void insert_source(struct eco_group *group, unsigned index, unsigned kind, unsigned channel_index)
{
    struct eco_domain *domain = &group->domains[index];
    struct slot *slot = &group->slots[index];
    const struct eco_channel *channel = &group->kinds[kind].sensor->channels[channel_index];
    struct channel_ref ref = {.sensor = (uint8_t)kind, .channel = (uint16_t)channel_index};
    for (unsigned s = 0; s < domain->source_count; s++) {
        if (fits(group, &slot->sources[s], kind, channel)) {
            slot->sources[s].members[slot->sources[s].member_count++] = ref;
            return;
        }
    }
    if (domain->source_count == ECO_DOMAIN_SOURCES_MAX)
        return;
    unsigned place = 0;
    while (place < domain->source_count && slot->sources[place].members[0].sensor <= kind)
        place++;
    unsigned behind = domain->source_count - place;
    memmove(&slot->sources[place + 1], &slot->sources[place], behind * sizeof(slot->sources[0]));
    memmove(&domain->sources[place + 1], &domain->sources[place], behind * sizeof(domain->sources[0]));
    slot->sources[place] = (struct source){.members = {ref}, .member_count = 1};
    struct eco_domain_source *told = &domain->sources[place];
    *told = (struct eco_domain_source){.quality = quality_of(channel)};
    eco_text_copy(told->source, sizeof(told->source),
                  channel->source[0] ? channel->source : group->kinds[kind].ops->name);
    eco_text_copy(told->detail, sizeof(told->detail), channel->label);
    domain->source_count++;
    if (domain->source_count > 1 && place <= domain->active_source)
        domain->active_source++;
}

static bool channel_stands_in(const struct eco_group *group, const struct eco_channel *channel)
{
    return channel->quality != ECO_ESTIMATED || !is_measured_kind(group, channel->key.kind);
}

void eco_group_add_kind(struct eco_group *group, unsigned kind)
{
    const struct eco_sensor *sensor = group->kinds[kind].sensor;
    for (size_t c = 0; sensor && c < sensor->channel_count; c++) {
        const struct eco_channel *channel = &sensor->channels[c];
        if (!channel_stands_in(group, channel))
            continue;
        int index = find_domain(group, &channel->key);
        if (index < 0)
            index = new_domain(group, channel);
        if (index >= 0)
            insert_source(group, (unsigned)index, kind, (unsigned)c);
    }
}

/* Its channels are about to go: no source may point to them. */
void eco_group_remove_kind(struct eco_group *group, unsigned kind)
{
    for (unsigned i = 0; i < group->domain_count; i++) {
        struct eco_domain *domain = &group->domains[i];
        struct slot *slot = &group->slots[i];
        for (unsigned s = domain->source_count; s-- > 0;) {
            if (slot->sources[s].members[0].sensor != kind)
                continue;
            unsigned behind = domain->source_count - s - 1;
            memmove(&slot->sources[s], &slot->sources[s + 1], behind * sizeof(slot->sources[0]));
            memmove(&domain->sources[s], &domain->sources[s + 1], behind * sizeof(domain->sources[0]));
            domain->source_count--;
            slot->sources[domain->source_count] = (struct source){.member_count = 0};
            if (domain->active_source > s)
                domain->active_source--;
        }
        if (domain->active_source >= domain->source_count)
            domain->active_source = 0;
    }
}

/*
 * What counts. Envelopes (psys, a power meter, the battery) contain what is counted otherwise, and
 * nothing of them can be told to a process, so they count only where nothing else is known; then the
 * widest one that is always there.
 */
static enum eco_kind envelope_that_counts(const struct eco_group *group)
{
    static const enum eco_kind order[] = {ECO_KIND_SYSTEM, ECO_KIND_PSYS, ECO_KIND_BATTERY};
    for (unsigned i = 0; i < group->domain_count; i++) {
        enum eco_kind kind = group->domains[i].kind;
        if (kind == ECO_KIND_CPU || kind == ECO_KIND_DRAM || kind == ECO_KIND_GPU)
            return ECO_KIND_NONE;
    }
    for (size_t o = 0; o < ECO_COUNT(order); o++) {
        for (unsigned i = 0; i < group->domain_count; i++) {
            if (group->domains[i].kind == order[o])
                return order[o];
        }
    }
    return ECO_KIND_NONE;
}

static int compare_domains(const struct eco_domain *a, const struct eco_domain *b)
{
    if (a->counted != b->counted)
        return a->counted ? -1 : 1;
    if (a->kind != b->kind)
        return a->kind < b->kind ? -1 : 1;
    if (a->key.package != b->key.package)
        return a->key.package < b->key.package ? -1 : 1;
    return (a->key.device > b->key.device) - (a->key.device < b->key.device);
}

/* By insertion: few, nearly in order, and equal ones keep their place. */
static void sort_domains(struct eco_group *group)
{
    for (unsigned i = 1; i < group->domain_count; i++) {
        for (unsigned j = i; j > 0 && compare_domains(&group->domains[j], &group->domains[j - 1]) < 0; j--) {
            struct eco_domain domain = group->domains[j];
            struct slot slot = group->slots[j];
            group->domains[j] = group->domains[j - 1];
            group->slots[j] = group->slots[j - 1];
            group->domains[j - 1] = domain;
            group->slots[j - 1] = slot;
        }
    }
}

/* Integrated cards are in their package, as far as is known in its uncore; what a module contains is in it.
 */
static int find_container(const struct eco_group *group, const struct eco_domain *domain)
{
    static const enum eco_kind holders[] = {ECO_KIND_UNCORE, ECO_KIND_CPU};
    bool is_integrated = domain->kind == ECO_KIND_GPU && domain->key.package >= 0;
    for (size_t h = 0; is_integrated && h < ECO_COUNT(holders); h++) {
        for (unsigned i = 0; i < group->domain_count; i++) {
            if (group->domains[i].kind == holders[h] && group->domains[i].key.package == domain->key.package)
                return (int)i;
        }
    }
    bool may_be_held = domain->kind == ECO_KIND_CPU || domain->kind == ECO_KIND_DRAM;
    for (unsigned i = 0; may_be_held && !domain->counted && i < group->domain_count; i++) {
        if (group->domains[i].holds_cpu)
            return (int)i;
    }
    return -1;
}

static int find_within(const struct eco_group *group, const struct eco_domain *domain)
{
    if (domain->kind == ECO_KIND_GPU || domain->kind == ECO_KIND_CPU || domain->kind == ECO_KIND_DRAM)
        return find_container(group, domain);
    for (unsigned i = 0; i < group->domain_count; i++) {
        const struct eco_domain *other = &group->domains[i];
        bool is_part = domain->kind == ECO_KIND_CORE || domain->kind == ECO_KIND_UNCORE;
        if (is_part && other->kind == ECO_KIND_CPU && other->key.package == domain->key.package)
            return (int)i;
        if (domain->kind == ECO_KIND_DEVICE && other->kind == ECO_KIND_SYSTEM)
            return (int)i;
    }
    return -1;
}

/* Figures that belong to the elected source. */
void eco_group_describe_domain(struct eco_group *group, unsigned index)
{
    struct eco_domain *domain = &group->domains[index];
    const struct source *source = &group->slots[index].sources[domain->active_source];
    domain->period_ns = domain->quantum_uj = domain->max_uw = 0;
    domain->alpha = domain->model_ratio = 0;
    domain->model_idle_uw = (double)NAN;
    for (unsigned m = 0; domain->source_count > 0 && m < source->member_count; m++) {
        const struct eco_channel *channel = group_channel(group, source->members[m]);
        if (channel->period_ns > domain->period_ns)
            domain->period_ns = channel->period_ns;
        domain->quantum_uj += channel->quantum_uj;
        domain->max_uw += channel->max_uw;
        if (channel->alpha > domain->alpha)
            domain->alpha = channel->alpha;
        if (channel->quality == ECO_ESTIMATED) {
            domain->model_idle_uw = (double)channel->range_low_uw;
            domain->model_ratio = exp(1.96 * channel->alpha);
        }
    }
    if (domain->source_count > 0 && domain->sources[domain->active_source].quality > domain->quality)
        domain->quality = domain->sources[domain->active_source].quality;
}

/*
 * Whether a domain that appears while something is measured counts: what counted before goes on counting, or
 * sums of before and after would not be of the same things. So it does not where an estimate stands for it,
 * or an envelope that contains it.
 */
static bool is_held_already(const struct eco_group *group, unsigned first, const struct eco_domain *fresh)
{
    for (unsigned i = 0; i < first; i++) {
        const struct eco_domain *domain = &group->domains[i];
        if (!domain->counted)
            continue;
        if (is_envelope(domain->kind) || is_envelope(fresh->kind))
            return true;
        bool is_cpu = domain->kind == ECO_KIND_CPU || domain->kind == ECO_KIND_DRAM;
        if (is_cpu && fresh->holds_cpu)
            return true;
        bool overlaps = domain->key.package == fresh->key.package || domain->key.package < 0;
        if (domain->kind == fresh->kind && is_estimated(domain) && overlaps)
            return true;
    }
    return false;
}

static bool has_module(const struct eco_group *group)
{
    for (unsigned i = 0; i < group->domain_count; i++) {
        if (group->domains[i].holds_cpu)
            return true;
    }
    return false;
}

void eco_group_decide(struct eco_group *group, unsigned first)
{
    enum eco_kind envelope = envelope_that_counts(group);
    for (unsigned i = first; i < group->domain_count; i++) {
        struct eco_domain *domain = &group->domains[i];
        bool is_cpu = domain->kind == ECO_KIND_CPU || domain->kind == ECO_KIND_DRAM;
        bool is_card = domain->kind == ECO_KIND_GPU && domain->key.package < 0;
        bool counts = (is_cpu && !has_module(group)) || is_card || domain->kind == envelope;
        domain->counted = counts && !(is_estimated(domain) && is_measured_kind(group, domain->kind)) &&
                          !is_held_already(group, first, domain);
    }
    if (first == 0)
        sort_domains(group);
    for (unsigned i = 0; i < group->domain_count; i++) {
        group->domains[i].within = find_within(group, &group->domains[i]);
        eco_group_describe_domain(group, i);
    }
}

/* A channel stands by when another source gives its domain's figure and nothing is wrong with it, or when it
 * rests. */
void eco_group_set_standby(struct eco_group *group)
{
    uint64_t now = group->env->clock->mono_ns(group->env->clock);
    for (unsigned k = 0; k < group->kind_count; k++) {
        struct eco_sensor *sensor = group->kinds[k].sensor;
        for (size_t c = 0; sensor && c < sensor->channel_count; c++)
            sensor->channels[c].standby = !group->read_all;
    }
    for (unsigned i = 0; i < group->domain_count; i++) {
        const struct eco_domain *domain = &group->domains[i];
        struct slot *slot = &group->slots[i];
        slot->is_resting = !group->read_all && now < slot->rest_until_ns;
        if (slot->is_resting)
            continue;
        /* Better ones that failed are tried on, so that they can come back. */
        unsigned awake = slot->is_lost || !group->has_read ? domain->source_count : domain->active_source + 1;
        for (unsigned s = 0; s < awake && s < domain->source_count; s++) {
            for (unsigned m = 0; m < slot->sources[s].member_count; m++) {
                struct channel_ref ref = slot->sources[s].members[m];
                group->kinds[ref.sensor].sensor->channels[ref.channel].standby = false;
            }
        }
    }
}
