/* SPDX-License-Identifier: MIT */
/*
 * Intensity of the grid while a job runs: who can be asked, what is told by ecocode-intensity, and the mean
 * over frames, weighted by energy. Only where it was asked for (--carbon-source). Pure; the asking is in
 * src/intensity.
 */
#pragma once

#include "impact/places.h"
#include "model/frame.h"
#include "model/impact.h"

#include <stdbool.h>
#include <stdint.h>

#define ECO_ZONE_MAX      32
#define ECO_G_PER_KWH_MAX 5000.0 /* of an answer that can be believed; lignite alone is 1100 */
#define ECO_LIVE_STALE_S  7200   /* an older value is not of this moment any more */

enum eco_live_kind { ECO_LIVE_ELECTRICITYMAPS, ECO_LIVE_WATTTIME, ECO_LIVE_UK };

/* Who can be asked, and what his figures are. */
struct eco_live_source {
    enum eco_live_kind kind;
    const char *name;  /* "electricitymaps": of --carbon-source */
    const char *title; /* "Electricity Maps" */
    const char *url;   /* the usual one */
    const char *method, *resolution, *scope;
    const char *key; /* what its key looks like; NULL = none is needed */
};

extern const struct eco_live_source eco_live_sources[];
extern const unsigned eco_live_source_count;

/** The source of that name, or NULL ("table" is none). */
const struct eco_live_source *eco_live_source_find(const char *name);
/** What the source calls the place; NULL = it has no name for it that we know. */
const char *eco_live_zone(const struct eco_live_source *source, const struct eco_place *place);

/* One message of ecocode-intensity. */
struct eco_live_news {
    uint32_t size; /* of this struct: both programs are of one version */
    int32_t error; /* 0, or negative errno with `text`; then no value */
    double g_per_kwh;
    int64_t at_real_s; /* the moment that it is of, 0 not told */
    uint32_t age_s;    /* since it was fetched; 0 = just now */
    uint8_t is_estimated;
    char scope[12]; /* "" = the source's usual one */
    char text[160]; /* of an error: a sentence */
};

/* Sum of E_i and E_i * I_i by slot. Zeroed to begin. */
struct eco_live_sum {
    double energy_uj[ECO_SLOT_COUNT], weighted[ECO_SLOT_COUNT];
    double early_uj[ECO_SLOT_COUNT]; /* before the first value: that one stands for it */
    double lost_uj[ECO_SLOT_COUNT];  /* while the newest value was too old */
};

/** Energy of one interval by slot (nan = not known, counts as none); `g_per_kwh` 0 = none is known yet,
 * negative = it is too old. */
void eco_live_sum_add(struct eco_live_sum *sum, const double energy_uj[ECO_SLOT_COUNT], double g_per_kwh);
/** Mean over what was covered, 0 where nothing was. */
double eco_live_sum_mean(const struct eco_live_sum *sum, enum eco_slot slot);
/** Part of the energy that was covered, 0 to 1; nan where there was none. */
double eco_live_sum_covered(const struct eco_live_sum *sum, enum eco_slot slot);
