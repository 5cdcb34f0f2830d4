/* SPDX-License-Identifier: MIT */
/*
 * What happens inside a run: budgets, phases and progress that the job tells (`ecocode mark`), what the whole
 * will take, and findings at the end. Plain data; joules and seconds: the edge. nan = not known = null in
 * JSON.
 */
#pragma once

#include "base/macros.h"
#include "model/frame.h"

#include <stdbool.h>
#include <stdint.h>

#define ECO_BUDGETS_MAX       8
#define ECO_PHASES_MAX        64 /* names; what comes beyond goes into the last one */
#define ECO_PHASE_NAME_MAX    64
#define ECO_INSIGHTS_MAX      3
#define ECO_INSIGHT_TEXT_MAX  240
#define ECO_PHASE_BEFORE_NAME "(start)" /* before the first mark */
#define ECO_PHASE_MORE_NAME   "(more)"

enum eco_budget_kind { ECO_BUDGET_ENERGY, ECO_BUDGET_CARBON, ECO_BUDGET_MONEY };
enum eco_budget_action { ECO_BUDGET_WARN, ECO_BUDGET_FAIL, ECO_BUDGET_STOP };

struct eco_budget {
    enum eco_budget_kind kind;
    const char *text; /* as given: "50kJ"; borrowed */
    char unit[12];    /* of the figures here: "J" "gCO2e" "EUR" */
    double limit;
    double used, used_low, used_high; /* nan = not known */
    bool is_exceeded;
    double at_s; /* when that was seen, nan = it was not */
    enum eco_slot slot;
};

struct eco_phase {
    char name[ECO_PHASE_NAME_MAX];
    double start_offset_s, end_offset_s, duration_s; /* first begin, last end; the sum of its times */
    uint64_t count;                                  /* how often it began */
    struct eco_split sums_uj[ECO_SLOT_COUNT];        /* nan where a policy's figures are not known */
    double machine_uj;
    bool has_energy;
    double cpu_s; /* of the job */
};

/* How far the job is, as it tells itself. */
struct eco_progress {
    bool is_known;
    char name[ECO_PHASE_NAME_MAX]; /* of the unit: "epoch"; "" where time is what counts */
    double done, total;
};

/* What the whole is going to take, 95 % intervals; by the policy of the frames' headline. */
struct eco_prediction {
    bool is_known;
    const char *basis; /* "progress" "per" "expect" */
    double fraction;   /* done */
    double energy_j, energy_low_j, energy_high_j;
    double duration_s, duration_low_s, duration_high_s;
    double co2e_g, cost; /* of energy_j, in the report only; nan not known */
    unsigned samples;    /* parts that were looked at */
    enum eco_slot slot;
};

/* Where a finding stands on: one figure, and what to do. */
struct eco_insight {
    const char *id; /* "gpu_waits" */
    char text[ECO_INSIGHT_TEXT_MAX];
    double value;
    const char *unit; /* "ratio" "bytes" "s" "cpus" "W" */
    const char *reason, *what_to_do;
};

struct eco_course {
    struct eco_budget budgets[ECO_BUDGETS_MAX];
    unsigned budget_count;
    enum eco_budget_action action;
    bool was_stopped; /* the job was told to end for a budget */
    struct eco_phase phases[ECO_PHASES_MAX];
    unsigned phase_count; /* 0: nothing was marked */
    unsigned phase;       /* the present one */
    struct eco_progress progress;
    struct eco_prediction prediction;
    struct eco_insight insights[ECO_INSIGHTS_MAX];
    unsigned insight_count;
    uint64_t ignored_marks; /* that were no marks, or came from others */
};

/* What a stream tells beside a frame. */
struct eco_course_now {
    bool has_phase;
    char phase[ECO_PHASE_NAME_MAX];
    struct eco_progress progress;
    struct eco_prediction prediction;
};
