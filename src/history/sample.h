/* SPDX-License-Identifier: MIT */
/* What a comparison takes from the report of a run. Plain data. */
#pragma once

#include "history/run_file.h"

#include <stdbool.h>

struct eco_sample {
    char run_id[33];
    char started_at[40]; /* UTC, of one form: the order of the texts is that of the times */
    char command[160];   /* words with blanks between; "" where there was none */
    char hostname[65];
    char cpu_model[128];
    char sources[256];    /* of the counted domains: "package-0=powercap dram-0=powercap" */
    char policy[16];      /* of the report's own figures */
    char idle_method[16]; /* "given" "calibrated" "learnt" "model" "none" */
    double own_j, full_j; /* without and with a share of idle power; nan not known */
    double idle_half_j;   /* by which own_j may be wrong for the idle power's sake, 95 %; nan not known */
    double low_ratio, high_ratio; /* the report's 95 % interval relative to its job_j; nan not known */
    double idle_w;                /* idle power taken out, all domains; nan not known */
    double idle_j;       /* idle energy of the machine meanwhile, where own_j leaves it out; else nan */
    double others_ratio; /* of the energy above idle that others used; nan not known */
    double duration_s;
    double period_s;             /* by which the slowest counter that matters here moves */
    long exit_code, exit_signal; /* -1 does not apply */
    long model_version;
    bool is_complete, is_estimated;
};

void eco_sample_take(const struct eco_run_report *report, struct eco_sample *ret);

/** Did the command fail: another status than 0, or a signal? */
bool eco_sample_has_failed(const struct eco_sample *sample);
