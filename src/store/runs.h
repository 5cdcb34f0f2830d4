/* SPDX-License-Identifier: MIT */
/* The records of runs in STATE/runs, as far as `status` needs them: who runs now, with how much energy so
 * far. */
#pragma once

#include "base/macros.h"

#include <stdbool.h>
#include <stdint.h>

struct eco_record {
    const char *path; /* borrowed, during the call */
    char run_id[33];
    char hostname[65];
    char started_at[40];
    char command[256]; /* words separated by blanks, bounded, any bytes; "" for monitor */
    int32_t pid;       /* of ecocode, 0 unknown */
    double interval_s, duration_s, job_j, machine_j; /* nan = not known (yet) */
    bool is_estimated;                               /* the latest total is not measured */
    bool has_ended;                                  /* its report is there */
    bool is_alive;                                   /* its writer holds the file (on this machine) */
};

/**
 * Call `each` for every record in the directory, in the order of the file system. Files that are none are
 * passed over, unfinished lines are not read.
 *
 * @param only_alive  pass over those that nobody writes any more, without reading them
 * @return 0 (also when there is no such directory), what `each` returned when that is nonzero, or negative
 * errno
 */
int eco_runs_list(const char *state_dir, bool only_alive,
                  int (*each)(void *context, const struct eco_record *record), void *context) ECO_MUST_CHECK;

/** Fill a record from the text of its first and last whole line. 0 or -EBADMSG. Pure; for tests and fuzzing.
 */
int eco_record_parse(const char *first, size_t first_length, const char *last, size_t last_length,
                     struct eco_record *ret) ECO_MUST_CHECK;
