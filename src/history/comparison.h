/* SPDX-License-Identifier: MIT */
/*
 * Two groups of runs, compared: what hinders it, on which basis it can be done, and what it comes to. Pure.
 */
#pragma once

#include "base/why.h"
#include "history/group.h"
#include "history/verdict.h"

#define ECO_COMPARISON_NOTES 8

struct eco_side {
    struct eco_interval own, full; /* geometric mean in J, 95 %; low and high nan where it has none */
    double duration_s;             /* geometric mean */
};

struct eco_comparison {
    struct eco_side a, b;
    bool has_own; /* own energy is the answer, else the one with idle */
    struct eco_judgement own, full;
    double time_ratio;
    double idle_w;              /* own energies were counted anew with this idle power; nan = as they were */
    bool is_in_turn;            /* interleaved, or spread over several days */
    char obstacle[ECO_WHY_MAX]; /* why there is no verdict; "" = there is one */
    char notes[ECO_COMPARISON_NOTES][ECO_WHY_MAX];
    unsigned note_count;
};

struct eco_comparison_rule {
    double margin;
    bool any_order;          /* a verdict also where one group was run after the other */
    size_t least_a, least_b; /* runs that a verdict takes */
};

/**
 * Both groups sorted, none empty. Samples of own energy are changed where they are counted anew.
 *
 * @return 0 (with a verdict or an obstacle), -ENOMEM
 */
int eco_compare(struct eco_group *a, struct eco_group *b, const struct eco_comparison_rule *rule,
                struct eco_comparison *ret) ECO_MUST_CHECK;

/** True when runs of both alternate at least about as often as chance would have it, or both are spread over
 * three days or more: then what drifts does not fall on one of them. */
bool eco_is_in_turn(const struct eco_group *a, const struct eco_group *b);

static inline const struct eco_judgement *eco_comparison_answer(const struct eco_comparison *comparison)
{
    return comparison->has_own ? &comparison->own : &comparison->full;
}
