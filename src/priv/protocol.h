/* SPDX-License-Identifier: MIT */
/*
 * What ecocode-priv is asked and answers, over a pair of SOCK_SEQPACKET sockets: its fd 0 is one end.
 * Messages have a fixed size by their kind; one that is longer, shorter or of another version is answered
 * with an error and ends the helper. Nothing in a request names a file, a program or a user: paths are the
 * helper's own, and the user is the one that it runs as.
 *
 *   ECO_PRIV_ACCOUNTING  once; the answer carries descriptors (SCM_RIGHTS) or the reason in words; then it
 * ends ECO_PRIV_COUNTERS    any number of times; the answer carries values, never descriptors: these could be
 *                        read at any rate, which is what PLATYPUS (CVE-2020-8694) needs
 */
#pragma once

#include "platform/counters.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ECO_PRIV_MAGIC   0x766f6365u /* "ecov" */
#define ECO_PRIV_VERSION 1u

#define ECO_PRIV_CPUS_MAX  4096u
#define ECO_PRIV_SEEDS_MAX 64u
#define ECO_PRIV_FDS_MAX   64u
#define ECO_PRIV_TEXT_MAX  320u
#define ECO_PRIV_NO_CPU    0xffffu

enum eco_priv_kind { ECO_PRIV_NONE, ECO_PRIV_ACCOUNTING, ECO_PRIV_COUNTERS };

/* Flags of ECO_PRIV_ACCOUNTING. */
#define ECO_PRIV_SWITCHES 1u /* with the hook on switches: who was on which CPU */
#define ECO_PRIV_ALL      2u /* processes of all users; refused unless the caller is root */
/* Flag of ECO_PRIV_COUNTERS. */
#define ECO_PRIV_EDGE 1u /* a measurement begins or ends with it (limit.h) */

struct eco_priv_head {
    uint32_t magic;
    uint16_t version, kind;
    uint32_t serial; /* an answer has that of its question */
    uint32_t flags;
};

struct eco_priv_accounting {
    struct eco_priv_head head;
    uint64_t cgroup_id;    /* cgroup v2: only what is in or below it; 0 = wherever */
    uint32_t cgroup_level; /* its depth below the root */
    uint32_t ring_bytes, slots_per_cpu, processes_limit; /* 0 = as the helper thinks fit */
    uint32_t cpu_count, seed_count;
    int32_t seeds[ECO_PRIV_SEEDS_MAX];   /* only these processes and what descends from them; none = all */
    uint16_t sibling[ECO_PRIV_CPUS_MAX]; /* SMT sibling of a CPU, ECO_PRIV_NO_CPU = none */
};

struct eco_priv_counters {
    struct eco_priv_head head;
};

/* Answer to ECO_PRIV_ACCOUNTING, with `fd_count` descriptors beside it. */
struct eco_priv_attached {
    struct eco_priv_head head;
    int32_t error; /* 0 or negative errno, then with text */
    uint32_t fd_count;
    uint64_t present; /* bit i: enum eco_bpf_fd i is there; they come in that order */
    char text[ECO_PRIV_TEXT_MAX], fix[ECO_PRIV_TEXT_MAX];
};

/* Answer to ECO_PRIV_COUNTERS. */
struct eco_priv_sample {
    struct eco_priv_head head;
    int32_t error;
    uint32_t reserved;
    uint64_t next_ns; /* MONOTONIC: asked before, the answer would be this one again */
    char text[ECO_PRIV_TEXT_MAX], fix[ECO_PRIV_TEXT_MAX];
    struct eco_counter_sample sample;
};

_Static_assert(sizeof(struct eco_priv_head) == 16, "a message has no holes");
_Static_assert(sizeof(struct eco_priv_accounting) == 48 + 4 * ECO_PRIV_SEEDS_MAX + 2 * ECO_PRIV_CPUS_MAX,
               "a message has no holes");
_Static_assert(sizeof(struct eco_priv_attached) == 32 + 2 * ECO_PRIV_TEXT_MAX, "a message has no holes");
_Static_assert(sizeof(struct eco_priv_sample) == 32 + 2 * ECO_PRIV_TEXT_MAX + 24 + 56 * ECO_COUNTERS_MAX,
               "a message has no holes");
