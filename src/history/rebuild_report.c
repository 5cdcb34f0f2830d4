/* SPDX-License-Identifier: MIT */
#include "history/rebuild_report.h"

#include "base/text.h"

#include <math.h>
#include <string.h>

#define SUM_TOLERANCE 1e-6 /* of the machine's energy: figures are written with nine digits or more */

static const char *const quality_names[] = {NULL, "measured", "derived", "estimated"};

static json_t *number(double value, bool is_known)
{
    return is_known && isfinite(value) ? json_real(value) : json_null();
}

/* Bytes that are no UTF-8 would be refused. */
static json_t *text(const char *value)
{
    char clean[256];
    if (!value)
        return json_null();
    json_t *made = json_string(value);
    if (made)
        return made;
    (void)eco_text_clean(clean, sizeof clean, value, strlen(value), true);
    return json_string(clean);
}

static void set(json_t *object, const char *key, json_t *value)
{
    (void)json_object_set_new(object, key, value);
}

static void set_nulls(json_t *object, const char *const *keys)
{
    for (; *keys; keys++)
        set(object, *keys, json_null());
}

/* As it stands in the first line, or what stands for an unknown one. */
static void take(json_t *object, const json_t *begin, const char *key, json_t *otherwise)
{
    json_t *value = json_object_get(begin, key);
    if (value) {
        json_object_set(object, key, value);
        json_decref(otherwise);
    } else {
        set(object, key, otherwise);
    }
}

static double number_at(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    return json_is_number(value) ? json_number_value(value) : (double)NAN;
}

static json_t *make_uncertainty(void)
{
    static const char *const keys[] = {"job_low_j", "job_high_j", "random_ratio", NULL};
    static const char *const parts[] = {"sensor", "timing", "idle", "attribution", "unattributed", NULL};
    json_t *object = json_object(), *components = json_object();
    set(object, "level", json_real(0.95));
    set_nulls(object, keys);
    set_nulls(components, parts);
    set(object, "components_j", components);
    return object;
}

static void put_sums(json_t *object, const struct eco_energy_sums *sums)
{
    set(object, "job_j", number(sums->job_j, sums->is_known));
    set(object, "others_j", number(sums->others_j, sums->is_known));
    set(object, "idle_j", number(sums->idle_j, sums->is_known));
    set(object, "unattributed_j", number(sums->unattributed_j, sums->is_known));
    set(object, "machine_j", number(sums->machine_j, sums->is_known));
}

/* What the last interval says of all before it holds for those that were left out of the record, too. */
static bool take_cumulative(const json_t *cumulative, struct eco_record_sums *sums)
{
    struct eco_energy_sums total = {.job_j = number_at(cumulative, "job_j"),
                                    .others_j = number_at(cumulative, "others_j"),
                                    .idle_j = number_at(cumulative, "idle_j"),
                                    .unattributed_j = number_at(cumulative, "unattributed_j"),
                                    .machine_j = number_at(cumulative, "machine_j"),
                                    .gap_s = sums->total.gap_s,
                                    .is_known = true};
    const json_t *by_policy = json_object_get(cumulative, "by_policy_j");
    if (!isfinite(total.job_j + total.others_j + total.idle_j + total.unattributed_j + total.machine_j))
        return false;
    sums->total = total;
    sums->active_j = number_at(by_policy, "active");
    sums->full_j = number_at(by_policy, "full");
    return true;
}

static json_t *make_energy(const struct eco_record_sums *sums, double duration_s)
{
    static const char *const unknown[] = {"self_j", "peak_power_w", "job_marginal_j", "job_alone_j", NULL};
    bool known = sums->total.is_known;
    json_t *energy = json_object(), *policies = json_object(), *qualities = json_object();
    put_sums(energy, &sums->total);
    set(policies, "active", number(sums->active_j, known));
    set(policies, "full", number(sums->full_j, known));
    set(energy, "by_policy_j", policies);
    set(energy, "mean_power_w", number(sums->total.job_j / duration_s, known && duration_s > 0));
    set(energy, "quality", text(quality_names[sums->quality]));
    for (unsigned i = 1; i < ECO_COUNT(quality_names); i++)
        set(qualities, quality_names[i], number(sums->quality_j[i], known));
    set(energy, "quality_j", qualities);
    set(energy, "uncertainty", make_uncertainty());
    set_nulls(energy, unknown);
    return energy;
}

static const json_t *find_domain(const json_t *begin, const char *name)
{
    size_t index;
    json_t *domain;
    json_array_foreach(json_object_get(begin, "domains"), index, domain)
    {
        const char *its = json_string_value(json_object_get(domain, "name"));
        if (its && strcmp(its, name) == 0)
            return domain;
    }
    return NULL;
}

