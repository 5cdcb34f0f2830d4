/* SPDX-License-Identifier: MIT */
/*
 * The report of a run whose writer was killed, or still writes: made of what its record holds. Totals are
 * those of the last whole interval; how it ended is not known.
 */
#pragma once

#include "base/macros.h"
#include "base/why.h"

#include <jansson.h>
#include <stdbool.h>

/**
 * @param path         a file of the run; all of its files are read
 * @param only_totals  domains and processes are left out: then the first and the last line are enough,
 *                     however long the record is
 * @param ret          object `ecocode.run/1`, the caller's
 * @return 0; -EBADMSG: there is no line that begins a record; negative errno
 */
int eco_run_rebuild(const char *path, bool only_totals, json_t **ret, struct eco_why *why) ECO_MUST_CHECK;
