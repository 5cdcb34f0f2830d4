/* SPDX-License-Identifier: MIT */
/*
 * Readings to energy since the last look. A domain's interval ends when its counter has moved; what
 * cannot be known is a gap, never a guess; a read that fails costs nothing where the same counter
 * answers again before it could have lapped by half.
 */
#include "base/counter.h"
#include "sensors/group_impl.h"

#include <assert.h>
#include <errno.h>
#include <math.h>
#include <string.h>

#define SUSPEND_NS       (100 * ECO_NS_PER_MS) /* BOOTTIME may run ahead of MONOTONIC by less than this */
#define STILL_MIN_NS     (2 * ECO_NS_PER_S)
#define FIRST_REST_NS    (4 * ECO_NS_PER_S)
#define LOST_NS          (30 * ECO_NS_PER_S) /* a counter without a known lap is given up after this */
#define COMEBACK_STREAK  3
#define FIRST_BACKOFF_NS (100 * ECO_NS_PER_MS)
#define LAST_BACKOFF_NS  (60 * ECO_NS_PER_S)

static void fail_all(struct kind_state *kind, int error)
{
    for (size_t c = 0; c < kind->sensor->channel_count; c++)
        kind->readings[c] = (struct eco_reading){.state = ECO_READING_ERROR, .error = error};
}

void eco_group_read_kind(struct eco_group *group, struct kind_state *kind,
                         const struct eco_activity *activity)
{
    const struct eco_clock *clock = group->env->clock;
    if (!kind->sensor || kind->sensor->channel_count == 0)
        return;
    if (kind->backoff_ns && clock->mono_ns(clock) < kind->retry_ns) {
        fail_all(kind, -EAGAIN);
        return;
    }
    int r = kind->ops->read(kind->sensor, activity, kind->readings);
    if (r >= 0) {
        kind->backoff_ns = 0;
        return;
    }
    kind->backoff_ns = kind->backoff_ns ? kind->backoff_ns * 2 : FIRST_BACKOFF_NS;
    if (kind->backoff_ns > LAST_BACKOFF_NS)
        kind->backoff_ns = LAST_BACKOFF_NS;
    kind->retry_ns = clock->mono_ns(clock) + kind->backoff_ns;
    fail_all(kind, r);
}

/* 0 when all members have a value, else the first error. */
static int source_error(const struct eco_group *group, const struct source *source)
{
    for (unsigned m = 0; m < source->member_count; m++) {
        const struct eco_reading *reading = group_reading(group, source->members[m]);
        if (reading->state == ECO_READING_ERROR)
            return reading->error < 0 ? reading->error : -EIO;
        if (reading->state == ECO_READING_NONE)
            return -ENODATA;
    }
    return source->member_count > 0 ? 0 : -ENODEV;
}

static bool source_rebased(const struct eco_group *group, const struct source *source)
{
    for (unsigned m = 0; m < source->member_count; m++) {
        if (group_reading(group, source->members[m])->rebased)
            return true;
    }
    return false;
}

static uint64_t source_time(const struct eco_group *group, const struct source *source)
{
    uint64_t latest = 0;
    for (unsigned m = 0; m < source->member_count; m++) {
        const struct eco_reading *reading = group_reading(group, source->members[m]);
        if (reading->valid_to_ns > latest)
            latest = reading->valid_to_ns;
    }
    return latest;
}

static uint64_t source_bracket(const struct eco_group *group, const struct source *source)
{
    uint64_t begin = UINT64_MAX, end = 0;
    for (unsigned m = 0; m < source->member_count; m++) {
        const struct eco_reading *reading = group_reading(group, source->members[m]);
        begin = reading->begin_ns < begin ? reading->begin_ns : begin;
        end = reading->end_ns > end ? reading->end_ns : end;
    }
    return end > begin ? end - begin : 0;
}

static void set_base(const struct eco_group *group, struct source *source)
{
    for (unsigned m = 0; m < source->member_count; m++)
        source->base[m] = group_reading(group, source->members[m])->value;
    source->base_ns = source_time(group, source);
    source->base_bracket_ns = source_bracket(group, source);
    source->base_suspended_ns = group->suspended_ns;
    source->last_uw = source->base[0];
    source->last_ns = source->done_ns = source->base_ns;
    source->acc_fj = 0;
    source->has_base = true;
}

