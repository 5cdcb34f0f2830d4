/* SPDX-License-Identifier: MIT */
#include "sinks/boundary.h"

#include "base/macros.h"

/* A meter of the whole machine stands behind the boards, disks and fans; psys only says it does. */
static bool is_whole_machine(enum eco_kind kind)
{
    return kind == ECO_KIND_SYSTEM || kind == ECO_KIND_BATTERY;
}

void eco_boundary_of(const struct eco_report *report, struct eco_boundary *ret)
{
    static const char *const outside[] = {"mainboard", "disks", "network", "fans"};
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
    if (!is_machine) {
        if (!counted[ECO_KIND_DRAM])
            ret->excluded[ret->excluded_count++] = "dram";
        if (!counted[ECO_KIND_GPU])
            ret->excluded[ret->excluded_count++] = "gpu";
        for (size_t i = 0; i < ECO_COUNT(outside); i++)
            ret->excluded[ret->excluded_count++] = outside[i];
    }
    /* An ACPI or BMC meter sits at the supply's input, a battery behind it, and a rail too. */
    if (!counted[ECO_KIND_SYSTEM])
        ret->excluded[ret->excluded_count++] = "power_supply_loss";
}
