/* SPDX-License-Identifier: MIT */
/* Which CPUs are loaded, in which order, and for how long. */
#include "base/mem.h"
#include "base/parse.h"
#include "cli/calibrate.h"

#include <errno.h>
#include <string.h>

#define IDLE_PART  0.25 /* of the whole time */
#define IDLE_MIN   ECO_NS_PER_S
#define LEVEL_MIN  (600 * ECO_NS_PER_MS)
#define LEVEL_TWO  (1200 * ECO_NS_PER_MS) /* from here on: up, and down again */
#define SETTLE_MAX (500 * ECO_NS_PER_MS)
#define MOST       (ECO_LEVELS_MAX - ECO_CORE_TYPES)

unsigned eco_plan_kind(const struct eco_plan *plan, const struct eco_cpu_place *place)
{
    for (unsigned kind = 0; kind < plan->kind_count; kind++)
        if (plan->capacity[kind] == place->capacity)
            return kind;
    return plan->kind_count ? plan->kind_count - 1 : 0;
}

static void find_kinds(struct eco_plan *plan, const struct eco_topology *topology)
{
    uint32_t below = UINT32_MAX;
    while (plan->kind_count < ECO_CORE_TYPES) {
        uint32_t largest = 0;
        bool found = false;
        for (uint32_t cpu = 0; cpu < topology->cpu_count; cpu++) {
            const struct eco_cpu_place *place = &topology->cpus[cpu];
            if (place->online && place->capacity < below && (!found || place->capacity > largest)) {
                largest = place->capacity;
                found = true;
            }
        }
        if (!found)
            break;
        plan->capacity[plan->kind_count++] = below = largest;
    }
}

/* Is this the first CPU of its core among those that may be used? */
static bool is_first(const struct eco_topology *topology, const bool *allowed, uint32_t cpu)
{
    int32_t core = topology->cpus[cpu].core;
    for (uint32_t other = 0; other < cpu && core >= 0; other++)
        if (allowed[other] && topology->cpus[other].online && topology->cpus[other].core == core)
            return false;
    return true;
}

/* Round the packages, so that all of them are measured at once. */
static void add_in_turn(struct eco_plan *plan, const struct eco_topology *topology, const bool *chosen)
{
    uint32_t left = 0, package = 0;
    for (uint32_t cpu = 0; cpu < topology->cpu_count; cpu++)
        left += chosen[cpu];
    uint32_t *next = &plan->order[plan->count];
    for (uint32_t turn = 0; left > 0; turn++) {
        package = turn % topology->package_count;
        uint32_t lap = turn / topology->package_count, seen = 0;
        for (uint32_t cpu = 0; cpu < topology->cpu_count; cpu++) {
            int32_t own = topology->cpus[cpu].package;
            if (!chosen[cpu] || (own > 0 ? (uint32_t)own % topology->package_count : 0) != package)
                continue;
            if (seen++ == lap) {
                *next++ = cpu;
                plan->count++;
                left--;
                break;
            }
        }
    }
}

static int make_order(struct eco_plan *plan, const struct eco_topology *topology, const bool *allowed)
{
    bool *chosen = eco_calloc(topology->cpu_count + 1, sizeof *chosen);
    plan->order = eco_calloc(topology->cpu_count + 1, sizeof *plan->order);
    if (!chosen || !plan->order) {
        free(chosen);
        return -ENOMEM;
    }
    for (int siblings = 0; siblings < 2; siblings++)
        for (unsigned kind = 0; kind < plan->kind_count; kind++) {
            for (uint32_t cpu = 0; cpu < topology->cpu_count; cpu++)
                chosen[cpu] = allowed[cpu] && topology->cpus[cpu].online &&
                              eco_plan_kind(plan, &topology->cpus[cpu]) == kind &&
                              is_first(topology, allowed, cpu) == !siblings;
            add_in_turn(plan, topology, chosen);
            if (!siblings)
                plan->core_count = plan->count;
        }
    free(chosen);
    return 0;
}

static void add_level(struct eco_plan *plan, unsigned threads)
{
    unsigned last = plan->level_count ? plan->levels[plan->level_count - 1].threads : 0;
    if (threads > last && threads <= plan->count && plan->level_count < MOST)
        plan->levels[plan->level_count++] = (struct eco_level){
            .threads = threads, .only_kind = -1, .has_siblings = threads > plan->core_count};
}

