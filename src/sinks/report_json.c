/* SPDX-License-Identifier: MIT */
#include "sinks/report_json.h"

#include "base/json.h"
#include "sinks/boundary.h"
#include "sinks/number.h"
#include "sinks/tally.h"

#include <math.h>
#include <stdio.h>

#define MODEL_VERSION 1

static double seconds(uint64_t ns)
{
    return (double)ns / (double)ECO_NS_PER_S;
}

/* Unknown numbers are 0 in the struct and null in JSON. */
static void put_known(struct eco_json *json, const char *key, uint64_t value)
{
    if (value > 0)
        eco_json_ku64(json, key, value);
    else
        eco_json_knull(json, key);
}

static void put_text_or_null(struct eco_json *json, const char *key, const char *text)
{
    eco_json_kstring(json, key, text && *text ? text : NULL);
}

static void put_time(struct eco_json *json, const char *key, int64_t real_ns)
{
    char text[ECO_TIME_TEXT_MAX];
    eco_time_format(real_ns, text);
    eco_json_kstring(json, key, real_ns > 0 ? text : NULL);
}

static void put_quality(struct eco_json *json, enum eco_quality quality)
{
    eco_json_kstring(json, "quality", quality == ECO_QUALITY_NONE ? NULL : eco_quality_name(quality));
}

static void put_command(struct eco_json *json, const struct eco_report *report)
{
    eco_json_key(json, "command");
    if (!report->command) {
        eco_json_null(json);
        return;
    }
    eco_json_open(json, '[');
    for (char *const *word = report->command; *word; word++)
        eco_json_string(json, *word);
    eco_json_close(json, ']');
}

static void put_rank(struct eco_json *json, const struct eco_report_rank *rank)
{
    if (!rank->variable) {
        eco_json_knull(json, "rank");
        return;
    }
    eco_json_key(json, "rank");
    eco_json_open(json, '{');
    eco_json_ki64(json, "index", rank->index);
    if (rank->count > 0)
        eco_json_ki64(json, "count", rank->count);
    else
        eco_json_knull(json, "count");
    eco_json_kstring(json, "variable", rank->variable);
    eco_json_close(json, '}');
}

static void put_identity(struct eco_json *json, const struct eco_report *report)
{
    eco_json_kstring(json, "ecocode_version", ECO_VERSION);
    eco_json_ku64(json, "model_version", MODEL_VERSION);
    eco_json_kstring(json, "run_id", report->run_id);
    put_text_or_null(json, "parent_run_id", report->parent_run_id);
    put_rank(json, &report->rank);
    eco_json_kstring(json, "boot_id", report->host ? report->host->boot_id : "");
    put_command(json, report);
    eco_json_kstring(json, "cwd", report->cwd);
    eco_json_key(json, "labels");
    eco_json_open(json, '{');
    for (unsigned i = 0; i < report->label_count; i++)
        eco_json_kstring(json, report->labels[i].key, report->labels[i].value);
    eco_json_close(json, '}');
    put_time(json, "started_at", report->started_real_ns);
    eco_json_kdouble(json, "duration_s", report->duration_s);
    eco_json_kdouble(json, "suspended_s", report->suspended_s);
}

static void put_exit(struct eco_json *json, const struct eco_report *report)
{
    eco_json_key(json, "exit");
    eco_json_open(json, '{');
    if (report->exit_code >= 0)
        eco_json_ki64(json, "code", report->exit_code);
    else
        eco_json_knull(json, "code");
    if (report->exit_signal > 0)
        eco_json_ki64(json, "signal", report->exit_signal);
    else
        eco_json_knull(json, "signal");
    eco_json_close(json, '}');
}

static void put_host(struct eco_json *json, const struct eco_host *host)
{
    static const struct eco_host unknown = {.cpu_quota = (double)NAN};
    const struct eco_host *h = host ? host : &unknown;
    eco_json_key(json, "host");
    eco_json_open(json, '{');
    eco_json_kstring(json, "hostname", h->hostname);
    eco_json_kstring(json, "cpu_model", h->cpu_model);
    put_known(json, "logical_cpus", h->topology.online_count);
    put_known(json, "sockets", h->topology.package_count);
    put_known(json, "memory_bytes", h->memory_bytes);
    eco_json_kstring(json, "kernel", h->kernel);
    put_text_or_null(json, "virtualization", h->virtualization);
    eco_json_kdouble(json, "cpu_quota", h->cpu_quota);
    put_text_or_null(json, "cpuset", h->cpuset);
    put_text_or_null(json, "container", h->container);
    put_text_or_null(json, "pod", h->pod);
    put_text_or_null(json, "slurm_job", h->slurm_job);
    put_text_or_null(json, "cgroup", h->cgroup);
    eco_json_close(json, '}');
}

