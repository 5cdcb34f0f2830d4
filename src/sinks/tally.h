/* SPDX-License-Identifier: MIT */
/*
 * Sums over the frames that a stream has seen. A reader that missed frames gets one of cumulative totals
 * (keyframe); the tally turns it back into the interval that is missing, so that what a stream wrote always
 * adds up to the whole.
 */
#pragma once

#include "model/frame.h"

/* One interval, ready to be written. Points into the frame or the tally: valid until the next call. */
struct eco_interval {
    uint64_t t0_ns, t1_ns, suspended_ns; /* since the first frame began */
    const struct eco_frame_domain *domains;
    const struct eco_frame_domain *total;
    uint64_t job_cpu_ns, machine_cpu_ns;
};

struct eco_tally_domain {
    double machine_uj;
    uint64_t span_ns, gap_ns, card_busy_ns;
    struct eco_split split[ECO_SLOT_COUNT];
};

struct eco_tally {
    bool is_started;
    uint64_t start_ns, last_ns, suspended_ns, job_cpu_ns, machine_cpu_ns;
    struct eco_tally_domain total, domains[ECO_DOMAINS_MAX];
    struct eco_frame_domain missed_total, missed[ECO_DOMAINS_MAX]; /* of a keyframe */
};

void eco_tally_add(struct eco_tally *tally, const struct eco_frame *frame, struct eco_interval *ret);

/** The frame's policy by name; `chosen` is that of the slot ECO_SLOT_CHOSEN. */
const char *eco_slot_policy_name(enum eco_slot slot, enum eco_policy chosen);
