/* SPDX-License-Identifier: MIT */
/* merge: reads the reports, writes the sum as JSON or as a short text. */
#include "base/text.h"
#include "history/commands.h"
#include "history/merge.h"
#include "history/out_file.h"
#include "history/refs.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define WH_PER_J (1.0 / 3600)

static void print_line(const struct eco_run_report *report, const char *path, const char *what)
{
    double energy_j = eco_run_report_number(report, path);
    if (isfinite(energy_j))
        (void)printf("   %12.6g J %12.4g Wh   %s\n", energy_j, energy_j * WH_PER_J, what);
}

static void print_member(const json_t *member)
{
    char host[65], energy[32] = "-";
    const char *name = json_string_value(json_object_get(member, "hostname"));
    const char *id = json_string_value(json_object_get(member, "run_id"));
    const json_t *job = json_object_get(member, "job_j");
    eco_text_clean(host, sizeof host, name ? name : "", strlen(name ? name : ""), true);
    eco_text_cut(host, 30, true);
    if (json_is_number(job))
        (void)snprintf(energy, sizeof energy, "%.6g", json_number_value(job));
    (void)printf("   %-8.8s %-30s %12s\n", id && *id ? id : "-", host, energy);
}

static void print_text(const struct eco_merge_result *result)
{
    struct eco_run_report view = {.root = result->report};
    const json_t *item;
    size_t i;
    (void)printf("%zu ranks on %zu node%s\n\n", result->rank_count, result->node_count,
                 result->node_count == 1 ? "" : "s");
    print_line(&view, "energy.by_policy_j.active", "the job's own energy");
    print_line(&view, "energy.by_policy_j.full", "with its share of idle power");
    print_line(&view, "energy.machine_j", "all that these machines used meanwhile");
    (void)printf("\n   %-8s %-30s %12s\n", "run", "node", "J");
    json_array_foreach(json_object_get(result->report, "merged"), i, item)
    {
        print_member(item);
    }
    json_array_foreach(json_object_get(result->report, "warnings"), i, item)
    {
        char text[512];
        const char *warning = json_string_value(item);
        eco_text_clean(text, sizeof text, warning, strlen(warning), true);
        (void)printf("%s   %s\n", i == 0 ? "\n" : "", text);
    }
}

static int write_json(const json_t *report, const char *path, struct eco_why *why)
{
    struct eco_out_file out;
    int r = eco_out_open(path, &out, why);
    if (r < 0)
        return r;
    if (json_dumpf(report, out.file, JSON_INDENT(2)) < 0 || fputc('\n', out.file) == EOF) {
        eco_why_set(why, "%s: %s", path, strerror(errno ? errno : EIO));
        eco_out_abandon(&out);
        return -EIO;
    }
    return eco_out_commit(&out, why);
}

static int write_all(const struct eco_call *call, const struct eco_merge_result *result, struct eco_why *why)
{
    int r = 0;
    for (unsigned i = 0; r == 0 && i < call->settings.outputs.count; i++)
        r = write_json(result->report, call->settings.outputs.items[i], why);
    if (r == 0 && call->settings.json)
        r = write_json(result->report, "-", why);
    else if (r == 0 && !call->settings.quiet)
        print_text(result);
    return r;
}

int eco_cmd_merge(struct eco_call *call)
{
    struct eco_run_list list = {0};
    struct eco_merge_result result = {0};
    struct eco_why why = {0};
    if (!call->words[0])
        return eco_failf(call->command, ECO_EXIT_MISUSE,
                         "give the reports to add up; try: ecocode help merge");
    int r = eco_runs_resolve_words(call->words, NULL, &list, &why);
    if (r == 0)
        r = eco_merge(list.runs, list.count, &result, &why);
    if (r == 0)
        r = write_all(call, &result, &why);
    json_decref(result.report);
    eco_run_list_finish(&list);
    if (r == -ENOMEM)
        return eco_failf(call->command, ECO_EXIT_MISUSE, "no memory");
    return r < 0 ? eco_fail(call->command, ECO_EXIT_MISUSE, &why) : 0;
}
