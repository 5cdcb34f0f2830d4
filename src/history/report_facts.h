/* SPDX-License-Identifier: MIT */
/* What a report says, as short texts: shared by the page, the Markdown and the statement. Pure. */
#pragma once

#include "sinks/text.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#define ECO_FACT_MAX     1024
#define ECO_HEADLINE_MAX 4

/* The job's energy by one policy, in words. */
struct eco_headline {
    const char *policy; /* "active" ... */
    const char *words;  /* "the job's own energy" */
    double job_j;
    double half_width_j;         /* NaN: told for another policy only */
    bool is_estimate;            /* most of it is by a model */
    char joules[ECO_FIGURE_MAX]; /* "212 kJ"; "at most 3 J" */
    char watt_hours[ECO_FIGURE_MAX];
    char range[2 * ECO_FIGURE_MAX]; /* "±5 %", "1 to 14 J" or "" */
    char power[ECO_FIGURE_MAX];     /* mean; "" not known */
};

/** The policies of which the energy is known, the one of the report first. Returns how many. */
size_t eco_headlines(const json_t *report, struct eco_headline ret[ECO_HEADLINE_MAX]);
/** The last digit worth printing of energies in this report, as a power of ten of joules. */
int eco_fact_digit(const json_t *report);

/** "python3 train.py", cut; "the processes that were watched". Any characters. */
void eco_fact_command(const json_t *report, char *ret, size_t size);
/** "exit 0 after 12 min 41.8 s" */
void eco_fact_status(const json_t *report, char *ret, size_t size);
/** "2026-11-22 10:00:00 UTC" */
void eco_fact_started(const json_t *report, char *ret, size_t size);
/** "cpu, dram" of a list of texts; "none" of an empty one. */
void eco_fact_list(const json_t *list, const char *none, char *ret, size_t size);
/** "RAPL counter" of "powercap": a source as people know it. Others stay as they are. */
const char *eco_fact_source(const char *source);
/** Of one domain: "RAPL counter (measured)". */
void eco_fact_sources(const json_t *domain, char *ret, size_t size);
/** "Xeon ..., 2 CPUs, 24 GiB, Linux 6.1, virtual machine" */
void eco_fact_host(const json_t *report, char *ret, size_t size);
/** "learnt on this machine: package-0 20 W"; "" where there is none. */
void eco_fact_idle(const json_t *report, char *ret, size_t size);
/** A number of at most 4 significant digits in the unit "g" "kWh" "L" ..., without SI prefixes. */
void eco_fact_quantity(double value, const char *unit, char ret[ECO_FIGURE_MAX]);
/** To two digits: what is said of an error needs no more. */
double eco_fact_rounded(double value);
/** "24.6 mWh": to three digits, with the prefix that fits; "unknown" for NaN. */
void eco_fact_scaled(double value, const char *unit, char ret[ECO_FIGURE_MAX]);
/** "1.5 mg (0.5 to 3.7 mg)": to two digits of the value; "" where that is not known. */
void eco_fact_range(double value, double low, double high, const char *unit, char *ret, size_t size);
/** Joules in the scale of the whole report, by eco_fact_digit. */
void eco_fact_joules(const json_t *report, double joules, char ret[ECO_FIGURE_MAX]);
