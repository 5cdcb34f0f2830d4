/* SPDX-License-Identifier: MIT */
/* Processes of all ranks in one list, and the list of the ranks. */
#include "history/merge_parts.h"

#include <math.h>
#include <stdio.h>

static void shift(struct eco_merging *merging, json_t *row, const char *key, double by_s)
{
    double offset_s = eco_json_number(row, key);
    if (isfinite(offset_s))
        eco_merging_put(merging, row, key, json_real(offset_s + by_s));
}

/* Domains are called after their node here. */
static void rename_domains(struct eco_merging *merging, json_t *row, const char *host)
{
    json_t *renamed = json_object();
    const char *name;
    json_t *energy;
    char full_name[200];
    json_object_foreach(json_object_get(row, "by_domain"), name, energy)
    {
        (void)snprintf(full_name, sizeof full_name, "%.64s/%.120s", host, name);
        if (json_object_set(renamed, full_name, energy) < 0)
            merging->failed = true;
    }
    eco_merging_put(merging, row, "by_domain", renamed);
}

static void put_rows_of(struct eco_merging *merging, const struct eco_rank *rank)
{
    const char *host = eco_run_report_text(rank->from, "host.hostname");
    const json_t *from;
    size_t i;
    json_array_foreach(json_object_get(rank->from->root, "processes"), i, from)
    {
        json_t *row = json_deep_copy(from);
        double late_s = (double)(rank->begin_ms - merging->parts.begin_ms) * ECO_S_PER_MS;
        if (!row) {
            merging->failed = true;
            return;
        }
        shift(merging, row, "start_offset_s", late_s);
        shift(merging, row, "end_offset_s", late_s);
        rename_domains(merging, row, host ? host : "");
        eco_merging_put(merging, row, "hostname", json_string(host ? host : ""));
        if (json_array_append_new(json_object_get(merging->report, "processes"), row) < 0)
            merging->failed = true;
    }
}

void eco_merging_put_members(struct eco_merging *merging)
{
    json_t *list = json_array();
    for (size_t i = 0; i < merging->parts.count; i++) {
        const struct eco_rank *rank = &merging->parts.ranks[i];
        if (!rank->is_counted)
            continue;
        put_rows_of(merging, rank);
        const char *host = eco_run_report_text(rank->from, "host.hostname");
        json_t *one =
            json_pack("{s:s, s:s, s:o, s:o}", "run_id", rank->from->run_id, "hostname", host ? host : "",
                      "job_j", eco_json_of(eco_run_report_number(rank->from, "energy.job_j")), "duration_s",
                      eco_json_of(eco_run_report_number(rank->from, "duration_s")));
        if (json_array_append_new(list, one) < 0)
            merging->failed = true;
    }
    eco_merging_put(merging, merging->report, "merged", list);
}
