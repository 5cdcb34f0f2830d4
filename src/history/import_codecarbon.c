/* SPDX-License-Identifier: MIT */
/*
 * Columns by their names, as CodeCarbon 1.2 to 3.x writes them (docs of CodeCarbon, "Output"): duration in s,
 * *_energy and energy_consumed in kWh, emissions in kg, ram_total_size in GiB; timestamp is the end of the
 * run in the local time of the machine, of which the file tells no zone.
 */
#include "base/parse.h"
#include "history/blank.h"
#include "history/csv_rows.h"
#include "history/import.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define J_PER_KWH     3.6e6
#define BYTES_PER_GIB 1073741824.0

struct table {
    struct eco_csv_row head, row;
};

static const char *cell(const struct table *table, const char *name)
{
    for (size_t i = 0; i < table->head.count && i < table->row.count; i++)
        if (strcmp(table->head.cells[i], name) == 0)
            return table->row.cells[i];
    return "";
}

static double number(const struct table *table, const char *name)
{
    double value;
    const char *text = cell(table, name);
    return *text && eco_parse_double(text, &value) == 0 && value >= 0 ? value : (double)NAN;
}

static json_t *json_of(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

static json_t *integer_of(double value)
{
    return isfinite(value) && value < 9e15 ? json_integer((json_int_t)value) : json_null();
}

/* A UUID without its dashes is an id like ours; anything else is hashed (FNV-1a, twice). */
static void make_id(const struct table *table, char ret[33])
{
    const char *text = cell(table, "run_id");
    size_t used = 0;
    for (const char *at = text; *at && used < 33; at++)
        if (strchr("0123456789abcdef", *at))
            ret[used++] = *at;
        else if (*at != '-')
            used = 33;
    if (used == 32) {
        ret[32] = 0;
        return;
    }
    uint64_t low = 0xcbf29ce484222325u, high = 0x84222325cbf29ce4u;
    for (size_t i = 0; i < table->row.count; i++)
        for (const char *at = table->row.cells[i]; *at; at++) {
            low = (low ^ (unsigned char)*at) * 0x100000001b3u;
            high = (high ^ (unsigned char)*at) * 0x100000001b3u;
        }
    (void)snprintf(ret, 33, "%016llx%016llx", (unsigned long long)high, (unsigned long long)low);
}

static json_t *begin_of(const struct table *table)
{
    struct tm tm = {0};
    char text[40];
    double duration_s = number(table, "duration");
    if (!isfinite(duration_s) || !strptime(cell(table, "timestamp"), "%Y-%m-%dT%H:%M:%S", &tm))
        return json_null();
    double begin_s = (double)timegm(&tm) - duration_s;
    time_t seconds = (time_t)floor(begin_s);
    if (!gmtime_r(&seconds, &tm))
        return json_null();
    size_t used = strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &tm);
    (void)snprintf(text + used, sizeof text - used, ".%03dZ", (int)((begin_s - (double)seconds) * 1000));
    return json_string(text);
}

static int add_domain(json_t *report, const struct table *table, const char *column, const char *name,
                      const char *kind)
{
    double energy_kwh = number(table, column);
    if (!isfinite(energy_kwh))
        return 0;
    json_t *domain = eco_report_blank_domain(name);
    json_t *source = json_pack("[{s:s, s:s, s:o}]", "source", "codecarbon", "quality", "estimated", "seconds",
                               json_of(number(table, "duration")));
    int r = domain ? 0 : -1;
    r |= json_object_set_new(domain, "kind", json_string(kind));
    r |= json_object_set_new(domain, "sources", source);
    r |= json_object_set_new(domain, "quality", json_string("estimated"));
    r |= json_object_set_new(domain, "job_j", json_real(energy_kwh * J_PER_KWH));
    r |= json_array_append_new(json_object_get(report, "domains"), domain);
    r |= json_array_append_new(json_object_get(json_object_get(report, "boundary"), "included"),
                               json_string(kind));
    return r;
}

static int set_energy(json_t *report, const struct table *table)
{
    double energy_j = number(table, "energy_consumed") * J_PER_KWH, duration_s = number(table, "duration");
    json_t *energy = json_object_get(report, "energy");
    int r = json_object_set_new(energy, "job_j", json_of(energy_j));
    r |= json_object_set_new(json_object_get(energy, "by_policy_j"), "full", json_of(energy_j));
    r |= json_object_set_new(energy, "mean_power_w",
                             json_of(duration_s > 0 ? energy_j / duration_s : (double)NAN));
    r |= json_object_set_new(energy, "quality", json_string("estimated"));
    r |= json_object_set_new(json_object_get(energy, "quality_j"), "estimated", json_of(energy_j));
    return r;
}

