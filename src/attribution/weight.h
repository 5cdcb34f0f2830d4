/* SPDX-License-Identifier: MIT */
/*
 * Weights: what a nanosecond of CPU time counts where cores differ or are shared, and on which
 * socket it was spent. Pure.
 */
#pragma once

#include "model/activity.h"
#include "model/host.h"

#include <stddef.h>

/** Default share of a core's dynamic power that the second sibling adds (docs/attribution.md). */
#define ECO_SIGMA_DEFAULT 0.2
#define ECO_GAMMA_DEFAULT 1.0 /* power of a core by its frequency: f^gamma */
#define ECO_CORE_TYPES    4

/** What a CPU second counts where cores differ: assumed, or found by `ecocode calibrate`. */
struct eco_weight_model {
    double sigma, gamma;
    unsigned core_count; /* kinds of cores whose factor is known; others by cpu_capacity */
    struct eco_core_factor {
        uint32_t capacity; /* cpu_capacity that tells this kind */
        double factor;     /* dynamic power of one busy core over that of the largest kind */
    } core[ECO_CORE_TYPES];
};

extern const struct eco_weight_model eco_weight_default;

/**
 * h: weight of a CPU whose SMT sibling was busy for a fraction of the interval: 1 - (1-sigma)/2 * busy,
 * in [(1+sigma)/2, 1].
 */
double eco_weight_sibling(double sigma, double sibling_busy_ratio);

/** g: kind of core (P and E cores; capacity 0 or 1024 = 1) times (frequency over the socket's mean)^gamma; 0
 * frequencies = not readable = 1. */
double eco_weight_core(const struct eco_weight_model *model, uint32_t capacity, uint32_t freq_khz,
                       double mean_freq_khz);
/** The part of g that is the kind of core. */
double eco_weight_kind(const struct eco_weight_model *model, uint32_t capacity);

/**
 * h*g of every CPU over an interval, and for each package the busy time and the mean h*g weighted by
 * busy time.
 *
 * @param before,after  two looks at the same CPUs
 * @param ret_hg        [cpu_count]
 * @param ret_busy_ns   [package_count]
 * @param ret_mean_hg   [package_count], 1 where nothing was busy
 */
void eco_weight_cpus(const struct eco_topology *topology, const struct eco_weight_model *model,
                     const struct eco_cpu_busy *before, const struct eco_cpu_busy *after, uint32_t cpu_count,
                     uint64_t elapsed_ns, double *ret_hg, double *ret_busy_ns, double *ret_mean_hg);

/**
 * Divide each row's CPU time among sockets so that both margins hold: every row keeps its time, every
 * socket its busy time (iterative proportional fitting of a prior). With equal prices on all sockets the
 * result is exact whatever the prior.
 *
 * @param time_ns  [rows] CPU time of each row, >= 0; the last row is usually the rest of the machine
 * @param busy_ns  [sockets] busy time, >= 0; scaled to the sum of the rows inside
 * @param prior    [rows][sockets] >= 0; a row of zeros means "anywhere"
 * @param ret      [rows][sockets] ns; may be the same array as prior
 * @return iterations used (at most 50); the last step fits the rows exactly
 */
unsigned eco_fit_sockets(const double *time_ns, size_t rows, const double *busy_ns, size_t sockets,
                         const double *prior, double *ret);