/* 1, 2, 4 ... a package, half and all of the cores, half and all of the siblings. */
static void choose_levels(struct eco_plan *plan, unsigned packages)
{
    unsigned cores = plan->core_count, all = plan->count;
    unsigned half = cores / 2 / packages * packages;
    unsigned wanted[] = {packages,
                         2 * packages,
                         4 * packages,
                         16 * packages,
                         64 * packages,
                         256 * packages,
                         half,
                         cores,
                         cores + (all - cores) / 2,
                         all};
    for (;;) {
        unsigned last = plan->level_count ? plan->levels[plan->level_count - 1].threads : 0,
                 next = UINT32_MAX;
        for (size_t i = 0; i < ECO_COUNT(wanted); i++)
            if (wanted[i] > last && wanted[i] < next)
                next = wanted[i];
        if (next > all)
            return;
        add_level(plan, next);
    }
}

static int parse_levels(struct eco_plan *plan, const char *text, struct eco_why *why)
{
    bool *set = eco_calloc(ECO_CPUS_MAX + 1, sizeof *set);
    if (!set)
        return -ENOMEM;
    int r = eco_parse_cpulist(text, set, ECO_CPUS_MAX + 1);
    for (unsigned n = 1; n <= ECO_CPUS_MAX && r >= 0; n++)
        if (set[n]) {
            unsigned before = plan->level_count;
            add_level(plan, n);
            r = plan->level_count > before ? 0 : -ERANGE;
        }
    bool is_zero = r >= 0 && set[0];
    free(set);
    if (r >= 0 && !is_zero && plan->level_count)
        return 0;
    eco_why_set(why, "--threads %.40s: say how many at a time, from 1 to %u, at most %d of them: 1,2,4", text,
                plan->count, MOST);
    return -EINVAL;
}

/* Each smaller kind of core alone, so that it can be compared with the largest. */
static void add_kinds(struct eco_plan *plan, const struct eco_topology *topology)
{
    for (unsigned kind = 1; kind < plan->kind_count && plan->level_count < ECO_LEVELS_MAX; kind++) {
        unsigned n = 0;
        for (unsigned i = 0; i < plan->core_count; i++)
            n += eco_plan_kind(plan, &topology->cpus[plan->order[i]]) == kind;
        if (n)
            plan->levels[plan->level_count++] = (struct eco_level){.threads = n, .only_kind = (int)kind};
    }
}

static int share_time(struct eco_plan *plan, uint64_t duration_ns, struct eco_why *why)
{
    uint64_t least = IDLE_MIN + plan->level_count * LEVEL_MIN;
    if (duration_ns < least) {
        eco_why_set(why, "%u levels of load take at least %llu s", plan->level_count,
                    (unsigned long long)((least + ECO_NS_PER_S - 1) / ECO_NS_PER_S));
        return -EINVAL;
    }
    plan->idle_ns = (uint64_t)((double)duration_ns * IDLE_PART);
    plan->idle_ns = plan->idle_ns < IDLE_MIN ? IDLE_MIN : plan->idle_ns;
    uint64_t each = (duration_ns - plan->idle_ns) / plan->level_count;
    plan->passes = each >= LEVEL_TWO && 2 * plan->level_count <= ECO_CALIBRATION_POINTS ? 2 : 1;
    each /= plan->passes;
    plan->settle_ns = each / 4 < SETTLE_MAX ? each / 4 : SETTLE_MAX;
    plan->hold_ns = each - plan->settle_ns;
    return 0;
}

int eco_plan_init(struct eco_plan *plan, const struct eco_topology *topology, const bool *allowed,
                  const char *threads, uint64_t duration_ns, struct eco_why *why)
{
    *plan = (struct eco_plan){.passes = 1};
    find_kinds(plan, topology);
    int r = make_order(plan, topology, allowed);
    if (r == 0 && plan->count == 0) {
        eco_why_set(why, "no CPU may be used");
        r = -EINVAL;
    }
    if (r == 0 && threads)
        r = parse_levels(plan, threads, why);
    else if (r == 0)
        choose_levels(plan, topology->package_count ? topology->package_count : 1);
    if (r == 0 && !threads)
        add_kinds(plan, topology);
    if (r == 0)
        r = share_time(plan, duration_ns, why);
    if (r < 0)
        eco_plan_finish(plan);
    return r;
}

void eco_plan_finish(struct eco_plan *plan)
{
    free(plan->order);
    plan->order = NULL;
}

unsigned eco_plan_cpus(const struct eco_plan *plan, const struct eco_topology *topology,
                       const struct eco_level *level, uint32_t *ret)
{
    unsigned n = 0;
    for (unsigned i = 0; i < plan->count && n < level->threads; i++)
        if (level->only_kind < 0 ||
            (int)eco_plan_kind(plan, &topology->cpus[plan->order[i]]) == level->only_kind)
            ret[n++] = plan->order[i];
    return n;
}
