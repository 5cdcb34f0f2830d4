/* SPDX-License-Identifier: MIT */
/*
 * The frame: one immutable record of one interval, the contract between the half that measures and
 * the half that shows. Energies are doubles in microjoules. In every slot and domain
 * job + others + idle + unattributed = machine, and the rows of the job sum to job.
 * Reference-counted (meter/frame_pool.h); a reader never changes one.
 */
#pragma once

#include "model/domain.h"
#include "model/process.h"

#include <stdatomic.h>
#include <stddef.h>

/* Policies: who is charged for idle power. Names in JSON and on the command line by eco_policy_name(). */
enum eco_policy {
    ECO_POLICY_NONE,
    ECO_POLICY_ACTIVE,   /* nobody: idle is a row of its own */
    ECO_POLICY_FULL,     /* by share of the dynamic energy's weights */
    ECO_POLICY_EQUAL,    /* the same for every tree that ran */
    ECO_POLICY_RESERVED, /* by what is reserved (quota, cpuset) */
    ECO_POLICY_COUNT
};

/* Every interval is divided in one pass by up to three policies. */
enum eco_slot {
    ECO_SLOT_ACTIVE, /* ECO_POLICY_ACTIVE; figures are nan while the idle power is not known */
    ECO_SLOT_FULL,   /* ECO_POLICY_FULL */
    ECO_SLOT_CHOSEN, /* EQUAL or RESERVED where asked for; otherwise not there */
    ECO_SLOT_COUNT
};

struct eco_split {
    double job_uj, others_uj, idle_uj, unattributed_uj; /* sum = machine_uj of the domain */
};

struct eco_frame_domain {
    enum eco_energy_state state;
    double machine_uj; /* 0 unless state is OK */
    uint64_t span_ns;  /* time that machine_uj covers; longer than the frame after WAITING */
    uint64_t gap_ns;   /* unknown time that ended in this frame */
    int error;
    enum eco_quality quality;
    struct eco_split split[ECO_SLOT_COUNT];
    bool has_card_busy;         /* a graphics card that tells when it is busy */
    uint64_t card_busy_ns;      /* in this frame; 0 without has_card_busy */
    uint64_t card_memory_bytes; /* in use at its end, by whomever; 0 unknown */
};

struct eco_frame_row {
    uint32_t proc_id;
    uint64_t cpu_ns;    /* used in this frame */
    uint64_t rss_bytes; /* 0 not known */
    uint32_t flags;     /* eco_proc_flags at this look */
    int32_t pid;
    uint32_t tree_id; /* proc_id of the top of its tree; 0 not asked for */
    int32_t tree_pid;
    char tree_name[16];
    const struct eco_identity *identity; /* NULL not known; lives as long as the meter */
    char name[32];                       /* comm, cut; the whole of it by eco_proc_name */
};

/* What a reader may want to know of a process; append-only, never changes once a frame names it. */
struct eco_proc_name {
    uint32_t id, parent_id;
    int32_t pid, ppid;
    uint32_t uid, count, flags;
    uint64_t start_offset_ns; /* MONOTONIC start minus the meter's start; 0 if it ran before */
    uint32_t tree_id;
    int32_t tree_pid;
    char tree_name[16];
    const struct eco_identity *identity;
    const char *role, *cmdline; /* as in eco_proc; owned by the meter, live as long as it does */
    char name[ECO_PROC_NAME_MAX];
};

/* Those of an identity that live at the end of a frame. */
struct eco_frame_identity {
    const struct eco_identity *identity;
    uint32_t alive;
};

struct eco_frame {
    atomic_uint refs;
    void *pool;
    uint64_t seq;
    uint64_t t0_ns, t1_ns;  /* MONOTONIC */
    int64_t t1_real_ns;     /* CLOCK_REALTIME at t1, for people */
    uint64_t suspended_ns;  /* asleep between t0 and t1 */
    bool keyframe;          /* totals since the start instead of one interval: something was missed */
    bool last;              /* the measurement ended with this one */
    unsigned slots;         /* 2 or 3 */
    enum eco_slot headline; /* slot of the chosen policy */
    unsigned domain_count;
    const struct eco_domain *domain_info; /* borrowed from the meter: names, kinds */
    struct eco_frame_domain total;        /* counted domains only; state OK if any is */
    uint64_t job_cpu_ns, machine_cpu_ns;  /* used in this frame */
    uint64_t job_rss_bytes;               /* of its rows, last known */
    uint32_t alive_count, job_alive;
    uint32_t row_count, row_capacity;
    struct eco_frame_row *rows;
    double *energy_uj; /* [row][slot][domain]: rows x slots x domain_count; see eco_frame_row_energy */
    size_t energy_capacity;
    struct eco_frame_identity *identities; /* of the job, where they were asked for */
    uint32_t identity_count, identity_capacity;
    struct eco_frame_domain domains[ECO_DOMAINS_MAX]; /* behind all else: what is not there is not touched */
};

static inline double *eco_frame_row_energy(const struct eco_frame *frame, uint32_t row, enum eco_slot slot)
{
    return frame->energy_uj + ((size_t)row * frame->slots + slot) * frame->domain_count;
}

const char *eco_policy_name(enum eco_policy policy);
/** The policy of that name, or ECO_POLICY_NONE. */
enum eco_policy eco_policy_parse(const char *name);