/* Longest time in which the counter cannot have passed half a lap; UINT64_MAX = never laps. */
static uint64_t half_lap_ns(const struct eco_channel *channel)
{
    if (channel->quantity != ECO_ENERGY_UJ || channel->modulus == 0 || channel->max_uw == 0)
        return UINT64_MAX;
    double ns = (double)channel->modulus / 2 / (double)channel->max_uw * 1e9;
    return ns < 1e18 ? (uint64_t)ns : UINT64_MAX;
}

static uint64_t source_limit_ns(const struct eco_group *group, const struct source *source)
{
    uint64_t limit = UINT64_MAX;
    for (unsigned m = 0; m < source->member_count; m++) {
        uint64_t one = half_lap_ns(group_channel(group, source->members[m]));
        limit = one < limit ? one : limit;
    }
    return limit;
}

/* More than could have flowed is a counter that was set back; two updates and steps of grace. */
static bool is_reset(const struct eco_channel *channel, uint64_t delta_uj, uint64_t dt_ns)
{
    if (channel->max_uw == 0)
        return channel->modulus == 0 && delta_uj > UINT64_MAX / 2;
    double most = (double)channel->max_uw * 1e-9 * (double)(dt_ns + 2 * channel->period_ns);
    return (double)delta_uj > most + 2.0 * (double)channel->quantum_uj;
}

/* @return 0 or -ERANGE */
static int source_delta(const struct eco_group *group, const struct source *source, uint64_t dt_ns,
                        uint64_t *ret)
{
    uint64_t sum = 0;
    for (unsigned m = 0; m < source->member_count; m++) {
        const struct eco_channel *channel = group_channel(group, source->members[m]);
        uint64_t value = group_reading(group, source->members[m])->value;
        uint64_t delta = eco_counter_delta(source->base[m], value, channel->modulus);
        if (is_reset(channel, delta, dt_ns))
            return -ERANGE;
        sum = eco_add_sat(sum, delta);
    }
    *ret = sum;
    return 0;
}

static struct eco_energy make_gap(struct slot *slot, uint64_t to_ns, int error)
{
    struct eco_energy energy = {
        .state = ECO_ENERGY_GAP, .from_ns = slot->closed_ns, .to_ns = to_ns, .error = error};
    if (energy.to_ns < energy.from_ns)
        energy.to_ns = energy.from_ns;
    slot->closed_ns = energy.to_ns;
    return energy;
}

/* A new baseline: nothing is known of the time since the last closed interval. */
static struct eco_energy start_anew(struct eco_group *group, unsigned index, struct source *source, int error)
{
    struct slot *slot = &group->slots[index];
    set_base(group, source);
    slot->moved_ns = source->base_ns;
    if (!slot->has_start) {
        slot->has_start = true;
        slot->closed_ns = source->base_ns;
        return (struct eco_energy){.state = ECO_ENERGY_WAITING};
    }
    return make_gap(slot, source->base_ns, error);
}

static bool may_wait(const struct slot *slot, const struct eco_domain *domain, uint64_t now)
{
    uint64_t still = ECO_STILL_PERIODS * domain->period_ns > STILL_MIN_NS
                         ? ECO_STILL_PERIODS * domain->period_ns
                         : STILL_MIN_NS;
    return eco_sub_sat(now, slot->moved_ns) <= still;
}

/*
 * Still for so long that it is no counter: a virtual machine's register that reads the same for ever, a
 * firmware that stopped. Such a time is unknown, never 0 J. At the end nothing more is waited for, and for
 * what does not count never.
 */
static bool is_still(const struct slot *slot, const struct eco_domain *domain, uint64_t now, bool close_all)
{
    if (!eco_group_must_move(domain->kind))
        return false;
    uint64_t still_ns = eco_sub_sat(now, slot->moved_ns);
    if (!close_all && domain->counted)
        return !may_wait(slot, domain, now);
    return slot->stood_still || eco_group_is_sure_still(domain->period_ns, still_ns);
}

