/* SPDX-License-Identifier: MIT */
/* What is remembered of each channel: its present power, and how often it is refreshed. */
#include "base/counter.h"
#include "sensors/group_impl.h"

#include <math.h>

#define STILL_SURE_NS (100 * ECO_NS_PER_MS)

bool eco_group_must_move(enum eco_kind kind)
{
    return kind == ECO_KIND_CPU || kind == ECO_KIND_DRAM || kind == ECO_KIND_PSYS || kind == ECO_KIND_SYSTEM;
}

bool eco_group_is_sure_still(uint64_t period_ns, uint64_t still_ns)
{
    uint64_t sure = ECO_STILL_PERIODS * period_ns;
    return period_ns > 0 && still_ns > (sure > STILL_SURE_NS ? sure : STILL_SURE_NS);
}

static void note_look(struct look *look, struct eco_channel *channel, const struct eco_reading *reading)
{
    if (reading->state != ECO_READING_OK)
        return;
    uint64_t now = reading->valid_to_ns;
    if (!look->has_value || reading->rebased) {
        *look = (struct look){.has_value = true,
                              .learns = look->learns || channel->period_ns == 0,
                              .value = reading->value,
                              .ns = now,
                              .changed_ns = now,
                              .power_w = (double)NAN};
    } else if (reading->value == look->value) {
        look->repeated = true;
        look->ns = now;
    } else {
        uint64_t span = now - look->changed_ns;
        /* Only a value that was seen to stand still tells how long it does. */
        if (look->learns && look->repeated && span > 0 &&
            (channel->period_ns == 0 || span < channel->period_ns))
            channel->period_ns = span;
        if (channel->quantity == ECO_ENERGY_UJ && span > 0)
            look->power_w =
                (double)eco_counter_delta(look->value, reading->value, channel->modulus) * 1e3 / (double)span;
        look->value = reading->value;
        look->ns = look->changed_ns = now;
        look->repeated = false;
    }
    if (channel->quantity == ECO_POWER_UW)
        look->power_w = (double)reading->value * 1e-6;
}

void eco_group_note(struct kind_state *kind)
{
    for (size_t c = 0; kind->sensor && c < kind->sensor->channel_count; c++)
        note_look(&kind->looks[c], &kind->sensor->channels[c], &kind->readings[c]);
}
