/* SPDX-License-Identifier: MIT */
/*
 * Who used a graphics card's energy (docs/attribution.md, "Graphics cards"). The result are weights for
 * eco_share_domain: parts of the energy above the card's idle power. Pure.
 *
 * A card has two idle levels: without a context, and with one held. The step between them is the holders'
 * doing, whether they compute or not, and is theirs in equal parts. What is above it goes by busy time, or by
 * busy time x watts where the watts of each process could be told apart (struct eco_gpu_fit).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct eco_gpu_share_input {
    double dynamic_uj; /* energy above the idle power without a context, >= 0 */
    double context_uj; /* step to the level with a context x time that one was held, >= 0; nan = not known */
    size_t row_count;
    const double *busy_ns; /* [row] weighted busy time in the interval, >= 0 */
    const bool *holds;     /* [row] held a context in it */
    const double *watts;   /* [row] dynamic power while busy, from eco_gpu_fit_watts; NULL = alike */
    double rest_busy_ns;   /* of all that is not a row */
    double rest_watts;     /* with `watts`: theirs */
    size_t rest_holders;   /* contexts of others */
};

/**
 * @param ret_row   [row] part of the dynamic energy, uJ
 * @param ret_rest  of others
 *
 * The parts sum to dynamic_uj, or are all 0 when nobody was busy or held a context: then the energy is
 * nobody's.
 */
void eco_gpu_weights(const struct eco_gpu_share_input *in, double *ret_row, double *ret_rest);

/*
 * The watts of each process while it is busy, told apart by how the card's power went with their loads:
 * ridge regression of the dynamic energy on busy times, with a prior that all are alike up to 35 %. Two
 * processes that always run together cannot be told apart; then the figures are not known, and time alone
 * is used. Half of what was seen is forgotten in two minutes.
 */
#define ECO_GPU_FIT_MAX 8u /* processes told apart; with more at a time there is no figure */

struct eco_gpu_fit {
    size_t count;
    uint64_t id[ECO_GPU_FIT_MAX]; /* of a process, never used again for another one */
    double xx[ECO_GPU_FIT_MAX][ECO_GPU_FIT_MAX], xy[ECO_GPU_FIT_MAX];
    double yy, weight; /* sums of squares of energy, and of intervals */
    double x_sum, y_sum;
};

/** One closed interval. More than ECO_GPU_FIT_MAX processes begin it anew. */
void eco_gpu_fit_add(struct eco_gpu_fit *fit, double length_s, double energy_j, const uint64_t *id,
                     const double *busy_s, size_t count);
/**
 * @param ret_watts  [count] dynamic watts while busy
 * @return whether all of them are known to 10 % (standard deviation); untouched otherwise
 */
bool eco_gpu_fit_watts(const struct eco_gpu_fit *fit, const uint64_t *id, size_t count, double *ret_watts);
