/* SPDX-License-Identifier: MIT */
/* A measurement small enough to be written out here: one domain, no process. */
#pragma once

#include "sinks/sink.h"

#include <string.h>

static const struct eco_domain record_domain = {
    .name = "package-0", .kind = ECO_KIND_CPU, .counted = true, .within = -1, .quality = ECO_MEASURED};

static inline struct eco_sink_begin record_begin(char *const *command)
{
    return (struct eco_sink_begin){.run_id = "0123456789abcdef0123456789abcdef",
                                   .boot_id = "b",
                                   .hostname = "node/1",
                                   .pid = 4242,
                                   .command = command,
                                   .interval_ns = 1000000000,
                                   .policy = ECO_POLICY_ACTIVE,
                                   .accounting = "proc",
                                   .domains = &record_domain,
                                   .domain_count = 1};
}

/* Interval number `seq` (from 1), each `span_ns` long and 10 J, of which 4 J are the job's. */
static inline struct eco_frame record_frame(uint64_t seq, uint64_t span_ns)
{
    struct eco_frame frame = {.seq = seq,
                              .t0_ns = 5000000000ull + (seq - 1) * span_ns,
                              .t1_ns = 5000000000ull + seq * span_ns,
                              .slots = 2,
                              .headline = ECO_SLOT_ACTIVE,
                              .domain_count = 1,
                              .domain_info = &record_domain};
    struct eco_frame_domain domain = {
        .state = ECO_ENERGY_OK, .machine_uj = 10e6, .span_ns = span_ns, .quality = ECO_MEASURED};
    for (int s = 0; s < 2; s++)
        domain.split[s] = (struct eco_split){.job_uj = 4e6, .idle_uj = 6e6};
    frame.domains[0] = frame.total = domain;
    return frame;
}
