/* SPDX-License-Identifier: MIT */
/*
 * Budgets: a limit on what the job is charged, judged by the point estimate. Energy is known up to the last
 * look; carbon and money are that energy by the factors of the run.
 */
#pragma once

#include "base/why.h"
#include "impact/impact.h"
#include "model/course.h"

/**
 * "50kJ", "10Wh", "5gCO2e", "0.01EUR". The text is borrowed.
 *
 * @return 0, -EINVAL with what is expected
 */
int eco_budget_parse(const char *text, struct eco_budget *ret, struct eco_why *why) ECO_MUST_CHECK;

/** Whether these factors can judge it: money needs a price in its currency. -EINVAL with a reason. */
int eco_budget_check(const struct eco_budget *budget, const struct eco_factors *factors,
                     struct eco_why *why) ECO_MUST_CHECK;

/* What the job is charged up to a moment. */
struct eco_charge {
    double job_j, low_j, high_j; /* low and high nan while they are not known */
    double duration_s, share;    /* of the machine's energy, for --wall-factor */
    enum eco_slot slot;
};

/**
 * Judge it anew. Once exceeded it stays so.
 *
 * @return true when it is exceeded now and was not before
 */
bool eco_budget_judge(struct eco_budget *budget, const struct eco_factors *factors,
                      const struct eco_charge *charge);

/** "warn" "fail" "stop". */
const char *eco_budget_action_name(enum eco_budget_action action);
/** WARN for NULL and for what is none. */
enum eco_budget_action eco_budget_action_parse(const char *name);
