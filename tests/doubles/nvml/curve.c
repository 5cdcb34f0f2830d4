/* SPDX-License-Identifier: MIT */
#include "curve.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

int nv_curve_add(struct nv_curve *curve, double t_s, double value, bool ramp)
{
    if (curve->count > 0 && t_s < curve->point[curve->count - 1].t_s) {
        return -EINVAL;
    }
    struct nv_point *grown = realloc(curve->point, (curve->count + 1) * sizeof(*grown));
    if (grown == NULL) {
        return -ENOMEM;
    }
    curve->point = grown;
    curve->point[curve->count++] = (struct nv_point){.t_s = t_s, .value = value, .ramp = ramp};
    return 0;
}

/* The piece that begins at point i - 1 (i = 0: before the first point) and the value at a moment of it. */
static double piece_at(const struct nv_curve *curve, size_t i, double t_s)
{
    if (i == 0) {
        return curve->initial;
    }
    const struct nv_point *from = &curve->point[i - 1];
    if (i == curve->count || !curve->point[i].ramp || curve->point[i].t_s <= from->t_s) {
        return from->value;
    }
    const struct nv_point *to = &curve->point[i];
    return from->value + (to->value - from->value) * (t_s - from->t_s) / (to->t_s - from->t_s);
}

double nv_curve_at(const struct nv_curve *curve, double t_s)
{
    size_t i = 0;
    while (i < curve->count && curve->point[i].t_s <= t_s) {
        i++;
    }
    return piece_at(curve, i, t_s);
}

double nv_curve_integral(const struct nv_curve *curve, double from_s, double to_s)
{
    double sum = 0;
    for (size_t i = 0; i <= curve->count; i++) {
        const double a = i == 0 ? from_s : fmax(from_s, curve->point[i - 1].t_s);
        const double b = i == curve->count ? to_s : fmin(to_s, curve->point[i].t_s);
        if (b > a) {
            sum += (b - a) * (piece_at(curve, i, a) + piece_at(curve, i, b)) / 2;
        }
    }
    return sum;
}

void nv_curve_free(struct nv_curve *curve)
{
    free(curve->point);
    *curve = (struct nv_curve){0};
}