static json_t *make_domain(const struct eco_domain_sums *sums, const json_t *begin, double duration_s,
                           bool is_whole)
{
    const json_t *about = find_domain(begin, sums->name);
    struct eco_energy_sums energy = sums->sums;
    json_t *domain = json_object(), *sources = json_array();
    const char *source = json_string_value(json_object_get(about, "source"));
    energy.is_known = energy.is_known && is_whole;
    set(domain, "name", text(sums->name));
    take(domain, about, "kind", json_string("none"));
    set(domain, "counted", json_boolean(sums->counted));
    take(domain, about, "within", json_null());
    if (source) {
        json_t *one = json_object();
        set(one, "source", text(source));
        set(one, "quality", text(quality_names[sums->quality]));
        set(one, "seconds", json_null());
        (void)json_array_append_new(sources, one);
    }
    set(domain, "sources", sources);
    set(domain, "quality", text(quality_names[sums->quality]));
    set(domain, "uncertainty", make_uncertainty());
    put_sums(domain, &energy);
    set(domain, "mean_power_w", number(energy.machine_j / duration_s, energy.is_known && duration_s > 0));
    set(domain, "peak_power_w", json_null());
    set(domain, "gap_s", number(energy.gap_s, true));
    set(domain, "device", json_null());
    return domain;
}

static json_t *make_process(int64_t pid, const char *name, double cpu_s, double energy_j)
{
    static const char *const unknown[] = {"user",
                                          "container",
                                          "pod",
                                          "slurm_job",
                                          "slurm_step",
                                          "slurm_task",
                                          "unit",
                                          "role",
                                          "cmdline",
                                          "end_offset_s",
                                          "start_offset_s",
                                          "count",
                                          "gpu_busy_s",
                                          "gpu_memory_max_bytes",
                                          "max_rss_bytes",
                                          NULL};
    json_t *process = json_object();
    set_nulls(process, unknown);
    set(process, "pid", json_integer(pid));
    set(process, "ppid", json_integer(0));
    set(process, "uid", json_integer(0));
    set(process, "name", text(name));
    set(process, "cpu_s", number(cpu_s, true));
    set(process, "energy_j", number(energy_j, true));
    set(process, "by_domain", json_object());
    return process;
}

/* Rows of intervals are not divided by domain; where only one counts, it is that one's energy. */
static const char *only_domain(const struct eco_record_sums *sums)
{
    const char *name = NULL;
    for (unsigned i = 0; i < sums->domain_count; i++) {
        if (sums->domains[i].counted && name)
            return NULL;
        if (sums->domains[i].counted)
            name = sums->domains[i].name;
    }
    return name;
}

/* They add up to the job's energy: what was left out of the record is a row of its own. */
static json_t *make_processes(const struct eco_record_sums *sums, bool is_whole)
{
    const char *domain = is_whole ? only_domain(sums) : NULL;
    json_t *array = json_array();
    for (size_t i = 0; i < sums->process_count; i++) {
        const struct eco_process_sums *process = &sums->processes[i];
        json_t *row = make_process(process->pid, *process->name ? process->name : "(others)", process->cpu_s,
                                   process->energy_j);
        if (process->rss_bytes > 0)
            set(row, "max_rss_bytes", json_integer((json_int_t)process->rss_bytes));
        if (domain)
            set(json_object_get(row, "by_domain"), domain, number(process->energy_j, true));
        (void)json_array_append_new(array, row);
    }
    double left_j = sums->total.job_j - sums->job_rows_j;
    if (sums->total.is_known && fabs(left_j) > SUM_TOLERANCE * fabs(sums->total.machine_j))
        (void)json_array_append_new(array, make_process(0, "(not kept)", 0, left_j));
    return array;
}

static json_t *make_boundary(const json_t *begin)
{
    json_t *boundary = json_object(), *included = json_array();
    size_t index;
    json_t *domain;
    json_array_foreach(json_object_get(begin, "domains"), index, domain)
    {
        json_t *kind = json_object_get(domain, "kind");
        bool is_new = json_is_string(kind) && json_is_true(json_object_get(domain, "counted"));
        for (size_t i = 0; i < json_array_size(included) && is_new; i++)
            is_new = !json_equal(json_array_get(included, i), kind);
        if (is_new)
            (void)json_array_append(included, kind);
    }
    set(boundary, "included", included);
    set(boundary, "excluded", json_array());
    return boundary;
}

