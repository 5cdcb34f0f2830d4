/* SPDX-License-Identifier: MIT */
#include "history/stats.h"

#include "base/mem.h"

#include <errno.h>
#include <gsl/gsl_cdf.h>
#include <gsl/gsl_sort.h>
#include <gsl/gsl_statistics_double.h>
#include <math.h>
#include <stdlib.h>

#define OUTLIER_MADS (3.5 * 1.4826)

static bool all_finite(const double *values, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!isfinite(values[i]))
            return false;
    return true;
}

double eco_stats_median(double *values, size_t count)
{
    if (count == 0 || !all_finite(values, count))
        return ECO_NAN;
    gsl_sort(values, 1, count);
    return gsl_stats_median_from_sorted_data(values, 1, count);
}

static struct eco_interval around(double estimate, double half, double level)
{
    return (struct eco_interval){estimate, estimate - half, estimate + half, level};
}

int eco_welch(const double *a, size_t a_count, const double *b, size_t b_count, double level,
              struct eco_interval *ret)
{
    if (a_count < 2 || b_count < 2)
        return -EDOM;
    if (!all_finite(a, a_count) || !all_finite(b, b_count))
        return -EINVAL;
    double a_part = gsl_stats_variance(a, 1, a_count) / (double)a_count;
    double b_part = gsl_stats_variance(b, 1, b_count) / (double)b_count;
    double sum = a_part + b_part;
    if (!(sum > 0))
        return -EDOM;
    double freedom =
        sum * sum / (a_part * a_part / (double)(a_count - 1) + b_part * b_part / (double)(b_count - 1));
    double t = gsl_cdf_tdist_Pinv((1 + level) / 2, freedom);
    *ret = around(gsl_stats_mean(b, 1, b_count) - gsl_stats_mean(a, 1, a_count), t * sqrt(sum), level);
    return 0;
}

int eco_student(const double *values, size_t count, double level, struct eco_interval *ret)
{
    if (count < 2)
        return -EDOM;
    if (!all_finite(values, count))
        return -EINVAL;
    double variance = gsl_stats_variance(values, 1, count);
    if (!(variance > 0))
        return -EDOM;
    double t = gsl_cdf_tdist_Pinv((1 + level) / 2, (double)(count - 1));
    *ret = around(gsl_stats_mean(values, 1, count), t * sqrt(variance / (double)count), level);
    return 0;
}

int eco_stats_outliers(const double *values, size_t count, double centre, bool *ret)
{
    int found = 0;
    double *distance = eco_calloc(count + 1, sizeof *distance);
    if (!distance)
        return -ENOMEM;
    for (size_t i = 0; i < count; i++)
        distance[i] = fabs(values[i] - centre);
    double limit = OUTLIER_MADS * eco_stats_median(distance, count);
    for (size_t i = 0; i < count; i++) {
        ret[i] = limit > 0 && fabs(values[i] - centre) > limit;
        found += ret[i];
    }
    free(distance);
    return found;
}
