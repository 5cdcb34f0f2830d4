/* SPDX-License-Identifier: MIT */
/*
 * What the whole is going to take, from what its parts took: with K parts done that took e_1 ... e_m in m
 * looks, the rest R costs R x mean, with the variance s2 (R + R2 / K): of the parts to come, and of the mean
 * (the usual prediction interval, Student's t with m - 1 degrees of freedom). Parts are told (`ecocode mark
 * epoch 3/20`), counted (`--per epoch=20`) or, with `--expect`, seconds.
 */
#pragma once

#include "model/course.h"

#define ECO_POINTS_MAX 33 /* when full every second one is dropped: the parts become longer */

struct eco_point {
    double done, time_s, job_j;
};

struct eco_predictor {
    struct eco_point points[ECO_POINTS_MAX];
    unsigned count;
    unsigned stride, skipped; /* one point in `stride` is kept */
};

/** So much was done then. Less than before begins anew; no progress since the last point is no point. */
void eco_predictor_add(struct eco_predictor *predictor, const struct eco_point *point);

/**
 * `now` is the newest state. Nothing is known below one finished part, and no interval below two.
 *
 * @param total      of what `done` counts
 * @param is_by_time done is seconds: the duration is then known, without an interval
 */
void eco_predict(const struct eco_predictor *predictor, const struct eco_point *now, double total,
                 bool is_by_time, struct eco_prediction *ret);

/** 97.5 % quantile of Student's t, 1 % exact or better. */
double eco_student_t(unsigned degrees);
