/* SPDX-License-Identifier: MIT */
#include "course/predict.h"

#include <math.h>
#include <string.h>

/* Two-sided 95 %: tables to 10, beyond it the expansion of Cornish and Fisher in 1/n, good to 0.1 %. */
double eco_student_t(unsigned degrees)
{
    static const double exact[] = {ECO_NAN, 12.7062, 4.3027, 3.1824, 2.7764, 2.5706,
                                   2.4469,  2.3646,  2.3060, 2.2622, 2.2281};
    if (degrees < ECO_COUNT(exact))
        return exact[degrees];
    const double z = 1.959964, n = degrees;
    return z + (z * z * z + z) / (4 * n) + (5 * pow(z, 5) + 16 * z * z * z + 3 * z) / (96 * n * n);
}

static void thin(struct eco_predictor *predictor)
{
    unsigned kept = 0;
    for (unsigned i = 0; i < predictor->count; i += 2)
        predictor->points[kept++] = predictor->points[i];
    predictor->count = kept;
    predictor->stride *= 2;
}

void eco_predictor_add(struct eco_predictor *predictor, const struct eco_point *point)
{
    if (predictor->count > 0 && point->done < predictor->points[predictor->count - 1].done)
        predictor->count = 0;
    if (predictor->count == 0) {
        predictor->stride = 1;
        predictor->skipped = 0;
    } else if (!(point->done > predictor->points[predictor->count - 1].done) ||
               ++predictor->skipped < predictor->stride) {
        return;
    }
    predictor->skipped = 0;
    if (predictor->count == ECO_POINTS_MAX) {
        thin(predictor);
        predictor->skipped = predictor->stride / 2; /* half of a longer part has come by now */
        return;
    }
    predictor->points[predictor->count++] = *point;
}

struct sample {
    double done, amount;
};

/* Mean per unit, and the half width for `rest` more units; nan below two samples. */
static double mean_of(const struct sample *samples, unsigned count, double rest, double *ret_half_width)
{
    double units = 0, amount = 0, squares = 0;
    for (unsigned i = 0; i < count; i++) {
        units += samples[i].done;
        amount += samples[i].amount;
    }
    double mean = amount / units;
    for (unsigned i = 0; i < count; i++) {
        double off = samples[i].amount - mean * samples[i].done;
        squares += off * off / samples[i].done;
    }
    *ret_half_width = ECO_NAN;
    if (count > 1)
        *ret_half_width =
            eco_student_t(count - 1) * sqrt(squares / (count - 1) * (rest + rest * rest / units));
    return mean;
}

void eco_predict(const struct eco_predictor *predictor, const struct eco_point *now, double total,
                 bool is_by_time, struct eco_prediction *ret)
{
    struct sample energies[ECO_POINTS_MAX], times[ECO_POINTS_MAX];
    unsigned count = predictor->count > 0 ? predictor->count - 1 : 0;
    ret->is_known = false;
    if (count == 0 || !(total > 0))
        return;
    for (unsigned i = 0; i < count; i++) {
        const struct eco_point *a = &predictor->points[i], *b = a + 1;
        energies[i] = (struct sample){b->done - a->done, b->job_j - a->job_j};
        times[i] = (struct sample){b->done - a->done, b->time_s - a->time_s};
    }
    const struct eco_point *last = &predictor->points[count];
    double rest = fmax(0, total - last->done), half_j, half_s;
    double energy_j = last->job_j + rest * mean_of(energies, count, rest, &half_j);
    double duration_s = last->time_s + rest * mean_of(times, count, rest, &half_s);
    if (is_by_time) {
        duration_s = last->time_s + rest;
        half_s = 0;
    }
    *ret = (struct eco_prediction){
        .is_known = true,
        .basis = ret->basis,
        .fraction = fmin(1, last->done / total),
        .energy_j = energy_j,
        .energy_low_j = fmax(energy_j - half_j, now->job_j),
        .energy_high_j = energy_j + half_j,
        .duration_s = duration_s,
        .duration_low_s = fmax(duration_s - half_s, now->time_s),
        .duration_high_s = duration_s + half_s,
        .co2e_g = ECO_NAN,
        .cost = ECO_NAN,
        .samples = count,
        .slot = ret->slot,
    };
    /* fmax takes a number for nan: without a spread there is no lower bound either. */
    if (isnan(half_j))
        ret->energy_low_j = ECO_NAN;
    if (isnan(half_s))
        ret->duration_low_s = ECO_NAN;
    /* Longer than was thought: what is known to be gone is the least that it takes. */
    ret->energy_j = fmax(ret->energy_j, now->job_j);
    ret->duration_s = fmax(ret->duration_s, now->time_s);
    ret->energy_high_j = isnan(half_j) ? ECO_NAN : fmax(ret->energy_high_j, ret->energy_j);
    ret->duration_high_s = isnan(half_s) ? ECO_NAN : fmax(ret->duration_high_s, ret->duration_s);
}
