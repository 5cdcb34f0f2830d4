/* SPDX-License-Identifier: MIT */
#include "base/mem.h"
#include "history/stats.h"

#include <errno.h>
#include <gsl/gsl_sort.h>
#include <gsl/gsl_statistics_double.h>
#include <math.h>
#include <stdlib.h>

/*
 * How many of the smallest pairwise means lie below the interval: the largest k with P(W <= k-1) <= tail, W
 * the sum of those of the ranks 1..n that a fair coin chooses. Its distribution is built coin by coin.
 */
static int find_cut(size_t count, double tail, size_t *ret_cut, double *ret_tail)
{
    size_t top = count * (count + 1) / 2;
    double *chance = eco_calloc(top + 1, sizeof *chance);
    if (!chance)
        return -ENOMEM;
    chance[0] = 1;
    for (size_t rank = 1, sum = 1; rank <= count; rank++, sum += rank)
        for (size_t w = sum + 1; w-- > 0;)
            chance[w] = 0.5 * (chance[w] + (w >= rank ? chance[w - rank] : 0));
    size_t cut = 0;
    double below = 0;
    while (cut < top && below + chance[cut] <= tail)
        below += chance[cut++];
    free(chance);
    *ret_cut = cut;
    *ret_tail = below;
    return 0;
}

/* All (values[i] + values[j]) / 2 with i <= j, sorted; owned by the caller. */
static double *pairwise_means(const double *values, size_t count)
{
    size_t pairs = count * (count + 1) / 2, at = 0;
    double *means = eco_calloc(pairs, sizeof *means);
    if (!means)
        return NULL;
    for (size_t i = 0; i < count; i++)
        for (size_t j = i; j < count; j++)
            means[at++] = 0.5 * (values[i] + values[j]);
    gsl_sort(means, 1, pairs);
    return means;
}

int eco_signed_rank(const double *values, size_t count, double level, struct eco_interval *ret)
{
    if (count > ECO_STATS_MAX)
        return -E2BIG;
    for (size_t i = 0; i < count; i++)
        if (!isfinite(values[i]))
            return -EINVAL;
    if (count < eco_signed_rank_least(level))
        return -EDOM;
    size_t cut = 0;
    double tail = 0;
    /* the tail of a level that was given as decimals, 1 - 0.95, must not miss a chance that equals it */
    int r = find_cut(count, (1 - level) / 2 * (1 + 1e-12), &cut, &tail);
    double *means = r < 0 ? NULL : pairwise_means(values, count);
    if (r < 0 || !means)
        return r < 0 ? r : -ENOMEM;
    size_t pairs = count * (count + 1) / 2;
    *ret = (struct eco_interval){.estimate = gsl_stats_median_from_sorted_data(means, 1, pairs),
                                 .low = means[cut - 1],
                                 .high = means[pairs - cut],
                                 .level = 1 - 2 * tail};
    free(means);
    return 0;
}

size_t eco_signed_rank_least(double level)
{
    size_t count = 1;
    double both = 1; /* chance that all signs are the same: 2 * 2^-count */
    while (both > (1 - level) * (1 + 1e-12) && count < ECO_STATS_MAX) {
        both /= 2;
        count++;
    }
    return count;
}
