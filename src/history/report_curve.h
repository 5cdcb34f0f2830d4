/* SPDX-License-Identifier: MIT */
/*
 * Curves as SVG. What is drawn lies in an inner picture that is stretched to the width there is; texts stand
 * in the outer one by percent, so that they keep their size on a phone and on paper. Steps, not slopes: a
 * point is the mean of its stretch, and the area its energy.
 */
#pragma once

#include "base/buf.h"
#include "history/report_series.h"

struct eco_curve {
    struct eco_buf *out;
    const struct eco_series *series;
    double height, top; /* of the inner picture; its largest value */
    double end_s;
};

/** Outer and inner picture are open then. */
void eco_curve_begin(const struct eco_curve *curve, const char *label);
/** Between two stairs of a value per point, in colour 0 to 7. */
void eco_curve_area(const struct eco_curve *curve, const double *lower, const double *upper, unsigned color);
/** A stair; nothing where no figure is known. */
void eco_curve_line(const struct eco_curve *curve, const double *values);
/** Marks time without a figure. False: there is none. */
bool eco_curve_gaps(const struct eco_curve *curve);
/** Texts of both axes, once the inner picture is closed. */
void eco_curve_axes(const struct eco_curve *curve, const char *unit);
/** The round number above `value`: 1, 2, 2.5, 5 times a power of ten. */
double eco_curve_top(double value);
