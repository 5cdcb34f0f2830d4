/* SPDX-License-Identifier: MIT */
/* What must hold of every division: it adds up, nothing is negative, nothing is nan. */
#pragma once

#include "attribution/check.h"
#include "attribution/share.h"

/* Sum with the rounding kept, so that the check is sharper than what it checks. */
static inline double exact_sum(const double *values, size_t count)
{
    double total = 0, lost = 0;

    for (size_t i = 0; i < count; i++) {
        double y = values[i] - lost, next = total + y;

        lost = (next - total) - y;
        total = next;
    }
    return total;
}

static inline void check_slot(const struct eco_share_input *in, const struct eco_share_output *out,
                              enum eco_slot slot)
{
    const struct eco_split *split = &out->split[slot];
    const double parts[] = {out->row_uj[slot] ? exact_sum(out->row_uj[slot], in->row_count) : split->job_uj,
                            split->others_uj, split->idle_uj, split->unattributed_uj};
    double tolerance = 1e-12 * in->energy_uj + 1e-300;

    for (size_t i = 0; out->row_uj[slot] && i < in->row_count; i++)
        assert_true(out->row_uj[slot][i] >= 0);
    for (size_t i = 0; i < 4; i++)
        assert_true(parts[i] >= 0);
    assert_true(fabs(exact_sum(parts, 4) - in->energy_uj) <= tolerance);
    assert_true(fabs(parts[0] - split->job_uj) <= tolerance);
}

static inline void check_unknown(const struct eco_share_input *in, const struct eco_share_output *out,
                                 enum eco_slot slot)
{
    const struct eco_split *split = &out->split[slot];

    assert_true(isnan(split->job_uj) && isnan(split->others_uj) && isnan(split->idle_uj) &&
                isnan(split->unattributed_uj));
    for (size_t i = 0; out->row_uj[slot] && i < in->row_count; i++)
        assert_true(isnan(out->row_uj[slot][i]));
}

/* Every slot of a division of a known energy. */
static inline void check_all(const struct eco_share_input *in, const struct eco_share_output *out)
{
    bool idle_known = !isnan(in->idle_uj);

    check_slot(in, out, ECO_SLOT_FULL);
    if (idle_known)
        check_slot(in, out, ECO_SLOT_ACTIVE);
    else
        check_unknown(in, out, ECO_SLOT_ACTIVE);
    if (idle_known && (in->chosen == ECO_POLICY_EQUAL || in->chosen == ECO_POLICY_RESERVED))
        check_slot(in, out, ECO_SLOT_CHOSEN);
    else
        check_unknown(in, out, ECO_SLOT_CHOSEN);
}
