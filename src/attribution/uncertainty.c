/* SPDX-License-Identifier: MIT */
#include "attribution/uncertainty.h"

#include <math.h>

/* Standard uncertainties in joules, and how far a modelled scale reaches at 95 %. */
struct parts {
    double job;
    double sensor, time, grain, idle, attribution, unattributed;
    double model_below, model_above; /* 95 % */
};

/* A factor of 0 wins over an unknown: what plays no part need not be known. */
static double times(double factor, double value)
{
    return fabs(factor) > 0 ? factor * value : 0;
}

static double idle_share(const struct eco_u_domain *in)
{
    switch (in->policy) {
    case ECO_POLICY_FULL:
        return in->share;
    case ECO_POLICY_EQUAL:
    case ECO_POLICY_RESERVED:
        return in->reserved_share;
    case ECO_POLICY_NONE:
    case ECO_POLICY_ACTIVE:
    case ECO_POLICY_COUNT:
        break;
    }
    return 0;
}

static struct parts parts_of(const struct eco_u_domain *in)
{
    struct parts u = {.job = in->job_j};
    double at_ends = hypot(in->first_w, in->last_w);

    u.time = times(in->share, at_ends * hypot(in->period_s, in->bracket_s) / sqrt(12));
    u.grain = times(in->share, in->quantum_j / sqrt(6));
    u.idle = fabs(times(in->share - idle_share(in), in->duration_s * in->idle_u_w));
    u.attribution = times(in->rho, (1 - in->share) * fabs(in->dynamic_job_j));
    u.unattributed = times(in->share, in->unattributed_j / sqrt(3));
    if (in->model_ratio > 1) {
        /* The factor of the model holds its scale: there is no sensor whose gain could be off. */
        u.model_below = in->job_j - in->job_j / in->model_ratio;
        u.model_above = in->job_j * in->model_ratio - in->job_j;
    } else {
        u.sensor = times(in->alpha, fabs(in->job_j));
    }
    return u;
}

static void result(const struct parts *u, struct eco_uncertainty *ret)
{
    double timing = hypot(u->time, u->grain);
    double random = hypot(hypot(timing, u->idle), hypot(u->attribution, u->unattributed));

    ret->timing_j = 2 * timing;
    ret->idle_j = 2 * u->idle;
    ret->attribution_j = 2 * u->attribution;
    ret->unattributed_j = 2 * u->unattributed;
    ret->sensor_j = 2 * u->sensor + (u->model_below + u->model_above) / 2;
    ret->job_low_j = u->job - hypot(2 * u->sensor + u->model_below, 2 * random);
    ret->job_high_j = u->job + hypot(2 * u->sensor + u->model_above, 2 * random);
    if (ret->job_low_j < 0)
        ret->job_low_j = 0;
    ret->random_ratio = u->job > 0 ? 1.96 * random / u->job : (double)NAN;
}

void eco_uncertainty_domain(const struct eco_u_domain *in, struct eco_uncertainty *ret)
{
    struct parts u = parts_of(in);

    result(&u, ret);
}

void eco_uncertainty_total(const struct eco_u_domain *domains, size_t count, struct eco_uncertainty *ret)
{
    struct parts total = {0};

    for (size_t i = 0; i < count; i++) {
        struct parts u = parts_of(&domains[i]);

        total.job += u.job;
        total.sensor += u.sensor;
        total.time += u.time;
        total.grain += u.grain;
        total.idle += u.idle;
        total.attribution += u.attribution;
        total.unattributed += u.unattributed;
        total.model_below += u.model_below;
        total.model_above += u.model_above;
    }
    result(&total, ret);
}
