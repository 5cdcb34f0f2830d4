/* SPDX-License-Identifier: MIT */
/*
 * One domain, one closed interval: its energy divided among rows. Pure arithmetic; in every slot
 * rows + rest + idle + unattributed = energy to the last bits. Source of the formulas:
 * docs/attribution.md.
 */
#pragma once

#include "model/frame.h"

#include <stdbool.h>
#include <stddef.h>

struct eco_share_input {
    double energy_uj;
    double idle_uj;          /* from eco_idle_balance_take; nan = idle power not known */
    double dynamic_limit_uj; /* dynamic energy above this is unattributed (devices, DMA); nan = no limit */
    size_t row_count;
    const double *weight; /* [row] share of the dynamic energy, >= 0, any unit */
    const double
        *idle_weight;   /* [row] share of idle power under FULL as a fraction of 1 (DRAM: RSS / MemTotal);
                           scaled down when the sum with rest_idle_weight exceeds 1; NULL = by weight */
    double rest_weight; /* of everything that is not a row ("others" of a run), same unit as weight */
    double rest_idle_weight; /* with idle_weight only */
    double lost_weight;      /* tasks that no row explains (a monitor's remainder): goes to unattributed */
    enum eco_policy chosen;  /* EQUAL or RESERVED for slot CHOSEN, else ECO_POLICY_NONE */
    const double *chosen_weight; /* [row] for slot CHOSEN: EQUAL 1/N of the trees that ran, RESERVED reserved
                                    share; fractions of 1 */
    double rest_chosen_weight;
};

struct eco_share_output {
    double *row_uj[ECO_SLOT_COUNT];         /* [slot][row], caller's; CHOSEN may be NULL */
    struct eco_split split[ECO_SLOT_COUNT]; /* job = sum of rows, others = rest */
};

/**
 * Fills ACTIVE (all nan when idle_uj is nan: rows too), FULL and, where asked, CHOSEN. When nobody ran
 * (all weights 0) dynamic energy is unattributed and idle stays idle in every slot.
 */
void eco_share_domain(const struct eco_share_input *in, struct eco_share_output *out);
