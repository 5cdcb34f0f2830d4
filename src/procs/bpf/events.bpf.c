/* SPDX-License-Identifier: MIT */
/*
 * The kernel side: lives of processes as events, and who was on a CPU. Offsets of the kernel's structs come
 * as read-only data (load.c), so that loading needs no relocation. From Linux 5.15 on.
 *
 * A process born under these hooks is followed in `births`, by the address of its signal_struct: all its
 * threads share it until the last of them is freed, so no pid that comes again confuses two processes. Each
 * thread that is gone adds its final time there; the last one makes END, whole. "Gone" is its last switch off
 * a CPU where there is a hook on switches, else sched_process_free, which comes late. END of a process that
 * was there before the hooks is made when its leader is freed, from what the kernel summed up.
 */
#include "layout.h"

#define __uint(name, val) int(*name)[val]
#define __type(name, val) typeof(val) *name
#define SEC(name)         __attribute__((section(name), used))
#define INLINE            static inline __attribute__((always_inline))

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

struct {
    __uint(type, MAP_ARRAY);
    __uint(map_flags, F_MMAPABLE);
    __uint(max_entries, 1);
    __type(key, uint32_t);
    __type(value, struct eco_bpf_header);
} header SEC(".maps");

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

/* Who is on each CPU, whether or not the reader may know. */
struct {
    __uint(type, MAP_ARRAY);
    __uint(max_entries, 1);
    __type(key, uint32_t);
    __type(value, uint32_t);
} on_cpu SEC(".maps");

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

INLINE struct eco_bpf_header *get_header(void)
{
    uint32_t zero = 0;
    return map_lookup(&header, &zero);
}

INLINE void count_lost(void)
{
    struct eco_bpf_header *h = get_header();
    if (h)
        __sync_fetch_and_add(&h->lost_events, 1);
}

INLINE void count_self(uint64_t since_ns)
{
    struct eco_bpf_header *h = get_header();
    if (h)
        __sync_fetch_and_add(&h->self_ns, ktime_ns() - since_ns);
}

INLINE uint64_t own_cgroup_id(uint64_t cgroup)
{
    return get64(get64(cgroup, config.cgroup_kn), config.kn_id);
}

INLINE uint64_t task_cgroup(uint64_t task)
{
    return get64(get64(task, config.task_cgroups), config.cset_cgroup);
}

/* `leader` may be about to be freed: what it points to may be gone then, except for its cred and cgroup. */
INLINE void describe(uint64_t leader, int has_parent, struct birth *ret)
{
    ret->tgid = get32(leader, config.task_tgid);
    ret->ppid = 0;
    if (has_parent)
        ret->ppid = (int32_t)get32(get64(leader, config.task_parent), config.task_tgid);
    ret->uid = get32(get64(leader, config.task_cred), config.cred_uid);
    ret->alive = 1;
    ret->start_ns = get64(leader, config.task_start);
    ret->cgroup_id = own_cgroup_id(task_cgroup(leader));
    ret->gone_ns = 0;
    ret->has_exited = ret->has_ended = 0;
    read_kernel_text(ret->name, sizeof(ret->name), leader + config.task_comm);
}

INLINE int is_of_user(uint64_t task)
{
    return !config.only_uid || get32(get64(task, config.task_cred), config.cred_uid) == config.uid;
}

