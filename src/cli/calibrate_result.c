/* SPDX-License-Identifier: MIT */
/* From what was seen to what is kept. */
#include "base/parse.h"
#include "base/text.h"
#include "cli/calibrate.h"

#include <errno.h>
#include <math.h>
#include <string.h>

/* The long-term power limit of a package by powercap, nan where it is not known. */
static double limit_of(const struct eco_probe *probe, const struct eco_domain *domain)
{
    char path[ECO_PATH_MAX], text[64];
    uint64_t limit_uw;
    if (domain->kind != ECO_KIND_CPU || domain->package < 0 ||
        eco_path(path, "class/powercap/intel-rapl:%d/constraint_0_power_limit_uw", domain->package) < 0 ||
        eco_root_read(&probe->root, ECO_SYSFS, path, text, sizeof text) < 0 ||
        eco_parse_u64(text, &limit_uw) < 0 || limit_uw == 0)
        return ECO_NAN;
    return (double)limit_uw * 1e-6;
}

static struct eco_calibration_input input_of(const struct eco_watch *watch, unsigned d, double idle_w,
                                             double idle_u_w)
{
    return (struct eco_calibration_input){.points = watch->domains[d].points,
                                          .count = watch->point_count,
                                          .idle_w = idle_w,
                                          .idle_u_w = idle_u_w,
                                          .limit_w = limit_of(watch->probe, &watch->probe->domains[d])};
}

/* The mean of what several packages say, the more certain the more it counts; else the first reason. */
struct mean {
    double weight, sum;
    struct eco_constant reason;
    bool has_reason;
};

static void add(struct mean *mean, const struct eco_constant *one)
{
    if (one->is_known) {
        double weight = 1 / fmax(one->u * one->u, 1e-12);
        mean->weight += weight;
        mean->sum += weight * one->value;
    } else if (!mean->has_reason) {
        mean->reason = *one;
        mean->has_reason = true;
    }
}

static void take(const struct mean *mean, struct eco_constant *ret)
{
    if (mean->weight > 0) {
        *ret = (struct eco_constant){
            .is_known = true, .value = mean->sum / mean->weight, .u = 1 / sqrt(mean->weight)};
        return;
    }
    *ret = mean->reason;
    if (!mean->has_reason) {
        *ret = (struct eco_constant){.value = ECO_NAN, .u = ECO_NAN};
        eco_text_copy(ret->why, sizeof ret->why, "no CPU is measured");
    }
}

static void find_constants(const struct eco_watch *watch, struct eco_result *result)
{
    struct mean sigma = {.weight = 0}, gamma = {.weight = 0}, cores[ECO_CORE_TYPES] = {{.weight = 0}};
    struct eco_constant one;
    for (unsigned i = 0; i < result->domain_count; i++) {
        const struct eco_domain *info = result->domains[i].info;
        unsigned d = (unsigned)(info - watch->probe->domains);
        if (info->kind != ECO_KIND_CPU)
            continue;
        const struct eco_idle_estimate *idle = &result->domains[i].idle;
        struct eco_calibration_input in = input_of(watch, d, idle->power_w, idle->u_w);
        eco_calibration_sigma(&in, &one);
        add(&sigma, &one);
        eco_calibration_gamma(watch->domains[d].samples, watch->domains[d].sample_count, idle->power_w, &one);
        add(&gamma, &one);
        for (unsigned kind = 1; kind < watch->plan->kind_count; kind++) {
            eco_calibration_core(&in, (int)kind, &one);
            add(&cores[kind], &one);
        }
    }
    take(&sigma, &result->sigma);
    take(&gamma, &result->gamma);
    for (unsigned kind = 1; kind < watch->plan->kind_count; kind++)
        take(&cores[kind], &result->cores[kind]);
}

static void set_weights(struct eco_result *result)
{
    struct eco_calibration *calibration = &result->calibration;
    struct eco_weight_model *weights = &calibration->weights;
    if (result->sigma.is_known) {
        weights->sigma = result->sigma.value;
        calibration->sigma_u = fmin(result->sigma.u, 1);
    }
    if (result->gamma.is_known) {
        weights->gamma = result->gamma.value;
        calibration->gamma_u = result->gamma.u;
    }
    for (unsigned kind = 1; kind < result->plan->kind_count; kind++)
        if (result->cores[kind].is_known && result->plan->capacity[kind] > 0)
            weights->core[weights->core_count++] =
                (struct eco_core_factor){result->plan->capacity[kind], result->cores[kind].value};
}

static void keep_domain(const struct eco_result_domain *from, struct eco_calibration *calibration)
{
    struct eco_calibration_domain *to = &calibration->domains[calibration->domain_count++];
    eco_text_copy(to->name, sizeof to->name, from->info->name);
    eco_text_copy(to->source, sizeof to->source, from->source);
    to->idle_w = from->idle.power_w;
    to->idle_u_w = from->idle.u_w;
    to->fit_ratio = from->fit.worst_ratio;
    to->curve = from->fit.curve;
}

static int add_domain(const struct eco_watch *watch, unsigned d, struct eco_result *result,
                      struct eco_why *why)
{
    const struct eco_domain *info = &watch->probe->domains[d];
    if (result->domain_count == ECO_CALIBRATION_DOMAINS)
        return 0;
    struct eco_result_domain *to = &result->domains[result->domain_count];
    *to = (struct eco_result_domain){.info = info, .points = watch->domains[d].points};
    to->source = info->source_count ? info->sources[info->active_source].source : "none";
    eco_idle_estimate(&watch->domains[d].learner, &to->idle);
    if (to->idle.trust == ECO_IDLE_UNKNOWN) {
        eco_why_set(why, "the idle power of %s could not be told: too busy, or read too seldom", info->name);
        return -EAGAIN;
    }
    result->domain_count++;
    return 0;
}

int eco_result_make(const struct eco_watch *watch, struct eco_result *ret, struct eco_why *why)
{
    *ret = (struct eco_result){.plan = watch->plan, .point_count = watch->point_count};
    eco_calibration_init(&ret->calibration);
    ret->calibration.at_real_s = eco_clock_system.real_ns(&eco_clock_system) / (int64_t)ECO_NS_PER_S;
    eco_text_copy(ret->calibration.cpu_model, sizeof ret->calibration.cpu_model,
                  watch->probe->host.cpu_model);
    for (unsigned d = 0; d < watch->probe->domain_count; d++) {
        int r = eco_watch_wants(&watch->probe->domains[d]) ? add_domain(watch, d, ret, why) : 0;
        if (r < 0)
            return r;
    }
    find_constants(watch, ret);
    set_weights(ret);
    for (unsigned i = 0; i < ret->domain_count; i++) {
        struct eco_result_domain *domain = &ret->domains[i];
        unsigned d = (unsigned)(domain->info - watch->probe->domains);
        struct eco_calibration_input in = input_of(watch, d, domain->idle.power_w, domain->idle.u_w);
        eco_calibration_curve(&in, &ret->calibration.weights, watch->plan->capacity, &domain->fit);
        keep_domain(domain, &ret->calibration);
    }
    return 0;
}
