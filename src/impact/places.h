/* SPDX-License-Identifier: MIT */
/*
 * Places and the factors of their electricity: data/carbon_*.csv, cloud_regions.csv, water_countries.csv and
 * pue_providers.csv, compiled in by tools/gen_impact.py. A place is never guessed.
 */
#pragma once

#include "base/why.h"

#include <stddef.h>
#include <stdint.h>

/* What of a power plant's life is in a factor. Figures of different scope do not compare. */
enum eco_factor_scope { ECO_SCOPE_UNKNOWN, ECO_SCOPE_LIFECYCLE, ECO_SCOPE_DIRECT };

struct eco_place {
    char code[28], alias[4], name[44];     /* "FR" "FRA" "France"; "aws:eu-west-3" "" "Europe (Paris)" */
    char em_zone[20], watttime_region[24]; /* what live sources call it; "" not known */
    double g_per_kwh;                      /* 0 = none that can be believed */
    double pue;                            /* 0 = none is implied */
    double wue;                            /* litres at the site per kWh of IT energy; negative = not known */
    double water, water_low, water_high;   /* litres per kWh of electricity; all 0 = not known */
    uint16_t year, pue_year, wue_year;
    uint8_t scope, source, pue_source, wue_source, water_source; /* indices of eco_place_sources */
};

struct eco_place_source {
    char brief[20]; /* "Ember" */
    char text[160];
};

/* What it takes to make a machine, or a part of one. */
struct eco_embodied_row {
    char item[20];
    double kg, lifetime_y;
    char source[112];
};

/* Something that people know, to compare with. */
struct eco_equivalent {
    char what[12]; /* "by car" */
    double g_per_unit;
    char unit[4];
    char brief[24]; /* its source where there is little room */
    char source[160];
};

extern const struct eco_embodied_row eco_embodied_rows[];
extern const unsigned eco_embodied_row_count;
extern const struct eco_equivalent eco_equivalent;
extern const struct eco_place eco_places[];
extern const unsigned eco_place_count;
extern const struct eco_place_source eco_place_sources[];

/**
 * The place of that code, three-letter code or name, whatever the case: "FR", "fra", "France", "US-CA",
 * "egrid:CAMX", "aws:eu-west-3", "UK".
 *
 * @return NULL with a reason that names the nearest, where one is near
 */
const struct eco_place *eco_place_find(const char *text, struct eco_why *why);
/** The world's mean: what is taken where nobody said where we are. */
const struct eco_place *eco_place_world(void);
/** The row of that name; it is there. */
const struct eco_embodied_row *eco_embodied_row(const char *item);
/** "lifecycle", "direct"; NULL unknown */
const char *eco_scope_name(enum eco_factor_scope scope);
