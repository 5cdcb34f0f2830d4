/* SPDX-License-Identifier: MIT */
#include "history/verdict.h"

#include <math.h>

#define ALPHA 0.05

static const size_t looks[] = {8, 12, 18, 27, 40};

const char *eco_verdict_name(enum eco_verdict verdict)
{
    switch (verdict) {
    case ECO_VERDICT_LESS:
        return "less";
    case ECO_VERDICT_MORE:
        return "more";
    case ECO_VERDICT_EQUAL:
        return "equivalent";
    case ECO_VERDICT_OPEN:
        return "undecided";
    case ECO_VERDICT_NONE:
        break;
    }
    return NULL;
}

struct eco_judgement eco_judge(const struct eco_interval *log_ratio, double widen, double margin)
{
    double extra = widen > 0 ? widen : 0;
    double low = log_ratio->low - extra, high = log_ratio->high + extra;
    double near = log1p(margin);
    struct eco_judgement judgement = {
        .ratio = {exp(log_ratio->estimate), exp(low), exp(high), log_ratio->level},
        .is_within_margin = low >= -near && high <= near};
    if (low > 0)
        judgement.verdict = ECO_VERDICT_MORE;
    else if (high < 0)
        judgement.verdict = ECO_VERDICT_LESS;
    else
        judgement.verdict = judgement.is_within_margin ? ECO_VERDICT_EQUAL : ECO_VERDICT_OPEN;
    return judgement;
}

struct eco_judgement eco_judge_nothing(double log_ratio)
{
    return (struct eco_judgement){.ratio = {exp(log_ratio), ECO_NAN, ECO_NAN, ECO_NAN}};
}

double eco_looks_level(unsigned commands)
{
    unsigned comparisons = commands > 2 ? commands - 1 : 1;
    size_t all = ECO_COUNT(looks) * comparisons;
    return 1 - ALPHA / (double)all;
}

size_t eco_looks_last(void)
{
    return looks[ECO_COUNT(looks) - 1];
}

bool eco_looks_is_due(size_t blocks, unsigned commands)
{
    if (blocks < eco_signed_rank_least(eco_looks_level(commands)))
        return false;
    for (size_t i = 0; i < ECO_COUNT(looks); i++)
        if (looks[i] == blocks)
            return true;
    return false;
}

/* The first row of a Williams square: 0, 1, n-1, 2, n-2, ... (E. J. Williams, Austral. J. Sci. Res. A 2,
 * 1949) */
static unsigned first_row(unsigned commands, unsigned place)
{
    unsigned step = (place + 1) / 2;
    return place % 2 ? step : (commands - step) % commands;
}

void eco_block_order(unsigned commands, size_t block, unsigned start, unsigned *ret)
{
    unsigned rows = commands % 2 ? 2 * commands : commands; /* odd: the square and its mirror image */
    unsigned row = (unsigned)((block + start % rows) % rows);
    bool is_mirrored = row >= commands;
    for (unsigned place = 0; place < commands; place++) {
        unsigned from = is_mirrored ? commands - 1 - place : place;
        ret[place] = (first_row(commands, from) + row % commands) % commands;
    }
}
