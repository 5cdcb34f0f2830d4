/* SPDX-License-Identifier: MIT */
/* Which idle power a measurement is reckoned with: given, learnt, or the model's; frozen when it begins. */
#include "base/mem.h"
#include "base/parse.h"
#include "base/text.h"
#include "meter/meter_internal.h"

#include <errno.h>
#include <math.h>
#include <string.h>

/* How far what was learnt since may be from what was calibrated. */
#define IDLE_DOUBT_RATIO 0.1

static int parse_pair(struct eco_meter *meter, char *pair, struct eco_why *why)
{
    char *equals = strchr(pair, '=');
    double watts;
    if (!equals) {
        eco_why_set(why, "idle power '%s': say WATTS, or DOMAIN=WATTS,...", pair);
        return -EINVAL;
    }
    *equals = '\0';
    if (!pair[0] || strlen(pair) >= ECO_NAME_MAX || eco_parse_power(equals + 1, &watts) < 0) {
        eco_why_set(why, "idle power of '%s': '%s' is not a power (say 20W)", pair, equals + 1);
        return -EINVAL;
    }
    if (meter->given_count == ECO_DOMAINS_MAX)
        return -E2BIG;
    for (unsigned i = 0; i < meter->given_count; i++)
        if (!strcmp(meter->given_names[i], pair)) {
            eco_why_set(why, "idle power of '%s' is given twice", pair);
            return -EINVAL;
        }
    eco_text_copy(meter->given_names[meter->given_count], ECO_NAME_MAX, pair);
    meter->given_uw[meter->given_count++] = watts * 1e6;
    return 0;
}

int eco_meter_parse_idle(struct eco_meter *meter, const char *text, struct eco_why *why)
{
    meter->given_total_uw = ECO_NAN;
    double watts;
    if (!text)
        return 0;
    if (!strchr(text, '=')) {
        if (eco_parse_power(text, &watts) < 0) {
            eco_why_set(why, "idle power '%s': say WATTS (20W), or DOMAIN=WATTS,...", text);
            return -EINVAL;
        }
        meter->given_total_uw = watts * 1e6;
        return 0;
    }
    char copy[ECO_DOMAINS_MAX * ECO_NAME_MAX];
    if (eco_text_copy(copy, sizeof copy, text) >= sizeof copy)
        return -E2BIG;
    char *rest = copy;
    for (char *pair = rest; pair; pair = rest) {
        rest = strchr(pair, ',');
        if (rest)
            *rest++ = '\0';
        int r = parse_pair(meter, pair, why);
        if (r < 0)
            return r;
    }
    return 0;
}

const struct eco_calibration_domain *eco_meter_calibrated(const struct eco_meter *meter, unsigned d)
{
    return meter->calibration ? eco_calibration_find(meter->calibration, meter->domains[d].name,
                                                     eco_meter_source_name(meter, d))
                              : NULL;
}

void eco_meter_load_calibration(struct eco_meter *meter)
{
    struct eco_calibration loaded;
    int r = eco_calibration_load(meter->env, meter->extra.calibration_dir, meter->extra.state_dir, &loaded,
                                 &meter->calibration_source);
    if (r < 0 || !(meter->calibration = eco_calloc(1, sizeof *meter->calibration)))
        return;
    *meter->calibration = loaded;
    meter->weights = loaded.weights;
    if (meter->env == &meter->own_env && !isnan(loaded.wall_idle_w)) {
        meter->own_host.wall_idle_w = loaded.wall_idle_w;
        meter->own_host.wall_busy_w = loaded.wall_busy_w;
    }
}

/* Quiet moments since then that say something else: the machine has changed. */
static void doubt_calibration(struct eco_meter *meter, unsigned d, const struct eco_calibration_domain *known)
{
    struct eco_idle_estimate learnt;
    eco_idle_estimate(&meter->d[d].learner, &learnt);
    double off_w = fabs(learnt.power_w - known->idle_w);
    if (learnt.trust == ECO_IDLE_TRUSTED && learnt.at_real_s > meter->calibration->at_real_s &&
        off_w > IDLE_DOUBT_RATIO * known->idle_w && off_w > 4 * hypot(learnt.u_w, known->idle_u_w))
        meter->doubted_idle_w = learnt.power_w;
}

/* The step to a held context; where only that level was ever seen, it is what is idle here. */
static void freeze_context(struct eco_meter_gpu *gpu, struct eco_idle_estimate *free)
{
    struct eco_idle_estimate held;
    eco_idle_estimate(&gpu->context, &held);
    gpu->context_uw = ECO_NAN;
    if (held.trust == ECO_IDLE_UNKNOWN)
        return;
    if (free->trust == ECO_IDLE_UNKNOWN)
        *free = held;
    else
        gpu->context_uw = fmax(0, held.power_w - free->power_w) * 1e6;
}

