/* SPDX-License-Identifier: MIT */
/* A quantity over time made of steps and ramps, so that its integral is known exactly. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct nv_point {
    double t_s, value;
    bool ramp; /* reached along a line from the point before, not by a step */
};

struct nv_curve {
    double initial; /* before the first point */
    struct nv_point *point;
    size_t count;
};

/** Points come in the order of time. 0, -EINVAL (not in order) or -ENOMEM. */
int nv_curve_add(struct nv_curve *curve, double t_s, double value, bool ramp);
double nv_curve_at(const struct nv_curve *curve, double t_s);
/** 0 where to_s <= from_s. */
double nv_curve_integral(const struct nv_curve *curve, double from_s, double to_s);
void nv_curve_free(struct nv_curve *curve);
