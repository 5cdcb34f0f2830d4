/* SPDX-License-Identifier: MIT */
/* `--location list`: every place that the tables know, with the scope of its figure beside it. */
#include "cli/impact.h"
#include "impact/places.h"

#include <string.h>

static const char *group_of(const struct eco_place *place)
{
    const char *colon = strchr(place->code, ':');
    if (strncmp(place->code, "US-", 3) == 0)
        return "States of the USA";
    if (!colon)
        return "Countries";
    return strncmp(place->code, "egrid", 5) == 0 ? "Subregions of the US grid" : "Regions of clouds";
}

static void write_place(const struct eco_place *place)
{
    const struct eco_place *carbon = place->g_per_kwh > 0 ? place : eco_place_world();
    const char *scope = eco_scope_name(carbon->scope);
    char pue[16] = "-";
    if (place->pue > 0)
        (void)snprintf(pue, sizeof pue, "%.2f", place->pue);
    (void)printf("%-26s %6.1f  %-9s  %u  %-4s  %s (%s%s)\n", place->code, carbon->g_per_kwh,
                 scope ? scope : "-", carbon->year, pue, place->name, eco_place_sources[carbon->source].brief,
                 carbon != place ? ", world's mean" : "");
}

int eco_locations_answer(const struct eco_call *call)
{
    int index = eco_option_find(&call->set, "location", strlen("location"));
    if (index >= 0 && call->set.origins[index].layer != ECO_LAYER_LINE)
        return eco_failf(call->command, call->command->misuse ? call->command->misuse : ECO_EXIT_MISUSE,
                         "location: 'list' is for the command line; a configuration names one place");
    const char *group = "";
    (void)printf(
        "gCO2e per kWh of electricity. lifecycle: plants and fuel are in it; direct: burning alone. The two "
        "do\nnot compare. Method and sources: docs/impact.md\n");
    for (unsigned i = 0; i < eco_place_count; i++) {
        const char *own = group_of(&eco_places[i]);
        if (strcmp(own, group) != 0)
            (void)printf("\n%s\n%-26s  g/kWh  scope      year  PUE   place (source)\n", own, "code");
        group = own;
        write_place(&eco_places[i]);
    }
    return 0;
}
