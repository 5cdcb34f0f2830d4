/* SPDX-License-Identifier: MIT */
/*
 * The ledger's accounts: one per process that used something, with all that it was charged. Ended ones
 * are folded into one account per parent and name once there are many, so that a measurement of weeks
 * stays bounded; sums stay exact. init/finish. Thread: the meter's, under its lock.
 */
#pragma once

#include "base/macros.h"
#include "model/frame.h"

#include <stddef.h>

#define ECO_ACCOUNTS_ENDED_MAX 4096u /* ended accounts kept one by one */
#define ECO_ACCOUNTS_FOLD_MAX  256u  /* folded groups; beyond, one for each identity, */
#define ECO_ACCOUNTS_REST_MAX  1024u /* of which there are so many; then one of all */

/* Cumulative: weight, and where the driver's own samples are known its part of their energy and time. */
struct eco_gpu_work {
    double weight_ns, energy_uj, span_ns;
};

/* What a process did on one graphics card. */
struct eco_account_gpu {
    struct eco_gpu_work used, mark; /* so far; when the card's interval was last closed */
    double recent;                  /* its weight in the last interval that it was in, of that number */
    uint64_t recent_seq;
    bool holds; /* a context, at the last look */
    uint64_t memory_bytes;
};

struct eco_account {
    struct eco_proc_name name; /* id 0 = free */
    bool in_job;
    bool is_pending; /* has weight that some domain's interval still waits for */
    bool is_fold;
    bool is_moved;         /* what a process used as another's: it has another account now */
    bool has_just_ended;   /* in the present look */
    bool is_cut;           /* in the present look: it has ended, and its last CPU time was not told in time */
    uint64_t ended_seq;    /* frame in which it ended, 0 = alive */
    uint64_t cpu_ns;       /* granted so far */
    uint64_t before_ns;    /* granted to accounts that it had before */
    uint64_t frame_cpu_ns; /* of it since the last frame */
    uint64_t look_cpu_ns;  /* of it in the present look */
    uint64_t rss_bytes, max_rss_bytes;
    uint64_t end_offset_ns; /* 0 = alive */
    int32_t last_cpu;
    bool has_places; /* it is known where it ran in the present look */
    uint64_t
        *place_ns;  /* owned: as proc.place_ns at the last look, then what is new in this one; NULL unknown */
    double chosen;  /* scratch: share of idle power for slot CHOSEN */
    double *weight; /* [columns] cumulative weight, ns */
    double *mark;   /* [domains] weight when the domain's interval was last closed */
    double *share_s;             /* [domains] integral of its share of all weights over time */
    double *energy_uj;           /* [slots][domains] since the beginning */
    double *frame_uj;            /* [slots][domains] since the last frame */
    char *cmdline;               /* owned; name.cmdline */
    struct eco_account_gpu *gpu; /* owned: [ECO_DOMAINS_MAX]; NULL = it never used a card */
    uint64_t gpu_busy_ns, gpu_memory_bytes, gpu_memory_max_bytes; /* of all cards */
};

struct eco_accounts {
    struct eco_account **all; /* places are stable; NULL = free */
    size_t count, capacity;
    size_t free_hint; /* no free place below */
    uint32_t *hash;   /* id -> index + 1, open addressing */
    size_t hash_size, hash_used;
    size_t ended_count, fold_count;
    uint32_t next_fold_id; /* ids of folded groups count down from the top */
    unsigned columns, domains, slots;
};

int eco_accounts_init(struct eco_accounts *accounts, unsigned columns, unsigned domains,
                      unsigned slots) ECO_MUST_CHECK;
void eco_accounts_finish(struct eco_accounts *accounts);
/**
 * More columns and domains, both at the end. What every account has so far stays; of a new domain it has
 * nothing, and its weight so far is marked as not that domain's. 0, or -ENOMEM and nothing has changed.
 */
int eco_accounts_widen(struct eco_accounts *accounts, unsigned columns, unsigned domains) ECO_MUST_CHECK;
/** NULL when there is none. */
struct eco_account *eco_accounts_get(const struct eco_accounts *accounts, uint32_t id);
/** The account of that id, made if need be; NULL without memory. */
struct eco_account *eco_accounts_take(struct eco_accounts *accounts, uint32_t id) ECO_MUST_CHECK;
/** Name, parent, role, command line, identity from what procs say now. 0 or -ENOMEM (then the old ones stay).
 */
int eco_account_describe(struct eco_account *account, const struct eco_proc *proc, bool in_job,
                         uint64_t start_offset_ns);
/**
 * The process is another's from now on (moved to a container, another user): what it used so far stays where
 * it is, as ended in frame `seq`; a new account goes on. NULL without memory: then nothing has changed.
 */
struct eco_account *eco_accounts_split(struct eco_accounts *accounts, struct eco_account *account,
                                       uint64_t seq, uint64_t offset_ns) ECO_MUST_CHECK;
/** Mark as ended in this frame. */
void eco_accounts_end(struct eco_accounts *accounts, struct eco_account *account, uint64_t seq,
                      uint64_t offset_ns);
/** Fold accounts that ended before `seq` once more than ECO_ACCOUNTS_ENDED_MAX have ended. Pending ones stay.
 */
void eco_accounts_fold(struct eco_accounts *accounts, uint64_t seq);
