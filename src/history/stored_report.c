/* SPDX-License-Identifier: MIT */
#include "history/stored_report.h"

#include "base/mem.h"
#include "base/text.h"
#include "history/stored_parts.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define COUNT_MAX 1e18

double eco_stored_number(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    return json_is_number(value) ? json_number_value(value) : ECO_NAN;
}

uint64_t eco_stored_count(const json_t *object, const char *key)
{
    double value = eco_stored_number(object, key);
    return value >= 0 && value < COUNT_MAX ? (uint64_t)value : 0;
}

const char *eco_stored_text(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

enum eco_quality eco_stored_quality(const json_t *object)
{
    const char *name = eco_stored_text(object, "quality");
    for (int quality = ECO_MEASURED; name && quality <= ECO_ESTIMATED; quality++)
        if (strcmp(name, eco_quality_name(quality)) == 0)
            return (enum eco_quality)quality;
    return ECO_QUALITY_NONE;
}

static void copy_text(char *ret, size_t size, const json_t *object, const char *key)
{
    const char *text = eco_stored_text(object, key);
    (void)eco_text_copy(ret, size, text ? text : "");
}

/* 0 unknown, as is what nanoseconds of 64 bits do not reach: before 1970, after 2262. */
static int64_t parse_time(const char *text)
{
    struct tm utc = {.tm_year = 0};
    const char *rest = text ? strptime(text, "%Y-%m-%dT%H:%M:%S", &utc) : NULL;
    int64_t ms = rest && rest[0] == '.' ? strtol(rest + 1, NULL, 10) : 0, seconds = rest ? timegm(&utc) : 0;
    if (seconds <= 0 || seconds >= INT64_MAX / 1000000000)
        return 0;
    return seconds * 1000000000 + (ms >= 0 && ms < 1000 ? ms : 0) * 1000000;
}

static int read_command(struct eco_stored_report *stored, const json_t *words)
{
    size_t count = json_array_size(words), index;
    json_t *word;
    if (!json_is_array(words))
        return 0;
    stored->command = eco_calloc(count + 1, sizeof *stored->command);
    if (!stored->command)
        return -ENOMEM;
    json_array_foreach(words, index, word)
    {
        const char *text = json_string_value(word);
        stored->command[index] = (char *)(uintptr_t)(text ? text : "?");
    }
    stored->report.command = stored->command;
    return 0;
}

static void read_labels(struct eco_report *report, const json_t *labels)
{
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)labels, key, value)
    {
        if (report->label_count < ECO_LABELS_MAX && json_is_string(value))
            report->labels[report->label_count++] = (struct eco_report_label){key, json_string_value(value)};
    }
}

static void read_host(struct eco_stored_report *stored, const json_t *root)
{
    const json_t *from = json_object_get(root, "host");
    struct eco_host *host = &stored->host;
    copy_text(host->hostname, sizeof host->hostname, from, "hostname");
    copy_text(host->cpu_model, sizeof host->cpu_model, from, "cpu_model");
    copy_text(host->kernel, sizeof host->kernel, from, "kernel");
    copy_text(host->boot_id, sizeof host->boot_id, root, "boot_id");
    copy_text(host->virtualization, sizeof host->virtualization, from, "virtualization");
    copy_text(host->cpuset, sizeof host->cpuset, from, "cpuset");
    copy_text(host->cgroup, sizeof host->cgroup, from, "cgroup");
    copy_text(host->container, sizeof host->container, from, "container");
    copy_text(host->pod, sizeof host->pod, from, "pod");
    copy_text(host->slurm_job, sizeof host->slurm_job, from, "slurm_job");
    host->memory_bytes = eco_stored_count(from, "memory_bytes");
    host->cpu_quota = eco_stored_number(from, "cpu_quota");
    host->topology.online_count = (uint32_t)eco_stored_count(from, "logical_cpus");
    host->topology.package_count = (uint32_t)eco_stored_count(from, "sockets");
    host->is_container = strncmp(host->virtualization, "container", 9) == 0;
    stored->report.host = host;
}

