/* SPDX-License-Identifier: MIT */
/* The answer, with no more digits than its error allows: the rules of the terminal report
 * (sinks/text_answer.c) for a report that was read again. */
#include "base/num.h"
#include "base/text.h"
#include "history/member.h"
#include "history/report_facts.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define J_PER_WH       3600.0
#define TELLS_NOTHING  0.95 /* half width / value from which on only an upper end is said */
#define ESTIMATE_FLOOR 0.02 /* low end / value of an estimate below which the same holds */
#define HALF_UNKNOWN   0.02 /* of the value, where no interval is told */

static bool is_estimate(const json_t *energy)
{
    const json_t *kinds = json_object_get(energy, "quality_j");
    const char *quality = eco_member_text(energy, "quality");
    double known = eco_member_number(kinds, "measured") + eco_member_number(kinds, "derived");
    double estimated = eco_member_number(kinds, "estimated");
    return quality && strcmp(quality, "estimated") == 0 && !(estimated < known);
}

static double half_width(const json_t *energy)
{
    const json_t *u = json_object_get(energy, "uncertainty");
    double value = eco_member_number(energy, "job_j");
    double half = fmax(eco_member_number(u, "job_high_j") - value, value - eco_member_number(u, "job_low_j"));
    return isfinite(half) && half > 0 ? half : ECO_NAN;
}

static int digit_of(double value, double half, bool is_model)
{
    if (!(fabs(value) > 1e-15) || !(fabs(value) < 1e25))
        return 0;
    int first = (int)floor(log10(fabs(value)));
    if (is_model)
        return fabs(value) / eco_pow10(first) < 2.95 ? first - 1 : first;
    double width = isfinite(half) ? half : fabs(value) * HALF_UNKNOWN;
    int digit = eco_digit_exponent(value, width);
    bool by_half = digit == eco_digit_exponent(0, width);
    return by_half && width >= 29.5 * eco_pow10(digit) ? digit + 1 : digit;
}

double eco_fact_rounded(double value)
{
    if (!(fabs(value) > 1e-15) || !(fabs(value) < 1e25))
        return value;
    double step = eco_pow10((int)floor(log10(fabs(value))) - 1);
    return round(value / step) * step;
}

int eco_fact_digit(const json_t *report)
{
    const json_t *energy = json_object_get(report, "energy");
    return digit_of(eco_member_number(energy, "job_j"), half_width(energy), is_estimate(energy));
}

static void put_scaled(double value, int digit, const char *unit, char ret[ECO_FIGURE_MAX])
{
    struct eco_scale scale = eco_scale_for(value, digit);
    eco_figure_format(value, digit, &scale, unit, ret);
}

static int digits_of(double value, int count)
{
    bool is_plain = fabs(value) > 1e-15 && fabs(value) < 1e25;
    return is_plain ? (int)floor(log10(fabs(value))) - count + 1 : 0;
}

void eco_fact_scaled(double value, const char *unit, char ret[ECO_FIGURE_MAX])
{
    if (isfinite(value) && fabs(value) < 1e25)
        put_scaled(value, digits_of(value, 3), unit, ret);
    else
        (void)snprintf(ret, ECO_FIGURE_MAX, "unknown");
}

void eco_fact_range(double value, double low, double high, const char *unit, char *ret, size_t size)
{
    char middle[ECO_FIGURE_MAX], from[ECO_FIGURE_MAX], to[ECO_FIGURE_MAX];
    int digit = digits_of(value, 2);
    struct eco_scale scale;
    ret[0] = 0;
    if (!isfinite(value) || !(fabs(value) < 1e25))
        return;
    scale = eco_scale_for(value, digit);
    eco_figure_format(value, digit, &scale, unit, middle);
    (void)snprintf(ret, size, "%s", middle);
    if (!isfinite(low) || !isfinite(high) || !(fabs(low) < 1e25) || !(fabs(high) < 1e25))
        return;
    eco_figure_number(low, digit, &scale, from);
    eco_figure_format(high, digit, &scale, unit, to);
    (void)snprintf(ret, size, "%s (%s to %s)", middle, from, to);
}

void eco_fact_joules(const json_t *report, double joules, char ret[ECO_FIGURE_MAX])
{
    if (isfinite(joules) && fabs(joules) < 1e25)
        put_scaled(joules, eco_fact_digit(report), "J", ret);
    else
        (void)snprintf(ret, ECO_FIGURE_MAX, "unknown");
}

