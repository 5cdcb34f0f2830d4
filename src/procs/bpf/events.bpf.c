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
#include "common.bpf.h"

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
    int is_inside = is_in_cgroup(child), is_of_them;

    if (!is_of_user(child) || (config.only_tree && !is_inside))
        return 0;
    if (config.only_tree ? is_seed((uint32_t)(current_pid_tgid() >> 32)) : is_inside)
        return 1;
    is_of_them = find_birth(get64(current_task(), config.task_signal)) != 0;
    if (is_of_them && !is_inside)
        header.has_strays = 1;
    return is_of_them;
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
    if (known && config.cgroup_id && !is_in_cgroup(task))
        header.has_strays = 1;
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

#include "switches.bpf.h"
