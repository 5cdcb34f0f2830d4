/* SPDX-License-Identifier: MIT */
/* Inside of the feed: reader.c has its life and its events, stints.c who was on a CPU. */
#pragma once

#include "procs/bpf/layout.h"
#include "procs/bpf/reader.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * A ring buffer of the kernel's: where we are (ours to write), where it is, and a part of the data. What is
 * mapped counts as our memory, touched or not, so only the part that is read is: `window_bytes` from
 * `window_at` on, and a page behind it, for a record that begins in one part may end in the next.
 */
struct bpf_ring {
    uint64_t *consumer;
    const uint64_t *producer;
    const uint8_t *window; /* NULL: none yet */
    size_t window_at, window_bytes;
    size_t page, bytes;
    int fd;          /* borrowed */
    uint64_t broken; /* records that made no sense */
};

/* What was handed out of a slot, for its occupant of that turn. */
struct bpf_seen {
    uint64_t on_ns, shared_ns;
    uint32_t turn;
};

struct bpf_cpu_seen {
    /* Handed out for somebody who is still on the CPU and has not got its slot yet. */
    struct bpf_seen ahead;
    uint64_t ahead_since_ns;
    uint32_t ahead_slot, ahead_missed;
    bool is_ahead;
    bool is_late;        /* a spill that must be there was not: once more at the next call */
    uint64_t handed_ns;  /* cumulative, with what was given up as lost */
    uint64_t running_ns; /* of it, of a stint that is not over */
    uint64_t kept_ns;    /* by the kernel side, at the last call */
    uint64_t idle_base_ns;
    bool has_idle_base;
};

struct bpf_feed {
    struct eco_feed base;
    struct eco_bpf_fds fds;
    size_t page;
    struct eco_bpf_header *header; /* nothing in it is trusted after open */
    struct bpf_ring events, spill;
    const struct eco_bpf_cpu *cpus;
    const struct eco_bpf_slot *slots;
    uint32_t cpu_count, slots_per_cpu, epoch;
    struct bpf_seen *seen; /* by slot */
    struct bpf_cpu_seen *cpu_seen;
    uint64_t lost_ns, since_ns;
};

/** The next record of exactly `size` bytes into `ret`; false when there is none yet. */
bool eco_bpf_ring_next(struct bpf_ring *ring, void *ret, size_t size);
uint64_t eco_bpf_now_ns(void);

int eco_bpf_stints_open(struct bpf_feed *feed);
int eco_bpf_stints(struct eco_feed *self, int (*told)(void *context, const struct eco_feed_stint *stint),
                   void *context);
int eco_bpf_idle_ns(const struct eco_feed *self, uint32_t cpu, uint64_t *ret);
