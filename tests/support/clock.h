/* SPDX-License-Identifier: MIT */
/*
 * A clock that stands still until the test moves it. Pass &fake.clock; the struct must stay where
 * it is after init.
 */
#pragma once

#include "platform/clock.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/types.h>

#define ECO_FAKE_PROCS_MAX 256

struct eco_fake_proc {
    pid_t pid;
    int error; /* negative errno to answer with, 0 = cpu_ns */
    uint64_t cpu_ns;
};

struct eco_fake_clock {
    struct eco_clock clock;
    uint64_t mono_ns, boot_ns;
    int64_t real_ns;
    uint64_t step_ns;    /* all clocks move so far at each read of the monotonic one; 0 = stand still */
    unsigned long reads; /* of the monotonic clock */
    unsigned long process_reads; /* of process clocks */
    int process_error; /* answer of every process clock, 0 = the table's: -ENOTSUP = no such clocks */
    struct eco_fake_proc procs[ECO_FAKE_PROCS_MAX];
    unsigned proc_count;
};

/* Awake for `ns`. */
static inline void eco_fake_clock_advance(struct eco_fake_clock *fake, uint64_t ns)
{
    fake->mono_ns += ns;
    fake->boot_ns += ns;
    fake->real_ns += (int64_t)ns;
}

/* Asleep for `ns`: CLOCK_MONOTONIC stands still. */
static inline void eco_fake_clock_suspend(struct eco_fake_clock *fake, uint64_t ns)
{
    fake->boot_ns += ns;
    fake->real_ns += (int64_t)ns;
}

static inline uint64_t eco_fake_clock_mono(const struct eco_clock *clock)
{
    struct eco_fake_clock *fake = clock->context;
    uint64_t now = fake->mono_ns;
    fake->reads++;
    eco_fake_clock_advance(fake, fake->step_ns);
    return now;
}

static inline uint64_t eco_fake_clock_boot(const struct eco_clock *clock)
{
    const struct eco_fake_clock *fake = clock->context;
    return fake->boot_ns;
}

static inline int64_t eco_fake_clock_real(const struct eco_clock *clock)
{
    const struct eco_fake_clock *fake = clock->context;
    return fake->real_ns;
}

static inline struct eco_fake_proc *eco_fake_clock_find(struct eco_fake_clock *fake, pid_t pid)
{
    for (unsigned i = 0; i < fake->proc_count; i++) {
        if (fake->procs[i].pid == pid)
            return &fake->procs[i];
    }
    return NULL;
}

static inline int eco_fake_clock_process(const struct eco_clock *clock, pid_t pid, uint64_t *ret)
{
    struct eco_fake_clock *fake = clock->context;
    const struct eco_fake_proc *proc = eco_fake_clock_find(fake, pid);
    fake->process_reads++;
    if (fake->process_error)
        return fake->process_error;
    if (!proc)
        return -ESRCH;
    if (proc->error)
        return proc->error;
    *ret = proc->cpu_ns;
    return 0;
}

/* Set, or add, the CPU time of a process. */
static inline void eco_fake_clock_set(struct eco_fake_clock *fake, pid_t pid, uint64_t cpu_ns)
{
    struct eco_fake_proc *proc = eco_fake_clock_find(fake, pid);
    if (!proc) {
        if (fake->proc_count == ECO_FAKE_PROCS_MAX)
            abort();
        proc = &fake->procs[fake->proc_count++];
    }
    *proc = (struct eco_fake_proc){.pid = pid, .cpu_ns = cpu_ns};
}

/* The process is gone. */
static inline void eco_fake_clock_drop(struct eco_fake_clock *fake, pid_t pid)
{
    struct eco_fake_proc *proc = eco_fake_clock_find(fake, pid);
    if (proc)
        *proc = fake->procs[--fake->proc_count];
}

static inline void eco_fake_clock_init(struct eco_fake_clock *fake)
{
    *fake = (struct eco_fake_clock){
        .clock = {.mono_ns = eco_fake_clock_mono,
                  .boot_ns = eco_fake_clock_boot,
                  .real_ns = eco_fake_clock_real,
                  .process_cpu_ns = eco_fake_clock_process,
                  .context = fake},
        .mono_ns = 1000 * ECO_NS_PER_S,
        .boot_ns = 1000 * ECO_NS_PER_S,
        .real_ns = 1700000000ll * (long long)ECO_NS_PER_S,
    };
}
