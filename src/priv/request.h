/* SPDX-License-Identifier: MIT */
/* Reading a question: pure, so that it can be fuzzed. Nothing is believed before it was looked at. */
#pragma once

#include "priv/protocol.h"
#include "procs/bpf/load.h"

union eco_priv_question {
    struct eco_priv_head head;
    struct eco_priv_accounting accounting;
    struct eco_priv_counters counters;
};

/**
 * @param size  of the message as it was sent; more than the union holds is refused
 * @return the kind, or -EPROTO (size, magic, kind), -EPROTONOSUPPORT (another version)
 */
int eco_priv_check(const void *bytes, size_t size, union eco_priv_question *ret) ECO_MUST_CHECK;

/** What the loader is asked for. `siblings` holds ECO_PRIV_CPUS_MAX; ret borrows it and the question. */
int eco_priv_make_request(const struct eco_priv_accounting *question, uint32_t uid, int32_t *siblings,
                          struct eco_bpf_request *ret, struct eco_why *why) ECO_MUST_CHECK;
