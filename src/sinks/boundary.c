/* SPDX-License-Identifier: MIT */
#include "sinks/boundary.h"

#include "base/macros.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define GAP_LEAST_S 1e-6 /* less is rounding */

/* A meter of the whole machine stands behind the boards, disks and fans; psys only says it does. */
static bool is_whole_machine(enum eco_kind kind)
{
    return kind == ECO_KIND_SYSTEM || kind == ECO_KIND_BATTERY;
}

/*
 * Watts per vCPU of cloud servers are those of the whole server divided: its memory, boards, fans and supply
 * are in them. The sensor model's own sentence is where that is known.
 */
static bool is_whole_server(const struct eco_report *report)
{
    return strstr(report->model_text, "server and RAM included") != NULL;
}

/* A calibration by a wall meter: all that hangs on it is in the figure but what a GPU does. */
static bool is_at_the_wall(const struct eco_report *report)
{
    return strstr(report->model_text, "at the wall") != NULL;
}

static void exclude(struct eco_boundary *boundary, const char *what)
{
    boundary->excluded[boundary->excluded_count++] = what;
}

void eco_boundary_of(const struct eco_report *report, struct eco_boundary *ret)
{
    bool counted[ECO_KIND_COUNT] = {false};
    bool is_machine = false;
    *ret = (struct eco_boundary){0};
    for (unsigned i = 0; i < report->domain_count; i++) {
        const struct eco_domain *info = &report->domains[i].info;
        if (!info->counted || (unsigned)info->kind >= ECO_KIND_COUNT || counted[info->kind])
            continue;
        counted[info->kind] = true;
        is_machine = is_machine || is_whole_machine(info->kind);
        ret->included[ret->included_count++] = eco_kind_name(info->kind);
    }
    bool is_wall = counted[ECO_KIND_CPU] && is_at_the_wall(report);
    bool is_server = is_wall || (counted[ECO_KIND_CPU] && is_whole_server(report));
    if (is_server && !counted[ECO_KIND_DRAM])
        ret->included[ret->included_count++] = eco_kind_name(ECO_KIND_DRAM);
    if (!is_machine) {
        if (!counted[ECO_KIND_DRAM] && !is_server)
            exclude(ret, "dram");
        if (!counted[ECO_KIND_GPU])
            exclude(ret, "gpu");
        if (!is_server)
            exclude(ret, "mainboard");
        if (!is_wall)
            exclude(ret, "disks");
        if (!is_wall)
            exclude(ret, "network");
        if (!is_server)
            exclude(ret, "fans");
    }
    /* An ACPI or BMC meter sits at the supply's input, a battery behind it, and a rail too. */
    if (!counted[ECO_KIND_SYSTEM] && !is_server)
        exclude(ret, "power_supply_loss");
}

double eco_gap_s(const struct eco_report_domain *domain)
{
    double late_s = domain->device.is_there ? domain->device.late_s : 0, gap_s = domain->gap_s - late_s;
    return gap_s > GAP_LEAST_S ? gap_s : 0;
}

void eco_gap_format(const struct eco_report_domain *domain, const char *span, char *ret, size_t size)
{
    if (domain->still_s > domain->gap_s / 2)
        (void)snprintf(ret, size,
                       "the counter of %s stood still for %s, which no real one does (ecocode sensors); no "
                       "energy is counted for that time",
                       domain->info.name, span);
    else
        (void)snprintf(ret, size, "%s could not be read for %s; no energy is counted for that time",
                       domain->info.name, span);
}