static void put_who(json_t *root, const json_t *begin)
{
    static const char *const unknown[] = {
        "logical_cpus", "sockets", "memory_bytes", "virtualization", "cpu_quota", "cpuset",
        "container",    "pod",     "slurm_job",    "cgroup",         NULL};
    json_t *host = json_object(), *exit = json_object();
    set(root, "schema", json_string("ecocode.run/1"));
    set(root, "complete", json_false());
    take(root, begin, "ecocode_version", json_string(""));
    set(root, "model_version", json_integer(1));
    take(root, begin, "run_id", json_string(""));
    take(root, begin, "parent_run_id", json_null());
    take(root, begin, "rank", json_null());
    take(root, begin, "boot_id", json_string(""));
    take(root, begin, "command", json_null());
    set(root, "cwd", json_string(""));
    take(root, begin, "labels", json_object());
    take(root, begin, "started_at", json_null());
    set(exit, "code", json_null());
    set(exit, "signal", json_null());
    set(root, "exit", exit);
    take(host, begin, "hostname", json_string(""));
    set(host, "cpu_model", json_string(""));
    set(host, "kernel", json_string(""));
    set_nulls(host, unknown);
    set(root, "host", host);
}

static void put_basis(json_t *root, const json_t *begin, const json_t *last)
{
    json_t *idle = json_object();
    const json_t *policy = json_object_get(last, "policy");
    take(root, policy ? last : begin, "policy", json_string("none"));
    take(root, begin, "accounting", json_null());
    set(root, "caught_ratio", json_null());
    take(root, begin, "interval_s", json_null());
    set(root, "boundary", make_boundary(begin));
    set(idle, "method", json_string("none"));
    set(idle, "power_w", json_object());
    set(idle, "at", json_null());
    set(root, "idle_basis", idle);
}

static void put_rest(json_t *root, const struct eco_record_sums *sums, double duration_s, bool is_whole)
{
    static const char *const unknown_usage[] = {"cpu_user_s", "cpu_system_s", "max_rss_bytes", NULL};
    static const char *const unknown_groups[] = {"container", "pod", "job", "unit", "user", NULL};
    static const char *const unknown_self[] = {"cpu_s", "max_rss_bytes", NULL};
    json_t *usage = json_object(), *self = json_object(), *groups = json_object();
    json_t *warnings = json_array();
    set(usage, "cpu_s", number(sums->job_cpu_s, is_whole));
    set(usage, "process_count", json_integer((json_int_t)sums->process_count));
    set_nulls(usage, unknown_usage);
    set(root, "usage", usage);
    set_nulls(groups, unknown_groups);
    set(root, "groups", groups);
    set(root, "phases", json_array());
    set(root, "progress", json_null());
    set(root, "prediction", json_null());
    set(root, "budgets", json_array());
    set(root, "findings", json_array());
    set(root, "impact", json_null());
    set_nulls(self, unknown_self);
    set(root, "self", self);
    (void)json_array_append_new(
        warnings,
        json_sprintf("the record ends %.3f s after the start, without a report: ecocode was killed, or the "
                     "run goes on; figures are those of its last whole interval",
                     isfinite(duration_s) ? duration_s : 0));
    if (!is_whole)
        (void)json_array_append_new(
            warnings,
            json_string("some intervals were left out of this long record: figures by domain are not known"));
    set(root, "warnings", warnings);
}

json_t *eco_rebuilt_report(const json_t *begin, const json_t *last, struct eco_record_sums *sums,
                           bool only_totals)
{
    json_t *root = json_object(), *domains = json_array();
    const json_t *cumulative = json_object_get(last, "cumulative");
    double duration_s = number_at(cumulative, "duration_s");
    double kept_j = sums->total.machine_j;
    bool is_whole = !only_totals;
    if (take_cumulative(cumulative, sums) &&
        fabs(sums->total.machine_j - kept_j) > SUM_TOLERANCE * fabs(kept_j))
        is_whole = false;
    put_who(root, begin);
    set(root, "duration_s", number(duration_s, true));
    set(root, "suspended_s", number(sums->suspended_s, !only_totals));
    put_basis(root, begin, last);
    set(root, "energy", make_energy(sums, duration_s));
    for (unsigned i = 0; i < sums->domain_count; i++)
        (void)json_array_append_new(domains, make_domain(&sums->domains[i], begin, duration_s, is_whole));
    set(root, "domains", domains);
    set(root, "processes", only_totals ? json_array() : make_processes(sums, is_whole));
    put_rest(root, sums, duration_s, is_whole || only_totals);
    return root;
}
