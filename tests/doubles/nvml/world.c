/* SPDX-License-Identifier: MIT */
#include "world.h"

#include <math.h>
#include <stdlib.h>

#define MS_PER_S 1000.0

double nv_grid(double t_s, double period_ms)
{
    /* a hair ahead, so that the moment itself is not lost to rounding */
    return floor(t_s * MS_PER_S / period_ms + 1e-9) * period_ms / MS_PER_S;
}

bool nv_process_is_open(const struct nv_process *process, double t_s)
{
    return process->is_there && t_s >= process->now_start_s && t_s < process->now_end_s;
}

double nv_process_busy_s(const struct nv_process *process, enum nv_engine engine, double from_s, double to_s)
{
    if (!process->is_there) {
        return 0;
    }
    return nv_curve_integral(&process->util[engine], fmax(from_s, process->now_start_s),
                             fmin(to_s, process->now_end_s)) /
           100;
}

double nv_process_energy_j(const struct nv_scenario *scenario, const struct nv_process *process,
                           double from_s, double to_s)
{
    if (scenario->device[(size_t)process->device].power.count > 0) {
        return (double)NAN;
    }
    double sum_j = 0;
    for (int engine = 0; engine < NV_ENGINES; engine++) {
        if (process->watts[engine] > 0) {
            sum_j +=
                process->watts[engine] * nv_process_busy_s(process, (enum nv_engine)engine, from_s, to_s);
        }
    }
    return sum_j;
}

static int by_start(const void *left, const void *right)
{
    const double a = **(const double *const *)left, b = **(const double *const *)right;
    return (a > b) - (a < b);
}

/* Seconds of [from, to] in which any process holds a context on this device. */
static double context_s(const struct nv_scenario *scenario, size_t device, double from_s, double to_s)
{
    const double *span[NV_PROCESSES_MAX]; /* start and end lie beside each other */
    size_t count = 0;
    for (size_t i = 0; i < scenario->process_count; i++) {
        const struct nv_process *process = &scenario->process[i];
        if (process->is_there && (size_t)process->device == device) {
            span[count++] = &process->now_start_s;
        }
    }
    qsort(span, count, sizeof(*span), by_start);
    double sum_s = 0, until_s = from_s;
    for (size_t i = 0; i < count; i++) {
        const double a = fmax(span[i][0], until_s), b = fmin(span[i][1], to_s);
        if (b > a) {
            sum_s += b - a;
            until_s = b;
        }
    }
    return sum_s;
}

struct nv_energy nv_device_energy(const struct nv_scenario *scenario, size_t device, double from_s,
                                  double to_s)
{
    const struct nv_device *d = &scenario->device[device];
    const double seconds = fmax(to_s - from_s, 0);
    struct nv_energy e = {.idle_j = d->idle_w * seconds, .context_j = (double)NAN, .dynamic_j = (double)NAN};
    if (d->power.count > 0) {
        e.total_j = nv_curve_integral(&d->power, from_s, to_s);
        return e;
    }
    e.context_j = d->context_w > 0 ? d->context_w * context_s(scenario, device, from_s, to_s) : 0;
    e.dynamic_j = 0;
    for (size_t i = 0; i < scenario->process_count; i++) {
        if ((size_t)scenario->process[i].device == device) {
            e.dynamic_j += nv_process_energy_j(scenario, &scenario->process[i], from_s, to_s);
        }
    }
    e.total_j = e.idle_j + e.context_j + e.dynamic_j;
    return e;
}

double nv_device_busy(const struct nv_scenario *scenario, size_t device, enum nv_engine engine, double from_s,
                      double to_s)
{
    double sum_s = 0;
    for (size_t i = 0; i < scenario->process_count; i++) {
        if ((size_t)scenario->process[i].device == device) {
            sum_s += nv_process_busy_s(&scenario->process[i], engine, from_s, to_s);
        }
    }
    return to_s > from_s ? fmin(sum_s / (to_s - from_s), 1) : 0;
}

