/* SPDX-License-Identifier: MIT */
/*
 * Loads the kernel programs and attaches them. Needs CAP_BPF and CAP_PERFMON, so it is used in ecocode-priv
 * only; not linked into ecocode and libecocode. No paths, no environment: the kernel's own BTF is read from
 * its fixed place. Prints nothing. Thread: one.
 */
#pragma once

#include "base/macros.h"
#include "base/why.h"
#include "procs/bpf/fds.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ECO_BPF_SEEDS_MAX 64
#define ECO_BPF_CPUS_MAX  4096

struct eco_bpf_request {
    /* Whom it tells of. Conditions add up; none = every process. */
    bool only_uid; /* processes of `uid`: for a caller who may not see those of others */
    uint32_t uid;
    /* 0 = any; else of cgroup v2: what is in or below it, and what those who were born there make elsewhere.
     */
    uint64_t cgroup_id;
    uint32_t cgroup_level; /* its depth below the root of the cgroup v2 tree (the root is 0) */
    const int32_t *seeds;  /* thread group ids in the initial pid namespace: what descends from them */
    size_t seed_count;     /* 0 = any process */

    bool has_switch;         /* with the hook on switches: time by CPU, SMT siblings, idle time */
    const int32_t *siblings; /* by CPU: its SMT sibling or -1; NULL = there are none. With has_switch */
    size_t sibling_count;

    /* Bounds; 0 = default. Rounded up to a power of two. */
    uint32_t ring_bytes;      /* of events; an event takes some 100 bytes */
    uint32_t slots_per_cpu;   /* processes whose time is kept without a spill */
    uint32_t processes_limit; /* that are followed from their birth */
};

/**
 * @param ret  the caller's to close
 * @return 0, or -ENOTSUP (built without, kernel too old), -EPERM (no capability, or seccomp), -ENOENT (no
 *         BTF), -ENOMEM, -EINVAL ...; `why` says which in words
 */
int eco_bpf_load(const struct eco_bpf_request *request, struct eco_bpf_fds *ret,
                 struct eco_why *why) ECO_MUST_CHECK;
