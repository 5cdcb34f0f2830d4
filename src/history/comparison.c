/* SPDX-License-Identifier: MIT */
#include "history/comparison.h"

#include "base/mem.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define LEVEL            0.95
#define DAYS_THAT_SPREAD 3
#define DATE_LENGTH      10    /* "2026-11-22" */
#define SAME_IDLE        0.002 /* relative difference of idle powers that is none */

/* Numbers of a group, as logarithms, in an array that is made once. */
struct room {
    double *a, *b;
};

static void note(struct eco_comparison *comparison, const char *format, ...) ECO_PRINTF(2, 3);
static void note(struct eco_comparison *comparison, const char *format, ...)
{
    va_list args;
    if (comparison->note_count == ECO_COMPARISON_NOTES)
        return;
    va_start(args, format);
    (void)vsnprintf(comparison->notes[comparison->note_count++], ECO_WHY_MAX, format, args);
    va_end(args);
}

static void hinder(struct eco_comparison *comparison, const char *format, ...) ECO_PRINTF(2, 3);
static void hinder(struct eco_comparison *comparison, const char *format, ...)
{
    va_list args;
    if (*comparison->obstacle)
        return; /* the first one says enough */
    va_start(args, format);
    (void)vsnprintf(comparison->obstacle, sizeof comparison->obstacle, format, args);
    va_end(args);
}

/* The first sample of either group whose text differs from the first of all; NULL = all alike. */
static const char *other_text(const struct eco_group *a, const struct eco_group *b, size_t offset)
{
    const char *first = (const char *)&a->samples[0] + offset;
    const struct eco_group *groups[] = {a, b};
    for (size_t g = 0; g < 2; g++)
        for (size_t i = 0; i < groups[g]->count; i++) {
            const char *text = (const char *)&groups[g]->samples[i] + offset;
            if (strcmp(text, first) != 0)
                return text;
        }
    return NULL;
}

static void look_for_differences(const struct eco_group *a, const struct eco_group *b,
                                 struct eco_comparison *ret)
{
    const struct eco_sample *first = &a->samples[0];
    const char *other = other_text(a, b, offsetof(struct eco_sample, cpu_model));
    if (other)
        hinder(ret, "the CPUs differ: %.80s, and %.80s", first->cpu_model, other);
    other = other_text(a, b, offsetof(struct eco_sample, sources));
    if (other)
        hinder(ret, "the sources of energy differ: %.90s, and %.90s",
               *first->sources ? first->sources : "none", *other ? other : "none");
    for (size_t i = 0; i < b->count; i++)
        if (first->is_estimated && b->samples[i].model_version != first->model_version)
            hinder(ret, "the energy was estimated by different versions of the model (%ld and %ld)",
                   first->model_version, b->samples[i].model_version);
    other = other_text(a, b, offsetof(struct eco_sample, hostname));
    if (other && !*ret->obstacle)
        note(ret, "Different machines of one model: their sensors may differ by some percent as well");
}

static bool all_known(const struct eco_group *group, size_t offset)
{
    for (size_t i = 0; i < group->count; i++) {
        double value;
        memcpy(&value, (const char *)&group->samples[i] + offset, sizeof value);
        if (!(value > 0) || !isfinite(value))
            return false;
    }
    return true;
}

/*
 * Own energy is what is left when the job's share of the idle power is taken out of the energy with it:
 *     own = full - share P_idle T.
 * Runs that took out different powers are counted anew with one, their median: full - (full - own) P /
 * P_idle.
 */
static void recount(struct eco_group *group, double idle_w)
{
    for (size_t i = 0; i < group->count; i++) {
        struct eco_sample *sample = &group->samples[i];
        sample->own_j = sample->full_j - (sample->full_j - sample->own_j) * idle_w / sample->idle_w;
    }
}

static void set_idle_basis(struct eco_group *a, struct eco_group *b, double *room, struct eco_comparison *ret)
{
    size_t own = offsetof(struct eco_sample, own_j), idle = offsetof(struct eco_sample, idle_w), count = 0;
    ret->has_own = all_known(a, own) && all_known(b, own);
    ret->idle_w = ECO_NAN;
    if (!ret->has_own) {
        note(ret, "Compared with the share of idle power: own energy is not known in all of these runs");
        return;
    }
    if (!all_known(a, idle) || !all_known(b, idle)) {
        if (other_text(a, b, offsetof(struct eco_sample, idle_method))) {
            ret->has_own = false;
            note(
                ret,
                "Compared with the share of idle power: it was taken out by different methods (%.20s, %.20s)",
                a->samples[0].idle_method, other_text(a, b, offsetof(struct eco_sample, idle_method)));
        }
        return;
    }
    for (size_t i = 0; i < a->count; i++)
        room[count++] = a->samples[i].idle_w;
    for (size_t i = 0; i < b->count; i++)
        room[count++] = b->samples[i].idle_w;
    double median = eco_stats_median(room, count), least = room[0], most = room[count - 1];
    if (most - least <= SAME_IDLE * median)
        return;
    recount(a, median);
    recount(b, median);
    ret->idle_w = median;
    ret->has_own = all_known(a, own) && all_known(b, own);
    note(ret, "Idle power taken out was %.3g to %.3g W; all are counted with %.3g W here", least, most,
         median);
}

