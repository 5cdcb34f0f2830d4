/* SPDX-License-Identifier: MIT */
/*
 * One sentence for a person: what is wrong and what to do. Owned by the caller, filled by calls
 * that can fail for reasons an errno does not tell. Every function accepts a NULL `why`.
 */
#pragma once

#include "base/macros.h"

#define ECO_WHY_MAX 320

struct eco_why {
    char text[ECO_WHY_MAX]; /* what is wrong, one line, no full stop at the end; empty = nothing */
    char fix[ECO_WHY_MAX];  /* a command to type that mends it; empty = none is known */
};

void eco_why_set(struct eco_why *why, const char *format, ...) ECO_PRINTF(2, 3);
void eco_why_fix(struct eco_why *why, const char *format, ...) ECO_PRINTF(2, 3);