/* Nobody misses what does not count: it is asked ever more seldom. Reading it may wake another CPU. */
static void rest(struct slot *slot, const struct eco_domain *domain, uint64_t now)
{
    if (domain->counted)
        return;
    slot->rest_ns = slot->rest_ns ? 2 * slot->rest_ns : FIRST_REST_NS;
    if (slot->rest_ns > LAST_BACKOFF_NS)
        slot->rest_ns = LAST_BACKOFF_NS;
    slot->rest_until_ns = now + slot->rest_ns;
}

static struct eco_energy close_counter(struct eco_group *group, unsigned index, struct source *source,
                                       bool close_all)
{
    struct eco_domain *domain = &group->domains[index];
    struct slot *slot = &group->slots[index];
    uint64_t now = source_time(group, source), delta = 0;
    if (!source->has_base)
        return start_anew(group, index, source, -ENODATA);
    if (source_rebased(group, source))
        return start_anew(group, index, source, -ENODEV);
    if (eco_sub_sat(group->suspended_ns, source->base_suspended_ns) > SUSPEND_NS)
        return start_anew(group, index, source, -ECANCELED);
    uint64_t dt_ns = eco_sub_sat(now, source->base_ns);
    if (dt_ns > source_limit_ns(group, source))
        return start_anew(group, index, source, -EOVERFLOW);
    int r = source_delta(group, source, dt_ns, &delta);
    if (r < 0)
        return start_anew(group, index, source, r);
    if (delta > 0) {
        slot->moved_ns = now;
        slot->stood_still = false;
        slot->rest_ns = 0;
    } else if (is_still(slot, domain, now, close_all)) {
        slot->stood_still = true;
        rest(slot, domain, now);
        return start_anew(group, index, source, -ETIMEDOUT);
    } else if (!close_all && may_wait(slot, domain, now)) {
        return (struct eco_energy){.state = ECO_ENERGY_WAITING};
    }

    struct eco_domain_source *told = &domain->sources[domain->active_source];
    struct eco_energy energy = {.state = ECO_ENERGY_OK,
                                .delta_uj = delta,
                                .from_ns = slot->closed_ns,
                                .to_ns = now > slot->closed_ns ? now : slot->closed_ns,
                                .bracket_ns = source->base_bracket_ns + source_bracket(group, source),
                                .quality = told->quality};
    told->used_ns += dt_ns;
    set_base(group, source);
    slot->closed_ns = energy.to_ns;
    return energy;
}

static struct eco_energy read_source(struct eco_group *group, unsigned index, struct source *source,
                                     bool close_all)
{
    if (group_channel(group, source->members[0])->quantity == ECO_POWER_UW)
        return eco_group_read_power(group, index, source, close_all);
    return close_counter(group, index, source, close_all);
}

/* The first readable source after the elected one failed; -1 none. */
static int find_other(const struct eco_group *group, unsigned index)
{
    const struct eco_domain *domain = &group->domains[index];
    for (unsigned s = 0; s < domain->source_count; s++) {
        if (s != domain->active_source && source_error(group, &group->slots[index].sources[s]) == 0)
            return (int)s;
    }
    return -1;
}

static void elect(struct eco_group *group, unsigned index, unsigned source)
{
    group->domains[index].active_source = source;
    eco_group_describe_domain(group, index);
}