static int set_facts(json_t *report, const struct table *table)
{
    json_t *host = json_object_get(report, "host"), *labels = json_object_get(report, "labels");
    json_t *warnings = json_object_get(report, "warnings");
    double memory_gib = number(table, "ram_total_size");
    int r = json_object_set_new(host, "cpu_model", json_string(cell(table, "cpu_model")));
    r |= json_object_set_new(host, "kernel", json_string(cell(table, "os")));
    r |= json_object_set_new(host, "logical_cpus", integer_of(number(table, "cpu_count")));
    r |= json_object_set_new(host, "memory_bytes", integer_of(memory_gib * BYTES_PER_GIB));
    if (*cell(table, "project_name"))
        r |= json_object_set_new(labels, "project", json_string(cell(table, "project_name")));
    r |= json_array_append_new(
        warnings,
        json_string("from CodeCarbon: estimated, and by its way of counting the run is charged with all "
                    "that was measured; its times are taken for UTC"));
    return r;
}

/* The row as it was, so that nothing is lost: emissions and where they were reckoned for, too. */
static json_t *keep_row(const struct table *table)
{
    json_t *row = json_object();
    for (size_t i = 0; i < table->head.count && i < table->row.count; i++)
        if (json_object_set_new(row, table->head.cells[i], json_string(table->row.cells[i])) < 0) {
            json_decref(row);
            return NULL;
        }
    return json_pack("{s:s, s:o}", "tool", "codecarbon", "row", row);
}

/* Text that is no UTF-8 makes json_string fail: such a row is refused as a whole. */
static json_t *report_of(const struct table *table)
{
    json_t *report = eco_report_blank();
    char id[33];
    make_id(table, id);
    int r = json_object_set_new(report, "run_id", json_string(id));
    r |= json_object_set_new(report, "started_at", begin_of(table));
    r |= json_object_set_new(report, "duration_s", json_of(number(table, "duration")));
    r |= json_object_set_new(report, "policy", json_string("full"));
    r |= set_energy(report, table) | set_facts(report, table);
    r |= add_domain(report, table, "cpu_energy", "cpu", "cpu");
    r |= add_domain(report, table, "ram_energy", "ram", "dram");
    if (number(table, "gpu_count") > 0 || number(table, "gpu_energy") > 0)
        r |= add_domain(report, table, "gpu_energy", "gpu", "gpu");
    r |= json_object_set_new(report, "imported", keep_row(table));
    if (r == 0)
        return report;
    json_decref(report);
    return NULL;
}

static int take_rows(struct eco_import *import, const char *path, FILE *file, struct table *table,
                     struct eco_why *why)
{
    size_t line = 1;
    int r;
    while ((r = eco_csv_next(file, &table->row)) == 1) {
        line++;
        json_t *report = isfinite(number(table, "energy_consumed")) ? report_of(table) : NULL;
        if (!report) {
            eco_why_set(why, "%s: row %zu is no run of CodeCarbon", path, line);
            return -EBADMSG;
        }
        r = eco_import_report(import, report, why);
        json_decref(report);
        if (r < 0 && r != -EEXIST)
            return r;
    }
    if (r < 0)
        eco_why_set(why, "%s: row %zu: %s", path, line + 1,
                    r == -EBADMSG ? "a quote is never closed" : strerror(-r));
    return r;
}

int eco_import_codecarbon(struct eco_import *import, const char *path, struct eco_why *why)
{
    struct table table = {0};
    FILE *file = fopen(path, "re");
    int r = file ? eco_csv_next(file, &table.head) : -errno;
    if (!file) {
        eco_why_set(why, "%s: %s", path, strerror(-r));
        return r;
    }
    bool is_known = false;
    for (size_t i = 0; r == 1 && i < table.head.count; i++)
        is_known = is_known || strcmp(table.head.cells[i], "energy_consumed") == 0;
    if (is_known) {
        r = take_rows(import, path, file, &table, why);
    } else {
        eco_why_set(why, "%s: not a file of ecocode, nor emissions.csv of CodeCarbon 1.2 or later", path);
        r = -EBADMSG;
    }
    (void)fclose(file);
    eco_csv_finish(&table.head);
    eco_csv_finish(&table.row);
    return r;
}
