/* SPDX-License-Identifier: MIT */
/*
 * Who was on a CPU. Part of events.bpf.c, which it follows. Nearly all of what a switch costs is being called
 * at all and the kernel's clock: what needs neither returns before it.
 */
#pragma once

#include "common.bpf.h"

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
APART int take_slot(struct eco_bpf_slot *slot, uint32_t cpu, uint32_t index, uint32_t tgid)
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

/* Used for the first time since the reader looked. */
APART int list_slot(struct eco_bpf_cpu *cpu, struct eco_bpf_slot *slot, uint32_t index, uint32_t epoch)
{
    uint32_t odd = epoch & 1;

    if (!cpu || !slot)
        return 0;
    slot->next[odd] = cpu->list_epoch[odd] == epoch ? cpu->list[odd] : (uint16_t)ECO_BPF_LIST_END;
    slot->epoch = epoch;
    cpu->list[odd] = (uint16_t)index;
    cpu->list_epoch[odd] = epoch;
    return 0;
}

INLINE void keep_stint(struct eco_bpf_cpu *cpu, const struct eco_bpf_own *mine, uint32_t number,
                       uint32_t tgid, uint64_t on_ns, uint64_t shared_ns)
{
    uint32_t index = tgid & mine->slot_mask, at = mine->first_slot + index, epoch;
    struct eco_bpf_slot *slot = map_lookup(&slots, &at);

    if (!slot)
        return;
    if (UNLIKELY(slot->tgid != tgid))
        take_slot(slot, number, index, tgid);
    *(volatile uint64_t *)&slot->on_ns += on_ns;
    if (shared_ns)
        *(volatile uint64_t *)&slot->shared_ns += shared_ns;
    epoch = *(volatile uint32_t *)&header.epoch;
    if (UNLIKELY(slot->epoch != epoch))
        list_slot(cpu, slot, index, epoch);
    *(volatile uint64_t *)&cpu->kept_ns += on_ns;
}

/* Members of what has a type for the verifier: one instruction each. */
#define TYPED32(base, offset) (*(uint32_t *)((base) + (offset)))
#define TYPED64(base, offset) (*(uint64_t *)((base) + (offset)))

INLINE int runs_in_cgroup(uint64_t task)
{
    uint64_t cgroup = TYPED64(TYPED64(task, config.task_cgroups), config.cset_cgroup);

    if (TYPED64(TYPED64(cgroup, config.cgroup_kn), config.kn_id) == config.cgroup_id)
        return 1;
    return TYPED32(cgroup, config.cgroup_level) > config.cgroup_depth && is_below(cgroup);
}

/* Who the reader is told of as being on this CPU: who may be told of, and is wanted. */
INLINE uint32_t shown_tgid(uint64_t task, uint32_t tgid)
{
    if (!tgid)
        return 0;
    if (config.only_uid && TYPED32(TYPED64(task, config.task_cred), config.cred_uid) != config.uid)
        return ECO_BPF_HIDDEN;
    if (config.only_tree && !find_birth(TYPED64(task, config.task_signal)) && !is_seed(tgid))
        return ECO_BPF_HIDDEN;
    if (config.cgroup_id && !runs_in_cgroup(task) &&
        !(header.has_strays && find_birth(TYPED64(task, config.task_signal))))
        return ECO_BPF_HIDDEN;
    return tgid;
}

/*
 * Before the clock is read and before the time goes into the slot: else a reader would find the stint still
 * going on after its end, or in the slot too, and tell the same time twice.
 */
INLINE void end_stint(struct eco_bpf_cpu *cpu)
{
    *(volatile uint64_t *)&cpu->since_ns = 0;
    in_order(&cpu->calls);
}

INLINE void start_stint(struct eco_bpf_cpu *cpu, uint32_t tgid, uint64_t sibling_ns, uint64_t now_ns)
{
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
    struct eco_bpf_own *mine = map_lookup(&own, &number);
    struct eco_bpf_cpu *cpu = map_lookup(&cpus, &number);
    uint64_t now = ktime_ns() & ~1ull;

    if (!cpu || !mine || cpu->since_ns)
        return 0;
    mine->on = tgid;
    cpu->busy = tgid ? (1 - now) : 0;
    start_stint(cpu, shown_tgid(current_task_typed(), tgid), sibling_busy(cpu, now), now);
    return 0;
}

/*
 * Whose stint ends. It is the current process, and should be the one that came last; but there are kernels
 * that show no switch away from some process (seen: sandboxes, for their own agent). What came after such a
 * one gets the stint, and from then on that process is not told as running.
 */
