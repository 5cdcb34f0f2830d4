/* SPDX-License-Identifier: MIT */
#include "history/merge.h"

#include "base/text.h"
#include "history/blank.h"
#include "history/merge_parts.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static void warn(struct eco_merging *merging, const char *name, const char *text)
{
    char line[512];
    (void)snprintf(line, sizeof line, "%.300s%s", name ? name : "", text);
    if (json_array_append_new(json_object_get(merging->report, "warnings"), json_string(line)) < 0)
        merging->failed = true;
}

/* ---- figures ---- */

/* The four parts of a whole: what the ranks used is not the others' any more. */
static void put_parts(struct eco_merging *merging, json_t *object, double job_j, double machine_j,
                      double idle_j, double unattributed_j)
{
    double others_j = machine_j - idle_j - unattributed_j - job_j;
    /* Ranks that ended a moment after the widest one used what its machine's figure does not hold. */
    if (others_j < 0) {
        unattributed_j += others_j;
        others_j = 0;
    }
    eco_merging_put(merging, object, "job_j", eco_json_of(job_j));
    eco_merging_put(merging, object, "others_j", eco_json_of(others_j));
    eco_merging_put(merging, object, "idle_j", eco_json_of(idle_j));
    eco_merging_put(merging, object, "unattributed_j",
                    eco_json_of(isfinite(others_j) ? unattributed_j : (double)NAN));
    eco_merging_put(merging, object, "machine_j", eco_json_of(machine_j));
}

static const char *const qualities[] = {"measured", "derived", "estimated"};

static void put_quality(struct eco_merging *merging, json_t *energy)
{
    const char *worst = NULL;
    char path[64];
    json_t *parts = json_object_get(energy, "quality_j");
    for (size_t i = 0; i < ECO_COUNT(qualities); i++) {
        (void)snprintf(path, sizeof path, "energy.quality_j.%s", qualities[i]);
        eco_merging_put(merging, parts, qualities[i], eco_json_of(eco_parts_sum(&merging->parts, path)));
        for (size_t k = 0; k < merging->parts.count; k++) {
            const char *own = eco_run_report_text(merging->parts.ranks[k].from, "energy.quality");
            if (merging->parts.ranks[k].is_counted && own && strcmp(own, qualities[i]) == 0)
                worst = qualities[i];
        }
    }
    if (worst)
        eco_merging_put(merging, energy, "quality", json_string(worst));
}

/*
 * Errors of sensors and of idle power are the same for all ranks of a machine and may be for machines of a
 * kind: added linearly. What differs from run to run is added by squares.
 */
static void put_uncertainty(struct eco_merging *merging, json_t *energy)
{
    static const char *const components[] = {"sensor", "timing", "idle", "attribution", "unattributed"};
    const struct eco_parts *parts = &merging->parts;
    json_t *uncertainty = json_object_get(energy, "uncertainty");
    double squares = 0, job_j = eco_parts_sum(parts, "energy.job_j");
    char path[80];
    for (size_t i = 0; i < parts->count; i++) {
        const struct eco_run_report *from = parts->ranks[i].from;
        double random_j = eco_run_report_number(from, "energy.uncertainty.random_ratio") *
                          eco_run_report_number(from, "energy.job_j");
        if (parts->ranks[i].is_counted)
            squares += random_j * random_j;
    }
    eco_merging_put(merging, uncertainty, "job_low_j",
                    eco_json_of(eco_parts_sum(parts, "energy.uncertainty.job_low_j")));
    eco_merging_put(merging, uncertainty, "job_high_j",
                    eco_json_of(eco_parts_sum(parts, "energy.uncertainty.job_high_j")));
    eco_merging_put(merging, uncertainty, "random_ratio",
                    eco_json_of(job_j > 0 ? sqrt(squares) / job_j : (double)NAN));
    for (size_t i = 0; i < ECO_COUNT(components); i++) {
        (void)snprintf(path, sizeof path, "energy.uncertainty.components_j.%s", components[i]);
        eco_merging_put(merging, json_object_get(uncertainty, "components_j"), components[i],
                        eco_json_of(eco_parts_sum(parts, path)));
    }
}

