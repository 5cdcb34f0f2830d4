/* SPDX-License-Identifier: MIT */
/* Rows of whole runs: their headline, and their processes. */
#include "history/export.h"

#include <errno.h>
#include <math.h>

struct column {
    const char *name, *path;
    bool is_text;
};

static const struct column run_columns[] = {{"run_id", "run_id", true},
                                            {"parent_run_id", "parent_run_id", true},
                                            {"started_at", "started_at", true},
                                            {"duration_s", "duration_s", false},
                                            {"hostname", "host.hostname", true},
                                            {"cpu_model", "host.cpu_model", true},
                                            {"exit_code", "exit.code", false},
                                            {"policy", "policy", true},
                                            {"quality", "energy.quality", true},
                                            {"job_j", "energy.job_j", false},
                                            {"job_low_j", "energy.uncertainty.job_low_j", false},
                                            {"job_high_j", "energy.uncertainty.job_high_j", false},
                                            {"job_active_j", "energy.by_policy_j.active", false},
                                            {"job_full_j", "energy.by_policy_j.full", false},
                                            {"others_j", "energy.others_j", false},
                                            {"idle_j", "energy.idle_j", false},
                                            {"unattributed_j", "energy.unattributed_j", false},
                                            {"machine_j", "energy.machine_j", false},
                                            {"cpu_s", "usage.cpu_s", false},
                                            {"max_rss_bytes", "usage.max_rss_bytes", false},
                                            {"process_count", "usage.process_count", false},
                                            {"location", "impact.factors.location.code", true},
                                            {"co2e_active_g", "impact.by_policy.active.co2e_g", false},
                                            {"co2e_full_g", "impact.by_policy.full.co2e_g", false}};
static const struct column process_columns[] = {{"pid", "pid", false},
                                                {"ppid", "ppid", false},
                                                {"uid", "uid", false},
                                                {"name", "name", true},
                                                {"role", "role", true},
                                                {"cmdline", "cmdline", true},
                                                {"container", "container", true},
                                                {"pod", "pod", true},
                                                {"slurm_job", "slurm_job", true},
                                                {"unit", "unit", true},
                                                {"start_offset_s", "start_offset_s", false},
                                                {"end_offset_s", "end_offset_s", false},
                                                {"count", "count", false},
                                                {"cpu_s", "cpu_s", false},
                                                {"max_rss_bytes", "max_rss_bytes", false},
                                                {"gpu_busy_s", "gpu_busy_s", false},
                                                {"gpu_memory_max_bytes", "gpu_memory_max_bytes", false},
                                                {"energy_j", "energy_j", false}};

static void put_names(const struct column *columns, size_t count, struct eco_sheet *sheet)
{
    for (size_t i = 0; i < count; i++) {
        eco_sheet_text(sheet, i > 0 ? "," : "");
        eco_sheet_text(sheet, columns[i].name);
    }
}

static void put_value(const struct eco_run_report *view, const struct column *column, struct eco_sheet *sheet)
{
    const char *text = column->is_text ? eco_run_report_text(view, column->path) : NULL;
    if (text)
        eco_sheet_cell(sheet, text);
    if (!column->is_text)
        eco_sheet_number(sheet, eco_run_report_number(view, column->path));
}

static void put_command(const struct eco_run_report *run, struct eco_sheet *sheet)
{
    char text[4096] = "";
    size_t used = 0, i;
    const json_t *word;
    json_array_foreach(json_object_get(run->root, "command"), i, word)
    {
        const char *own = json_string_value(word);
        int n = snprintf(text + used, sizeof text - used, "%s%s", i > 0 ? " " : "", own ? own : "");
        used += n > 0 ? (size_t)n : 0;
        if (used >= sizeof text)
            break;
    }
    eco_sheet_cell(sheet, text);
}

static void put_labels(const struct eco_run_report *run, struct eco_sheet *sheet)
{
    char text[2048] = "";
    size_t used = 0;
    const char *key;
    json_t *value;
    json_object_foreach(json_object_get(run->root, "labels"), key, value)
    {
        const char *own = json_string_value(value);
        int n =
            snprintf(text + used, sizeof text - used, "%s%s=%s", used > 0 ? ";" : "", key, own ? own : "");
        used += n > 0 ? (size_t)n : 0;
        if (used >= sizeof text)
            break;
    }
    eco_sheet_cell(sheet, text);
}

void eco_export_runs_csv(const struct eco_run_list *runs, struct eco_sheet *sheet)
{
    put_names(run_columns, ECO_COUNT(run_columns), sheet);
    eco_sheet_text(sheet, ",complete,labels,command\n");
    for (size_t i = 0; i < runs->count; i++) {
        for (size_t k = 0; k < ECO_COUNT(run_columns); k++) {
            eco_sheet_text(sheet, k > 0 ? "," : "");
            put_value(&runs->runs[i], &run_columns[k], sheet);
        }
        eco_sheet_text(sheet, runs->runs[i].is_complete ? ",true," : ",false,");
        put_labels(&runs->runs[i], sheet);
        eco_sheet_char(sheet, ',');
        put_command(&runs->runs[i], sheet);
        eco_sheet_char(sheet, '\n');
    }
}

void eco_export_processes_csv(const struct eco_run_list *runs, struct eco_sheet *sheet)
{
    json_t *row;
    size_t n;
    eco_sheet_text(sheet, "run_id,");
    put_names(process_columns, ECO_COUNT(process_columns), sheet);
    eco_sheet_char(sheet, '\n');
    for (size_t i = 0; i < runs->count; i++)
        json_array_foreach(json_object_get(runs->runs[i].root, "processes"), n, row)
        {
            struct eco_run_report view = {.root = row};
            eco_sheet_cell(sheet, runs->runs[i].run_id);
            for (size_t k = 0; k < ECO_COUNT(process_columns); k++) {
                eco_sheet_char(sheet, ',');
                put_value(&view, &process_columns[k], sheet);
            }
            eco_sheet_char(sheet, '\n');
        }
}

static int dump(const char *text, size_t length, void *context)
{
    struct eco_sheet *sheet = context;
    eco_sheet_put(sheet, text, length);
    return sheet->error ? -1 : 0;
}

static int put_json(const json_t *value, bool is_array, size_t *count, struct eco_sheet *sheet)
{
    if (is_array)
        eco_sheet_text(sheet, *count > 0 ? ",\n" : "");
    ++*count;
    if (json_dump_callback(value, dump, sheet, JSON_COMPACT) < 0)
        return sheet->error ? sheet->error : -ENOMEM;
    if (!is_array)
        eco_sheet_char(sheet, '\n');
    return 0;
}

int eco_export_reports_json(const struct eco_run_list *runs, bool only_processes, bool is_array,
                            struct eco_sheet *sheet)
{
    size_t count = 0, n;
    int r = 0;
    json_t *row;
    if (is_array)
        eco_sheet_char(sheet, '[');
    for (size_t i = 0; r == 0 && i < runs->count; i++) {
        if (!only_processes) {
            r = put_json(runs->runs[i].root, is_array, &count, sheet);
            continue;
        }
        json_array_foreach(json_object_get(runs->runs[i].root, "processes"), n, row)
        {
            (void)json_object_set_new(row, "run_id", json_string(runs->runs[i].run_id));
            if (r == 0)
                r = put_json(row, is_array, &count, sheet);
        }
    }
    if (is_array)
        eco_sheet_text(sheet, "]\n");
    return r;
}