static void read_who(struct eco_stored_report *stored, const json_t *root)
{
    struct eco_report *report = &stored->report;
    const json_t *exit = json_object_get(root, "exit");
    double code = eco_stored_number(exit, "code"), signal = eco_stored_number(exit, "signal");
    const char *accounting = eco_stored_text(root, "accounting");
    copy_text(report->run_id, sizeof report->run_id, root, "run_id");
    copy_text(report->parent_run_id, sizeof report->parent_run_id, root, "parent_run_id");
    copy_text(report->cwd, sizeof report->cwd, root, "cwd");
    report->started_real_ns = parse_time(eco_stored_text(root, "started_at"));
    report->duration_s = eco_stored_number(root, "duration_s");
    report->suspended_s = eco_stored_number(root, "suspended_s");
    report->exit_code = code >= 0 && code < 256 ? (int)code : -1;
    report->exit_signal = signal > 0 && signal < 128 ? (int)signal : -1;
    report->accounting = accounting ? accounting : "proc";
    report->caught_ratio = eco_stored_number(root, "caught_ratio");
    report->interval_s = eco_stored_number(root, "interval_s");
    if (!isfinite(report->caught_ratio))
        report->caught_ratio = 1;
}

void eco_stored_uncertainty(const json_t *object, struct eco_uncertainty *ret)
{
    const json_t *from = json_object_get(object, "uncertainty"),
                 *parts = json_object_get(from, "components_j");
    *ret = (struct eco_uncertainty){.job_low_j = eco_stored_number(from, "job_low_j"),
                                    .job_high_j = eco_stored_number(from, "job_high_j"),
                                    .random_ratio = eco_stored_number(from, "random_ratio"),
                                    .sensor_j = eco_stored_number(parts, "sensor"),
                                    .timing_j = eco_stored_number(parts, "timing"),
                                    .idle_j = eco_stored_number(parts, "idle"),
                                    .attribution_j = eco_stored_number(parts, "attribution"),
                                    .unattributed_j = eco_stored_number(parts, "unattributed")};
}

/* The interval of the other policy is not in the file: relative to the figure it is about that of the first.
 */
static void scale_uncertainty(struct eco_report *report, enum eco_slot slot)
{
    double ratio = report->sums[slot].job_j / report->sums[report->headline].job_j;
    struct eco_uncertainty *u = &report->uncertainty[slot];
    *u = report->uncertainty[report->headline];
    u->job_low_j *= ratio;
    u->job_high_j *= ratio;
}

static void read_policy(struct eco_report *report, const json_t *root)
{
    const char *name = eco_stored_text(root, "policy");
    report->policy = name ? eco_policy_parse(name) : ECO_POLICY_NONE;
    bool is_chosen = report->policy == ECO_POLICY_EQUAL || report->policy == ECO_POLICY_RESERVED;
    report->slots = is_chosen ? 3 : 2;
    report->headline = is_chosen                             ? ECO_SLOT_CHOSEN
                       : report->policy == ECO_POLICY_ACTIVE ? ECO_SLOT_ACTIVE
                                                             : ECO_SLOT_FULL;
}

static void read_energy(struct eco_report *report, const json_t *energy)
{
    static const char *const qualities[] = {NULL, "measured", "derived", "estimated"};
    const json_t *by_policy = json_object_get(energy, "by_policy_j");
    const json_t *by_quality = json_object_get(energy, "quality_j");
    struct eco_sums unknown = {ECO_NAN, ECO_NAN, ECO_NAN, ECO_NAN};
    for (unsigned slot = 0; slot < ECO_SLOT_COUNT; slot++)
        report->sums[slot] = unknown;
    report->sums[report->headline] =
        (struct eco_sums){.job_j = eco_stored_number(energy, "job_j"),
                          .others_j = eco_stored_number(energy, "others_j"),
                          .idle_j = eco_stored_number(energy, "idle_j"),
                          .unattributed_j = eco_stored_number(energy, "unattributed_j")};
    report->sums[ECO_SLOT_ACTIVE].job_j = eco_stored_number(by_policy, "active");
    report->sums[ECO_SLOT_FULL].job_j = eco_stored_number(by_policy, "full");
    report->machine_j = eco_stored_number(energy, "machine_j");
    report->self_j = eco_stored_number(energy, "self_j");
    report->mean_power_w = eco_stored_number(energy, "mean_power_w");
    report->peak_power_w = eco_stored_number(energy, "peak_power_w");
    report->quality = eco_stored_quality(energy);
    for (int quality = ECO_MEASURED; quality <= ECO_ESTIMATED; quality++)
        report->quality_j[quality] = fmax(0, eco_stored_number(by_quality, qualities[quality]));
    report->has_energy = isfinite(report->machine_j) && isfinite(report->sums[report->headline].job_j);
    report->job_marginal_j = eco_stored_number(energy, "job_marginal_j");
    report->job_alone_j = eco_stored_number(energy, "job_alone_j");
    report->has_curve = isfinite(report->job_marginal_j);
    eco_stored_uncertainty(energy, &report->uncertainty[report->headline]);
    for (enum eco_slot slot = ECO_SLOT_ACTIVE; slot <= ECO_SLOT_FULL; slot++)
        if (slot != report->headline)
            scale_uncertainty(report, slot);
}

