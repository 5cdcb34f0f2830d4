/* SPDX-License-Identifier: MIT */
/* What the programs of events.bpf.c share: the kernel's helpers, their maps, and who is wanted. */
#pragma once

#include "layout.h"

#define __uint(name, val) int(*name)[val]
#define __type(name, val) typeof(val) *name
#define SEC(name)         __attribute__((section(name), used))
#define INLINE            static inline __attribute__((always_inline))
#define APART             static __attribute__((noinline)) /* out of the way of what runs at every switch */
#define UNLIKELY(x)       __builtin_expect(!!(x), 0)

enum { MAP_HASH = 1, MAP_ARRAY = 2, MAP_RINGBUF = 27 };
enum { F_NO_PREALLOC = 1, F_MMAPABLE = 1024, RB_NO_WAKEUP = 1 };
enum { FORK, EXEC, EXIT, END }; /* enum eco_feed_kind */
enum { TASK_DEAD = 0x80 };

static void *(*const map_lookup)(const void *map, const void *key) = (void *)1;
static long (*const map_update)(const void *map, const void *key, const void *value,
                                uint64_t flags) = (void *)2;
static long (*const map_delete)(const void *map, const void *key) = (void *)3;
static uint64_t (*const ktime_ns)(void) = (void *)5;
static uint32_t (*const this_cpu)(void) = (void *)8;
static uint64_t (*const current_pid_tgid)(void) = (void *)14;
static uint64_t (*const current_task)(void) = (void *)35;
static uint64_t (*const current_task_typed)(void) = (void *)158;
static long (*const read_kernel)(void *to, uint32_t size, uint64_t from) = (void *)113;
static long (*const read_kernel_text)(void *to, uint32_t size, uint64_t from) = (void *)115;
static void *(*const ring_reserve)(void *ring, uint64_t size, uint64_t flags) = (void *)131;
static void (*const ring_submit)(void *data, uint64_t flags) = (void *)132;

char licence[] SEC("license") = "Dual MIT/GPL";

const volatile struct eco_bpf_config config = {0};

struct birth {
    uint32_t tgid;
    int32_t ppid;
    uint32_t uid;
    uint32_t alive; /* threads not yet gone */
    uint64_t start_ns, cgroup_id;
    uint64_t gone_ns; /* of threads that are */
    uint32_t has_exited, has_ended;
    char name[16];
};

/* A section of its own becomes a map of its own, which the programs reach without a look-up. */
struct eco_bpf_header header SEC(".data.header") = {0};

struct {
    __uint(type, MAP_RINGBUF);
    __uint(max_entries, 4096);
} ring SEC(".maps");

struct {
    __uint(type, MAP_HASH);
    __uint(max_entries, 1);
    __type(key, uint64_t);
    __type(value, struct birth);
} births SEC(".maps");

struct {
    __uint(type, MAP_HASH);
    __uint(max_entries, 64);
    __type(key, uint32_t);
    __type(value, uint32_t);
} seeds SEC(".maps");

struct {
    __uint(type, MAP_ARRAY);
    __uint(map_flags, F_MMAPABLE);
    __uint(max_entries, 1);
    __type(key, uint32_t);
    __type(value, struct eco_bpf_cpu);
} cpus SEC(".maps");

/* Who is on each CPU, whether or not the reader may know. The loader fills in where its slots are. */
struct {
    __uint(type, MAP_ARRAY);
    __uint(map_flags, F_MMAPABLE);
    __uint(max_entries, 1);
    __type(key, uint32_t);
    __type(value, struct eco_bpf_own);
} own SEC(".maps");

struct {
    __uint(type, MAP_ARRAY);
    __uint(map_flags, F_MMAPABLE);
    __uint(max_entries, 1);
    __type(key, uint32_t);
    __type(value, struct eco_bpf_slot);
} slots SEC(".maps");

struct {
    __uint(type, MAP_RINGBUF);
    __uint(max_entries, 4096);
} spill SEC(".maps");

INLINE uint64_t get64(uint64_t base, uint32_t offset)
{
    uint64_t value = 0;
    read_kernel(&value, sizeof(value), base + offset);
    return value;
}

INLINE uint32_t get32(uint64_t base, uint32_t offset)
{
    uint32_t value = 0;
    read_kernel(&value, sizeof(value), base + offset);
    return value;
}

INLINE void count_lost(void)
{
    __sync_fetch_and_add(&header.lost_events, 1);
}

INLINE void count_self(uint64_t since_ns)
{
    __sync_fetch_and_add(&header.self_ns, ktime_ns() - since_ns);
}

INLINE uint64_t own_cgroup_id(uint64_t cgroup)
{
    return get64(get64(cgroup, config.cgroup_kn), config.kn_id);
}

INLINE uint64_t task_cgroup(uint64_t task)
{
    return get64(get64(task, config.task_cgroups), config.cset_cgroup);
}

INLINE int is_of_user(uint64_t task)
{
    return !config.only_uid || get32(get64(task, config.task_cred), config.cred_uid) == config.uid;
}

/* Of one that is neither in it nor too far up to be below it. */
INLINE int is_below(uint64_t cgroup)
{
    if (config.cgroup_ancestors)
        return own_cgroup_id(get64(cgroup, config.cgroup_ancestors + 8 * config.cgroup_depth)) ==
               config.cgroup_id;
    return get64(cgroup, config.cgroup_ancestor_ids + 8 * config.cgroup_depth) == config.cgroup_id;
}

INLINE int is_in_cgroup(uint64_t task)
{
    uint64_t cgroup;

    if (!config.cgroup_id)
        return 1;
    cgroup = task_cgroup(task);
    return get32(cgroup, config.cgroup_level) >= config.cgroup_depth && is_below(cgroup);
}

INLINE int is_seed(uint32_t tgid)
{
    return map_lookup(&seeds, &tgid) != 0;
}

/* One that is not followed. */
INLINE int is_wanted(uint64_t task, uint32_t tgid)
{
    return is_of_user(task) && is_in_cgroup(task) && (!config.only_tree || is_seed(tgid));
}

INLINE struct birth *find_birth(uint64_t signal)
{
    return map_lookup(&births, &signal);
}
