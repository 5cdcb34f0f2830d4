/* SPDX-License-Identifier: MIT */
#include "attribution/sim.h"

#include <math.h>

double sim_uniform(struct sim_random *random)
{
    /* splitmix64, Steele, Lea and Flood 2014 */
    uint64_t z = (random->state += 0x9e3779b97f4a7c15u);

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return (double)((z ^ (z >> 31)) >> 11) * 0x1p-53;
}

double sim_normal(struct sim_random *random)
{
    return sqrt(-2 * log(1 - sim_uniform(random))) * cos(6.283185307179586 * sim_uniform(random));
}

/*
 * Watts by RAPL over busy threads ("some_cores" rows of CodeCarbon's cpu_load_profiling, MIT licence,
 * four machines); the linear one is made up.
 */
const struct sim_curve sim_curves[SIM_CURVES] = {
    {"linear", 2, {0, 16}, {20, 340}},
    {"EPYC 8024P",
     12,
     {0, 1, 3, 4, 6, 8, 9, 11, 12, 14, 15, 16},
     {17.68, 37.545, 41.587, 43.458, 47.154, 49.331, 49.883, 51.296, 45.567, 46.499, 46.6, 46.741}},
    {"Threadripper 1950X",
     11,
     {0, 3, 6, 9, 12, 16, 19, 22, 25, 28, 32},
     {44.384, 75.67, 92.435, 122.297, 146.484, 174.706, 173.433, 169.56, 167.463, 166.107, 165.324}},
    {"Xeon E3-1240 v2",
     9,
     {0, 1, 2, 3, 4, 5, 6, 7, 8},
     {5.672, 21.062, 29.369, 36.632, 42.762, 44.519, 46.784, 47.666, 49.647}},
    {"2 x Xeon E5-2620 v3",
     11,
     {0, 2, 4, 7, 9, 12, 14, 16, 19, 21, 24},
     {15.702, 34.608, 39.509, 49.53, 49.939, 66.978, 71.536, 71.909, 75.635, 79.047, 96.267}},
};

double sim_power(const struct sim_curve *curve, double busy)
{
    size_t i = 1;

    while (i + 1 < curve->count && curve->busy[i] < busy)
        i++;
    double slope = (curve->power_w[i] - curve->power_w[i - 1]) / (curve->busy[i] - curve->busy[i - 1]);

    return curve->power_w[i - 1] + slope * (busy - curve->busy[i - 1]);
}

#define BURST_S 0.005

/* Background comes in bursts of 5 ms, Poisson: returns busy seconds. */
static double background_time(struct sim_random *random, double mean_s)
{
    double expected = mean_s / BURST_S, bursts = 0;

    if (expected > 30) {
        bursts = fmax(floor(expected + sqrt(expected) * sim_normal(random) + 0.5), 0);
    } else {
        double limit = exp(-expected), product = sim_uniform(random);

        for (; product > limit; bursts++)
            product *= sim_uniform(random);
    }
    return bursts * BURST_S;
}

void sim_live(struct sim_machine *machine, struct eco_idle *idle, double seconds, double step_s,
              double threads, double background)
{
    double idle_w = machine->curve->power_w[0];
    size_t steps = (size_t)(seconds / step_s + 0.5), per_second = (size_t)(1 / step_s + 0.5);
    double level = 1;

    for (size_t i = 0; i < steps; i++) {
        if (i % per_second == 0)
            level = 0.3 + 1.4 * sim_uniform(machine->random);
        double busy_s = threads * step_s + background_time(machine->random, background * level * step_s);
        double dynamic_w = sim_power(machine->curve, busy_s / step_s) - idle_w;
        double noise_w = machine->noise_ratio * idle_w / sqrt(step_s) * sim_normal(machine->random);

        machine->leakage_w -= expm1(-step_s / 60) * (machine->leakage_ratio * dynamic_w - machine->leakage_w);
        machine->busy_true_s += busy_s;
        double seen_s = machine->grain_s > 0
                            ? floor(machine->busy_true_s / machine->grain_s) * machine->grain_s
                            : machine->busy_true_s;
        double energy_j = fmax(idle_w + dynamic_w + machine->leakage_w + noise_w, 0) * step_s;

        machine->real_fraction_s += step_s;
        eco_idle_feed(idle, step_s, energy_j, seen_s - machine->busy_seen_s,
                      machine->real_s + (int64_t)machine->real_fraction_s);
        machine->busy_seen_s = seen_s;
    }
}

const char *const sim_case_names[SIM_CASES] = {"4 s quiet", "mixed day with heat", "always 0.15 CPU busy",
                                               "always 0.4 CPU busy", "cold + 1 s tail"};

static void live_day(struct sim_machine *machine, struct eco_idle *idle, double day_s, double step_s)
{
    double threads = machine->curve->busy[machine->curve->count - 1];

    for (double at = 0; at < day_s;) {
        double length = floor(30 + 600 * sim_uniform(machine->random)), kind = sim_uniform(machine->random);

        if (kind < 0.5)
            sim_live(machine, idle, length, step_s, 0, 0.01 + 0.05 * sim_uniform(machine->random));
        else if (kind < 0.75)
            sim_live(machine, idle, length, step_s, 0, 0.2 + 1.5 * sim_uniform(machine->random));
        else
            sim_live(machine, idle, length, step_s, floor(threads / 2), 0.05);
        at += length;
    }
}

void sim_learn(enum sim_case which, const struct sim_curve *curve, const struct sim_options *options,
               struct sim_random *random, struct eco_idle_estimate *ret)
{
    struct sim_machine machine = {.curve = curve,
                                  .random = random,
                                  .noise_ratio = options->noise_ratio,
                                  .leakage_ratio = options->leakage_ratio,
                                  .grain_s = options->grain_s,
                                  .real_s = 1000000};
    struct eco_idle idle;

    eco_idle_init(&idle, 0.001);
    switch (which) {
    case SIM_QUIET:
        sim_live(&machine, &idle, 4, options->step_s, 0, 0.01);
        break;
    case SIM_DAY:
        live_day(&machine, &idle, options->day_s, options->step_s);
        break;
    case SIM_BUSY_15:
        sim_live(&machine, &idle, options->day_s / 24, options->step_s, 0, 0.15);
        break;
    case SIM_BUSY_40:
        sim_live(&machine, &idle, options->day_s / 24, options->step_s, 0, 0.4);
        break;
    case SIM_TAIL:
        sim_live(&machine, &idle, 30, options->step_s, 1, 0.01);
        sim_live(&machine, &idle, 1, 0.1, 0, 0.01);
        break;
    case SIM_CASES:
        break;
    }
    eco_idle_estimate(&idle, ret);
}