static void put_energy(struct eco_merging *merging)
{
    const struct eco_parts *parts = &merging->parts;
    json_t *energy = json_object_get(merging->report, "energy");
    json_t *policies = json_object_get(energy, "by_policy_j");
    double job_j = eco_parts_sum(parts, "energy.job_j");
    double duration_s = (double)(parts->end_ms - parts->begin_ms) * ECO_S_PER_MS;
    put_parts(merging, energy, job_j, eco_parts_sum_nodes(parts, "energy.machine_j"),
              eco_parts_sum_nodes(parts, "energy.idle_j"),
              eco_parts_sum_nodes(parts, "energy.unattributed_j"));
    eco_merging_put(merging, energy, "self_j", eco_json_of(eco_parts_sum(parts, "energy.self_j")));
    eco_merging_put(merging, energy, "mean_power_w",
                    eco_json_of(duration_s > 0 ? job_j / duration_s : (double)NAN));
    eco_merging_put(merging, policies, "active",
                    eco_json_of(eco_parts_sum(parts, "energy.by_policy_j.active")));
    eco_merging_put(merging, policies, "full", eco_json_of(eco_parts_sum(parts, "energy.by_policy_j.full")));
    put_quality(merging, energy);
    put_uncertainty(merging, energy);
}

/* ---- domains ---- */

static const json_t *find_domain(const struct eco_run_report *report, const char *name)
{
    const json_t *domain;
    size_t i;
    json_array_foreach(json_object_get(report->root, "domains"), i, domain)
    {
        const char *own = json_string_value(json_object_get(domain, "name"));
        if (own && strcmp(own, name) == 0)
            return domain;
    }
    return NULL;
}

/* A copy of the machine's domain, with what all its ranks used. */
static void add_domain(struct eco_merging *merging, size_t node, const json_t *from)
{
    const struct eco_parts *parts = &merging->parts;
    const struct eco_run_report *widest = parts->nodes[node].widest->from;
    const char *name = json_string_value(json_object_get(from, "name"));
    const char *host = eco_run_report_text(widest, "host.hostname");
    double job_j = 0, unknown = parts->nodes[node].is_covered ? 0 : (double)NAN;
    json_t *domain = json_deep_copy(from);
    char full_name[200];
    for (size_t i = 0; i < parts->count; i++)
        if (parts->ranks[i].is_counted && parts->ranks[i].node == node)
            job_j += eco_json_number(find_domain(parts->ranks[i].from, name ? name : ""), "job_j");
    if (!domain || !name) {
        json_decref(domain);
        merging->failed = merging->failed || name;
        return;
    }
    (void)snprintf(full_name, sizeof full_name, "%.64s/%.120s", host ? host : "", name);
    eco_merging_put(merging, domain, "name", json_string(full_name));
    put_parts(merging, domain, job_j, eco_json_number(from, "machine_j") + unknown,
              eco_json_number(from, "idle_j") + unknown, eco_json_number(from, "unattributed_j") + unknown);
    eco_merging_put(merging, domain, "peak_power_w", json_null());
    if (json_array_append_new(json_object_get(merging->report, "domains"), domain) < 0)
        merging->failed = true;
}

static void put_domains(struct eco_merging *merging)
{
    const json_t *domain;
    size_t i;
    for (size_t node = 0; node < merging->parts.node_count; node++)
        json_array_foreach(json_object_get(merging->parts.nodes[node].widest->from->root, "domains"), i,
                           domain)
        {
            add_domain(merging, node, domain);
        }
}

/* ---- the rest ---- */

static void put_time(struct eco_merging *merging)
{
    const struct eco_parts *parts = &merging->parts;
    char text[40];
    time_t seconds = (time_t)(parts->begin_ms / 1000);
    struct tm tm;
    if (parts->begin_ms > 0 && gmtime_r(&seconds, &tm)) {
        size_t used = strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &tm);
        (void)snprintf(text + used, sizeof text - used, ".%03dZ", (int)(parts->begin_ms % 1000));
        eco_merging_put(merging, merging->report, "started_at", json_string(text));
        eco_merging_put(merging, merging->report, "duration_s",
                        json_real((double)(parts->end_ms - parts->begin_ms) * ECO_S_PER_MS));
    }
}

/* The same in all, or left as it is: unknown. */
static void put_common(struct eco_merging *merging, const char *key)
{
    const json_t *first = NULL;
    for (size_t i = 0; i < merging->parts.count; i++) {
        const json_t *own = json_object_get(merging->parts.ranks[i].from->root, key);
        if (!merging->parts.ranks[i].is_counted)
            continue;
        if (first && !json_equal(first, own))
            return;
        first = own;
    }
    json_t *copy = json_deep_copy(first);
    if (copy)
        eco_merging_put(merging, merging->report, key, copy);
}

static void put_sum(struct eco_merging *merging, const char *object, const char *key)
{
    char path[80];
    (void)snprintf(path, sizeof path, "%s.%s", object, key);
    eco_merging_put(merging, json_object_get(merging->report, object), key,
                    eco_json_of(eco_parts_sum(&merging->parts, path)));
}

