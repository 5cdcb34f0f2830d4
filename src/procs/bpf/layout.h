/* SPDX-License-Identifier: MIT */
/*
 * Memory that the kernel programs, their loader and their reader share. Fixed widths, nothing implied. Every
 * change is a new ECO_BPF_VERSION: the loader may be of another build than the reader.
 */
#pragma once

#ifdef __bpf__
typedef unsigned char uint8_t;
typedef unsigned short uint16_t;
typedef unsigned int uint32_t;
typedef int int32_t;
typedef unsigned long long uint64_t;
typedef long long int64_t;
#else
#include <stdint.h>
#endif

#define ECO_BPF_MAGIC   0x31667062006f6365ull /* "eco\0bpf1" */
#define ECO_BPF_VERSION 2

#define ECO_BPF_HAS_SWITCH 1u

#define ECO_BPF_NO_SIBLING 0xffffffffu
#define ECO_BPF_HIDDEN     0xffffffffu /* as .tgid: somebody whom the filter leaves out */
#define ECO_BPF_LIST_END   0xffffu

#define ECO_BPF_SLOTS_MAX 32768u
#define ECO_BPF_RING_MAX  (64u << 20)

/* One page of its own. The loader fills the first part once; the reader bumps the epoch. */
struct eco_bpf_header {
    uint64_t magic;
    uint32_t version, flags;
    uint32_t cpu_count, slots_per_cpu;
    uint32_t ring_bytes, spill_bytes;
    uint64_t since_ns; /* MONOTONIC, when the last hook was in place */
    uint64_t unused1[3];
    uint32_t epoch;         /* of looks at who was on a CPU; in a line of its own: every switch reads it */
    uint32_t untraced_tgid; /* whose switches the kernel does not show (see events.bpf.c); 0 nobody's */
    uint32_t unused2[14];
    uint64_t lost_events; /* the kernel side's: no room in the ring or among those followed */
    uint64_t self_ns;     /* of the hooks on lives */
    uint32_t has_strays;  /* some who were born in the wanted cgroup have left it */
    uint32_t unused4;
    uint64_t unused3[5];
};

struct eco_bpf_event {
    uint32_t kind; /* enum eco_feed_kind */
    int32_t pid, ppid;
    uint32_t uid;
    uint64_t start_ns, time_ns, cpu_ns, cgroup_id;
    char name[16];
};

/* Time of one process on one CPU since it took the slot. Only that CPU writes it. */
struct eco_bpf_slot {
    uint32_t tgid;
    uint32_t turn; /* of occupants: + 2 with each, odd while one moves in */
    uint64_t on_ns, shared_ns;
    uint32_t epoch;   /* when it was put on a list last */
    uint16_t next[2]; /* lists of the slots that were used in an even and in an odd epoch */
};

struct eco_bpf_cpu {
    /*
     * Cumulative busy time in one word, so that it can be read from another CPU at once: at time t it is
     * `busy` when the lowest bit is clear (idle), else `busy` - 1 + t. Times are even here.
     */
    uint64_t busy;
    uint64_t since_ns;         /* when who is on it came; 0: not known yet, or just being changed */
    uint64_t sibling_start_ns; /* the sibling's busy time then */
    uint64_t kept_ns;          /* sum of what has gone into slots */
    uint32_t tgid;             /* who is on it; 0 idle */
    uint32_t sibling;
    uint32_t list_epoch[2];
    uint16_t list[2]; /* first slot that was used in that epoch */
    uint32_t calls;
    uint64_t self_ns; /* sampled */
};

/* Of each CPU, for the kernel side and its loader alone. A line of its own: every switch writes it. */
struct eco_bpf_own {
    uint32_t on; /* tgid of who is on it; 0 idle */
    uint32_t first_slot, slot_mask;
    uint32_t epoch;     /* of the last look that this CPU knows of */
    uint64_t synced_ns; /* when the clock was read last, MONOTONIC */
    uint64_t offset_ns; /* what it was ahead of the scheduler's then */
    uint64_t unused2[4];
};

/* What a slot held when another process took it. */
struct eco_bpf_spill {
    uint32_t cpu, slot, tgid, turn;
    uint64_t on_ns, shared_ns;
};

/* Where members of the kernel's structs are, and what to do: read-only data of the programs. */
struct eco_bpf_config {
    /* In one line what every switch reads. */
    uint32_t task_tgid, task_exec_start, task_signal, task_cred, task_cgroups;
    uint32_t has_switch, has_prev_state, is_weakly_ordered, only_tree;
    uint32_t only_uid, uid;
    uint64_t cgroup_id;
    uint32_t cset_cgroup, cgroup_kn, kn_id, cgroup_level;
    uint32_t task_pid, task_comm, task_start, task_leader, task_parent, task_runtime;
    uint32_t signal_runtime, signal_live;
    uint32_t cred_uid;
    uint32_t cgroup_ancestors, cgroup_ancestor_ids;
    uint32_t cgroup_depth;
    uint32_t has_group_dead;
    uint32_t switch_type; /* BTF id of the tracepoint */
} __attribute__((aligned(64)));

_Static_assert(sizeof(struct eco_bpf_header) == 192, "shared");
_Static_assert(sizeof(struct eco_bpf_event) == 64, "shared");
_Static_assert(sizeof(struct eco_bpf_slot) == 32, "shared");
_Static_assert(sizeof(struct eco_bpf_cpu) == 64, "shared");
_Static_assert(sizeof(struct eco_bpf_spill) == 32, "shared");
_Static_assert(sizeof(struct eco_bpf_own) == 64, "shared");
