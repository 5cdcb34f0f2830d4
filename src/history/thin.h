/* SPDX-License-Identifier: MIT */
/*
 * A record with intervals of a minute in place of shorter ones. Energies, CPU time and gaps are added up, so
 * that all sums are what they were; processes of others, groups and the states of cards are left out. Its
 * first line then has "thinned_s".
 */
#pragma once

#include "base/macros.h"
#include "base/why.h"

#include <stdbool.h>

#define ECO_THIN_S 60.0

/** False: it was thinned already, its intervals are long anyway, or it is no record. */
bool eco_thin_is_useful(const char *path);
/** Lines of `from` into the descriptor `to`. 0 or negative errno with a reason. */
int eco_thin_file(const char *from, int to, struct eco_why *why) ECO_MUST_CHECK;
