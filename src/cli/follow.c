/* SPDX-License-Identifier: MIT */
#include "cli/follow.h"

#include "base/parse.h"
#include "base/text.h"
#include "cli/impact.h"
#include "cli/link.h"
#include "platform/clock.h"
#include "sinks/tally.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#define MIB_MAX       (1ull << 24) /* more is no machine */
#define CPUS_MAX      (1u << 16)
#define MARKS_AT_ONCE 256 /* a job that does nothing else must not keep us from our work */
/* Marks that come faster are told apart by time alone: looks are what a run costs. */
#define LOOK_AGAIN_NS (50 * ECO_NS_PER_MS)

int eco_follow_init(struct eco_follow *follow, const struct eco_call *call, struct eco_why *why)
{
    const struct eco_settings *settings = &call->settings;
    struct eco_factors factors;
    int r = eco_call_factors(call, &factors, why);
    if (r < 0)
        return r;
    if (settings->budgets.count > ECO_BUDGETS_MAX) {
        eco_why_set(why, "more than %d budgets", ECO_BUDGETS_MAX);
        return -EINVAL;
    }
    const struct eco_course_options options = {.budgets = settings->budgets.items,
                                               .budget_count = settings->budgets.count,
                                               .budget_action = settings->budget_action,
                                               .expect_ns = settings->expect_ns,
                                               .per = factors.per,
                                               .per_count = factors.per_count,
                                               .factors = &factors};
    follow->fd = follow->link = -1;
    follow->policy = settings->policy ? settings->policy : "active";
    (void)pthread_mutex_init(&follow->lock, NULL);
    return eco_course_init(&follow->keeper, &options, why);
}

void eco_follow_open(struct eco_follow *follow, const char *run_id, uid_t user, int link)
{
    follow->fd = eco_marks_open(run_id);
    follow->user = user;
    follow->link = link;
}

void eco_follow_begin(struct eco_follow *follow, uint64_t begin_ns)
{
    (void)pthread_mutex_lock(&follow->lock);
    eco_course_begin(&follow->keeper, begin_ns);
    follow->has_begun = true;
    (void)pthread_mutex_unlock(&follow->lock);
}

/* With the lock held. */
static bool take_marks(struct eco_follow *follow)
{
    struct eco_mark mark;
    bool has_come = false;
    for (int i = 0; follow->fd >= 0 && follow->has_begun && i < MARKS_AT_ONCE; i++) {
        int r = eco_marks_take(follow->fd, follow->user, &mark);
        if (r == 0)
            break;
        if (r < 0) {
            follow->keeper.course.ignored_marks++;
            continue;
        }
        eco_course_mark(&follow->keeper, &mark, eco_clock_system.mono_ns(&eco_clock_system));
        has_come = true;
    }
    return has_come;
}

bool eco_follow_hear(struct eco_follow *follow)
{
    (void)pthread_mutex_lock(&follow->lock);
    uint64_t now_ns = eco_clock_system.mono_ns(&eco_clock_system);
    bool is_due = take_marks(follow) && now_ns - follow->looked_ns >= LOOK_AGAIN_NS;
    if (is_due)
        follow->looked_ns = now_ns;
    (void)pthread_mutex_unlock(&follow->lock);
    return is_due;
}

/* ---- budgets ---- */

static void say(const struct eco_follow *follow, const struct eco_budget *budget)
{
    const struct eco_course *course = &follow->keeper.course;
    bool is_money = budget->kind == ECO_BUDGET_MONEY;
    eco_notice("the budget of %.40s is exceeded after %.1f s: %.*g %s%s%s", budget->text, budget->at_s,
               is_money ? 3 : 4, budget->used, budget->unit,
               budget->slot == ECO_SLOT_FULL ? " with the share of idle power" : "",
               course->action == ECO_BUDGET_STOP && course->was_stopped ? "; the command is told to end"
                                                                        : "");
}

static void say_all(const struct eco_follow *follow, unsigned exceeded)
{
    for (unsigned i = 0; i < follow->keeper.course.budget_count; i++)
        if (exceeded & 1u << i)
            say(follow, &follow->keeper.course.budgets[i]);
}

int eco_follow_tell(struct eco_follow *follow, bool is_final)
{
    const struct eco_link_message message = {
        .kind = ECO_LINK_EXCEEDED, .is_final = is_final, .action = (int32_t)follow->keeper.course.action};
    if (!follow->untold)
        return 0;
    int r = eco_link_send(follow->link, &message);
    if (r == 0)
        follow->untold = 0;
    return r;
}

static void show(struct eco_follow *follow)
{
    const struct eco_course *course = &follow->keeper.course;
    follow->now.has_phase = course->phase_count > 0;
    if (follow->now.has_phase)
        (void)eco_text_copy(follow->now.phase, sizeof follow->now.phase, course->phases[course->phase].name);
    follow->now.progress = course->progress;
    follow->now.prediction = course->prediction;
}

void eco_follow_frame(struct eco_follow *follow, const struct eco_frame *frame)
{
    struct eco_course *course = &follow->keeper.course;
    (void)pthread_mutex_lock(&follow->lock);
    (void)take_marks(follow);
    unsigned exceeded = eco_course_frame(&follow->keeper, frame);
    show(follow);
    follow->untold |= exceeded;
    /* The last frame is of a command that has ended. */
    if (exceeded && course->action == ECO_BUDGET_STOP && !frame->last)
        course->was_stopped = true;
    say_all(follow, exceeded);
    if (follow->link >= 0)
        (void)eco_follow_tell(follow, frame->last);
    (void)pthread_mutex_unlock(&follow->lock);
}

/*
 * Memory that a batch system keeps for the job on this machine, whether it is used or not. A limit alone (of
 * a container) is no reservation. Slurm tells in MiB (sbatch(1), "output environment variables").
 */
static uint64_t find_reserved_bytes(void)
{
    const char *node = getenv("SLURM_MEM_PER_NODE"), *cpu = getenv("SLURM_MEM_PER_CPU"),
               *cpus = getenv("SLURM_CPUS_ON_NODE");
    uint64_t mib, count = 1;
    if (node ? eco_parse_u64(node, &mib) < 0
             : !cpu || !cpus || eco_parse_u64(cpu, &mib) < 0 || eco_parse_u64(cpus, &count) < 0)
        return 0;
    return mib < MIB_MAX && count < CPUS_MAX ? mib * count << 20 : 0;
}

void eco_follow_end(struct eco_follow *follow, struct eco_report *report)
{
    (void)pthread_mutex_lock(&follow->lock);
    follow->keeper.reserved_bytes = find_reserved_bytes();
    unsigned exceeded = eco_course_end(&follow->keeper, report);
    follow->untold |= exceeded;
    say_all(follow, exceeded);
    (void)pthread_mutex_unlock(&follow->lock);
}
