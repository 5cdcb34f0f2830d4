/* SPDX-License-Identifier: MIT */
/* The kernel's own feed for tests: loaded, attached and read in one process. Skips where that is not
 * permitted. */
#pragma once

#include "procs/bpf/load.h"
#include "procs/bpf/reader.h"
#include "support/test.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define TOLD_MAX 65536

struct told {
    struct eco_feed_event *events;
    size_t count;
};

static inline uint64_t now_ns(clockid_t clock)
{
    struct timespec t;
    (void)clock_gettime(clock, &t);
    return (uint64_t)t.tv_sec * ECO_NS_PER_S + (uint64_t)t.tv_nsec;
}

static inline void pause_ms(unsigned ms)
{
    (void)usleep(ms * 1000);
}

static inline void spin_ms(unsigned ms)
{
    uint64_t end = now_ns(CLOCK_PROCESS_CPUTIME_ID) + ms * ECO_NS_PER_MS;
    while (now_ns(CLOCK_PROCESS_CPUTIME_ID) < end)
        continue;
}

static inline void pin(int cpu)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(cpu, &set);
    assert_int_equal(sched_setaffinity(0, sizeof(set), &set), 0);
}

/* NULL: not permitted here. The test descends from itself, so that the machine's other processes stay out. */
static inline struct eco_feed *feed_try(struct eco_bpf_request *request, bool is_own_tree)
{
    static int32_t self;
    struct eco_bpf_fds fds = ECO_BPF_FDS_NONE;
    struct eco_feed *feed = NULL;
    struct eco_why why = {0};

    self = (int32_t)getpid();
    if (is_own_tree) {
        request->seeds = &self;
        request->seed_count = 1;
    }
    int r = eco_bpf_load(request, &fds, &why);
    if (r == -EPERM || r == -ENOTSUP || r == -ENOSYS || r == -ENOENT) {
        print_message("not permitted here: %s\n", why.text);
        return NULL;
    }
    if (r < 0)
        fail_msg("load: %d %s", r, why.text);
    r = eco_bpf_feed_open(&fds, &feed, &why);
    if (r < 0)
        fail_msg("open: %d %s", r, why.text);
    return feed;
}

#define FEED_OR_SKIP(feed, request)                  \
    struct eco_feed *feed = feed_try(request, true); \
    if (!(feed))                                     \
    skip()

static inline int told_add(void *context, const struct eco_feed_event *event)
{
    struct told *told = context;
    if (!told->events)
        told->events = calloc(TOLD_MAX, sizeof(*told->events));
    if (!told->events)
        return -ENOMEM;
    if (told->count < TOLD_MAX)
        told->events[told->count++] = *event;
    return 0;
}

static inline size_t told_count(const struct told *told, enum eco_feed_kind kind, int32_t pid)
{
    size_t n = 0;
    for (size_t i = 0; i < told->count; i++)
        n += told->events[i].kind == kind && (pid == 0 || told->events[i].pid == pid);
    return n;
}

/* Fails the test when there is none. */
static inline const struct eco_feed_event *told_find(const struct told *told, enum eco_feed_kind kind,
                                                     int32_t pid)
{
    static const struct eco_feed_event none;
    for (size_t i = 0; i < told->count; i++)
        if (told->events[i].kind == kind && told->events[i].pid == pid)
            return &told->events[i];
    fail_msg("no event %d of process %d", (int)kind, pid);
    return &none;
}

static inline uint64_t told_sum(const struct told *told, enum eco_feed_kind kind)
{
    uint64_t ns = 0;
    for (size_t i = 0; i < told->count; i++)
        ns += told->events[i].kind == kind ? told->events[i].cpu_ns : 0;
    return ns;
}

/* Reads until there are `ends` of them, some seconds at most. */
static inline void told_read(struct eco_feed *feed, struct told *told, size_t ends)
{
    for (unsigned i = 0; i < 300; i++) {
        assert_int_equal(feed->ops->events(feed, told_add, told), 0);
        if (told_count(told, ECO_FEED_END, 0) >= ends)
            return;
        if (i % 10 == 9)
            (void)eco_bpf_feed_hurry();
        pause_ms(10);
    }
}

static inline void told_free(struct told *told)
{
    free(told->events);
    *told = (struct told){0};
}
