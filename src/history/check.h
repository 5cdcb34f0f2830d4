/* SPDX-License-Identifier: MIT */
/* `check`: has the energy grown against a baseline? The rule of continuous integration (docs/compare.md). */
#pragma once

#include "base/buf.h"
#include "history/comparison.h"

#define ECO_CHECK_BASELINE                                                           \
    5 /* runs that the rule takes; with fewer it would fail unchanged code too often \
       */
#define ECO_CHECK_CANDIDATES 3

enum eco_check_state {
    ECO_CHECK_REGRESSION, /* beyond the tolerance, and chance alone does not explain it */
    ECO_CHECK_UNCERTAIN,  /* beyond the tolerance, but the interval holds "no change" */
    ECO_CHECK_WITHIN,
    ECO_CHECK_IMPROVED /* certainly less */
};

struct eco_check {
    struct eco_group baseline, candidates;
    struct eco_comparison comparison;
    double tolerance;
    enum eco_check_state state;
};

enum eco_check_state eco_check_judge(const struct eco_judgement *answer, double tolerance);
/** "regression" "uncertain" "within" "improved" */
const char *eco_check_state_name(enum eco_check_state state);

void eco_check_text(struct eco_buf *out, const struct eco_check *check, bool utf8);
void eco_check_json(struct eco_buf *out, const struct eco_check *check);
/** A summary fit for a pull request. */
void eco_check_markdown(struct eco_buf *out, const struct eco_check *check);
