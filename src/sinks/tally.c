/* SPDX-License-Identifier: MIT */
#include "sinks/tally.h"

#include "base/counter.h"

static void split_add(struct eco_split *sum, const struct eco_split *more, double sign)
{
    sum->job_uj += sign * more->job_uj;
    sum->others_uj += sign * more->others_uj;
    sum->idle_uj += sign * more->idle_uj;
    sum->unattributed_uj += sign * more->unattributed_uj;
}

static void domain_add(struct eco_tally_domain *sum, const struct eco_frame_domain *more, unsigned slots)
{
    sum->gap_ns += more->gap_ns;
    sum->card_busy_ns += more->card_busy_ns;
    if (more->state != ECO_ENERGY_OK)
        return;
    sum->machine_uj += more->machine_uj;
    sum->span_ns += more->span_ns;
    for (unsigned slot = 0; slot < slots; slot++)
        split_add(&sum->split[slot], &more->split[slot], 1.0);
}

/* What the totals of a keyframe hold beyond the sums so far, which become those totals. */
static void domain_missed(struct eco_tally_domain *sum, const struct eco_frame_domain *all, unsigned slots,
                          struct eco_frame_domain *ret)
{
    *ret = *all;
    ret->machine_uj -= sum->machine_uj;
    ret->span_ns = eco_sub_sat(all->span_ns, sum->span_ns);
    ret->gap_ns = eco_sub_sat(all->gap_ns, sum->gap_ns);
    ret->card_busy_ns = eco_sub_sat(all->card_busy_ns, sum->card_busy_ns);
    for (unsigned slot = 0; slot < slots; slot++)
        split_add(&ret->split[slot], &sum->split[slot], -1.0);
    *sum = (struct eco_tally_domain){0};
    domain_add(sum, all, slots);
}

static void take_keyframe(struct eco_tally *tally, const struct eco_frame *frame, struct eco_interval *ret)
{
    unsigned count = frame->domain_count;
    for (unsigned i = 0; i < count; i++)
        domain_missed(&tally->domains[i], &frame->domains[i], frame->slots, &tally->missed[i]);
    domain_missed(&tally->total, &frame->total, frame->slots, &tally->missed_total);
    ret->domains = tally->missed;
    ret->total = &tally->missed_total;
    ret->suspended_ns = eco_sub_sat(frame->suspended_ns, tally->suspended_ns);
    ret->job_cpu_ns = eco_sub_sat(frame->job_cpu_ns, tally->job_cpu_ns);
    ret->machine_cpu_ns = eco_sub_sat(frame->machine_cpu_ns, tally->machine_cpu_ns);
    tally->suspended_ns = frame->suspended_ns;
    tally->job_cpu_ns = frame->job_cpu_ns;
    tally->machine_cpu_ns = frame->machine_cpu_ns;
}

static void take_interval(struct eco_tally *tally, const struct eco_frame *frame, struct eco_interval *ret)
{
    for (unsigned i = 0; i < frame->domain_count; i++)
        domain_add(&tally->domains[i], &frame->domains[i], frame->slots);
    domain_add(&tally->total, &frame->total, frame->slots);
    ret->domains = frame->domains;
    ret->total = &frame->total;
    ret->suspended_ns = frame->suspended_ns;
    ret->job_cpu_ns = frame->job_cpu_ns;
    ret->machine_cpu_ns = frame->machine_cpu_ns;
    tally->suspended_ns += frame->suspended_ns;
    tally->job_cpu_ns += frame->job_cpu_ns;
    tally->machine_cpu_ns += frame->machine_cpu_ns;
}

void eco_tally_add(struct eco_tally *tally, const struct eco_frame *frame, struct eco_interval *ret)
{
    if (!tally->is_started) {
        tally->is_started = true;
        tally->start_ns = frame->t0_ns;
        tally->last_ns = frame->t0_ns;
    }
    if (frame->keyframe)
        take_keyframe(tally, frame, ret);
    else
        take_interval(tally, frame, ret);
    uint64_t t0_ns = frame->keyframe ? tally->last_ns : frame->t0_ns;
    ret->t0_ns = eco_sub_sat(t0_ns, tally->start_ns);
    ret->t1_ns = eco_sub_sat(frame->t1_ns, tally->start_ns);
    tally->last_ns = frame->t1_ns;
}

const char *eco_slot_policy_name(enum eco_slot slot, enum eco_policy chosen)
{
    switch (slot) {
    case ECO_SLOT_ACTIVE:
        return eco_policy_name(ECO_POLICY_ACTIVE);
    case ECO_SLOT_FULL:
        return eco_policy_name(ECO_POLICY_FULL);
    case ECO_SLOT_CHOSEN:
    case ECO_SLOT_COUNT:
        break;
    }
    return eco_policy_name(chosen);
}
