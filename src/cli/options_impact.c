/* SPDX-License-Identifier: MIT */
/* Options of what shows CO2e, water and cost; one table for all commands that do. */
#include "cli/command.h"
#include "impact/impact.h"
#include "impact/places.h"
#include "impact/quantity.h"

#include <errno.h>
#include <string.h>

#define AT(member) offsetof(struct eco_settings, impact.member)

static int check_location(const char *text, struct eco_why *why)
{
    return strcmp(text, "list") == 0 || eco_place_find(text, why) ? 0 : -EINVAL;
}

/* Each value is checked as it will be used: alone, by what makes factors of it. */
static int check_alone(const struct eco_impact_choices *choices, struct eco_why *why)
{
    struct eco_factors factors;
    return eco_factors_init(&factors, choices, why);
}

static int check_intensity(const char *text, struct eco_why *why)
{
    return check_alone(&(struct eco_impact_choices){.carbon_intensity = text}, why);
}

static int check_pue(const char *text, struct eco_why *why)
{
    return check_alone(&(struct eco_impact_choices){.pue = text}, why);
}

static int check_wue(const char *text, struct eco_why *why)
{
    return check_alone(&(struct eco_impact_choices){.wue = text}, why);
}

static int check_price(const char *text, struct eco_why *why)
{
    return check_alone(&(struct eco_impact_choices){.price = text}, why);
}

static int check_hour(const char *text, struct eco_why *why)
{
    return check_alone(&(struct eco_impact_choices){.price_hour = text}, why);
}

static int check_embodied(const char *text, struct eco_why *why)
{
    return check_alone(&(struct eco_impact_choices){.embodied = text}, why);
}

static int check_lifetime(const char *text, struct eco_why *why)
{
    return check_alone(&(struct eco_impact_choices){.lifetime = text}, why);
}

static int check_wall(const char *text, struct eco_why *why)
{
    return check_alone(&(struct eco_impact_choices){.wall_factor = text}, why);
}

static int check_per(const char *text, struct eco_why *why)
{
    return check_alone(&(struct eco_impact_choices){.per = text}, why);
}

/* A key is not sent in the clear to another machine. */
static int check_url(const char *text, struct eco_why *why)
{
    static const char *const heads[] = {"https://", "http://127.0.0.1", "http://localhost", "http://[::1]"};
    size_t length = strlen(text);
    for (size_t i = 0; i < ECO_COUNT(heads); i++) {
        size_t head = strlen(heads[i]);
        bool ends = i == 0 ? length > head : length == head || strchr(":/", text[head]);
        if (length < 512 && strncmp(text, heads[i], head) == 0 && ends && text[length - 1] != '/')
            return 0;
    }
    eco_why_set(why, "an address without a slash at its end: https://..., or http://localhost...");
    return -EINVAL;
}

static const char *const sources[] = {"table", "electricitymaps", "watttime", "uk", NULL};

const struct eco_option eco_options_impact[] = {
    {.name = "location",
     .kind = ECO_OPTION_TEXT,
     .value = "PLACE",
     .check = check_location,
     .offset = AT(location),
     .help =
         "Where the electricity comes from: FR, US-CA, egrid:CAMX, aws:eu-west-3; `list` shows all. Never "
         "guessed: without it the world's mean"},
    {.name = "carbon-intensity",
     .kind = ECO_OPTION_TEXT,
     .value = "G",
     .check = check_intensity,
     .offset = AT(carbon_intensity),
     .help = "Own figure in gCO2e per kWh in place of the table's: 56"},
    {.name = "carbon-source",
     .kind = ECO_OPTION_CHOICE,
     .value = "SOURCE",
     .choices = sources,
     .offset = AT(carbon_source),
     .help =
         "Ask for the intensity while the job runs, over the network: electricitymaps, watttime or uk; table "
         "(the default) asks nobody"},
    {.name = "carbon-zone",
     .kind = ECO_OPTION_TEXT,
     .value = "ZONE",
     .check = eco_check_filled,
     .offset = AT(carbon_zone),
     .help = "What that source calls the place, where it does not follow from --location: US-CAL-CISO"},
    {.name = "carbon-key-file",
     .kind = ECO_OPTION_TEXT,
     .value = "FILE",
     .check = eco_check_filled,
     .is_file = true,
     .offset = AT(carbon_key_file),
     .help = "File with its key (USER:PASSWORD for watttime); without it the variable ECOCODE_CARBON_KEY"},
    {.name = "carbon-url",
     .kind = ECO_OPTION_TEXT,
     .value = "URL",
     .check = check_url,
     .offset = AT(carbon_url),
     .help = "Another address of that source: https://..., or http:// on this machine"},
    {.name = "pue",
     .kind = ECO_OPTION_TEXT,
     .value = "X",
     .check = check_pue,
     .offset = AT(pue),
     .help = "Power usage effectiveness of the building (of a cloud region its own, else 1: not applied)"},
    {.name = "wue",
     .kind = ECO_OPTION_TEXT,
     .value = "L",
     .check = check_wue,
     .offset = AT(wue),
     .help = "Water used at the site, litres per kWh of the machines (of a cloud region its own, else not "
             "counted)"},
    {.name = "price",
     .kind = ECO_OPTION_TEXT,
     .value = "PRICE",
     .check = check_price,
     .offset = AT(price),
     .help = "Price of a kWh with its currency: 0.25EUR"},
    {.name = "price-hour",
     .kind = ECO_OPTION_TEXT,
     .value = "PRICE",
     .check = check_hour,
     .offset = AT(price_hour),
     .help = "Price of an hour of the machine, shown apart: 4.10USD"},
    {.name = "price-gpu-hour",
     .kind = ECO_OPTION_TEXT,
     .value = "PRICE",
     .check = check_hour,
     .offset = AT(price_gpu_hour),
     .help = "Price of an hour of a graphics card, for the cards that the job used: 2.50USD"},
    {.name = "embodied",
     .kind = ECO_OPTION_TEXT,
     .value = "MASS",
     .check = check_embodied,
     .offset = AT(embodied),
     .help = "CO2e of making the machine, for embodied carbon and SCI: 180kg, or laptop, desktop, server"},
    {.name = "lifetime",
     .kind = ECO_OPTION_TEXT,
     .value = "TIME",
     .check = check_lifetime,
     .offset = AT(lifetime),
     .help = "Years over which that is spread: 4y (of a desktop 6y, else 4y)"},
    {.name = "per",
     .kind = ECO_OPTION_TEXT,
     .value = "UNIT=N",
     .check = check_per,
     .offset = AT(per),
     .help = "The work that the run does, for SCI: epoch=20 (the run)"},
    {.name = "wall-factor",
     .kind = ECO_OPTION_TEXT,
     .value = "A,B",
     .check = check_wall,
     .offset = AT(wall_factor),
     .help = "From what was measured to what is drawn at the plug: A watts and B times it: 85,1.21"},
    {0}};
