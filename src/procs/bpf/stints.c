/* SPDX-License-Identifier: MIT */
/*
 * Who was on a CPU since the last call. The kernel side writes on while this reads: every figure is a
 * cumulative one of which only what is new is handed out, and what was read is read again to see whether it
 * belongs together. What a slot held when another process took it comes as a spill; "turn" tells occupants
 * apart. At the end of each call the sum is held against what the kernel side has kept: what has not come by
 * the call after is counted as lost.
 */
#include "procs/bpf/feed.h"

#include <errno.h>

#define TRIES 8

struct telling {
    int (*told)(void *context, const struct eco_feed_stint *stint);
    void *context;
    int result; /* negative: the callback has had enough */
};

/* A slot, or a stint that goes on with its slot, at one moment. */
struct moment {
    uint64_t on_ns, shared_ns;
    uint32_t tgid, turn;
};

static uint64_t get64(const uint64_t *at)
{
    return __atomic_load_n(at, __ATOMIC_ACQUIRE);
}

static uint32_t get32(const uint32_t *at)
{
    return __atomic_load_n(at, __ATOMIC_ACQUIRE);
}

static uint64_t busy_at(uint64_t word, uint64_t now_ns)
{
    return (word & 1) ? word - 1 + now_ns : word;
}

static bool slot_read(const struct eco_bpf_slot *slot, struct moment *ret)
{
    for (unsigned i = 0; i < TRIES; i++) {
        ret->turn = get32(&slot->turn);
        ret->tgid = get32(&slot->tgid);
        ret->shared_ns = get64(&slot->shared_ns); /* before on_ns, which is written first */
        ret->on_ns = get64(&slot->on_ns);
        if (!(ret->turn & 1) && get32(&slot->turn) == ret->turn)
            return true;
    }
    return false;
}

/* Hand out what is new. */
static void hand(struct bpf_feed *feed, uint32_t cpu, const struct moment *moment, struct bpf_seen *seen,
                 struct telling *telling)
{
    struct eco_feed_stint stint = {.cpu = cpu};

    if (moment->on_ns <= seen->on_ns || moment->tgid == 0 || moment->tgid > INT32_MAX)
        return;
    stint.pid = (int32_t)moment->tgid;
    stint.on_ns = moment->on_ns - seen->on_ns;
    if (moment->shared_ns > seen->shared_ns)
        stint.shared_ns = moment->shared_ns - seen->shared_ns;
    if (stint.shared_ns > stint.on_ns)
        stint.shared_ns = stint.on_ns;
    seen->on_ns += stint.on_ns;
    seen->shared_ns += stint.shared_ns;
    feed->cpu_seen[cpu].handed_ns += stint.on_ns;
    if (telling->result >= 0)
        telling->result = telling->told(telling->context, &stint);
}

/* A new occupant: nothing of it was handed out, or what was while it had no slot yet. */
static void seen_begin(struct bpf_cpu_seen *cpu, uint32_t index, uint32_t turn, struct bpf_seen *seen)
{
    *seen = (struct bpf_seen){.turn = turn};
    if (cpu->is_ahead && cpu->ahead_slot == index && cpu->ahead.turn == turn) {
        *seen = cpu->ahead;
        cpu->is_ahead = false;
    }
}

static void drain_spill(struct bpf_feed *feed, struct telling *telling)
{
    struct eco_bpf_spill spill;

    while (eco_bpf_ring_next(&feed->spill, &spill, sizeof(spill))) {
        if (spill.cpu >= feed->cpu_count || spill.slot >= feed->slots_per_cpu)
            continue;
        struct bpf_seen *seen = &feed->seen[(size_t)spill.cpu * feed->slots_per_cpu + spill.slot];
        if ((int32_t)(spill.turn - seen->turn) < 0)
            continue; /* given up before */
        struct bpf_cpu_seen *cpu = &feed->cpu_seen[spill.cpu];
        if (spill.turn != seen->turn)
            seen_begin(cpu, spill.slot, spill.turn, seen);
        const struct moment last = {
            .on_ns = spill.on_ns, .shared_ns = spill.shared_ns, .tgid = spill.tgid, .turn = spill.turn};
        hand(feed, spill.cpu, &last, seen, telling);
        seen_begin(cpu, spill.slot, spill.turn + 2, seen);
    }
}

/* Whether what was handed out is of the occupant that the slot has now. */
static bool slot_follow(struct bpf_feed *feed, uint32_t cpu, uint32_t index, uint32_t turn,
                        struct telling *telling, bool is_last_chance)
{
    struct bpf_seen *seen = &feed->seen[(size_t)cpu * feed->slots_per_cpu + index];

    bool is_first = seen->turn == 0 && turn == 2;

