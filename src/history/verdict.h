/* SPDX-License-Identifier: MIT */
/*
 * What a comparison comes to, in one place for bench, compare and check. Ratios are B / A: 1.1 = B uses 10 %
 * more. Pure.
 */
#pragma once

#include "history/stats.h"

enum eco_verdict {
    ECO_VERDICT_NONE,  /* no interval, so nothing is said */
    ECO_VERDICT_LESS,  /* B uses less: the interval lies below 1 */
    ECO_VERDICT_MORE,  /* B uses more */
    ECO_VERDICT_EQUAL, /* equivalent: the interval holds 1 and lies within the margin */
    ECO_VERDICT_OPEN   /* undecided: more measurements, or less noise, would be needed */
};

struct eco_judgement {
    enum eco_verdict verdict;
    bool is_within_margin;     /* the whole interval is: LESS or MORE, but by little */
    struct eco_interval ratio; /* low and high nan = no interval */
};

/** "less" "more" "equivalent" "undecided"; NULL for none. */
const char *eco_verdict_name(enum eco_verdict verdict);

/**
 * @param log_ratio  of ln(B / A)
 * @param widen      half width that no repetition shows, added at both ends (logarithm; nan or 0 = none)
 * @param margin     0.02: ratios from 1/1.02 to 1.02 are as good as equal
 */
struct eco_judgement eco_judge(const struct eco_interval *log_ratio, double widen, double margin);
/** A ratio alone, without interval and verdict. */
struct eco_judgement eco_judge_nothing(double log_ratio);

/* ---- looks of a sequence that may stop at each of them ---- */

/** The level of every look: 1 - 0.05 / (5 (commands - 1)); all looks together are wrong in 5 of 100. */
double eco_looks_level(unsigned commands);
/** How many blocks the last look takes. */
size_t eco_looks_last(void);
/** Is it time for a look after so many blocks? Never before eco_signed_rank_least() of the level. */
bool eco_looks_is_due(size_t blocks, unsigned commands);

/**
 * The order of commands in block number `block`: AB BA AB ... of two, else the rows of a Williams square in
 * turn (each command follows each other one equally often, so that what one leaves behind - heat, caches - is
 * shared evenly).
 *
 * @param start  any number: which row is the first
 * @param ret    `commands` indices
 */
void eco_block_order(unsigned commands, size_t block, unsigned start, unsigned *ret);
