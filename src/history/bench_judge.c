/* SPDX-License-Identifier: MIT */
#include "base/mem.h"
#include "history/bench.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#define FIGURE_LEVEL 0.95

/* Which of its numbers: offsets into the struct, so that both figures take one way. */
static double value_of(const struct eco_bench *bench, size_t block, unsigned command, size_t offset)
{
    double value;
    memcpy(&value, (const char *)eco_bench_sample(bench, block, command) + offset, sizeof value);
    return value;
}

static double median_of(const struct eco_bench *bench, unsigned command, size_t offset, double *room)
{
    for (size_t block = 0; block < bench->blocks; block++)
        room[block] = value_of(bench, block, command, offset);
    return eco_stats_median(room, bench->blocks);
}

/* Logarithms of positive numbers; nan and what is not above 0 give nan. */
static double safe_log(double value)
{
    return value > 0 ? log(value) : ECO_NAN;
}

/*
 * What a wrong idle power does to the ratio: it takes the same watts out of both, so only a difference in
 * seconds per joule shows (method B4).
 */
static double idle_widening(const struct eco_bench *bench, unsigned command, double *room)
{
    size_t own = offsetof(struct eco_sample, own_j), half = offsetof(struct eco_sample, idle_half_j);
    double a = median_of(bench, 0, half, room) / median_of(bench, 0, own, room);
    double b = median_of(bench, command, half, room) / median_of(bench, command, own, room);
    return fabs(a - b);
}

static struct eco_judgement judge_pair(const struct eco_bench *bench, unsigned command, size_t offset,
                                       double widen, double *room)
{
    struct eco_interval interval;
    for (size_t block = 0; block < bench->blocks; block++)
        room[block] =
            safe_log(value_of(bench, block, command, offset)) - safe_log(value_of(bench, block, 0, offset));
    int r = eco_signed_rank(room, bench->blocks, bench->level, &interval);
    return r == 0 ? eco_judge(&interval, widen, bench->margin)
                  : eco_judge_nothing(eco_stats_median(room, bench->blocks));
}

/* Chance by the repetitions, and the errors that every repetition shares: the root of the sum of squares. Of
 * too few repetitions what each of them says of itself. */
static struct eco_bench_figure figure_of(const struct eco_bench *bench, unsigned command, size_t offset,
                                         double *room)
{
    struct eco_interval interval;
    double low_ratio = median_of(bench, command, offsetof(struct eco_sample, low_ratio), room);
    double high_ratio = median_of(bench, command, offsetof(struct eco_sample, high_ratio), room);
    for (size_t block = 0; block < bench->blocks; block++)
        room[block] = safe_log(value_of(bench, block, command, offset));
    if (eco_signed_rank(room, bench->blocks, FIGURE_LEVEL, &interval) < 0) {
        double middle = exp(eco_stats_median(room, bench->blocks));
        return (struct eco_bench_figure){
            {middle, ECO_NAN, ECO_NAN, ECO_NAN}, middle * low_ratio, middle * high_ratio};
    }
    double below = hypot(interval.estimate - interval.low, log(low_ratio));
    double above = hypot(interval.high - interval.estimate, log(high_ratio));
    return (struct eco_bench_figure){
        .chance = {exp(interval.estimate), exp(interval.low), exp(interval.high), interval.level},
        .low_j = low_ratio <= 0 ? 0 : exp(interval.estimate - below),
        .high_j = exp(interval.estimate + above)};
}

static double distance(const struct eco_bench *bench, size_t block, unsigned command, size_t offset,
                       double centre)
{
    return fabs(safe_log(value_of(bench, block, command, offset)) - centre);
}

/* A pair that lies far from the others is named by the one of the two that lies further from its own middle.
 */
static int mark_outliers(struct eco_bench *bench, unsigned command, double *room, bool *flags)
{
    size_t offset = bench->has_own ? offsetof(struct eco_sample, own_j) : offsetof(struct eco_sample, full_j);
    double *more_room = room + bench->blocks;
    double mine = safe_log(median_of(bench, command, offset, more_room));
    double first = command > 0 ? safe_log(median_of(bench, 0, offset, more_room)) : 0;
    for (size_t block = 0; block < bench->blocks; block++) {
        double base = command > 0 ? safe_log(value_of(bench, block, 0, offset)) : 0;
        room[block] = more_room[block] = safe_log(value_of(bench, block, command, offset)) - base;
    }
    int r = eco_stats_outliers(room, bench->blocks, eco_stats_median(more_room, bench->blocks), flags);
    for (size_t block = 0; r >= 0 && block < bench->blocks; block++) {
        if (!flags[block])
            continue;
        bool is_mine = command == 0 || distance(bench, block, command, offset, mine) >=
                                           distance(bench, block, 0, offset, first);
        bench->outliers[block * bench->count + (is_mine ? command : 0)] = true;
    }
    return r < 0 ? r : 0;
}

static bool is_own_known(const struct eco_bench *bench)
{
    for (size_t i = 0; i < bench->blocks * bench->count; i++)
        if (!(bench->samples[i].own_j > 0))
            return false;
    return bench->blocks > 0;
}

int eco_bench_judge(struct eco_bench *bench)
{
    double *room = eco_calloc(2 * bench->blocks + 1, sizeof *room);
    bool *flags = eco_calloc(bench->blocks + 1, sizeof *flags);
    int r = room && flags ? 0 : -ENOMEM;
    bench->has_own = is_own_known(bench);
    for (unsigned c = 0; r == 0 && c < bench->count; c++) {
        struct eco_bench_command *command = &bench->commands[c];
        struct eco_bench_pair *pair = &bench->pairs[c];
        command->own = figure_of(bench, c, offsetof(struct eco_sample, own_j), room);
        command->full = figure_of(bench, c, offsetof(struct eco_sample, full_j), room);
        command->duration_s = median_of(bench, c, offsetof(struct eco_sample, duration_s), room);
        pair->time_ratio = command->duration_s / bench->commands[0].duration_s;
        if (c == 0)
            continue;
        pair->own =
            judge_pair(bench, c, offsetof(struct eco_sample, own_j), idle_widening(bench, c, room), room);
        pair->full = judge_pair(bench, c, offsetof(struct eco_sample, full_j), 0, room);
    }
    if (bench->blocks > 0)
        memset(bench->outliers, 0, bench->blocks * bench->count * sizeof *bench->outliers);
    for (unsigned c = bench->count > 1; r == 0 && c < bench->count; c++)
        r = mark_outliers(bench, c, room, flags);
    bench->others_ratio =
        r == 0 ? median_of(bench, 0, offsetof(struct eco_sample, others_ratio), room) : ECO_NAN;
    free(room);
    free(flags);
    return r;
}

bool eco_bench_is_decided(const struct eco_bench *bench)
{
    for (unsigned c = 1; c < bench->count; c++) {
        enum eco_verdict verdict = eco_bench_answer(bench, c)->verdict;
        if (verdict == ECO_VERDICT_NONE || verdict == ECO_VERDICT_OPEN)
            return false;
    }
    return true;
}