INLINE int is_in_cgroup(uint64_t task)
{
    uint64_t cgroup, id;

    if (!config.cgroup_id)
        return 1;
    cgroup = task_cgroup(task);
    if (get32(cgroup, config.cgroup_level) < config.cgroup_depth)
        return 0;
    if (config.cgroup_ancestors)
        id = own_cgroup_id(get64(cgroup, config.cgroup_ancestors + 8 * config.cgroup_depth));
    else
        id = get64(cgroup, config.cgroup_ancestor_ids + 8 * config.cgroup_depth);
    return id == config.cgroup_id;
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

static __attribute__((noinline)) int tell(uint32_t kind, const struct birth *who, uint64_t cpu_ns)
{
    struct eco_bpf_event *event;

    if (!who)
        return 0;
    event = ring_reserve(&ring, sizeof(*event), 0);
    if (!event) {
        count_lost();
        return 0;
    }
    event->kind = kind;
    event->pid = (int32_t)who->tgid;
    event->ppid = who->ppid;
    event->uid = who->uid;
    event->start_ns = who->start_ns;
    event->time_ns = ktime_ns();
    event->cpu_ns = cpu_ns;
    event->cgroup_id = who->cgroup_id;
    __builtin_memcpy(event->name, who->name, sizeof(event->name));
    ring_submit(event, RB_NO_WAKEUP);
    return 0;
}

INLINE struct birth *find_birth(uint64_t signal)
{
    return map_lookup(&births, &signal);
}

/* A thread has used all it ever will. */
INLINE void thread_gone(uint64_t task, struct birth *who)
{
    uint64_t ns = get64(task, config.task_runtime);

    ns += __sync_fetch_and_add(&who->gone_ns, ns);
    if (__sync_fetch_and_add(&who->alive, (uint32_t)-1) == 1) {
        who->has_ended = 1;
        tell(END, who, ns);
    }
}

/* Made by the current process. Who was born in the cgroup may leave it: what it makes there is wanted too. */
INLINE int is_wanted_child(uint64_t child)
{
    int is_inside = is_in_cgroup(child);

    if (!is_of_user(child) || (config.only_tree && !is_inside))
        return 0;
    if (config.only_tree ? is_seed((uint32_t)(current_pid_tgid() >> 32)) : is_inside)
        return 1;
    return find_birth(get64(current_task(), config.task_signal)) != 0;
}

SEC("raw_tp/sched_process_fork")
int eco_fork(uint64_t *args)
{
    uint64_t since = ktime_ns(), child = args[1], signal = get64(child, config.task_signal);
    struct birth who, *known;

    if (get32(child, config.task_pid) != get32(child, config.task_tgid)) {
        known = find_birth(signal);
        if (known)
            __sync_fetch_and_add(&known->alive, 1);
        return 0;
    }
    if (!is_wanted_child(child))
        return 0;
    describe(child, 1, &who);
    if (map_update(&births, &signal, &who, 0))
        count_lost();
    tell(FORK, &who, 0);
    count_self(since);
    return 0;
}

SEC("raw_tp/sched_process_exec")
int eco_exec(uint64_t *args)
{
    uint64_t since = ktime_ns(), task = args[0];
    struct birth who, *known = find_birth(get64(task, config.task_signal));

    if (!known && !is_wanted(task, get32(task, config.task_tgid)))
        return 0;
    describe(task, 1, &who);
    if (known) {
        who.ppid = known->ppid;
        who.start_ns = known->start_ns;
        known->uid = who.uid;
        known->cgroup_id = who.cgroup_id;
        __builtin_memcpy(known->name, who.name, sizeof(who.name));
    }
    tell(EXEC, &who, 0);
    count_self(since);
    return 0;
}

SEC("raw_tp/sched_process_exit")
int eco_exit(uint64_t *args)
{
    uint64_t since = ktime_ns(), task = args[0], signal = get64(task, config.task_signal), leader;
    struct birth who, *known;

    if (config.has_group_dead ? !(args[1] & 0xff) : get32(signal, config.signal_live) != 0)
        return 0;
    known = find_birth(signal);
    if (!known && !is_wanted(task, get32(task, config.task_tgid)))
        return 0;
    leader = get64(task, config.task_leader);
    describe(leader, 1, &who);
    if (known) {
        if (__sync_lock_test_and_set(&known->has_exited, 1))
            return 0;
        who.ppid = known->ppid;
        who.start_ns = known->start_ns;
        known->cgroup_id = who.cgroup_id;
        __builtin_memcpy(known->name, who.name, sizeof(who.name));
    }
    tell(EXIT, &who, get64(signal, config.signal_runtime) + get64(task, config.task_runtime));
    count_self(since);
    return 0;
}

/* A thread is freed, some time after its last moment on a CPU. */
SEC("raw_tp/sched_process_free")
int eco_free(uint64_t *args)
{
    uint64_t since = ktime_ns(), task = args[0], signal = get64(task, config.task_signal), ns, sum;
    uint32_t tgid = get32(task, config.task_tgid);
    int is_leader = get32(task, config.task_pid) == tgid;
    struct birth who, *known = find_birth(signal);

    if (known && !(config.has_switch && config.has_prev_state)) {
        thread_gone(task, known);
        if (known->has_ended)
            map_delete(&births, &signal);
        count_self(since);
        return 0;
    }
    if (!is_leader)
        return 0;
    ns = get64(task, config.task_runtime);
    sum = get64(signal, config.signal_runtime);
    if (sum > ns)
        ns = sum;
    if (known) {
        if (!known->has_ended)
            tell(END, known, ns > known->gone_ns ? ns : known->gone_ns);
        map_delete(&births, &signal);
    } else {
        if (is_wanted(task, tgid)) {
            describe(task, 0, &who);
            tell(END, &who, ns);
        }
        if (config.only_tree)
            map_delete(&seeds, &tgid);
    }
    count_self(since);
    return 0;
}

/* On machines that reorder stores: what was written before is seen before what follows. */
INLINE void in_order(uint32_t *any)
{
    if (config.is_weakly_ordered)
        __asm__ volatile("" ::"r"(__sync_fetch_and_add(any, 0)) : "memory");
    else
        __asm__ volatile("" ::: "memory");
}

INLINE uint64_t busy_at(uint64_t word, uint64_t now_ns)
{
    return (word & 1) ? word - 1 + now_ns : word;
}

INLINE uint64_t sibling_busy(const struct eco_bpf_cpu *cpu, uint64_t now_ns)
{
    uint32_t sibling = cpu->sibling;
    struct eco_bpf_cpu *other;

    if (sibling == ECO_BPF_NO_SIBLING)
        return 0;
    other = map_lookup(&cpus, &sibling);
    return other ? busy_at(*(volatile uint64_t *)&other->busy, now_ns) : 0;
}

/* Another process is in the slot: what it had goes to the reader at once, or is missed (and seen missing). */
static __attribute__((noinline)) int take_slot(struct eco_bpf_slot *slot, uint32_t cpu, uint32_t index,
                                               uint32_t tgid)
{
    struct eco_bpf_spill *out;

    if (!slot)
        return 0;
    if (slot->tgid) {
        out = ring_reserve(&spill, sizeof(*out), 0);
        if (out) {
            out->cpu = cpu;
            out->slot = index;
            out->tgid = slot->tgid;
            out->turn = slot->turn;
            out->on_ns = slot->on_ns;
            out->shared_ns = slot->shared_ns;
            ring_submit(out, RB_NO_WAKEUP);
        }
    }
    __sync_fetch_and_add(&slot->turn, 1);
    __asm__ volatile("" ::: "memory");
    *(volatile uint32_t *)&slot->tgid = tgid;
    *(volatile uint64_t *)&slot->on_ns = 0;
    *(volatile uint64_t *)&slot->shared_ns = 0;
    __asm__ volatile("" ::: "memory");
    __sync_fetch_and_add(&slot->turn, 1);
    return 0;
}

INLINE void keep_stint(const struct eco_bpf_header *h, struct eco_bpf_cpu *cpu, uint32_t number,
                       uint32_t tgid, uint64_t on_ns, uint64_t shared_ns)
{
    uint32_t index = tgid & (config.slots_per_cpu - 1), at = number * config.slots_per_cpu + index, epoch,
             odd;
    struct eco_bpf_slot *slot = map_lookup(&slots, &at);

    if (!slot)
        return;
    if (slot->tgid != tgid)
        take_slot(slot, number, index, tgid);
    *(volatile uint64_t *)&slot->on_ns += on_ns;
    if (shared_ns)
        *(volatile uint64_t *)&slot->shared_ns += shared_ns;
    epoch = h->epoch;
    if (slot->epoch != epoch) {
        odd = epoch & 1;
        slot->next[odd] = cpu->list_epoch[odd] == epoch ? cpu->list[odd] : (uint16_t)ECO_BPF_LIST_END;
        slot->epoch = epoch;
        cpu->list[odd] = (uint16_t)index;
        cpu->list_epoch[odd] = epoch;
    }
    *(volatile uint64_t *)&cpu->kept_ns += on_ns;
}

/* Who the reader may see on this CPU. To tell who is of a cgroup would cost more than it saves him. */
INLINE uint32_t shown_tgid(uint64_t task, uint32_t tgid)
{
    if (!tgid || !(config.only_uid || config.only_tree))
        return tgid;
    if (!is_of_user(task))
        return ECO_BPF_HIDDEN;
    if (config.only_tree && !find_birth(get64(task, config.task_signal)) && !is_seed(tgid))
        return ECO_BPF_HIDDEN;
    return tgid;
}

INLINE void start_stint(struct eco_bpf_cpu *cpu, uint32_t tgid, uint64_t sibling_ns, uint64_t now_ns)
{
    *(volatile uint64_t *)&cpu->since_ns = 0;
    in_order(&cpu->calls);
    *(volatile uint32_t *)&cpu->tgid = tgid;
    *(volatile uint64_t *)&cpu->sibling_start_ns = sibling_ns;
    in_order(&cpu->calls);
    *(volatile uint64_t *)&cpu->since_ns = now_ns;
}

/* Run once on every CPU after the hook is in place, on top of whoever is there. */
SEC("raw_tp")
int eco_begin(uint64_t *args)
{
    uint32_t number = this_cpu(), tgid = (uint32_t)(current_pid_tgid() >> 32);
    uint32_t *on = map_lookup(&on_cpu, &number);
    struct eco_bpf_cpu *cpu = map_lookup(&cpus, &number);
    uint64_t now = ktime_ns() & ~1ull;

    if (!cpu || !on || cpu->since_ns)
        return 0;
    *on = tgid;
    cpu->busy = tgid ? (1 - now) : 0;
    start_stint(cpu, shown_tgid(current_task(), tgid), sibling_busy(cpu, now), now);
    return 0;
}

/*
 * Whose stint ends. It is the current process, and should be the one that came last; but there are kernels
 * that show no switch away from some process (seen: sandboxes, for their own agent). What came after such a
 * one gets the stint, and from then on that process is not told as running.
 */
INLINE uint32_t who_was_on(struct eco_bpf_header *h, struct eco_bpf_cpu *cpu, uint32_t on, uint64_t prev,
                           uint32_t tgid)
{
    if (on == tgid)
        return cpu->tgid;
    if (on && !h->untraced_tgid)
        h->untraced_tgid = on;
    if (!on && tgid)
        cpu->busy += 1 - cpu->since_ns;
    else if (on && !tgid)
        cpu->busy += cpu->since_ns - 1;
    return shown_tgid(prev, tgid);
}

/* With typed pointers (load.c), so that reading who comes next is one instruction. */
SEC("eco_typed/sched_switch")
int eco_switch(uint64_t *args)
{
    uint64_t now, next = args[2], sibling_ns, on_ns, shared_ns;
    uint32_t number = this_cpu(), was, is, was_tgid = (uint32_t)(current_pid_tgid() >> 32), is_tgid;
    struct eco_bpf_cpu *cpu = map_lookup(&cpus, &number);
    uint32_t *on = map_lookup(&on_cpu, &number);
    struct eco_bpf_header *h = get_header();
    struct birth *known;

    if (!cpu || !on || !h)
        return 0;
    if (config.has_prev_state && (args[3] & TASK_DEAD)) {
        known = find_birth(get64(args[1], config.task_signal));
        if (known)
            thread_gone(args[1], known);
    }
    is_tgid = *(uint32_t *)(args[2] + config.task_tgid);
    if (is_tgid == was_tgid && *on == was_tgid)
        return 0; /* threads of one process: its stint goes on */
    now = ktime_ns() & ~1ull;
    sibling_ns = sibling_busy(cpu, now);
    is = is_tgid && is_tgid == h->untraced_tgid ? ECO_BPF_HIDDEN : shown_tgid(next, is_tgid);
    if (!cpu->since_ns) { /* a CPU that came later */
        cpu->busy = is_tgid ? (1 - now) : 0;
    } else {
        was = who_was_on(h, cpu, *on, args[1], was_tgid);
        on_ns = now - cpu->since_ns;
        if (was && was != ECO_BPF_HIDDEN) {
            shared_ns = sibling_ns - cpu->sibling_start_ns;
            if ((int64_t)shared_ns < 0)
                shared_ns = 0;
            keep_stint(h, cpu, number, was, on_ns, shared_ns < on_ns ? shared_ns : on_ns);
        }
        if (was_tgid && !is_tgid)
            *(volatile uint64_t *)&cpu->busy += now - 1;
        else if (!was_tgid && is_tgid)
            *(volatile uint64_t *)&cpu->busy += 1 - now;
    }
    *on = is_tgid;
    start_stint(cpu, is, sibling_ns, now);
    if ((++cpu->calls & 63) == 0)
        cpu->self_ns += (ktime_ns() - now) * 64;
    return 0;
}
