/* SPDX-License-Identifier: MIT */
/* "groups" of the run report: the rows of `processes` put together by whose they are. */
#include "sinks/groups.h"
#include "sinks/report_json.h"

#include <math.h>

static void put_details(struct eco_json *json, enum eco_grouping by, const struct eco_identity *identity)
{
    if (by == ECO_GROUPING_CONTAINER) {
        eco_json_kstring(json, "runtime", identity ? identity->runtime : NULL);
        eco_json_kstring(json, "pod", identity ? identity->pod : NULL);
    }
    if (by == ECO_GROUPING_JOB) {
        const struct eco_slurm_told *told = identity ? atomic_load(&identity->slurm->told) : NULL;
        eco_json_kstring(json, "job_name", told ? told->name : NULL);
        eco_json_kstring(json, "cluster", told ? told->cluster : NULL);
    }
}

static void put_sum(struct eco_json *json, const struct eco_report *report, const struct eco_groups *groups,
                    const struct eco_group_sum *sum)
{
    char space[ECO_GROUPING_TEXT_MAX];
    eco_json_open(json, '{');
    eco_json_kstring(json, "group", eco_group_key(groups, sum, space));
    eco_json_kstring(json, "name", eco_group_label(groups, sum, space));
    eco_json_kdouble(json, "energy_j", report->has_energy ? sum->energy_uj / 1e6 : (double)NAN);
    eco_json_kdouble(json, "cpu_s", (double)sum->cpu_ns / (double)ECO_NS_PER_S);
    if (sum->alive)
        eco_json_ku64(json, "process_count", sum->alive);
    else
        eco_json_knull(json, "process_count");
    put_details(json, groups->by, sum->identity);
    eco_json_close(json, '}');
}

/* A kind that nothing is of is an empty list. */
static void put_kind(struct eco_json *json, const struct eco_report *report, enum eco_grouping by)
{
    struct eco_groups groups;
    bool is_any = false;
    eco_groups_init(&groups, by);
    int r = eco_groups_add_report(&groups, report);
    for (size_t i = 0; i < groups.count; i++)
        is_any = is_any || groups.all[i].identity;
    eco_json_key(json, eco_grouping_name(by));
    if (r < 0) {
        eco_json_null(json); /* no memory: not known */
    } else {
        eco_json_open(json, '[');
        for (size_t i = 0; i < groups.count && is_any; i++)
            put_sum(json, report, &groups, &groups.all[i]);
        eco_json_close(json, ']');
    }
    eco_groups_finish(&groups);
}

void eco_report_json_groups(struct eco_json *json, const struct eco_report *report)
{
    static const enum eco_grouping kinds[] = {ECO_GROUPING_CONTAINER, ECO_GROUPING_POD, ECO_GROUPING_JOB,
                                              ECO_GROUPING_UNIT, ECO_GROUPING_USER};
    eco_json_key(json, "groups");
    eco_json_open(json, '{');
    for (size_t i = 0; i < ECO_COUNT(kinds); i++)
        put_kind(json, report, kinds[i]);
    eco_json_close(json, '}');
}