static void put_texts(struct eco_json *json, const char *key, const char *const *texts, unsigned count)
{
    eco_json_key(json, key);
    eco_json_open(json, '[');
    for (unsigned i = 0; i < count; i++)
        eco_json_string(json, texts[i]);
    eco_json_close(json, ']');
}

static void put_basis(struct eco_json *json, const struct eco_report *report)
{
    struct eco_boundary boundary;
    eco_boundary_of(report, &boundary);
    eco_json_kstring(json, "policy", eco_slot_policy_name(report->headline, report->policy));
    eco_json_kstring(json, "accounting", report->accounting);
    eco_json_kdouble(json, "caught_ratio", report->caught_ratio);
    eco_json_kdouble(json, "interval_s", report->interval_s);
    eco_json_key(json, "boundary");
    eco_json_open(json, '{');
    put_texts(json, "included", boundary.included, boundary.included_count);
    put_texts(json, "excluded", boundary.excluded, boundary.excluded_count);
    eco_json_close(json, '}');

    eco_json_key(json, "idle_basis");
    eco_json_open(json, '{');
    eco_json_kstring(json, "method", report->idle.method ? report->idle.method : "none");
    eco_json_key(json, "power_w");
    eco_json_open(json, '{');
    bool has_domain = false;
    for (unsigned i = 0; i < report->domain_count && i < ECO_DOMAINS_MAX; i++) {
        if (!isfinite(report->idle.power_w[i]))
            continue;
        eco_json_kdouble(json, report->domains[i].info.name, report->idle.power_w[i]);
        has_domain = true;
    }
    if (!has_domain && isfinite(report->idle.total_w))
        eco_json_kdouble(json, "total", report->idle.total_w);
    eco_json_close(json, '}');
    put_time(json, "at", report->idle.at_real_ns);
    eco_json_close(json, '}');
}

static void put_uncertainty(struct eco_json *json, const struct eco_uncertainty *u, bool is_known)
{
    eco_json_key(json, "uncertainty");
    eco_json_open(json, '{');
    eco_json_kdouble(json, "level", 0.95);
    eco_json_kdouble(json, "job_low_j", is_known ? u->job_low_j : (double)NAN);
    eco_json_kdouble(json, "job_high_j", is_known ? u->job_high_j : (double)NAN);
    eco_json_kdouble(json, "random_ratio", is_known ? u->random_ratio : (double)NAN);
    eco_json_key(json, "components_j");
    eco_json_open(json, '{');
    eco_json_kdouble(json, "sensor", is_known ? u->sensor_j : (double)NAN);
    eco_json_kdouble(json, "timing", is_known ? u->timing_j : (double)NAN);
    eco_json_kdouble(json, "idle", is_known ? u->idle_j : (double)NAN);
    eco_json_kdouble(json, "attribution", is_known ? u->attribution_j : (double)NAN);
    eco_json_kdouble(json, "unattributed", is_known ? u->unattributed_j : (double)NAN);
    eco_json_close(json, '}');
    eco_json_close(json, '}');
}

static void put_sums(struct eco_json *json, const struct eco_sums *sums, double machine_j, bool is_known)
{
    eco_json_kdouble(json, "job_j", is_known ? sums->job_j : (double)NAN);
    eco_json_kdouble(json, "others_j", is_known ? sums->others_j : (double)NAN);
    eco_json_kdouble(json, "idle_j", is_known ? sums->idle_j : (double)NAN);
    eco_json_kdouble(json, "unattributed_j", is_known ? sums->unattributed_j : (double)NAN);
    eco_json_kdouble(json, "machine_j", is_known ? machine_j : (double)NAN);
}

static void put_by_policy(struct eco_json *json, const struct eco_report *report)
{
    bool known = report->has_energy;
    eco_json_key(json, "by_policy_j");
    eco_json_open(json, '{');
    eco_json_kdouble(json, "active", known ? report->sums[ECO_SLOT_ACTIVE].job_j : (double)NAN);
    eco_json_kdouble(json, "full", known ? report->sums[ECO_SLOT_FULL].job_j : (double)NAN);
    if (report->slots > ECO_SLOT_CHOSEN)
        eco_json_kdouble(json, eco_slot_policy_name(ECO_SLOT_CHOSEN, report->policy),
                         known ? report->sums[ECO_SLOT_CHOSEN].job_j : (double)NAN);
    eco_json_close(json, '}');
}

