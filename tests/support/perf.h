/* SPDX-License-Identifier: MIT */
/*
 * Performance counters from a table. An event that is not in it answers -ENOENT. Pass &fake.perf;
 * the struct must stay where it is after init. At the end `open_count` is 0 unless one was leaked.
 */
#pragma once

#include "platform/perf.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#define ECO_FAKE_EVENTS_MAX 128
#define ECO_FAKE_PERF_FD    1000000 /* no real descriptor, so that a close() of it is harmless */

struct eco_fake_event {
    uint32_t type;
    uint64_t config;
    int cpu;
    int open_error, read_error; /* negative errno, 0 = works */
    uint64_t value, enabled_ns, running_ns;
    int users; /* descriptors open on it */
};

struct eco_fake_perf {
    struct eco_perf perf;
    struct eco_fake_event events[ECO_FAKE_EVENTS_MAX];
    unsigned count;
    unsigned long opens, reads;
    int open_count;
    int open_error; /* answer of every open, 0 = the table's: -EACCES = no permission at all */
};

static inline struct eco_fake_event *eco_fake_perf_find(struct eco_fake_perf *fake, uint32_t type,
                                                        uint64_t config, int cpu)
{
    for (unsigned i = 0; i < fake->count; i++) {
        struct eco_fake_event *event = &fake->events[i];
        if (event->type == type && event->config == config && event->cpu == cpu)
            return event;
    }
    return NULL;
}

static inline int eco_fake_perf_open(const struct eco_perf *perf, uint32_t type, uint64_t config, int cpu)
{
    struct eco_fake_perf *fake = perf->context;
    struct eco_fake_event *event = eco_fake_perf_find(fake, type, config, cpu);
    fake->opens++;
    if (fake->open_error)
        return fake->open_error;
    if (!event)
        return -ENOENT;
    if (event->open_error)
        return event->open_error;
    event->users++;
    fake->open_count++;
    return ECO_FAKE_PERF_FD + (int)(event - fake->events);
}

static inline int eco_fake_perf_read(const struct eco_perf *perf, int fd, uint64_t ret[3])
{
    struct eco_fake_perf *fake = perf->context;
    unsigned index = (unsigned)(fd - ECO_FAKE_PERF_FD);
    fake->reads++;
    if (fd < ECO_FAKE_PERF_FD || index >= fake->count || fake->events[index].users == 0)
        return -EBADF;
    const struct eco_fake_event *event = &fake->events[index];
    if (event->read_error)
        return event->read_error;
    ret[0] = event->value;
    ret[1] = event->enabled_ns;
    ret[2] = event->running_ns;
    return 0;
}

static inline void eco_fake_perf_close(const struct eco_perf *perf, int fd)
{
    struct eco_fake_perf *fake = perf->context;
    unsigned index = (unsigned)(fd - ECO_FAKE_PERF_FD);
    if (fd < ECO_FAKE_PERF_FD || index >= fake->count || fake->events[index].users == 0)
        abort();
    fake->events[index].users--;
    fake->open_count--;
}

/* A new event with this value; the caller may change what is returned. */
static inline struct eco_fake_event *eco_fake_perf_add(struct eco_fake_perf *fake, uint32_t type,
                                                       uint64_t config, int cpu, uint64_t value)
{
    if (fake->count == ECO_FAKE_EVENTS_MAX)
        abort();
    struct eco_fake_event *event = &fake->events[fake->count++];
    *event = (struct eco_fake_event){.type = type,
                                     .config = config,
                                     .cpu = cpu,
                                     .value = value,
                                     .enabled_ns = 1000000,
                                     .running_ns = 1000000};
    return event;
}

static inline void eco_fake_perf_init(struct eco_fake_perf *fake)
{
    *fake = (struct eco_fake_perf){.perf = {.open = eco_fake_perf_open,
                                            .read = eco_fake_perf_read,
                                            .close = eco_fake_perf_close,
                                            .context = fake}};
}
