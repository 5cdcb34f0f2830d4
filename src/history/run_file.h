/* SPDX-License-Identifier: MIT */
/*
 * A file of a run, read: a record (STATE/runs/HOST-RUNID.jsonl, store/spool.h) or a report that `-o F.json`
 * wrote. It may be cut off anywhere (its writer was killed), may be growing, and is not trusted.
 */
#pragma once

#include "base/macros.h"
#include "base/why.h"

#include <jansson.h>
#include <stdbool.h>

struct eco_run_report {
    json_t *root;     /* object `ecocode.run/1`, owned */
    char run_id[33];  /* "" when the file names none */
    char path[4096];  /* where it was read */
    bool is_complete; /* it ended with its report; false: made from its intervals (history/rebuild.h), exit
                         null */
};

/**
 * Read the report of a file.
 *
 * @return 0; -ENOENT, -EACCES ...; -EBADMSG: not of ours, or nothing whole in it; -ENOTSUP: of a later
 * version; all with a reason that names the file
 */
int eco_run_report_read(const char *path, struct eco_run_report *ret, struct eco_why *why) ECO_MUST_CHECK;
/** The same for lists: of a record without a report domains and processes are left out, which is fast. */
int eco_run_report_read_totals(const char *path, struct eco_run_report *ret,
                               struct eco_why *why) ECO_MUST_CHECK;
void eco_run_report_finish(struct eco_run_report *report);

/** A number below `path` ("energy.job_j") or NaN where it is null, missing or no number. */
double eco_run_report_number(const struct eco_run_report *report, const char *path);
/** Text below `path`, borrowed, or NULL. */
const char *eco_run_report_text(const struct eco_run_report *report, const char *path);