static void put_energy(struct eco_json *json, const struct eco_report *report)
{
    bool known = report->has_energy;
    const double *by_quality = report->quality_j;
    eco_json_key(json, "energy");
    eco_json_open(json, '{');
    put_sums(json, &report->sums[report->headline], report->machine_j, known);
    eco_json_kdouble(json, "self_j", known ? report->self_j : (double)NAN);
    put_by_policy(json, report);
    eco_json_kdouble(json, "mean_power_w", known ? report->mean_power_w : (double)NAN);
    eco_json_kdouble(json, "peak_power_w", known ? report->peak_power_w : (double)NAN);
    put_quality(json, known ? report->quality : ECO_QUALITY_NONE);
    eco_json_key(json, "quality_j");
    eco_json_open(json, '{');
    eco_json_kdouble(json, "measured", known ? by_quality[ECO_MEASURED] : (double)NAN);
    eco_json_kdouble(json, "derived", known ? by_quality[ECO_DERIVED] : (double)NAN);
    eco_json_kdouble(json, "estimated", known ? by_quality[ECO_ESTIMATED] : (double)NAN);
    eco_json_close(json, '}');
    put_uncertainty(json, &report->uncertainty[report->headline], known);
    bool has_curve = known && report->has_curve;
    eco_json_kdouble(json, "job_marginal_j", has_curve ? report->job_marginal_j : (double)NAN);
    eco_json_kdouble(json, "job_alone_j", has_curve ? report->job_alone_j : (double)NAN);
    eco_json_close(json, '}');
}

static void put_sources(struct eco_json *json, const struct eco_domain *info)
{
    eco_json_key(json, "sources");
    eco_json_open(json, '[');
    for (unsigned i = 0; i < info->source_count && i < ECO_DOMAIN_SOURCES_MAX; i++) {
        eco_json_open(json, '{');
        eco_json_kstring(json, "source", info->sources[i].source);
        put_quality(json, info->sources[i].quality);
        eco_json_kdouble(json, "seconds", seconds(info->sources[i].used_ns));
        eco_json_close(json, '}');
    }
    eco_json_close(json, ']');
}

/* Without a closed interval there is no power, and the energy is not 0 but unknown. */
static bool is_known(const struct eco_report_domain *domain)
{
    return isfinite(domain->machine_j) && isfinite(domain->mean_power_w);
}

static void put_domain(struct eco_json *json, const struct eco_report *report, unsigned index)
{
    const struct eco_report_domain *domain = &report->domains[index];
    const struct eco_domain *info = &domain->info;
    bool has_outer = info->within >= 0 && (unsigned)info->within < report->domain_count;
    bool known = is_known(domain);
    eco_json_open(json, '{');
    eco_json_kstring(json, "name", info->name);
    eco_json_kstring(json, "kind", eco_kind_name(info->kind));
    eco_json_kbool(json, "counted", info->counted);
    eco_json_kstring(json, "within", has_outer ? report->domains[info->within].info.name : NULL);
    put_sources(json, info);
    put_quality(json, info->quality);
    put_uncertainty(json, &domain->uncertainty, known && info->counted);
    put_sums(json, &domain->slot[report->headline], domain->machine_j, known);
    eco_json_kdouble(json, "mean_power_w", domain->mean_power_w);
    eco_json_kdouble(json, "peak_power_w", domain->peak_power_w);
    eco_json_kdouble(json, "gap_s", domain->gap_s);
    eco_json_kdouble(json, "still_s", domain->still_s);
    eco_report_json_device(json, &domain->device);
    eco_json_close(json, '}');
}

static void put_usage(struct eco_json *json, const struct eco_report *report)
{
    eco_json_key(json, "usage");
    eco_json_open(json, '{');
    eco_json_kdouble(json, "cpu_s", report->cpu_s);
    eco_json_kdouble(json, "cpu_user_s", report->cpu_user_s);
    eco_json_kdouble(json, "cpu_system_s", report->cpu_system_s);
    put_known(json, "max_rss_bytes", report->max_rss_bytes);
    eco_json_ku64(json, "process_count", report->job_processes);
    eco_json_close(json, '}');
}

/* Counted domains only, so that they add up to the row's energy. */
static void put_by_domain(struct eco_json *json, const struct eco_report *report,
                          const struct eco_report_process *process)
{
    eco_json_key(json, "by_domain");
    eco_json_open(json, '{');
    if (process->by_domain_j && report->has_energy) {
        const double *energy = process->by_domain_j + (size_t)report->headline * report->domain_count;
        for (unsigned i = 0; i < report->domain_count; i++) {
            if (report->domains[i].info.counted)
                eco_json_kdouble(json, report->domains[i].info.name,
                                 is_known(&report->domains[i]) ? energy[i] : (double)NAN);
        }
    }
    eco_json_close(json, '}');
}

