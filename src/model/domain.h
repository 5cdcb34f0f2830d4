/* SPDX-License-Identifier: MIT */
/* A domain: energy that is known once, from the best source there is. Plain data. */
#pragma once

#include "model/channel.h"

#define ECO_DOMAINS_MAX        64
#define ECO_DOMAIN_SOURCES_MAX 4

/* One way to know a domain; the elected one first. */
struct eco_domain_source {
    char source[ECO_SOURCE_MAX];   /* "powercap", "perf", "hwmon", "battery", "model" */
    char detail[ECO_NAME_MAX * 2]; /* "intel-rapl:0" */
    enum eco_quality quality;
    uint64_t used_ns; /* time for which this source gave the figure, in this meter's life */
};

struct eco_domain {
    char name[ECO_NAME_MAX];
    enum eco_kind kind;
    struct eco_key key;
    bool counted;      /* part of the machine's sum; the only place that says so */
    bool holds_cpu;    /* its energy contains that of the CPUs and their memory */
    bool attributable; /* may be divided among processes (not psys, battery, system) */
    int within;        /* index of the domain that contains it, -1 = none */
    int package;       /* socket whose CPUs drive it, -1 = all of them */
    struct eco_domain_source sources[ECO_DOMAIN_SOURCES_MAX];
    unsigned source_count;
    unsigned active_source;   /* index into sources */
    enum eco_quality quality; /* worst so far */
    uint64_t period_ns;       /* 0 unknown */
    uint64_t quantum_uj;
    uint64_t max_uw;
    double alpha;
    double model_idle_uw; /* idle power by the model, estimated domains only; nan otherwise */
    double model_ratio;   /* estimated domains: truth is within [/ratio, x ratio] at 95 %; 0 = measured */
};

enum eco_energy_state {
    ECO_ENERGY_NONE,
    ECO_ENERGY_OK,      /* delta_uj was used in [from, to] */
    ECO_ENERGY_WAITING, /* the counter has not moved yet: its interval stays open */
    ECO_ENERGY_GAP      /* [from, to] is unknown: unreadable, reset, too long, suspended, standing still */
};

/* What one domain used since its interval was last closed. */
struct eco_energy {
    enum eco_energy_state state;
    uint64_t delta_uj;
    uint64_t from_ns, to_ns; /* MONOTONIC */
    uint64_t bracket_ns;     /* how long the reads at the ends took, together */
    enum eco_quality quality;
    int error; /* of a gap: negative errno; -ERANGE reset, -EOVERFLOW too long between reads, -ETIMEDOUT it
                  stood still */
};
