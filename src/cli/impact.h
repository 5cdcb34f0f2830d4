/* SPDX-License-Identifier: MIT */
/* CO2e, water and cost: from the options of a call to the factors, and from a report to its impact. */
#pragma once

#include "cli/intensity.h"
#include "impact/impact.h"
#include "model/report.h"

/**
 * The factors that the options ask for. They borrow the options' texts.
 *
 * @return 0 or -EINVAL with a reason
 */
int eco_call_factors(const struct eco_call *call, struct eco_factors *ret,
                     struct eco_why *why) ECO_MUST_CHECK;

/** Fills report->impact, where the report has energy. `live` may be NULL. */
void eco_impact_of_report(const struct eco_call *call, struct eco_intensity *live, struct eco_report *report);

/** `--location list`: writes all places. The exit status. */
int eco_locations_answer(const struct eco_call *call);