static void freeze_domain(struct eco_meter *meter, unsigned d)
{
    struct eco_meter_domain *own = &meter->d[d];
    own->method = ECO_IDLE_NONE;
    own->idle_uw = ECO_NAN;
    own->idle_u_uw = 0;
    own->idle_at_real_s = 0;
    bool is_estimated = meter->domains[d].model_ratio > 0;
    for (unsigned i = 0; i < meter->given_count; i++)
        if (!strcmp(meter->given_names[i], meter->domains[d].name)) {
            meter->has_refused_idle |= is_estimated;
            if (is_estimated)
                break;
            own->method = ECO_IDLE_GIVEN;
            own->idle_uw = meter->given_uw[i];
            return;
        }
    if (!isnan(meter->given_total_uw)) {
        own->method = ECO_IDLE_GIVEN;
        return; /* divided among domains as they go: divide.c */
    }
    const struct eco_calibration_domain *calibrated = eco_meter_calibrated(meter, d);
    if (calibrated && !is_estimated) {
        own->method = ECO_IDLE_CALIBRATED;
        own->idle_uw = calibrated->idle_w * 1e6;
        own->idle_u_uw = calibrated->idle_u_w * 1e6;
        own->idle_at_real_s = meter->calibration->at_real_s;
        doubt_calibration(meter, d, calibrated);
        return;
    }
    if (!isnan(meter->domains[d].model_idle_uw)) {
        bool by_wall = meter->calibration && meter->env->host->wall_busy_w > 0;
        own->method = by_wall ? ECO_IDLE_CALIBRATED : ECO_IDLE_MODEL;
        own->idle_at_real_s = by_wall ? meter->calibration->at_real_s : 0;
        own->idle_uw = meter->domains[d].model_idle_uw;
        return;
    }
    struct eco_idle_estimate estimate;
    eco_idle_estimate(&own->learner, &estimate);
    if (own->gpu)
        freeze_context(own->gpu, &estimate);
    if (!isnan(estimate.power_w))
        own->idle_u_uw = estimate.u_w * 1e6;
    if (estimate.trust == ECO_IDLE_UNKNOWN)
        return;
    own->method = ECO_IDLE_LEARNT;
    own->idle_uw = estimate.power_w * 1e6;
    own->idle_at_real_s = estimate.at_real_s;
}

bool eco_meter_idle_known(const struct eco_meter *meter)
{
    bool any = false;
    for (unsigned d = 0; d < meter->domain_count; d++) {
        if (!meter->domains[d].counted || !meter->domains[d].attributable)
            continue;
        if (meter->d[d].method == ECO_IDLE_NONE)
            return false;
        any = true;
    }
    return any;
}

static void choose_headline(struct eco_meter *meter)
{
    bool known = eco_meter_idle_known(meter);
    meter->headline = ECO_SLOT_FULL;
    if (known && meter->policy == ECO_POLICY_ACTIVE)
        meter->headline = ECO_SLOT_ACTIVE;
    if (known && meter->slots > ECO_SLOT_CHOSEN)
        meter->headline = ECO_SLOT_CHOSEN;
}

void eco_meter_freeze_idle(struct eco_meter *meter)
{
    /* A model has an idle power of its own: another one taken off its figures would leave anything, or
     * nothing. */
    for (unsigned d = 0; d < meter->domain_count && !isnan(meter->given_total_uw); d++)
        if (meter->domains[d].counted && meter->domains[d].model_ratio > 0) {
            meter->has_refused_idle = true;
            meter->given_total_uw = ECO_NAN;
        }
    for (unsigned d = 0; d < meter->domain_count; d++)
        freeze_domain(meter, d);
    choose_headline(meter);
}

void eco_meter_freeze_late_idle(struct eco_meter *meter, unsigned first)
{
    for (unsigned d = first; d < meter->domain_count; d++)
        freeze_domain(meter, d);
    choose_headline(meter);
}

void eco_meter_feed_idle(struct eco_meter *meter, unsigned d, double span_s, double energy_j, double busy_s)
{
    const struct eco_domain *domain = &meter->domains[d];
    if (!domain->attributable || domain->model_ratio > 0 || span_s <= 0 || meter->is_other_regime)
        return; /* a model's idle power is known; teaching it to itself would prove nothing */
    int64_t now_s = meter->env->clock->real_ns(meter->env->clock) / (int64_t)ECO_NS_PER_S;
    if (meter->d[d].gpu)
        eco_meter_feed_gpu_idle(meter, d, span_s, energy_j, busy_s, meter->has_ended);
    else
        eco_idle_feed(&meter->d[d].learner, span_s, energy_j, busy_s, now_s);
}

bool eco_meter_wants_tail(const struct eco_meter *meter)
{
    if (meter->policy == ECO_POLICY_FULL || !isnan(meter->given_total_uw))
        return false;
    for (unsigned d = 0; d < meter->domain_count; d++)
        if (meter->domains[d].counted && meter->domains[d].attributable &&
            meter->d[d].method == ECO_IDLE_NONE)
            return true;
    return false;
}