INLINE uint32_t who_was_on(struct eco_bpf_cpu *cpu, uint32_t on, uint64_t prev, uint32_t tgid,
                           uint64_t since_ns)
{
    if (!UNLIKELY(on != tgid))
        return cpu->tgid;
    if (on && !*(volatile uint32_t *)&header.untraced_tgid)
        *(volatile uint32_t *)&header.untraced_tgid = on;
    if (!on)
        cpu->busy += 1 - since_ns;
    else if (!tgid)
        cpu->busy += since_ns - 1;
    return shown_tgid(prev, tgid);
}

/* The thread that leaves never comes back. */
APART int leave(uint64_t task, uint64_t signal)
{
    struct birth *known = find_birth(signal);

    if (known)
        thread_gone(task, known);
    return 0;
}

#define SYNC_NS 250000u

/*
 * When this switch is. The scheduler has read its clock for it and left that in whom it starts (exec_start,
 * of every class but idle): it stands in for ours, which takes a third of what the hook does, for as long as
 * they cannot have gone apart by more than interrupts take in a quarter of a millisecond (clock_task leaves
 * those out, and what the host of a virtual machine takes: that may be told of who comes next). What is older
 * than the present stint was not written at this switch. Not so for the first switch after a look, which may
 * have been told by our clock that the stint went on until later than the scheduler's says.
 */
INLINE uint64_t switch_ns(struct eco_bpf_own *mine, uint64_t next, uint32_t is_tgid, uint64_t since_ns)
{
    uint64_t started_ns = TYPED64(next, config.task_exec_start), now = started_ns + mine->offset_ns;
    uint32_t epoch = *(volatile uint32_t *)&header.epoch;

    if (mine->epoch == epoch && mine->on && is_tgid && now - mine->synced_ns < SYNC_NS &&
        now - since_ns < SYNC_NS)
        return now & ~1ull;
    now = ktime_ns() & ~1ull;
    mine->epoch = epoch;
    mine->synced_ns = is_tgid ? now : 0;
    mine->offset_ns = now - started_ns;
    /* Held up by a host between the two clocks, the offset was too big, and so is what was told by it. */
    return now > since_ns ? now : since_ns;
}

/* With typed pointers (load.c), so that reading who comes next is one instruction. */
SEC("eco_typed/sched_switch")
int eco_switch(uint64_t *args)
{
    uint64_t now, since_ns, sibling_ns, on_ns, shared_ns;
    uint32_t number = this_cpu(), was, is, was_tgid, is_tgid;
    struct eco_bpf_cpu *cpu = map_lookup(&cpus, &number);
    struct eco_bpf_own *mine = map_lookup(&own, &number);

    if (!cpu || !mine)
        return 0;
    if (config.has_prev_state && UNLIKELY(args[3] & TASK_DEAD))
        leave(args[1], TYPED64(args[1], config.task_signal));
    was_tgid = TYPED32(args[1], config.task_tgid);
    is_tgid = TYPED32(args[2], config.task_tgid);
    if (is_tgid == was_tgid && mine->on == was_tgid)
        return 0; /* threads of one process: its stint goes on */
    is = shown_tgid(args[2], is_tgid);
    if (UNLIKELY(is_tgid == *(volatile uint32_t *)&header.untraced_tgid) && is_tgid)
        is = ECO_BPF_HIDDEN;
    if (UNLIKELY(is == ECO_BPF_HIDDEN) && cpu->tgid == ECO_BPF_HIDDEN && mine->on == was_tgid) {
        mine->on = is_tgid;
        return 0; /* it stays busy with whom nobody is told of */
    }
    since_ns = cpu->since_ns;
    end_stint(cpu);
    now = switch_ns(mine, args[2], is_tgid, since_ns);
    sibling_ns = sibling_busy(cpu, now);
    if (UNLIKELY(!since_ns)) { /* a CPU that came later */
        cpu->busy = is_tgid ? (1 - now) : 0;
    } else {
        was = who_was_on(cpu, mine->on, args[1], was_tgid, since_ns);
        on_ns = now - since_ns;
        if (was && was != ECO_BPF_HIDDEN) {
            shared_ns = sibling_ns - cpu->sibling_start_ns;
            if ((int64_t)shared_ns < 0)
                shared_ns = 0;
            keep_stint(cpu, mine, number, was, on_ns, shared_ns < on_ns ? shared_ns : on_ns);
        }
        if (!was_tgid != !is_tgid)
            *(volatile uint64_t *)&cpu->busy += is_tgid ? 1 - now : now - 1;
    }
    mine->on = is_tgid;
    start_stint(cpu, is, sibling_ns, now);
    if (UNLIKELY((++cpu->calls & 63) == 0))
        cpu->self_ns += (ktime_ns() - now) * 64;
    return 0;
}
