/* SPDX-License-Identifier: MIT */
/*
 * Prints the error table of docs/attribution.md: how far the learnt idle power puts off the energy of
 * a job of one thread, on five machines. Arguments: repetitions (200), seconds of the "day" (86400).
 */
#include "attribution/sim.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define REPETITIONS_MAX 1000

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static void print_case(enum sim_case which, const struct sim_options *options, size_t repetitions)
{
    for (size_t c = 0; c < SIM_CURVES; c++) {
        const struct sim_curve *curve = &sim_curves[c];
        struct sim_random random = {(uint64_t)which * 1000 + c};
        double truth = curve->power_w[0], job = sim_power(curve, 1) - truth;
        double error[REPETITIONS_MAX], square = 0;
        size_t covered = 0, trusted = 0;

        for (size_t i = 0; i < repetitions; i++) {
            struct eco_idle_estimate estimate;

            sim_learn(which, curve, options, &random, &estimate);
            error[i] = 100 * (truth - estimate.power_w) / job;
            square += (estimate.power_w - truth) * (estimate.power_w - truth);
            covered += fabs(estimate.power_w - truth) <= 2 * estimate.u_w;
            trusted += estimate.trust == ECO_IDLE_TRUSTED;
        }
        qsort(error, repetitions, sizeof(error[0]), compare);
        printf("| %s | %s | %+.1f | %+.1f .. %+.1f | %.2f | %.1f | %.0f |\n", sim_case_names[which],
               curve->name, error[repetitions / 2], error[repetitions / 20],
               error[repetitions - 1 - repetitions / 20], 100 * sqrt(square / (double)repetitions) / truth,
               100.0 * (double)covered / (double)repetitions, 100.0 * (double)trusted / (double)repetitions);
    }
}

static void print_table(const struct sim_options *options, size_t repetitions)
{
    printf("\nintervals of %g s, busy time in steps of %g s\n\n", options->step_s, options->grain_s);
    printf(
        "| case | machine | job error, median %% | 5 .. 95 %% | idle rms %% | 2u covers %% | trusted %% |\n"
        "|---|---|---|---|---|---|---|\n");
    for (int which = 0; which < SIM_CASES; which++)
        print_case((enum sim_case)which, options, repetitions);
}

int main(int argc, char **argv)
{
    long repetitions = argc > 1 ? strtol(argv[1], NULL, 10) : 200;
    double day_s = argc > 2 ? strtod(argv[2], NULL) : 86400;

    if (repetitions < 20 || repetitions > REPETITIONS_MAX || !(day_s >= 3600)) {
        fputs("usage: sim_idle [REPETITIONS 20..1000 [DAY_SECONDS >= 3600]]\n", stderr);
        return 2;
    }
    struct sim_options options = {.step_s = 1, .noise_ratio = 0.01, .leakage_ratio = 0.03, .day_s = day_s};

    print_table(&options, (size_t)repetitions);
    options.step_s = 0.1;
    options.day_s = fmin(day_s, 3600);
    print_table(&options, (size_t)repetitions);
    options.grain_s = 0.01;
    print_table(&options, (size_t)repetitions);
    return 0;
}
