/* SPDX-License-Identifier: MIT */
/* What there is and what was refused, for `sensors` and `doctor`. */
#include "sensors/group_impl.h"

#include <math.h>

static bool find_place(const struct eco_group *group, unsigned kind, size_t channel, int *ret_domain,
                       bool *ret_elected)
{
    for (unsigned i = 0; i < group->domain_count; i++) {
        const struct eco_domain *domain = &group->domains[i];
        for (unsigned s = 0; s < domain->source_count; s++) {
            const struct source *source = &group->slots[i].sources[s];
            for (unsigned m = 0; m < source->member_count; m++) {
                if (source->members[m].sensor != kind || source->members[m].channel != channel)
                    continue;
                *ret_domain = (int)i;
                *ret_elected = s == domain->active_source;
                return true;
            }
        }
    }
    return false;
}

static struct eco_finding describe(const struct eco_group *group, unsigned kind, size_t channel)
{
    const struct kind_state *state = &group->kinds[kind];
    const struct look *look = &state->looks[channel];
    struct eco_finding finding = {.sensor = state->ops->name,
                                  .channel = &state->sensor->channels[channel],
                                  .domain = -1,
                                  .last = state->readings[channel],
                                  .power_w = look->has_value ? look->power_w : (double)NAN};
    if (finding.channel->quantity == ECO_ENERGY_UJ && finding.channel->quality == ECO_MEASURED)
        finding.stands_still =
            look->repeated && eco_group_must_move(finding.channel->key.kind) &&
            eco_group_is_sure_still(finding.channel->period_ns, look->ns - look->changed_ns);
    (void)find_place(group, kind, channel, &finding.domain, &finding.elected);
    return finding;
}

size_t eco_group_findings(const struct eco_group *group, struct eco_finding *ret, size_t capacity)
{
    size_t count = 0;
    for (unsigned k = 0; k < group->kind_count; k++) {
        const struct eco_sensor *sensor = group->kinds[k].sensor;
        for (size_t c = 0; sensor && c < sensor->channel_count; c++) {
            struct eco_finding finding = describe(group, k, c);
            /* An estimate that something measures better is no finding. */
            if (finding.domain < 0 && finding.channel->quality == ECO_ESTIMATED)
                continue;
            if (count < capacity)
                ret[count] = finding;
            count++;
        }
        for (size_t r = 0; sensor && r < sensor->refusal_count; r++) {
            if (count < capacity)
                ret[count] = (struct eco_finding){.sensor = group->kinds[k].ops->name,
                                                  .refusal = &sensor->refusals[r],
                                                  .domain = -1,
                                                  .power_w = (double)NAN};
            count++;
        }
    }
    return count < capacity ? count : capacity;
}