static void take_logs(const struct eco_group *group, size_t offset, double *ret)
{
    for (size_t i = 0; i < group->count; i++) {
        double value;
        memcpy(&value, (const char *)&group->samples[i] + offset, sizeof value);
        ret[i] = value > 0 ? log(value) : ECO_NAN;
    }
}

static double mean(const double *values, size_t count)
{
    double sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += values[i];
    return sum / (double)count;
}

static double relative_idle_half(const struct eco_group *group, double *room)
{
    for (size_t i = 0; i < group->count; i++)
        room[i] = group->samples[i].idle_half_j / group->samples[i].own_j;
    return eco_stats_median(room, group->count);
}

static struct eco_interval side_of(const double *logs, size_t count)
{
    struct eco_interval interval;
    if (eco_student(logs, count, LEVEL, &interval) < 0)
        return (struct eco_interval){exp(mean(logs, count)), ECO_NAN, ECO_NAN, ECO_NAN};
    return (struct eco_interval){exp(interval.estimate), exp(interval.low), exp(interval.high),
                                 interval.level};
}

static struct eco_judgement judge(const struct eco_group *a, const struct eco_group *b, size_t offset,
                                  double widen, const struct eco_comparison_rule *rule,
                                  struct eco_comparison *ret, const struct room *room)
{
    struct eco_interval interval;
    take_logs(a, offset, room->a);
    take_logs(b, offset, room->b);
    struct eco_interval *sides[] = {&ret->a.full, &ret->b.full};
    if (offset == offsetof(struct eco_sample, own_j)) {
        sides[0] = &ret->a.own;
        sides[1] = &ret->b.own;
    }
    *sides[0] = side_of(room->a, a->count);
    *sides[1] = side_of(room->b, b->count);
    double difference = mean(room->b, b->count) - mean(room->a, a->count);
    if (*ret->obstacle || eco_welch(room->a, a->count, room->b, b->count, LEVEL, &interval) < 0)
        return eco_judge_nothing(difference);
    return eco_judge(&interval, widen, rule->margin);
}

static void check_counts(const struct eco_group *a, const struct eco_group *b,
                         const struct eco_comparison_rule *rule, struct eco_comparison *ret)
{
    ret->is_in_turn = eco_is_in_turn(a, b);
    if (a->count == 1 && b->count == 1)
        hinder(ret, "one run against one, so that chance cannot be told from a difference");
    else if (a->count < rule->least_a || b->count < rule->least_b)
        hinder(ret, "%zu and %zu runs; a verdict takes %zu and %zu at least", a->count, b->count,
               rule->least_a, rule->least_b);
    else if (!rule->any_order && !ret->is_in_turn)
        hinder(ret,
               "not interleaved, one group was run after the other: warmth, clock and time of day may be the "
               "difference");
}

int eco_compare(struct eco_group *a, struct eco_group *b, const struct eco_comparison_rule *rule,
                struct eco_comparison *ret)
{
    struct room room = {.a = eco_calloc(a->count + b->count, sizeof(double)),
                        .b = eco_calloc(b->count, sizeof(double))};
    int r = room.a && room.b ? 0 : -ENOMEM;
    *ret = (struct eco_comparison){0};
    if (r == 0) {
        look_for_differences(a, b, ret);
        if (!all_known(a, offsetof(struct eco_sample, full_j)) ||
            !all_known(b, offsetof(struct eco_sample, full_j)))
            hinder(ret, "the energy of a run is not known");
        check_counts(a, b, rule, ret);
        set_idle_basis(a, b, room.a, ret);
        double widen = fabs(relative_idle_half(a, room.a) - relative_idle_half(b, room.b));
        ret->own = judge(a, b, offsetof(struct eco_sample, own_j), widen, rule, ret, &room);
        ret->full = judge(a, b, offsetof(struct eco_sample, full_j), 0, rule, ret, &room);
        take_logs(a, offsetof(struct eco_sample, duration_s), room.a);
        take_logs(b, offsetof(struct eco_sample, duration_s), room.b);
        ret->a.duration_s = exp(mean(room.a, a->count));
        ret->b.duration_s = exp(mean(room.b, b->count));
        ret->time_ratio = ret->b.duration_s / ret->a.duration_s;
        if (eco_comparison_answer(ret)->verdict == ECO_VERDICT_NONE)
            hinder(ret, "the runs do not vary at all, or are not known: are they copies of one?");
    }
    free(room.a);
    free(room.b);
    return r;
}

static size_t days_of(const struct eco_group *group)
{
    size_t days = group->count > 0;
    for (size_t i = 1; i < group->count; i++)
        days += strncmp(group->samples[i].started_at, group->samples[i - 1].started_at, DATE_LENGTH) != 0;
    return days;
}

bool eco_is_in_turn(const struct eco_group *a, const struct eco_group *b)
{
    size_t i = 0, j = 0, switches = 0;
    int last = -1;
    if (days_of(a) >= DAYS_THAT_SPREAD && days_of(b) >= DAYS_THAT_SPREAD)
        return true;
    while (i < a->count || j < b->count) {
        bool is_a = j == b->count ||
                    (i < a->count && strcmp(a->samples[i].started_at, b->samples[j].started_at) <= 0);
        switches += last >= 0 && last != is_a;
        last = is_a;
        if (is_a)
            i++;
        else
            j++;
    }
    /* Wald and Wolfowitz: chance makes 2ab/(a+b) of them; half of that and one more */
    double all = (double)(a->count + b->count);
    return (double)switches >= (double)a->count * (double)b->count / all + 1;
}