    if (seen->turn == turn)
        return true;
    if (!is_first)
        drain_spill(feed, telling);
    if (seen->turn == turn)
        return true;
    if ((int32_t)(turn - seen->turn) < 0)
        return false; /* the spill of this occupant has come meanwhile */
    if (!is_first && !is_last_chance) {
        feed->cpu_seen[cpu].is_late = true;
        return false;
    }
    seen_begin(&feed->cpu_seen[cpu], index, turn, seen);
    return true;
}

static void tell_slot(struct bpf_feed *feed, uint32_t cpu, uint32_t index, struct telling *telling,
                      bool is_last_chance)
{
    size_t at = (size_t)cpu * feed->slots_per_cpu + index;
    struct moment moment;

    if (!slot_read(&feed->slots[at], &moment) || moment.tgid == 0)
        return;
    if (slot_follow(feed, cpu, index, moment.turn, telling, is_last_chance))
        hand(feed, cpu, &moment, &feed->seen[at], telling);
}

static void tell_all_slots(struct bpf_feed *feed, uint32_t cpu, struct telling *telling)
{
    for (uint32_t i = 0; i < feed->slots_per_cpu; i++)
        tell_slot(feed, cpu, i, telling, true);
}

/* Slots that were used in the epoch that has just ended. */
static void tell_list(struct bpf_feed *feed, uint32_t cpu, uint32_t epoch, struct telling *telling)
{
    const struct eco_bpf_cpu *side = &feed->cpus[cpu];
    uint32_t odd = epoch & 1;

    if (get32(&side->list_epoch[odd]) != epoch)
        return;
    uint32_t index = __atomic_load_n(&side->list[odd], __ATOMIC_RELAXED);
    for (uint32_t i = 0; i < feed->slots_per_cpu && index < feed->slots_per_cpu; i++) {
        tell_slot(feed, cpu, index, telling, false);
        index = __atomic_load_n(&feed->slots[(size_t)cpu * feed->slots_per_cpu + index].next[odd],
                                __ATOMIC_RELAXED);
    }
}

struct running {
    struct moment moment; /* the slot and the stint so far */
    uint64_t since_ns, now_ns, on_ns, shared_ns;
    uint32_t tgid;
};

enum on_cpu { NOT_KNOWN, NOBODY, SOMEBODY };

/* Who is on the CPU at this moment, as far as it counts. Not known: it is changing hands all the time, or for
 * long, as the host may stop a CPU in the middle of that; or a stint has begun by a clock that was a little
 * ahead (switches.bpf.h). */
static enum on_cpu running_read(const struct bpf_feed *feed, uint32_t cpu, struct running *ret)
{
    const struct eco_bpf_cpu *side = &feed->cpus[cpu];

    for (unsigned i = 0; i < TRIES; i++) {
        ret->since_ns = get64(&side->since_ns);
        ret->tgid = get32(&side->tgid);
        uint64_t sibling_start_ns = get64(&side->sibling_start_ns);
        uint32_t sibling = get32(&side->sibling), index = ret->tgid & (feed->slots_per_cpu - 1);
        uint64_t word = sibling < feed->cpu_count ? get64(&feed->cpus[sibling].busy) : 0;
        bool is_slot = slot_read(&feed->slots[(size_t)cpu * feed->slots_per_cpu + index], &ret->moment);
        ret->now_ns = eco_bpf_now_ns();
        if (ret->since_ns == 0 || get64(&side->since_ns) != ret->since_ns || !is_slot)
            continue;
        if (ret->tgid == 0 || ret->tgid > INT32_MAX)
            return NOBODY;
        if (ret->now_ns <= ret->since_ns)
            return NOT_KNOWN;
        ret->on_ns = ret->now_ns - ret->since_ns;
        int64_t shared =
            sibling < feed->cpu_count ? (int64_t)(busy_at(word, ret->now_ns) - sibling_start_ns) : 0;
        ret->shared_ns = shared < 0 ? 0 : (uint64_t)shared < ret->on_ns ? (uint64_t)shared : ret->on_ns;
        return SOMEBODY;
    }
    return NOT_KNOWN;
}

