/* SPDX-License-Identifier: MIT */
#include "attribution/weight.h"

#include <math.h>

/* IPF stops here; geometric where the prior is not contradicted by the margins. */
#define FIT_ITERATIONS 50
#define FIT_TOLERANCE  1e-12

/*
 * The least share of a row that a socket gets in the prior. Placement is sampled, so "never seen
 * there" is not "never there"; with no zeros both margins can always be met.
 */
#define FIT_FLOOR 1e-4

static double unit(double value)
{
    return value > 0 ? fmin(value, 1) : 0;
}

double eco_weight_sibling(double sigma, double sibling_busy_ratio)
{
    return 1 - (1 - unit(sigma)) / 2 * unit(sibling_busy_ratio);
}

const struct eco_weight_model eco_weight_default = {.sigma = ECO_SIGMA_DEFAULT, .gamma = ECO_GAMMA_DEFAULT};

double eco_weight_kind(const struct eco_weight_model *model, uint32_t capacity)
{
    for (unsigned i = 0; i < model->core_count; i++)
        if (model->core[i].capacity == capacity)
            return model->core[i].factor;
    return capacity == 0 ? 1 : capacity / 1024.0;
}

double eco_weight_core(const struct eco_weight_model *model, uint32_t capacity, uint32_t freq_khz,
                       double mean_freq_khz)
{
    double weight = eco_weight_kind(model, capacity);

    if (freq_khz > 0 && mean_freq_khz > 0 && isfinite(mean_freq_khz)) {
        double ratio = freq_khz / mean_freq_khz;

        weight *= fabs(model->gamma - 1) > 0 ? pow(ratio, model->gamma) : ratio;
    }
    return weight;
}

static const struct eco_cpu_place nowhere = {.package = -1, .die = -1, .core = -1, .sibling = -1};

static const struct eco_cpu_place *place_of(const struct eco_topology *topology, uint32_t cpu)
{
    return cpu < topology->cpu_count ? &topology->cpus[cpu] : &nowhere;
}

static uint32_t package_of(const struct eco_topology *topology, uint32_t cpu)
{
    int32_t package = place_of(topology, cpu)->package;

    return package > 0 && (uint32_t)package < topology->package_count ? (uint32_t)package : 0;
}

/* Busy time between two looks; a counter that ran backwards (iowait does) counts as 0. */
static double busy_between(const struct eco_cpu_busy *before, const struct eco_cpu_busy *after, uint32_t cpu)
{
    return after[cpu].busy_ns > before[cpu].busy_ns ? (double)(after[cpu].busy_ns - before[cpu].busy_ns) : 0;
}

/* Mean frequency of a socket's CPUs by busy time, or the plain mean when none was busy; 0 not readable. */
static double mean_frequency(const struct eco_topology *topology, uint32_t package,
                             const struct eco_cpu_busy *before, const struct eco_cpu_busy *after,
                             uint32_t cpu_count)
{
    double by_busy = 0, busy = 0, plain = 0;
    uint32_t count = 0;

    for (uint32_t cpu = 0; cpu < cpu_count; cpu++) {
        if (after[cpu].freq_khz == 0 || package_of(topology, cpu) != package)
            continue;
        double time = busy_between(before, after, cpu);

        by_busy += time * after[cpu].freq_khz;
        busy += time;
        plain += after[cpu].freq_khz;
        count++;
    }
    if (busy > 0)
        return by_busy / busy;
    return count > 0 ? plain / count : 0;
}

/* NOLINTNEXTLINE(readability-function-size): eight parameters, the agreed interface */
void eco_weight_cpus(const struct eco_topology *topology, const struct eco_weight_model *model,
                     const struct eco_cpu_busy *before, const struct eco_cpu_busy *after, uint32_t cpu_count,
                     uint64_t elapsed_ns, double *ret_hg, double *ret_busy_ns, double *ret_mean_hg)
{
    for (uint32_t package = 0; package < topology->package_count; package++) {
        double mean = mean_frequency(topology, package, before, after, cpu_count);
        double busy = 0, weighted = 0;

        for (uint32_t cpu = 0; cpu < cpu_count; cpu++) {
            if (package_of(topology, cpu) != package)
                continue;
            const struct eco_cpu_place *place = place_of(topology, cpu);
            double time = busy_between(before, after, cpu);
            double ratio = 0;

            if (elapsed_ns > 0 && place->sibling >= 0 && (uint32_t)place->sibling < cpu_count)
                ratio = busy_between(before, after, (uint32_t)place->sibling) / (double)elapsed_ns;
            ret_hg[cpu] = eco_weight_sibling(model->sigma, ratio) *
                          eco_weight_core(model, place->capacity, after[cpu].freq_khz, mean);
            busy += time;
            weighted += time * ret_hg[cpu];
        }
        ret_busy_ns[package] = busy;
        ret_mean_hg[package] = busy > 0 ? weighted / busy : 1;
    }
}

static double positive(double value)
{
    return isfinite(value) && value > 0 ? value : 0;
}

/* Every row of the prior becomes a distribution of that row's time over the sockets. */
static void fit_start(const double *time_ns, size_t rows, size_t sockets, const double *prior, double *ret)
{
    for (size_t r = 0; r < rows; r++) {
        double sum = 0;

        for (size_t s = 0; s < sockets; s++)
            sum += positive(prior[r * sockets + s]);
        for (size_t s = 0; s < sockets; s++) {
            double part = 1 / (double)sockets;

            if (sum > 0 && isfinite(sum))
                part =
                    (positive(prior[r * sockets + s]) / sum + FIT_FLOOR) / (1 + (double)sockets * FIT_FLOOR);
            ret[r * sockets + s] = part * positive(time_ns[r]);
        }
    }
}

/* Scale one column to its target; returns how far it was off, relative to all time. */
static double fit_column(double *ret, size_t rows, size_t sockets, size_t s, double target, double all)
{
    double sum = 0;

    for (size_t r = 0; r < rows; r++)
        sum += ret[r * sockets + s];
    if (sum > 0) {
        for (size_t r = 0; r < rows; r++)
            ret[r * sockets + s] *= target / sum;
    }
    return fabs(sum - target) / all;
}

static void fit_row(double *row, size_t sockets, double time_ns)
{
    double sum = 0;

    for (size_t s = 0; s < sockets; s++)
        sum += row[s];
    for (size_t s = 0; sum > 0 && s < sockets; s++)
        row[s] *= time_ns / sum;
}

unsigned eco_fit_sockets(const double *time_ns, size_t rows, const double *busy_ns, size_t sockets,
                         const double *prior, double *ret)
{
    double all = 0, busy = 0;

    fit_start(time_ns, rows, sockets, prior, ret);
    for (size_t r = 0; r < rows; r++)
        all += positive(time_ns[r]);
    for (size_t s = 0; s < sockets; s++)
        busy += positive(busy_ns[s]);
    if (!(all > 0) || !(busy > 0))
        return 0;
    for (unsigned i = 1; i <= FIT_ITERATIONS; i++) {
        double off = 0;

        for (size_t s = 0; s < sockets; s++)
            off = fmax(off, fit_column(ret, rows, sockets, s, positive(busy_ns[s]) / busy * all, all));
        for (size_t r = 0; r < rows; r++)
            fit_row(ret + r * sockets, sockets, positive(time_ns[r]));
        if (off <= FIT_TOLERANCE)
            return i;
    }
    return FIT_ITERATIONS;
}