/* Who used it: a command, processes that were watched, or all that ran. */
static const char *words_of(const json_t *report, const char *policy)
{
    static const struct {
        const char *policy, *job, *watched, *machine;
    } known[] = {
        {"active", "the job's own energy", "their own energy", "used by what ran on it"},
        {"full", "with its share of idle power", "with their share of idle power", "with idle power"},
        {"equal", "with an equal part of idle power", "with an equal part of idle power", "with idle power"},
        {"reserved", "with the idle power of what it reserved", "with the idle power of what they reserved",
         "with idle power"}};
    bool is_watched = !json_is_array(json_object_get(report, "command"));
    bool is_machine =
        is_watched && !(fabs(eco_member_number(json_object_get(report, "energy"), "others_j")) > 0);
    for (size_t i = 0; i < ECO_COUNT(known); i++)
        if (strcmp(known[i].policy, policy) == 0)
            return is_machine ? known[i].machine : is_watched ? known[i].watched : known[i].job;
    return policy;
}

static void put_range(const json_t *energy, struct eco_headline *headline)
{
    const json_t *u = json_object_get(energy, "uncertainty");
    double low_j = eco_member_number(u, "job_low_j"), high_j = eco_member_number(u, "job_high_j");
    if (!isfinite(headline->half_width_j))
        return;
    if (headline->is_estimate) {
        int digit = digit_of(headline->job_j, ECO_NAN, true);
        struct eco_scale scale = eco_scale_for(headline->job_j, digit);
        char low[ECO_FIGURE_MAX], high[ECO_FIGURE_MAX];
        eco_figure_number(low_j, digit, &scale, low);
        eco_figure_format(high_j, digit, &scale, "J", high);
        (void)snprintf(headline->range, sizeof headline->range, "%.40s to %.40s", low, high);
        return;
    }
    char percent[ECO_FIGURE_MAX];
    double ratio = 100 * headline->half_width_j / headline->job_j;
    eco_fact_quantity(ratio >= 2.95 ? round(ratio) : round(ratio * 10) / 10, "%", percent);
    (void)snprintf(headline->range, sizeof headline->range, "\xC2\xB1%s", ratio < 0.05 ? "<0.1 %" : percent);
}

/* Not told from nothing: the upper end is all there is to say. */
static bool put_at_most(const json_t *energy, struct eco_headline *headline)
{
    const json_t *u = json_object_get(energy, "uncertainty");
    double value = headline->job_j, high_j = eco_member_number(u, "job_high_j");
    bool is_small = headline->is_estimate ? eco_member_number(u, "job_low_j") < ESTIMATE_FLOOR * value
                                          : headline->half_width_j >= TELLS_NOTHING * value;
    if (value > 0 && !is_small)
        return false;
    high_j = isfinite(high_j) && high_j > value ? high_j : value;
    int digit = high_j > 1e-15 ? eco_digit_exponent(high_j, high_j * 0.5) : 0;
    double up_j = high_j > 1e-15 ? ceil(high_j / eco_pow10(digit) - 1e-9) * eco_pow10(digit) : 0;
    char figure[ECO_FIGURE_MAX];
    put_scaled(up_j, digit, "J", figure);
    (void)snprintf(headline->joules, sizeof headline->joules, "at most %.30s", figure);
    return true;
}

static void make(const json_t *report, const char *policy, double job_j, bool is_first,
                 struct eco_headline *ret)
{
    const json_t *energy = json_object_get(report, "energy");
    double duration_s = eco_member_number(report, "duration_s");
    *ret = (struct eco_headline){.policy = policy,
                                 .words = words_of(report, policy),
                                 .job_j = job_j,
                                 .half_width_j = is_first ? half_width(energy) : ECO_NAN,
                                 .is_estimate = is_estimate(energy)};
    if (is_first && put_at_most(energy, ret))
        return;
    double half_j = half_width(energy); /* of another policy it is of the same order */
    int digit = digit_of(job_j, half_j, ret->is_estimate);
    put_scaled(job_j, digit, "J", ret->joules);
    put_scaled(job_j / J_PER_WH, digit_of(job_j / J_PER_WH, half_j / J_PER_WH, ret->is_estimate), "Wh",
               ret->watt_hours);
    put_range(energy, ret);
    if (duration_s > 0)
        put_scaled(job_j / duration_s, digit_of(job_j / duration_s, half_j / duration_s, ret->is_estimate),
                   "W", ret->power);
}

size_t eco_headlines(const json_t *report, struct eco_headline ret[ECO_HEADLINE_MAX])
{
    const json_t *energy = json_object_get(report, "energy");
    json_t *all = json_object_get(energy, "by_policy_j");
    const char *first = eco_member_text(report, "policy"), *policy;
    double job_j = eco_member_number(energy, "job_j");
    json_t *value;
    size_t count = 0;
    if (isfinite(job_j) && fabs(job_j) < 1e25)
        make(report, first ? first : "unknown", job_j, true, &ret[count++]);
    json_object_foreach(all, policy, value)
    {
        double other_j = json_is_number(value) ? json_number_value(value) : ECO_NAN;
        bool is_known = isfinite(other_j) && fabs(other_j) < 1e25;
        if (count < ECO_HEADLINE_MAX && is_known && !(first && strcmp(first, policy) == 0))
            make(report, policy, other_j, false, &ret[count++]);
    }
    return count;
}
