/* SPDX-License-Identifier: MIT */
/* Sentences of the report: what a reader must know beside the figures. */
#include "base/counter.h"
#include "meter/meter_internal.h"
#include "procs/identity.h"

/* What came or went while the measurement ran. */
static void warn_of_changes(const struct eco_meter *meter, struct eco_report *report)
{
    for (unsigned d = 0; d < meter->domain_count; d++) {
        const struct eco_domain *domain = &meter->domains[d];
        if (!meter->d[d].since_ns || meter->d[d].gpu)
            continue; /* of cards: eco_meter_warn_of_gpus */
        eco_report_warn(report, "%s appeared %.1f s after the start: %s", domain->name,
                        (double)eco_sub_sat(meter->d[d].since_ns, meter->begin_ns) * 1e-9,
                        domain->counted       ? "measured since then"
                        : domain->within >= 0 ? "shown since then, as a part of what is counted"
                                              : "shown since then, but not counted: the sums would not be "
                                                "of the same things as before");
    }
    if (meter->cpus_changed_ns)
        eco_report_warn(report, "CPUs came or went, last %.1f s after the start (%u at the start, %u now)",
                        (double)eco_sub_sat(meter->cpus_changed_ns, meter->begin_ns) * 1e-9,
                        meter->cpus_at_begin, meter->env->host->topology.online_count);
}

void eco_meter_warn(const struct eco_meter *meter, struct eco_report *report)
{
    warn_of_changes(meter, report);
    eco_meter_warn_of_gpus(meter, report);
    if (meter->usage.overflow)
        eco_report_warn(report,
                        "%llu processes were not looked at one by one: their energy is in the remainder",
                        (unsigned long long)meter->usage.overflow);
    if (meter->usage.identity_overflow)
        eco_report_warn(report,
                        "more containers, jobs and units than are told apart (%u): later ones are in none",
                        ECO_IDENTITIES_MAX);
    eco_meter_warn_of_feed(meter, report);
    if (meter->has_refused_idle)
        eco_report_warn(report, "the idle power that was given is not used: power is only estimated here, "
                                "with an idle power of its own");
    if (*meter->calibration_source.ignored.text)
        eco_report_warn(report, "%s", meter->calibration_source.ignored.text);
    if (meter->doubted_idle_w > 0)
        eco_report_warn(report,
                        "the machine was seen quiet at %.3g W since it was calibrated, which is not its idle "
                        "power then: calibrate again",
                        meter->doubted_idle_w);
    if (meter->caught_ratio < 0.99)
        eco_report_warn(report,
                        "about %.0f %% of the job's CPU time was not seen (children that nobody waits for): "
                        "its energy is in 'unattributed'",
                        100 * (1 - meter->caught_ratio));
    if ((meter->policy == ECO_POLICY_EQUAL || meter->policy == ECO_POLICY_RESERVED) &&
        report->headline == ECO_SLOT_FULL)
        eco_report_warn(report, "policy '%s' needs the idle power, which is not known: reported by 'full'",
                        eco_policy_name(meter->policy));
}
