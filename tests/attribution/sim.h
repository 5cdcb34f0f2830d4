/* SPDX-License-Identifier: MIT */
/*
 * Made-up machines with a known truth, for the tests of attribution: random numbers, power curves
 * and a day in the life of an idle learner.
 */
#pragma once

#include "attribution/idle.h"

#include <stddef.h>
#include <stdint.h>

struct sim_random {
    uint64_t state;
};

double sim_uniform(struct sim_random *random); /* [0, 1) */
double sim_normal(struct sim_random *random);  /* mean 0, deviation 1 */

struct sim_curve {
    const char *name;
    size_t count;
    double busy[12], power_w[12]; /* power at that many busy threads; busy[0] = 0 */
};

#define SIM_CURVES 5
extern const struct sim_curve sim_curves[SIM_CURVES]; /* the first is linear, the others measured */

double sim_power(const struct sim_curve *curve, double busy);

struct sim_machine {
    const struct sim_curve *curve;
    struct sim_random *random;
    double noise_ratio;   /* of idle power, over 1 s */
    double leakage_ratio; /* of dynamic power, time constant 60 s */
    double grain_s;       /* busy time is seen in steps of this; 0 = exact */
    double leakage_w, busy_true_s, busy_seen_s;
    int64_t real_s;
    double real_fraction_s;
};

/** `seconds` in intervals of `step_s` with `threads` busy besides a background of `background` CPUs; fed. */
void sim_live(struct sim_machine *machine, struct eco_idle *idle, double seconds, double step_s,
              double threads, double background);

enum sim_case { SIM_QUIET, SIM_DAY, SIM_BUSY_15, SIM_BUSY_40, SIM_TAIL, SIM_CASES };
extern const char *const sim_case_names[SIM_CASES];

struct sim_options {
    double step_s, grain_s, noise_ratio, leakage_ratio, day_s;
};

/** Lives through a case and estimates. */
void sim_learn(enum sim_case which, const struct sim_curve *curve, const struct sim_options *options,
               struct sim_random *random, struct eco_idle_estimate *ret);