static void tell_running(struct bpf_feed *feed, uint32_t cpu, struct telling *telling)
{
    struct bpf_cpu_seen *mine = &feed->cpu_seen[cpu];
    struct running running;
    enum on_cpu on = running_read(feed, cpu, &running);

    mine->running_ns = 0;
    if (on == NOT_KNOWN)
        return; /* nor is it known that a stint is over: what was handed out of it is not given up */
    /* Whose stint is over has its slot now. */
    if (mine->is_ahead && (on == NOBODY || running.since_ns != mine->ahead_since_ns)) {
        tell_slot(feed, cpu, mine->ahead_slot, telling, true);
        /* Twice in vain: the kernel side found that it was somebody else's. */
        if (mine->is_ahead && ++mine->ahead_missed > 1)
            mine->is_ahead = false;
    }
    if (on == NOBODY)
        return;
    uint32_t index = running.tgid & (feed->slots_per_cpu - 1);
    struct moment *moment = &running.moment;
    if (moment->tgid == running.tgid) {
        if (!slot_follow(feed, cpu, index, moment->turn, telling, false))
            return;
        struct bpf_seen *seen = &feed->seen[(size_t)cpu * feed->slots_per_cpu + index];
        moment->on_ns += running.on_ns;
        moment->shared_ns += running.shared_ns;
        hand(feed, cpu, moment, seen, telling);
        mine->running_ns = running.on_ns;
        return;
    }
    if (!mine->is_ahead) {
        mine->ahead = (struct bpf_seen){.turn = moment->turn + 2};
        mine->ahead_slot = index;
        mine->ahead_since_ns = running.since_ns;
        mine->ahead_missed = 0;
        mine->is_ahead = true;
    } else if (mine->ahead_since_ns != running.since_ns) {
        return; /* two at once: this one waits */
    }
    const struct moment ahead = {.on_ns = running.on_ns,
                                 .shared_ns = running.shared_ns,
                                 .tgid = running.tgid,
                                 .turn = mine->ahead.turn};
    hand(feed, cpu, &ahead, &mine->ahead, telling);
    mine->running_ns = running.on_ns;
}

/* Nothing may be missing of what the kernel side had kept by the call before. */
static void count_lost(struct bpf_feed *feed, uint32_t cpu, uint64_t kept_ns, struct telling *telling)
{
    struct bpf_cpu_seen *mine = &feed->cpu_seen[cpu];

    if (mine->handed_ns < mine->kept_ns + mine->running_ns)
        tell_all_slots(feed, cpu, telling);
    if (mine->handed_ns < mine->kept_ns + mine->running_ns) {
        uint64_t lost_ns = mine->kept_ns + mine->running_ns - mine->handed_ns;
        feed->lost_ns += lost_ns;
        mine->handed_ns += lost_ns;
    }
    mine->kept_ns = kept_ns;
}

int eco_bpf_stints(struct eco_feed *self, int (*told)(void *context, const struct eco_feed_stint *stint),
                   void *context)
{
    struct bpf_feed *feed = (struct bpf_feed *)self;
    struct telling telling = {.told = told, .context = context};
    uint32_t epoch = feed->epoch++;

    __atomic_store_n(&feed->header->epoch, feed->epoch, __ATOMIC_RELEASE);
    drain_spill(feed, &telling);
    for (uint32_t i = 0; i < feed->cpu_count; i++) {
        uint64_t kept_ns = get64(&feed->cpus[i].kept_ns);
        bool was_late = feed->cpu_seen[i].is_late;
        feed->cpu_seen[i].is_late = false;
        if (was_late)
            tell_all_slots(feed, i, &telling);
        else
            tell_list(feed, i, epoch, &telling);
        tell_running(feed, i, &telling);
        count_lost(feed, i, kept_ns, &telling);
    }
    return telling.result < 0 ? telling.result : 0;
}

/* Time not busy since it was first known. */
static int idle_raw(const struct bpf_feed *feed, uint32_t cpu, uint64_t *ret)
{
    const struct eco_bpf_cpu *side = &feed->cpus[cpu];

    for (unsigned i = 0; i < TRIES; i++) {
        uint64_t word = get64(&side->busy), now_ns = eco_bpf_now_ns();
        if (get64(&side->busy) != word)
            continue;
        if (get64(&side->since_ns) == 0 && word == 0)
            continue; /* not seen yet, or changing hands for the first time */
        *ret = now_ns - busy_at(word, now_ns);
        return 0;
    }
    return -EINVAL;
}

int eco_bpf_stints_open(struct bpf_feed *feed)
{
    for (uint32_t i = 0; i < feed->cpu_count; i++)
        feed->cpu_seen[i].has_idle_base = idle_raw(feed, i, &feed->cpu_seen[i].idle_base_ns) == 0;
    return 0;
}

int eco_bpf_idle_ns(const struct eco_feed *self, uint32_t cpu, uint64_t *ret)
{
    const struct bpf_feed *feed = (const struct bpf_feed *)self;
    uint64_t raw = 0;

    if (cpu >= feed->cpu_count)
        return -EINVAL;
    struct bpf_cpu_seen *mine = &feed->cpu_seen[cpu];
    int r = idle_raw(feed, cpu, &raw);
    if (r < 0)
        return r;
    if (!mine->has_idle_base) {
        mine->idle_base_ns = raw;
        mine->has_idle_base = true;
    }
    *ret = raw > mine->idle_base_ns ? raw - mine->idle_base_ns : 0;
    return 0;
}
