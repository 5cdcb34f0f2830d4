/* SPDX-License-Identifier: MIT */
/*
 * How often the counters are really read for users who may not read them: at most once in 100 ms, over all
 * instances on this machine.
 *
 * Why: with energy read every millisecond a user sees what others compute (PLATYPUS, CVE-2020-8694), which is
 * why the kernel shows the counters to root only since 5.10. A window of 100 ms or more holds the sum of
 * everything that ran in it. One more read is granted every 10 s, at least 20 ms after the last one, for the
 * end of a measurement: one window of 20 ms in 10 s gives a spy nothing that the others do not.
 *
 * How: a file that only root can open, mapped by every instance. Who moves `claimed_ns` by compare-and-swap
 * may read; what it read is left in the file for all others. No lock: an instance that is stopped or killed,
 * which its user can do, holds up nobody. One that was stopped between claim and read does not get to tell
 * its values, so that claims cannot be saved up and used together.
 */
#pragma once

#include "base/why.h"
#include "platform/counters.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ECO_LIMIT_PERIOD_NS 100000000ull
#define ECO_LIMIT_EXTRA_NS  10000000000ull
#define ECO_LIMIT_EDGE_NS   20000000ull
#define ECO_LIMIT_HELD_NS   20000000ull /* from the claim to the end of the read */
#define ECO_LIMIT_SLOTS     4u
#define ECO_LIMIT_DIR       "/var/lib/ecocode"
#define ECO_LIMIT_NAME      "counters"

struct eco_limit_slot {
    struct eco_counter_sample sample;
    uint64_t sum; /* of the sample: a slot that was left half written is none */
};

/* The file. All zero when it is made. */
struct eco_limit_state {
    _Atomic uint64_t boot;       /* of which boot the rest tells */
    _Atomic uint64_t claimed_ns; /* MONOTONIC of the last claim */
    _Atomic uint64_t extra_ns;   /* of the last extra one */
    _Atomic uint32_t turn;       /* slots are written in turn */
    uint32_t reserved;
    struct eco_limit_slot slots[ECO_LIMIT_SLOTS];
};

struct eco_limit {
    struct eco_limit_state *state;
    uint64_t boot;
};

/** The directory must be root's and writable by root alone; so must the file, and of the right size. */
int eco_limit_open(struct eco_limit *limit, const char *directory, const char *boot_id,
                   struct eco_why *why) ECO_MUST_CHECK;
void eco_limit_close(struct eco_limit *limit);

/** Whether the caller may read now; then *ret is its claim. */
bool eco_limit_claim(struct eco_limit *limit, uint64_t now_ns, bool is_edge, uint64_t *ret);
/** Leave what was read under that claim for all. False when it took too long: then it must not be told. */
bool eco_limit_publish(struct eco_limit *limit, uint64_t claim_ns, const struct eco_counter_sample *sample);
/** The newest sample that somebody left. -EAGAIN when there is none. */
int eco_limit_newest(const struct eco_limit *limit, uint64_t now_ns,
                     struct eco_counter_sample *ret) ECO_MUST_CHECK;
/** When the next claim may be granted. */
uint64_t eco_limit_next_ns(const struct eco_limit *limit);