static void put_count(struct eco_merging *merging, const char *object, const char *key, bool of_nodes)
{
    char path[80];
    (void)snprintf(path, sizeof path, "%s.%s", object, key);
    double sum = of_nodes ? 0 : eco_parts_sum(&merging->parts, path);
    for (size_t i = 0; of_nodes && i < merging->parts.node_count; i++)
        sum += eco_run_report_number(merging->parts.nodes[i].widest->from, path);
    if (isfinite(sum))
        eco_merging_put(merging, json_object_get(merging->report, object), key,
                        json_integer((json_int_t)sum));
}

/* Of its members, so that the same ones give the same. FNV-1a, twice. */
static void put_id(struct eco_merging *merging)
{
    uint64_t low = 0xcbf29ce484222325u, high = 0x84222325cbf29ce4u;
    char id[33];
    for (size_t i = 0; i < merging->parts.count; i++)
        for (const char *at = merging->parts.ranks[i].from->run_id; merging->parts.ranks[i].is_counted && *at;
             at++) {
            low = (low ^ (unsigned char)*at) * 0x100000001b3u;
            high = (high ^ (unsigned char)*at) * 0x100000001b3u;
        }
    (void)snprintf(id, sizeof id, "%016llx%016llx", (unsigned long long)high, (unsigned long long)low);
    eco_merging_put(merging, merging->report, "run_id", json_string(id));
}

static void put_facts(struct eco_merging *merging)
{
    static const char *const common[] = {"command",         "cwd",        "labels",   "policy",
                                         "accounting",      "interval_s", "boundary", "model_version",
                                         "ecocode_version", "exit"};
    static const char *const usage[] = {"cpu_s", "cpu_user_s", "cpu_system_s"};
    static const char *const host[] = {"logical_cpus", "sockets", "memory_bytes"};
    char names[256] = "";
    for (size_t i = 0; i < ECO_COUNT(common); i++)
        put_common(merging, common[i]);
    for (size_t i = 0; i < ECO_COUNT(usage); i++)
        put_sum(merging, "usage", usage[i]);
    put_count(merging, "usage", "process_count", false);
    put_sum(merging, "self", "cpu_s");
    for (size_t i = 0; i < ECO_COUNT(host); i++)
        put_count(merging, "host", host[i], true);
    for (size_t i = 0; i < merging->parts.node_count; i++) {
        const char *name = eco_run_report_text(merging->parts.nodes[i].widest->from, "host.hostname");
        size_t used = strlen(names);
        (void)snprintf(names + used, sizeof names - used, "%s%.64s", i > 0 ? "," : "", name ? name : "");
    }
    eco_merging_put(merging, json_object_get(merging->report, "host"), "hostname", json_string(names));
    put_time(merging);
    put_id(merging);
}

static void put_warnings(struct eco_merging *merging)
{
    const struct eco_parts *parts = &merging->parts;
    for (size_t i = 0; i < parts->count; i++)
        if (!parts->ranks[i].is_counted)
            warn(merging, parts->ranks[i].from->path, " is among the others already, and counts once");
    for (size_t i = 0; i < parts->node_count; i++)
        if (!parts->nodes[i].is_covered)
            warn(merging, eco_run_report_text(parts->nodes[i].widest->from, "host.hostname"),
                 ": no rank measured for the whole time, so that its machine's energy is not known");
}

static int check(const struct eco_parts *parts, struct eco_why *why)
{
    const char *first = NULL, *own;
    for (size_t i = 0; i < parts->count; i++) {
        own = eco_run_report_text(parts->ranks[i].from, "policy");
        if (!parts->ranks[i].is_counted)
            continue;
        if (first && strcmp(first, own ? own : "") != 0) {
            eco_why_set(why, "%s is by policy %s, others are by %s: these do not add up",
                        parts->ranks[i].from->path, own ? own : "?", first);
            return -EINVAL;
        }
        first = own ? own : "";
    }
    return 0;
}

int eco_merge(const struct eco_run_report *reports, size_t count, struct eco_merge_result *ret,
              struct eco_why *why)
{
    struct eco_merging merging = {.report = eco_report_blank()};
    int r = merging.report ? eco_parts_init(reports, count, &merging.parts) : -ENOMEM;
    if (r == 0)
        r = check(&merging.parts, why);
    if (r == 0) {
        put_facts(&merging);
        put_energy(&merging);
        put_domains(&merging);
        eco_merging_put_members(&merging);
        put_warnings(&merging);
        r = merging.failed ? -ENOMEM : 0;
    }
    if (r == 0)
        *ret = (struct eco_merge_result){.report = merging.report,
                                         .rank_count = merging.parts.counted,
                                         .node_count = merging.parts.node_count};
    else
        json_decref(merging.report);
    eco_parts_finish(&merging.parts);
    return r;
}
