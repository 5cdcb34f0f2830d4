/* SPDX-License-Identifier: MIT */
#include "impact/live.h"

#include <math.h>
#include <string.h>

const struct eco_live_source eco_live_sources[] = {
    {ECO_LIVE_ELECTRICITYMAPS, "electricitymaps", "Electricity Maps", "https://api.electricitymaps.com",
     "location_average", "hourly", "lifecycle", "TOKEN"},
    {ECO_LIVE_WATTTIME, "watttime", "WattTime (CO2 alone)", "https://api.watttime.org", "location_marginal",
     "5min", "direct", "USER:PASSWORD"},
    {ECO_LIVE_UK, "uk", "Carbon Intensity API (Great Britain)", "https://api.carbonintensity.org.uk",
     "location_average", "30min", "direct", NULL},
};
const unsigned eco_live_source_count = ECO_COUNT(eco_live_sources);

const struct eco_live_source *eco_live_source_find(const char *name)
{
    for (unsigned i = 0; i < eco_live_source_count; i++)
        if (strcmp(eco_live_sources[i].name, name) == 0)
            return &eco_live_sources[i];
    return NULL;
}

const char *eco_live_zone(const struct eco_live_source *source, const struct eco_place *place)
{
    switch (source->kind) {
    case ECO_LIVE_ELECTRICITYMAPS:
        return *place->em_zone ? place->em_zone : NULL;
    case ECO_LIVE_WATTTIME:
        return *place->watttime_region ? place->watttime_region : NULL;
    case ECO_LIVE_UK:
        break;
    }
    return strcmp(place->em_zone, "GB") == 0 ? "GB" : NULL;
}

void eco_live_sum_add(struct eco_live_sum *sum, const double energy_uj[ECO_SLOT_COUNT], double g_per_kwh)
{
    for (int slot = 0; slot < ECO_SLOT_COUNT; slot++) {
        double e = isfinite(energy_uj[slot]) ? energy_uj[slot] : 0;
        if (g_per_kwh > 0) {
            e += sum->early_uj[slot];
            sum->early_uj[slot] = 0;
            sum->energy_uj[slot] += e;
            sum->weighted[slot] += e * g_per_kwh;
        } else if (g_per_kwh < 0) {
            sum->lost_uj[slot] += e;
        } else {
            sum->early_uj[slot] += e;
        }
    }
}

double eco_live_sum_mean(const struct eco_live_sum *sum, enum eco_slot slot)
{
    return sum->energy_uj[slot] > 0 ? sum->weighted[slot] / sum->energy_uj[slot] : 0;
}

double eco_live_sum_covered(const struct eco_live_sum *sum, enum eco_slot slot)
{
    double all = sum->energy_uj[slot] + sum->early_uj[slot] + sum->lost_uj[slot];
    return all > 0 ? sum->energy_uj[slot] / all : ECO_NAN;
}
