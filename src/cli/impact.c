/* SPDX-License-Identifier: MIT */
#include "cli/impact.h"

#include "base/parse.h"
#include "sinks/tally.h"

#include <errno.h>
#include <math.h>
#include <string.h>

static const char *origin_of(const struct eco_call *call, const char *name)
{
    int index = eco_option_find(&call->set, name, strlen(name));
    switch (index < 0 ? ECO_LAYER_NONE : call->set.origins[index].layer) {
    case ECO_LAYER_SYSTEM:
    case ECO_LAYER_USER:
        return "configuration";
    case ECO_LAYER_ENVIRONMENT:
        return "environment";
    case ECO_LAYER_LINE:
        return "option";
    case ECO_LAYER_NONE:
        break;
    }
    return NULL;
}

int eco_call_factors(const struct eco_call *call, struct eco_factors *ret, struct eco_why *why)
{
    struct eco_impact_choices choices = call->settings.impact;
    choices.location_origin = origin_of(call, "location");
    return eco_factors_init(ret, &choices, why);
}

static unsigned count_cpuset(const char *text)
{
    bool set[ECO_CPUS_MAX];
    int count = *text ? eco_parse_cpulist(text, set, ECO_CPUS_MAX) : 0;
    return count > 0 ? (unsigned)count : 0;
}

/*
 * What of the machine is reserved for the job, in SCI's sense: a quota, a set of CPUs; outside any container
 * or batch job all of it. Where none of these is known it is what was used, and called so.
 */
static void find_reserved(const struct eco_report *report, struct eco_impact_input *input)
{
    const struct eco_host *host = report->host;
    input->reserved_share = ECO_NAN;
    if (!host || host->topology.online_count == 0)
        return;
    double cpus = host->topology.online_count, set = count_cpuset(host->cpuset);
    if (host->cpu_quota < cpus && !(set > 0 && set < host->cpu_quota)) {
        input->reserved_share = host->cpu_quota / cpus;
        input->reserved_by = "cgroup quota";
    } else if (set > 0 && set < cpus) {
        input->reserved_share = set / cpus;
        input->reserved_by = "cpuset";
    } else if (!host->is_container && !*host->container && !*host->pod && !*host->slurm_job) {
        input->reserved_share = 1;
        input->reserved_by = "whole machine";
    } else {
        input->reserved_share = fmin(1, report->cpu_s / (report->duration_s * cpus));
        input->reserved_by = "used_not_reserved";
    }
}

/* Reserved: the job's own and the idle power of its part; of a whole machine everything. */
static double reserved_j(const struct eco_report *report, const struct eco_impact_input *input)
{
    const struct eco_sums *active = &report->sums[ECO_SLOT_ACTIVE];
    if (!input->reserved_by)
        return ECO_NAN;
    if (strcmp(input->reserved_by, "used_not_reserved") == 0)
        return report->sums[ECO_SLOT_FULL].job_j;
    if (input->reserved_share >= 1)
        return report->machine_j;
    return active->job_j + input->reserved_share * active->idle_j;
}

/* Cards that the job used at all: what a cloud bills, and what nobody else could have. */
static void count_gpus(const struct eco_report *report, struct eco_impact_input *input)
{
    for (unsigned d = 0; d < report->domain_count; d++) {
        const struct eco_report_domain *domain = &report->domains[d];
        if (!domain->device.is_there)
            continue;
        input->gpus++;
        input->gpus_used += domain->slot[ECO_SLOT_FULL].job_j > 0;
    }
    input->gpu_s = input->gpus_used * report->duration_s;
}

static void fill_rows(const struct eco_report *report, struct eco_impact_input *input)
{
    for (unsigned slot = 0; slot < report->slots && slot < ECO_IMPACT_ROWS_MAX; slot++) {
        double job_j = report->sums[slot].job_j;
        input->rows[slot].policy = eco_slot_policy_name(slot, report->policy);
        input->rows[slot].job_j = job_j;
        input->rows[slot].low_j = report->uncertainty[slot].job_low_j;
        input->rows[slot].high_j = report->uncertainty[slot].job_high_j;
        input->rows[slot].share = report->machine_j > 0 ? job_j / report->machine_j : 0;
    }
}

void eco_impact_of_report(const struct eco_call *call, struct eco_intensity *live, struct eco_report *report)
{
    struct eco_factors factors;
    struct eco_impact_input input = {.duration_s = report->duration_s};
    if (!report->has_energy || eco_call_factors(call, &factors, NULL) < 0)
        return;
    fill_rows(report, &input);
    find_reserved(report, &input);
    input.reserved_j = reserved_j(report, &input);
    count_gpus(report, &input);
    if (report->host) {
        input.cpus = report->host->topology.online_count;
        input.sockets = report->host->topology.package_count;
        input.memory_bytes = report->host->memory_bytes;
    }
    if (live)
        eco_intensity_apply(live, report, &factors, &input);
    eco_impact_reckon(&factors, &input, &report->impact);
}