/* The elected source cannot be read now. Its baseline is kept while the counter may still tell. */
static struct eco_energy read_lost(struct eco_group *group, unsigned index, int error, bool close_all)
{
    struct eco_domain *domain = &group->domains[index];
    struct slot *slot = &group->slots[index];
    struct source *source = &slot->sources[domain->active_source];
    const struct eco_clock *clock = group->env->clock;
    uint64_t now = clock->mono_ns(clock);
    int other = slot->is_lost || !slot->has_start ? find_other(group, index) : -1;
    slot->is_lost = true;
    if (other >= 0) {
        source->has_base = false;
        elect(group, index, (unsigned)other);
        slot->is_lost = false;
        slot->sources[other].has_base = false;
        return read_source(group, index, &slot->sources[other], close_all);
    }
    uint64_t limit = source_limit_ns(group, source) < LOST_NS ? source_limit_ns(group, source) : LOST_NS;
    bool is_open = source->has_base && eco_sub_sat(now, source->base_ns) <= limit;
    if (!slot->has_start) {
        slot->has_start = true;
        slot->closed_ns = now;
        return (struct eco_energy){.state = ECO_ENERGY_WAITING};
    }
    if (is_open && !close_all)
        return (struct eco_energy){.state = ECO_ENERGY_WAITING};
    source->has_base = false;
    return make_gap(slot, now, error);
}

/* A preferred source that answers again takes over at the end of an interval, so that nothing is lost. */
static void come_back(struct eco_group *group, unsigned index, const struct eco_energy *energy)
{
    struct eco_domain *domain = &group->domains[index];
    struct slot *slot = &group->slots[index];
    for (unsigned s = 0; s < domain->active_source; s++) {
        struct source *better = &slot->sources[s];
        better->good_streak = source_error(group, better) == 0 ? better->good_streak + 1 : 0;
        if (better->good_streak < COMEBACK_STREAK || energy->state != ECO_ENERGY_OK)
            continue;
        set_base(group, better);
        better->good_streak = 0;
        elect(group, index, s);
        return;
    }
}

static struct eco_energy read_domain(struct eco_group *group, unsigned index, bool close_all)
{
    struct eco_domain *domain = &group->domains[index];
    struct slot *slot = &group->slots[index];
    struct source *source = &slot->sources[domain->active_source];
    if (slot->is_resting)
        return close_all ? make_gap(slot, group->env->clock->mono_ns(group->env->clock), -ETIMEDOUT)
                         : (struct eco_energy){.state = ECO_ENERGY_WAITING};
    int error = domain->source_count > 0 ? source_error(group, source) : -ENODEV;
    if (error < 0)
        return read_lost(group, index, error, close_all);
    slot->is_lost = false;
    struct eco_energy energy = read_source(group, index, source, close_all);
    if (domain->active_source > 0)
        come_back(group, index, &energy);
    return energy;
}

void eco_group_read(struct eco_group *group, const struct eco_activity *activity, bool close_all,
                    struct eco_energy *ret)
{
    const struct eco_clock *clock = group->env->clock;
    for (unsigned k = 0; k < group->kind_count; k++) {
        eco_group_read_kind(group, &group->kinds[k], activity);
        eco_group_note(&group->kinds[k]);
    }
    group->suspended_ns = eco_sub_sat(clock->boot_ns(clock), clock->mono_ns(clock));
    for (unsigned i = 0; i < group->domain_count; i++) {
        ret[i] = read_domain(group, i, close_all);
        if (group->domains[i].period_ns == 0)
            eco_group_describe_domain(group, i);
    }
    group->has_read = true;
    eco_group_set_standby(group);
}

static bool has_power(const struct eco_group *group, unsigned index)
{
    const struct eco_domain *domain = &group->domains[index];
    return domain->source_count > 0 &&
           group_channel(group, group->slots[index].sources[domain->active_source].members[0])->quantity ==
               ECO_POWER_UW;
}

uint64_t eco_group_max_interval_ns(const struct eco_group *group)
{
    uint64_t limit = UINT64_MAX;
    for (unsigned i = 0; i < group->domain_count; i++) {
        const struct eco_domain *domain = &group->domains[i];
        /* Power that counts has to be seen often enough to be integrated. */
        uint64_t line = eco_group_longest_line_ns(domain->period_ns);
        if (domain->counted && has_power(group, i) && line < limit)
            limit = line;
        for (unsigned s = 0; s < domain->source_count; s++) {
            uint64_t one = source_limit_ns(group, &group->slots[i].sources[s]);
            limit = one < limit ? one : limit;
        }
    }
    /* A late wake-up must not make a gap. */
    return limit == UINT64_MAX ? limit : limit / 10 * 8;
}
