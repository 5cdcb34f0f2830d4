/* SPDX-License-Identifier: MIT */
#include "attribution/calibration.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define FULL_RATIO    0.8  /* busy CPUs of a level over its threads, from which on it was held */
#define LIMIT_RATIO   0.97 /* of the power limit */
#define FREQ_DROP     0.97 /* frequency over that of a level with fewer threads */
#define POWER_GAIN    1.03 /* more power than this is no sign of a limit */
#define POWER_DROP    0.99 /* less power with more threads is one */
#define SIGMA_ROUNDS  20
#define NOISE_U       0.15 /* standard uncertainty from which on a constant is not known */
#define FREQ_SPREAD   0.02 /* relative scatter of frequency within levels that gamma needs */
#define GAMMA_U       0.5
#define FLOOR_RATIO   0.001 /* uncertainty of any mean power that the scatter does not show */
#define CONCAVE_RATIO 0.2   /* how far off the curve a level may be, of the largest dynamic power */
#define CORE_MIN      0.02
#define CORE_MAX      2.0
#define GAMMA_MAX     4.0

static void unknown(struct eco_constant *ret, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void unknown(struct eco_constant *ret, const char *format, ...)
{
    va_list args;

    *ret = (struct eco_constant){.value = (double)NAN, .u = (double)NAN};
    va_start(args, format);
    (void)vsnprintf(ret->why, sizeof(ret->why), format, args);
    va_end(args);
}

static double sum(const double values[ECO_CORE_TYPES])
{
    double total = 0;

    for (unsigned i = 0; i < ECO_CORE_TYPES; i++)
        total += values[i];
    return total;
}

static bool is_usable(const struct eco_calibration_point *point)
{
    return isfinite(point->power_w) && isfinite(point->u_w) && point->u_w >= 0 &&
           isfinite(sum(point->busy)) && isfinite(sum(point->overlap));
}

/* A part of a percent is always in doubt: heat, and what runs beside. */
static double u_of(const struct eco_calibration_point *point)
{
    return hypot(point->u_w, FLOOR_RATIO * point->power_w);
}

double eco_calibration_x(const struct eco_weight_model *model, const uint32_t capacity[ECO_CORE_TYPES],
                         const struct eco_calibration_point *point)
{
    double x = 0;

    for (unsigned kind = 0; kind < ECO_CORE_TYPES; kind++)
        if (point->busy[kind] > 0)
            x += eco_weight_kind(model, capacity[kind]) *
                 (point->busy[kind] - (1 - model->sigma) * point->overlap[kind]);
    return x;
}

static bool holds_down(const struct eco_calibration_point *before, const struct eco_calibration_point *after)
{
    double slack = 2 * hypot(before->u_w, after->u_w);
    bool falls = after->power_w < POWER_DROP * before->power_w - slack;
    bool slows = isfinite(before->freq_khz) && isfinite(after->freq_khz) &&
                 after->freq_khz < FREQ_DROP * before->freq_khz &&
                 after->power_w < POWER_GAIN * before->power_w + slack;

    return falls || slows;
}

bool eco_calibration_is_limited(const struct eco_calibration_input *in, size_t index)
{
    const struct eco_calibration_point *own = &in->points[index];

    if (in->limit_w > 0 && own->power_w >= LIMIT_RATIO * in->limit_w)
        return true;
    for (size_t i = 0; i < in->count; i++) {
        const struct eco_calibration_point *other = &in->points[i];

        if (own->only_kind < 0 && other->only_kind < 0 && other->threads < own->threads &&
            holds_down(other, own))
            return true;
    }
    return false;
}

/* All points of a level as one. Passes up and down may differ: that too is uncertainty. */
struct level {
    struct eco_calibration_point mean;
    unsigned count;
    bool is_limited;
};

static bool level_of(const struct eco_calibration_input *in, const struct eco_calibration_point *like,
                     struct level *ret)
{
    double low = (double)INFINITY, high = -(double)INFINITY, freq = 0;

    *ret = (struct level){.mean = *like};
    struct eco_calibration_point *mean = &ret->mean;
    memset(mean->busy, 0, sizeof(mean->busy));
    memset(mean->overlap, 0, sizeof(mean->overlap));
    mean->power_w = 0;
    double variance = 0;
    for (size_t i = 0; i < in->count; i++) {
        const struct eco_calibration_point *point = &in->points[i];

        if (point->threads != like->threads || point->only_kind != like->only_kind || !is_usable(point))
            continue;
        for (unsigned kind = 0; kind < ECO_CORE_TYPES; kind++) {
            mean->busy[kind] += point->busy[kind];
            mean->overlap[kind] += point->overlap[kind];
        }
        mean->power_w += point->power_w;
        freq += point->freq_khz;
        variance += point->u_w * point->u_w;
        low = fmin(low, point->power_w);
        high = fmax(high, point->power_w);
        ret->is_limited |= eco_calibration_is_limited(in, i);
        ret->count++;
    }
    if (ret->count == 0)
        return false;
    for (unsigned kind = 0; kind < ECO_CORE_TYPES; kind++) {
        mean->busy[kind] /= ret->count;
        mean->overlap[kind] /= ret->count;
    }
    mean->power_w /= ret->count;
    mean->freq_khz = freq / ret->count;
    mean->u_w = fmax(sqrt(variance) / ret->count, (high - low) / 2);
    return true;
}

/* Only cores of that kind were loaded, one thread each, and nothing else was busy to speak of. */
static bool is_on_kind(const struct eco_calibration_point *point, int kind)
{
    double own = point->busy[kind], all = sum(point->busy);

    return is_usable(point) && !point->has_siblings && point->threads > 0 && own >= FULL_RATIO &&
           all - own <= 0.1 * own + 0.1;
}

/* Power over busy CPUs of kind 0, one a core: a straight line, its intercept is the package awake. */
struct line {
    double awake_w, awake_u_w, slope_w, slope_u_w;
    struct level top; /* the level with the most cores */
};

/* Busy CPUs of kind 0 as they weigh where what else runs sits on a second thread. */
static double weighed(const struct eco_calibration_point *point, double sigma)
{
    return point->busy[0] - (1 - sigma) * point->overlap[0];
}

static bool draw_line(const struct eco_calibration_input *in, double sigma, struct line *ret)
{
    double w = 0, x = 0, y = 0, xx = 0, xy = 0;
    unsigned levels = 0;

    *ret = (struct line){.awake_w = in->idle_w, .awake_u_w = in->idle_u_w};
    for (size_t i = 0; i < in->count; i++) {
        const struct eco_calibration_point *point = &in->points[i];

        if (!is_on_kind(point, 0))
            continue;
        if (point->threads != ret->top.mean.threads)
            levels++;
        if (point->threads > ret->top.mean.threads && !level_of(in, point, &ret->top))
            return false;
        double weight = 1 / (u_of(point) * u_of(point));
        w += weight;
        double own = weighed(point, sigma);
        x += weight * own;
        y += weight * point->power_w;
        xx += weight * own * own;
        xy += weight * own * point->power_w;
    }
    const struct eco_calibration_point *top = &ret->top.mean;
    if (top->threads == 0)
        return false;
    double spread = w * xx - x * x;
    if (levels > 1 && spread > 1e-6 * w * xx) {
        double awake = (xx * y - x * xy) / spread;
        ret->awake_w = fmin(fmax(awake, in->idle_w), top->power_w);
        ret->awake_u_w = sqrt(xx / spread);
    }
    ret->slope_w = (top->power_w - ret->awake_w) / weighed(top, sigma);
    ret->slope_u_w = hypot(u_of(top), ret->awake_u_w) / weighed(top, sigma);
    return ret->slope_w > 0;
}

/* The level with the most siblings, -1 none. */
static int most_siblings(const struct eco_calibration_input *in)
{
    int best = -1;

    for (size_t i = 0; i < in->count; i++)
        if (in->points[i].has_siblings && in->points[i].only_kind < 0 && is_usable(&in->points[i]) &&
            (best < 0 || in->points[i].threads > in->points[best].threads))
            best = (int)i;
    return best;
}

void eco_calibration_sigma(const struct eco_calibration_input *in, struct eco_constant *ret)
{
    struct line line;
    struct level full;
    int index = most_siblings(in);

    if (index < 0 || !level_of(in, &in->points[index], &full)) {
        unknown(ret, "no core was loaded on both of its threads");
        return;
    }
    if (!draw_line(in, ECO_SIGMA_DEFAULT, &line)) {
        unknown(ret, "no level with one thread a core");
        return;
    }
    const struct eco_calibration_point *cores = &line.top.mean, *all = &full.mean;
    bool drops =
        isfinite(cores->freq_khz) && isfinite(all->freq_khz) && all->freq_khz < FREQ_DROP * cores->freq_khz;
    if (full.is_limited || line.top.is_limited || drops) {
        unknown(ret, "a power limit holds the level with %u threads down", all->threads);
        return;
    }
    double overlap = all->overlap[0] - cores->overlap[0];
    if (!(overlap > 0.5 * FULL_RATIO) || all->busy[0] - cores->busy[0] < 0.5 * overlap) {
        unknown(ret, "the siblings were not busy together");
        return;
    }
    double more = 0, sigma = ECO_SIGMA_DEFAULT;
    /* The line itself depends on sigma where others sat on second threads: a little, so this converges. */
    for (int i = 0; i < SIGMA_ROUNDS && draw_line(in, fmin(fmax(sigma, 0), 1), &line); i++) {
        more = (all->power_w - cores->power_w) / line.slope_w;
        sigma = 1 - (all->busy[0] - cores->busy[0] - more) / overlap;
    }
    double u = hypot(hypot(u_of(all), u_of(cores)), more * line.slope_u_w) / line.slope_w / overlap;
    if (!(u <= NOISE_U) || sigma < -2 * u - 0.05 || sigma > 1 + 2 * u + 0.05) {
        unknown(ret, "too noisy: %.2f, uncertain by %.2f", sigma, u);
        return;
    }
    *ret = (struct eco_constant){.is_known = true, .value = fmin(fmax(sigma, 0), 1), .u = u};
}

void eco_calibration_core(const struct eco_calibration_input *in, int kind, struct eco_constant *ret)
{
    struct line line;
    struct level own = {.count = 0};

    if (!draw_line(in, ECO_SIGMA_DEFAULT, &line)) {
        unknown(ret, "no level on the largest cores alone");
        return;
    }
    for (size_t i = 0; i < in->count; i++)
        if (is_on_kind(&in->points[i], kind) && in->points[i].threads > own.mean.threads)
            (void)level_of(in, &in->points[i], &own);
    if (own.count == 0) {
        unknown(ret, "no level on these cores alone");
        return;
    }
    if (line.top.is_limited || (in->limit_w > 0 && own.mean.power_w >= LIMIT_RATIO * in->limit_w)) {
        unknown(ret, "a power limit holds the level with %u threads down", line.top.mean.threads);
        return;
    }
    double one_w = (own.mean.power_w - line.awake_w) / own.mean.busy[kind];
    double factor = one_w / line.slope_w;
    double u = hypot(hypot(u_of(&own.mean), line.awake_u_w) / own.mean.busy[kind], factor * line.slope_u_w) /
               line.slope_w;
    if (!(u <= NOISE_U) || factor < CORE_MIN || factor > CORE_MAX) {
        unknown(ret, "too noisy: %.2f, uncertain by %.2f", factor, u);
        return;
    }
    *ret = (struct eco_constant){.is_known = true, .value = factor, .u = u};
}

/* Means of the logarithms of one level. */
static void level_means(const struct eco_calibration_sample *samples, size_t count, unsigned level,
                        double idle_w, double *ret_f, double *ret_w)
{
    double f = 0, w = 0, n = 0;

    for (size_t i = 0; i < count; i++)
        if (samples[i].level == level && samples[i].freq_khz > 0 && samples[i].power_w > idle_w) {
            f += log(samples[i].freq_khz);
            w += log(samples[i].power_w - idle_w);
            n++;
        }
    *ret_f = f / n;
    *ret_w = w / n;
}

void eco_calibration_gamma(const struct eco_calibration_sample *samples, size_t count, double idle_w,
                           struct eco_constant *ret)
{
    double ff = 0, fw = 0, ww = 0;
    unsigned n = 0, levels = 0;

    for (size_t i = 0; i < count; i++) {
        double f, w;
        bool is_first = true;

        if (!(samples[i].freq_khz > 0) || !(samples[i].power_w > idle_w))
            continue;
        for (size_t k = 0; k < i && is_first; k++)
            is_first = samples[k].level != samples[i].level || !(samples[k].freq_khz > 0) ||
                       !(samples[k].power_w > idle_w);
        level_means(samples, count, samples[i].level, idle_w, &f, &w);
        f = log(samples[i].freq_khz) - f;
        w = log(samples[i].power_w - idle_w) - w;
        ff += f * f;
        fw += f * w;
        ww += w * w;
        levels += is_first;
        n++;
    }
    if (n == 0) {
        unknown(ret, "the frequency cannot be read");
        return;
    }
    if (n < levels + 4 || !(sqrt(ff / n) >= FREQ_SPREAD)) {
        unknown(ret, "the frequency hardly changed while the load did not");
        return;
    }
    double gamma = fw / ff, rest = fmax(ww - gamma * fw, 0);
    double u = sqrt(rest / (n - levels - 1) / ff);
    if (!(u <= GAMMA_U) || gamma < 0 || gamma > GAMMA_MAX) {
        unknown(ret, "too noisy: %.1f, uncertain by %.1f", gamma, u);
        return;
    }
    if (gamma < 0.5) {
        unknown(ret, "power did not follow the frequency: a power limit, or little to tell from");
        return;
    }
    *ret = (struct eco_constant){.is_known = true, .value = gamma, .u = u};
}

void eco_calibration_curve(const struct eco_calibration_input *in, const struct eco_weight_model *model,
                           const uint32_t capacity[ECO_CORE_TYPES], struct eco_calibration_fit *ret)
{
    struct eco_curve_point points[ECO_CALIBRATION_POINTS];
    double threads[ECO_CALIBRATION_POINTS], power_w[ECO_CALIBRATION_POINTS];
    size_t n = 0;
    double most_w = 0, u_w = 0;

    *ret = (struct eco_calibration_fit){.worst_w = (double)NAN, .worst_ratio = (double)NAN};
    for (size_t i = 0; i < in->count && n < ECO_CALIBRATION_POINTS; i++) {
        const struct eco_calibration_point *point = &in->points[i];
        if (!is_usable(point) || point->threads == 0 || point->only_kind >= 0)
            continue;
        threads[n] = point->threads;
        power_w[n] = point->power_w;
        points[n] = (struct eco_curve_point){eco_calibration_x(model, capacity, point),
                                             point->power_w - in->idle_w, u_of(point)};
        most_w = fmax(most_w, points[n].w);
        u_w = fmax(u_w, points[n].u_w);
        n++;
    }
    if (n == 0) {
        (void)snprintf(ret->why, sizeof(ret->why), "no level of load was measured");
        return;
    }
    if (!(most_w > 3 * hypot(u_w, in->idle_u_w)) || eco_curve_fit(points, n, &ret->curve) < 0 ||
        !eco_curve_is_valid(&ret->curve)) {
        ret->curve.count = 0;
        (void)snprintf(ret->why, sizeof(ret->why), "load makes no difference that noise does not make too");
        return;
    }
    ret->worst_w = ret->worst_ratio = 0;
    size_t worst = 0;
    for (size_t i = 0; i < n; i++) {
        double off = fabs(eco_curve_power(&ret->curve, points[i].x) - points[i].w);
        if (off > ret->worst_w) {
            ret->worst_w = off;
            worst = i;
        }
        ret->worst_ratio = fmax(ret->worst_ratio, off / power_w[i]);
    }
    if (ret->worst_w > fmax(CONCAVE_RATIO * most_w, 4 * u_w)) {
        ret->curve.count = 0;
        (void)snprintf(ret->why, sizeof(ret->why),
                       "power is no concave curve of busy CPUs: %.3g W off it at %.0f threads", ret->worst_w,
                       threads[worst]);
    }
}

void eco_calibration_init(struct eco_calibration *calibration)
{
    *calibration = (struct eco_calibration){.weights = eco_weight_default,
                                            .sigma_u = (double)NAN,
                                            .gamma_u = (double)NAN,
                                            .wall_idle_w = (double)NAN,
                                            .wall_busy_w = (double)NAN};
}

const struct eco_calibration_domain *eco_calibration_find(const struct eco_calibration *calibration,
                                                          const char *name, const char *source)
{
    for (unsigned i = 0; i < calibration->domain_count; i++)
        if (strcmp(calibration->domains[i].name, name) == 0 &&
            strcmp(calibration->domains[i].source, source) == 0)
            return &calibration->domains[i];
    return NULL;
}
