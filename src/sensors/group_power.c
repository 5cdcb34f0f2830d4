/* SPDX-License-Identifier: MIT */
/*
 * Power readings to energy: a mean over a time counts for that time, between instants a straight
 * line is drawn. Whoever reads late gets a gap instead of a long line.
 */
#include "base/counter.h"
#include "sensors/group_impl.h"

#include <errno.h>

#define LINE_MIN_NS  (10 * ECO_NS_PER_S)  /* no line is drawn over more than 20 periods, */
#define LINE_MAX_NS  (120 * ECO_NS_PER_S) /* but over 10 s always, over 2 min never */
#define LINE_PERIODS 20
#define SUSPEND_NS   (100 * ECO_NS_PER_MS)
#define FJ_PER_UJ    1000000000ull /* 1 uW x 1 ns = 1e-15 J */

static void add_fj(struct source *source, uint64_t uw, uint64_t ns)
{
    source->acc_fj += (wide)uw * ns;
}

uint64_t eco_group_longest_line_ns(uint64_t period_ns)
{
    uint64_t line = LINE_PERIODS * period_ns;
    return line < LINE_MIN_NS ? LINE_MIN_NS : line < LINE_MAX_NS ? line : LINE_MAX_NS;
}

/* A fresh reading: what flowed between the end of what is known and this. */
static void integrate(struct source *source, const struct eco_reading *reading)
{
    uint64_t from = reading->valid_from_ns, to = reading->valid_to_ns;
    if (from < source->done_ns)
        from = source->done_ns;
    if (from > to)
        from = to;
    uint64_t between = eco_sub_sat(from, source->done_ns);
    uint64_t mean_uw = source->last_uw / 2 + reading->value / 2 + (source->last_uw & reading->value & 1);
    add_fj(source, mean_uw, between);
    add_fj(source, reading->value, to - from);
    source->last_uw = reading->value;
    source->last_ns = to;
    if (to > source->done_ns)
        source->done_ns = to;
}

static struct eco_energy begin_power(struct eco_group *group, unsigned index, struct source *source,
                                     const struct eco_reading *reading, int error)
{
    struct slot *slot = &group->slots[index];
    bool is_first = !slot->has_start;
    source->has_base = true;
    source->last_uw = reading->value;
    source->last_ns = source->done_ns = source->base_ns = reading->valid_to_ns;
    source->base_bracket_ns = reading->end_ns - reading->begin_ns;
    source->base_suspended_ns = group->suspended_ns;
    source->acc_fj = 0;
    struct eco_energy energy = {.state = is_first ? ECO_ENERGY_WAITING : ECO_ENERGY_GAP,
                                .from_ns = is_first ? 0 : slot->closed_ns,
                                .to_ns = is_first ? 0 : source->base_ns,
                                .error = is_first ? 0 : error};
    if (energy.to_ns < energy.from_ns)
        energy.to_ns = energy.from_ns;
    slot->has_start = true;
    slot->closed_ns = is_first || source->base_ns > slot->closed_ns ? source->base_ns : slot->closed_ns;
    return energy;
}

struct eco_energy eco_group_read_power(struct eco_group *group, unsigned index, struct source *source,
                                       bool close_all)
{
    const struct eco_reading *reading = group_reading(group, source->members[0]);
    struct eco_domain *domain = &group->domains[index];
    struct slot *slot = &group->slots[index];
    uint64_t line = eco_group_longest_line_ns(domain->period_ns);
    bool is_fresh = reading->state == ECO_READING_OK && reading->valid_to_ns >= source->last_ns;
    if (!source->has_base)
        return begin_power(group, index, source, reading, -ENODATA);
    if (eco_sub_sat(group->suspended_ns, source->base_suspended_ns) > SUSPEND_NS)
        return begin_power(group, index, source, reading, -ECANCELED);
    if (eco_sub_sat(reading->valid_to_ns, source->last_ns) > line)
        return begin_power(group, index, source, reading, -EOVERFLOW);
    if (is_fresh)
        integrate(source, reading);
    if (close_all) {
        const struct eco_clock *clock = group->env->clock;
        uint64_t now = clock->mono_ns(clock);
        add_fj(source, source->last_uw, eco_sub_sat(now, source->done_ns));
        source->done_ns = now > source->done_ns ? now : source->done_ns;
    }
    if (source->done_ns == source->base_ns && !close_all)
        return (struct eco_energy){.state = ECO_ENERGY_WAITING};
    struct eco_domain_source *told = &domain->sources[domain->active_source];
    struct eco_energy energy = {.state = ECO_ENERGY_OK,
                                .delta_uj = (uint64_t)(source->acc_fj / FJ_PER_UJ),
                                .from_ns = slot->closed_ns,
                                .to_ns =
                                    source->done_ns > slot->closed_ns ? source->done_ns : slot->closed_ns,
                                .bracket_ns = source->base_bracket_ns + (reading->end_ns - reading->begin_ns),
                                .quality = told->quality};
    told->used_ns += source->done_ns - source->base_ns;
    source->acc_fj %= FJ_PER_UJ;
    source->base_ns = source->done_ns;
    source->base_bracket_ns = reading->end_ns - reading->begin_ns;
    source->base_suspended_ns = group->suspended_ns;
    slot->closed_ns = energy.to_ns;
    return energy;
}