static void read_usage(struct eco_report *report, const json_t *root)
{
    const json_t *usage = json_object_get(root, "usage"), *self = json_object_get(root, "self");
    const json_t *warnings = json_object_get(root, "warnings");
    report->cpu_s = eco_stored_number(usage, "cpu_s");
    report->cpu_user_s = eco_stored_number(usage, "cpu_user_s");
    report->cpu_system_s = eco_stored_number(usage, "cpu_system_s");
    report->max_rss_bytes = eco_stored_count(usage, "max_rss_bytes");
    report->job_processes = eco_stored_count(usage, "process_count");
    report->self_cpu_s = eco_stored_number(self, "cpu_s");
    report->self_max_rss_bytes = eco_stored_count(self, "max_rss_bytes");
    for (size_t i = 0; i < json_array_size(warnings) && report->warning_count < ECO_WARNINGS_MAX; i++) {
        const char *text = json_string_value(json_array_get(warnings, i));
        /* those of gaps are made anew from the domains */
        if (text && !strstr(text, "; no energy is counted for that time"))
            eco_report_warn(report, "%s", text);
    }
}

static bool is_excluded(const json_t *root, const char *what)
{
    const json_t *all = json_object_get(json_object_get(root, "boundary"), "excluded");
    bool is_listed = !json_is_array(all);
    for (size_t i = 0; i < json_array_size(all) && !is_listed; i++) {
        const char *text = json_string_value(json_array_get(all, i));
        is_listed = text && strcmp(text, what) == 0;
    }
    return is_listed;
}

/* Of the model's sentence only what its figures contain is in the file (sinks/boundary.c). */
static void read_model(struct eco_report *report, const json_t *root)
{
    bool is_model = report->quality == ECO_ESTIMATED && !is_excluded(root, "fans");
    if (is_model)
        (void)eco_text_copy(report->model_text, sizeof report->model_text,
                            is_excluded(root, "disks") ? "server and RAM included"
                                                       : "calibrated at the wall");
}

static void read_idle(struct eco_report *report, const json_t *idle)
{
    const json_t *powers = json_object_get(idle, "power_w");
    const char *method = eco_stored_text(idle, "method");
    report->idle.method = method ? method : "none";
    report->idle.total_w = eco_stored_number(powers, "total");
    report->idle.at_real_ns = parse_time(eco_stored_text(idle, "at"));
    for (unsigned i = 0; i < ECO_DOMAINS_MAX; i++) {
        report->idle.half_width_w[i] = ECO_NAN;
        report->idle.power_w[i] =
            i < report->domain_count ? eco_stored_number(powers, report->domains[i].info.name) : ECO_NAN;
    }
}

int eco_stored_report_init(struct eco_stored_report *ret, const struct eco_run_report *file)
{
    const json_t *root = file->root;
    *ret = (struct eco_stored_report){.command = NULL};
    struct eco_report *report = &ret->report;
    int r = read_command(ret, json_object_get(root, "command"));
    read_labels(report, json_object_get(root, "labels"));
    read_host(ret, root);
    read_who(ret, root);
    read_policy(report, root);
    read_energy(report, json_object_get(root, "energy"));
    if (r == 0)
        r = eco_stored_domains(ret, root);
    if (r == 0)
        r = eco_stored_processes(ret, root);
    read_usage(report, root);
    read_model(report, root);
    read_idle(report, json_object_get(root, "idle_basis"));
    eco_stored_impact(json_object_get(root, "impact"), &report->impact);
    if (r == 0)
        r = eco_stored_course(ret, root);
    if (r < 0)
        eco_stored_report_finish(ret);
    return r;
}

void eco_stored_report_finish(struct eco_stored_report *stored)
{
    eco_report_finish(&stored->report);
    free(stored->identities);
    free(stored->jobs);
    free(stored->told);
    free(stored->devices);
    free(stored->course);
    free(stored->command);
    *stored = (struct eco_stored_report){.command = NULL};
}