static void put_process(struct eco_json *json, const struct eco_report *report,
                        const struct eco_report_process *process)
{
    const struct eco_identity *who = process->identity;
    eco_json_open(json, '{');
    eco_json_ki64(json, "pid", process->pid);
    eco_json_ki64(json, "ppid", process->ppid);
    eco_json_ku64(json, "uid", process->uid);
    eco_json_kstring(json, "user", who ? who->user : NULL);
    eco_json_kstring(json, "container", who ? who->container : NULL);
    eco_json_kstring(json, "pod", who ? who->pod : NULL);
    eco_json_kstring(json, "slurm_job", eco_identity_job(who));
    eco_json_kstring(json, "slurm_step", who ? who->slurm_step : NULL);
    if (who && who->slurm_task >= 0)
        eco_json_ki64(json, "slurm_task", who->slurm_task);
    else
        eco_json_knull(json, "slurm_task");
    eco_json_kstring(json, "unit", who ? who->unit : NULL);
    eco_json_kstring(json, "name", process->name ? process->name : "");
    eco_json_kstring(json, "role", process->role);
    eco_json_kstring(json, "cmdline", process->cmdline);
    eco_json_kdouble(json, "start_offset_s", process->start_offset_s);
    eco_json_kdouble(json, "end_offset_s", process->end_offset_s);
    if (process->count)
        eco_json_ku64(json, "count", process->count);
    else
        eco_json_knull(json, "count");
    eco_json_kdouble(json, "cpu_s", process->cpu_s);
    put_known(json, "max_rss_bytes", process->max_rss_bytes);
    eco_json_kdouble(json, "gpu_busy_s", process->gpu_busy_s);
    put_known(json, "gpu_memory_max_bytes", process->gpu_memory_max_bytes);
    eco_json_kdouble(json, "energy_j",
                     report->has_energy ? process->energy_j[report->headline] : (double)NAN);
    put_by_domain(json, report, process);
    eco_json_close(json, '}');
}

/* A figure with unknown time in it is never silent about that. */
static void put_gaps(struct eco_json *json, const struct eco_report *report)
{
    char text[ECO_NAME_MAX + 160], span[32];
    for (unsigned i = 0; i < report->domain_count; i++) {
        const struct eco_report_domain *domain = &report->domains[i];
        double gap_s = eco_gap_s(domain);
        if (!domain->info.counted || !(gap_s > 0))
            continue;
        (void)snprintf(span, sizeof(span), "%.3f s", gap_s);
        eco_gap_format(domain, span, text, sizeof(text));
        eco_json_string(json, text);
    }
}

static void put_end(struct eco_json *json, const struct eco_report *report)
{
    eco_report_json_impact(json, &report->impact, report->course);
    eco_json_key(json, "self");
    eco_json_open(json, '{');
    eco_json_kdouble(json, "cpu_s", report->self_cpu_s);
    put_known(json, "max_rss_bytes", report->self_max_rss_bytes);
    eco_json_close(json, '}');
    eco_json_key(json, "warnings");
    eco_json_open(json, '[');
    for (unsigned i = 0; i < report->warning_count && i < ECO_WARNINGS_MAX; i++)
        eco_json_string(json, report->warnings[i]);
    put_gaps(json, report);
    eco_json_close(json, ']');
}

void eco_report_json(struct eco_buf *out, const struct eco_report *report, const char *type)
{
    struct eco_json json;
    eco_json_init(&json, out);
    eco_json_open(&json, '{');
    eco_json_kstring(&json, "schema", ECO_RUN_SCHEMA);
    if (type)
        eco_json_kstring(&json, "type", type);
    put_identity(&json, report);
    put_exit(&json, report);
    put_host(&json, report->host);
    put_basis(&json, report);
    put_energy(&json, report);
    eco_json_key(&json, "domains");
    eco_json_open(&json, '[');
    for (unsigned i = 0; i < report->domain_count; i++)
        put_domain(&json, report, i);
    eco_json_close(&json, ']');
    put_usage(&json, report);
    eco_json_key(&json, "processes");
    eco_json_open(&json, '[');
    for (size_t i = 0; i < report->process_count; i++)
        put_process(&json, report, &report->processes[i]);
    eco_json_close(&json, ']');
    eco_report_json_groups(&json, report);
    eco_report_json_course(&json, report);
    put_end(&json, report);
    eco_json_close(&json, '}');
    eco_buf_char(out, '\n');
}
