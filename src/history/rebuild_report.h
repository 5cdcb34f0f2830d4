/* SPDX-License-Identifier: MIT */
/* From the ends of a record and the sums over its intervals to the object of a report. Pure. */
#pragma once

#include "history/rebuild_sums.h"

#include <jansson.h>

/**
 * @param begin        the first line
 * @param last         the last interval, NULL = there is none
 * @param sums         totals are replaced by those that the last interval has, where it has them
 * @param only_totals  sums of domains and processes were not made
 */
json_t *eco_rebuilt_report(const json_t *begin, const json_t *last, struct eco_record_sums *sums,
                           bool only_totals);
