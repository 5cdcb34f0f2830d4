/* SPDX-License-Identifier: MIT */
#include "history/sample.h"

#include "base/text.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define SHARE_THAT_MATTERS 0.05

/* docs/hardware.md: how often the figures of a source move. Others move with the load. */
static const struct {
    const char *source;
    double period_s;
} periods[] = {{"powercap", 0.001}, {"perf", 0.001}, {"hwmon", 0.1}, {"nvml", 0.1},
               {"amdgpu", 0.1},     {"i915", 0.01},  {"xe", 0.01},   {"battery", 30}};

static double period_of(const char *source)
{
    for (size_t i = 0; source && i < ECO_COUNT(periods); i++)
        if (strcmp(periods[i].source, source) == 0)
            return periods[i].period_s;
    return 0.001;
}

static double number(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    return json_is_number(value) ? json_number_value(value) : ECO_NAN;
}

static void add_source(struct eco_sample *sample, const char *domain, const char *source, bool is_first)
{
    size_t used = strlen(sample->sources);
    (void)snprintf(sample->sources + used, sizeof sample->sources - used,
                   is_first ? "%s%.40s=%.20s" : "%s%.0s+%.20s", is_first && used ? " " : "", domain, source);
}

static void take_domain(const json_t *domain, double job_j, struct eco_sample *ret)
{
    const char *name = json_string_value(json_object_get(domain, "name"));
    const json_t *sources = json_object_get(domain, "sources");
    bool matters = !(number(domain, "job_j") < SHARE_THAT_MATTERS * job_j);
    if (!name || !json_is_true(json_object_get(domain, "counted")))
        return;
    for (size_t i = 0; i < json_array_size(sources); i++) {
        const char *source = json_string_value(json_object_get(json_array_get(sources, i), "source"));
        add_source(ret, name, source ? source : "?", i == 0);
        if (matters && period_of(source) > ret->period_s)
            ret->period_s = period_of(source);
    }
}

static double sum_of_numbers(json_t *object)
{
    const char *key;
    json_t *value;
    double sum = 0;
    json_object_foreach(object, key, value)
    {
        sum += json_is_number(value) ? json_number_value(value) : 0;
    }
    return json_object_size(object) ? sum : ECO_NAN;
}

static long integer(const struct eco_run_report *report, const char *path)
{
    double value = eco_run_report_number(report, path);
    return isfinite(value) ? (long)value : -1;
}

static void take_text(const struct eco_run_report *report, const char *path, char *ret, size_t size)
{
    const char *text = eco_run_report_text(report, path);
    (void)eco_text_copy(ret, size, text ? text : "");
}

static void take_command(const struct eco_run_report *report, struct eco_sample *ret)
{
    const json_t *words = json_object_get(report->root, "command");
    size_t used = 0;
    for (size_t i = 0; i < json_array_size(words) && used + 2 < sizeof ret->command; i++) {
        const char *word = json_string_value(json_array_get(words, i));
        int n =
            snprintf(ret->command + used, sizeof ret->command - used, "%s%s", i ? " " : "", word ? word : "");
        used += n > 0 ? (size_t)n : 0;
    }
}

static void take_energy(const struct eco_run_report *report, struct eco_sample *ret)
{
    double job_j = eco_run_report_number(report, "energy.job_j");
    ret->own_j = eco_run_report_number(report, "energy.by_policy_j.active");
    ret->full_j = eco_run_report_number(report, "energy.by_policy_j.full");
    ret->low_ratio = eco_run_report_number(report, "energy.uncertainty.job_low_j") / job_j;
    ret->high_ratio = eco_run_report_number(report, "energy.uncertainty.job_high_j") / job_j;
    double machine_j = eco_run_report_number(report, "energy.machine_j");
    double idle_j = eco_run_report_number(report, "energy.idle_j");
    bool is_active = strcmp(ret->policy, "active") == 0;
    ret->idle_half_j =
        is_active ? eco_run_report_number(report, "energy.uncertainty.components_j.idle") : ECO_NAN;
    ret->idle_j = is_active ? idle_j : ECO_NAN;
    ret->others_ratio = eco_run_report_number(report, "energy.others_j") / (machine_j - idle_j);
    const char *quality = eco_run_report_text(report, "energy.quality");
    ret->is_estimated = quality && strcmp(quality, "estimated") == 0;
}

void eco_sample_take(const struct eco_run_report *report, struct eco_sample *ret)
{
    *ret = (struct eco_sample){.is_complete = report->is_complete};
    (void)eco_text_copy(ret->run_id, sizeof ret->run_id, report->run_id);
    take_text(report, "started_at", ret->started_at, sizeof ret->started_at);
    take_text(report, "host.hostname", ret->hostname, sizeof ret->hostname);
    take_text(report, "host.cpu_model", ret->cpu_model, sizeof ret->cpu_model);
    take_text(report, "policy", ret->policy, sizeof ret->policy);
    take_text(report, "idle_basis.method", ret->idle_method, sizeof ret->idle_method);
    take_command(report, ret);
    take_energy(report, ret);
    ret->idle_w = sum_of_numbers(json_object_get(json_object_get(report->root, "idle_basis"), "power_w"));
    ret->duration_s = eco_run_report_number(report, "duration_s");
    ret->exit_code = integer(report, "exit.code");
    ret->exit_signal = integer(report, "exit.signal");
    ret->model_version = integer(report, "model_version");
    const json_t *domains = json_object_get(report->root, "domains");
    for (size_t i = 0; i < json_array_size(domains); i++)
        take_domain(json_array_get(domains, i), eco_run_report_number(report, "energy.job_j"), ret);
}

bool eco_sample_has_failed(const struct eco_sample *sample)
{
    return sample->exit_code > 0 || sample->exit_signal > 0;
}