static double true_power_w(const struct nv_scenario *scenario, size_t device, double t_s)
{
    const struct nv_device *d = &scenario->device[device];
    if (d->power.count > 0) {
        return nv_curve_at(&d->power, t_s);
    }
    double sum_w = d->idle_w;
    bool has_context = false;
    for (size_t i = 0; i < scenario->process_count; i++) {
        const struct nv_process *process = &scenario->process[i];
        if ((size_t)process->device != device || !nv_process_is_open(process, t_s)) {
            continue;
        }
        has_context = true;
        for (int engine = 0; engine < NV_ENGINES; engine++) {
            sum_w += process->watts[engine] * nv_curve_at(&process->util[engine], t_s) / 100;
        }
    }
    return sum_w + (has_context ? d->context_w : 0);
}

/* Mean of the last window, among those of period k, that a part-time sensor looks at. */
static double window_w(const struct nv_scenario *scenario, size_t device, double k)
{
    const struct nv_device *d = &scenario->device[device];
    const double from_s = k * d->sampled_period_ms / MS_PER_S, on_s = d->sampled_on_ms / MS_PER_S;
    return nv_device_energy(scenario, device, from_s, from_s + on_s).total_j / on_s;
}

double nv_seen_j(const struct nv_scenario *scenario, size_t device, double t_s)
{
    const struct nv_device *d = &scenario->device[device];
    if (t_s <= 0) {
        return 0;
    }
    if (d->sampled_period_ms <= 0) {
        return nv_device_energy(scenario, device, 0, t_s).total_j;
    }
    const double period_s = d->sampled_period_ms / MS_PER_S, whole = floor(t_s / period_s + 1e-9);
    double sum_j = 0;
    for (double k = 0; k < whole; k++) {
        sum_j += window_w(scenario, device, k) * period_s;
    }
    return sum_j + window_w(scenario, device, whole) * (t_s - whole * period_s);
}

uint64_t nv_counter_mj(const struct nv_scenario *scenario, size_t device, double t_s, double *ret_stamp_s)
{
    const struct nv_device *d = &scenario->device[device];
    const double stamp_s = nv_grid(t_s, d->energy_period_ms);
    double from_s = 0, base_mj = d->energy_base_mj;
    for (size_t i = 0; i < d->reset.count && d->reset.point[i].t_s <= t_s; i++) {
        from_s = d->reset.point[i].t_s;
        base_mj = 0;
    }
    const double seen_j = nv_seen_j(scenario, device, stamp_s) - nv_seen_j(scenario, device, from_s);
    *ret_stamp_s = stamp_s;
    return (uint64_t)(base_mj + fmax(seen_j, 0) * 1000 + 1e-6);
}

double nv_power_instant_w(const struct nv_scenario *scenario, size_t device, double t_s)
{
    const struct nv_device *d = &scenario->device[device];
    const double at_s = nv_grid(t_s, d->power_period_ms);
    if (d->sampled_period_ms <= 0) {
        return true_power_w(scenario, device, at_s);
    }
    const double k = floor((at_s - d->sampled_on_ms / MS_PER_S) * MS_PER_S / d->sampled_period_ms + 1e-9);
    return window_w(scenario, device, k);
}

double nv_power_mean_w(const struct nv_scenario *scenario, size_t device, double t_s, double mean_s)
{
    const double at_s = nv_grid(t_s, scenario->device[device].power_period_ms);
    if (mean_s <= 0) {
        return nv_power_instant_w(scenario, device, t_s);
    }
    if (scenario->device[device].sampled_period_ms <= 0 || at_s - mean_s < 0) {
        return nv_device_energy(scenario, device, at_s - mean_s, at_s).total_j / mean_s;
    }
    return (nv_seen_j(scenario, device, at_s) - nv_seen_j(scenario, device, at_s - mean_s)) / mean_s;
}
