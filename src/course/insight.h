/* SPDX-License-Identifier: MIT */
/*
 * Findings at the end of a run: one table of rules, each with its thresholds and the reason for them
 * (docs/findings.md). A rule speaks only where its figures are certain; otherwise it is silent.
 */
#pragma once

#include "model/course.h"
#include "model/report.h"

/* What the report does not hold. */
struct eco_insight_facts {
    double idle_tail_s;      /* at the end, without a break: no CPU and no card did anything for the job */
    uint64_t reserved_bytes; /* memory that is kept for the job; 0 = not known */
};

/** The first ECO_INSIGHTS_MAX that hold, the most important first. Texts of the report are borrowed. */
void eco_insights_find(const struct eco_report *report, const struct eco_insight_facts *facts,
                       struct eco_course *course);
