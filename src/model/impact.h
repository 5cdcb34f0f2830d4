/* SPDX-License-Identifier: MIT */
/*
 * What energy costs the world: the factors that were used and what they give. Plain data. Grams of CO2
 * equivalent, litres, kilowatt-hours, a currency's units: the edge. nan = not known = null in JSON. Texts are
 * constants or borrowed from the settings, so that a copy is a copy.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define ECO_IMPACT_ROWS_MAX 3 /* policies of one report: active, full, the chosen one */
#define ECO_CURRENCY_MAX    4
#define ECO_PARTS_MAX       4

/* A figure, from where, of which year; year 0 = none is known. */
struct eco_factor {
    double value;
    const char *source; /* NULL: there is none, the value is nan */
    unsigned year;
};

struct eco_price {
    double amount;                   /* nan = not given */
    char currency[ECO_CURRENCY_MAX]; /* "EUR"; "" = not given */
};

/* What was asked for, as text; NULL = not given. Borrowed. */
struct eco_impact_choices {
    const char *location, *location_origin; /* origin: "command line", "configuration" ... */
    const char *carbon_intensity;
    const char *carbon_source, *carbon_zone, *carbon_key_file, *carbon_url; /* live: impact/live.h */
    const char *pue, *wue, *wall_factor;
    const char *price, *price_hour, *price_gpu_hour;
    const char *embodied, *lifetime;
    const char *per; /* "epoch=20": the unit of SCI */
};

enum eco_embodied_kind {
    ECO_EMBODIED_NONE,
    ECO_EMBODIED_GIVEN,
    ECO_EMBODIED_LAPTOP,
    ECO_EMBODIED_DESKTOP,
    ECO_EMBODIED_SERVER
};

struct eco_factors {
    const char *code;            /* "FR", "US-CA", "aws:eu-west-3", "WORLD" */
    const char *place;           /* "France" */
    const char *location_origin; /* who said so; NULL: nobody, it is the world's mean */

    struct eco_factor intensity; /* gCO2e per kWh of electricity */
    const char *intensity_brief; /* its source in a word or two: "Ember" */
    const char *method;          /* "location_average" "location_marginal" "given" */
    const char *resolution;      /* "annual" "hourly" "5min"; NULL not known */
    const char *scope;       /* "lifecycle" "direct"; NULL not known. Never compare the one with the other */
    double intensity_spread; /* relative 95 % half width; 0 where the user gave the figure */
    bool is_world;           /* the figure is the world's mean for want of one of the place */
    const char *live; /* "electricitymaps" ...; NULL: the figure is no live one, and the rest means nothing */
    const char *live_zone;
    unsigned live_values;
    double live_covered,
        live_age_s;         /* part of the energy, 0 to 1; seconds since the newest value was fetched */
    int64_t live_at_real_s; /* the moment that it is of, 0 not told */

    struct eco_factor pue;       /* facility / IT energy; 1 with no source: not applied */
    struct eco_factor wue;       /* litres at the site per kWh of IT energy; nan = not known, not counted */
    struct eco_factor water_off; /* litres consumed in making a kWh of electricity; nan not known */
    double water_off_low, water_off_high;

    struct eco_price price_kwh, price_hour, price_gpu_hour;
    bool has_wall;
    double wall_w, wall_ratio; /* IT energy = wall_w * time * share + wall_ratio * measured */

    enum eco_embodied_kind embodied;
    double embodied_g; /* of the whole machine, where given */
    double lifetime_s; /* 0 = that of its kind */
    char per[32];      /* "" = the run */
    double per_count;
};

/* One run, or one moment of it. Zero where nothing is known of the machine. */
struct eco_impact_input {
    double duration_s;
    struct {
        const char *policy;          /* "active"; NULL ends the list */
        double job_j, low_j, high_j; /* nan = not known */
        double share;                /* job / machine, for --wall-factor */
        double intensity_g_per_kwh;  /* mean over the frames, weighted by energy; 0 = the factor's */
    } rows[ECO_IMPACT_ROWS_MAX];
    double gpu_s;            /* time of cards that the job used, added up */
    double reserved_j;       /* energy of what was reserved for the job, nan not known */
    double reserved_share;   /* of the machine; nan not known */
    const char *reserved_by; /* "cgroup quota" "cpuset" "whole machine" "used_not_reserved"; NULL not known */
    unsigned cpus, sockets;  /* of the machine; 0 not known */
    uint64_t memory_bytes;
    unsigned gpus, gpus_used;
};

struct eco_impact_row {
    const char *policy; /* NULL ends the list */
    double energy_it_kwh, energy_facility_kwh;
    double co2e_g, co2e_low_g, co2e_high_g;
    double water_l, water_low_l, water_high_l;
    double cost; /* in price_kwh.currency */
};

struct eco_embodied_part {
    const char *name; /* "machine" "cpu" "ram" "gpu" "rest" */
    double whole_g, share, co2e_g;
    const char *source;
};

struct eco_impact {
    bool is_known; /* false: nothing was reckoned */
    struct eco_factors factors;
    const char *boundary; /* "components" or "wall" */
    struct eco_impact_row rows[ECO_IMPACT_ROWS_MAX];
    double hours, gpu_hours;         /* what --price-hour and --price-gpu-hour multiply */
    double hour_cost, gpu_hour_cost; /* in the currencies of their prices; nan not asked for */
    struct {
        double co2e_g, lifetime_s; /* co2e_g nan = not asked for */
        const char *share_basis;
        struct eco_embodied_part parts[ECO_PARTS_MAX];
        unsigned part_count;
    } embodied;
    struct {
        double g_per_unit, operational_g, embodied_g, energy_kwh; /* g_per_unit nan = not known */
        const char *basis;                                        /* as reserved_by */
    } sci;
    char equivalent[96]; /* "" none */
    const char *equivalent_source, *equivalent_brief;
};
