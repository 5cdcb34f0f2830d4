/* SPDX-License-Identifier: MIT */
/*
 * The record of one run: STATE/runs/HOST-RUNID.jsonl, the stream of the jsonl sink, written while the run
 * goes on with one write per interval and never fsync, so that it costs nothing and a killed run leaves
 * all but its last interval. Also on network file systems: one file per run, one writer.
 *
 * Nothing is touched on disk before the run is a second old, or ends. Directory 0700, file 0600. The file
 * is locked (flock) while its run lives; that is how `status` knows. A failure ends the record, never the
 * run.
 *
 * At midnight (UTC) a long run goes on in a file of its own, HOST-RUNID.2026-11-23.jsonl, which begins as the
 * first one does. Beyond a limit for each file one interval a minute is kept; since each line has the sums
 * since the start, no energy is lost with the others.
 */
#pragma once

#include "model/frame.h"
#include "model/report.h"
#include "sinks/sink.h"

struct eco_spool;

#define ECO_SPOOL_LIMIT_BYTES (64ull << 20) /* of one file; then it is thinned */

struct eco_spool_options {
    const char *state_dir; /* copied */
    const char *hostname;  /* copied; characters that do not belong into a file name become '_' */
    const char *run_id;    /* copied */
    uint64_t limit_bytes;  /* 0 = ECO_SPOOL_LIMIT_BYTES */
};

/** -ENOMEM, -ENAMETOOLONG. Nothing is written yet. */
int eco_spool_open(const struct eco_spool_options *options, struct eco_spool **ret) ECO_MUST_CHECK;
/** As the calls of a sink; `begin` is borrowed until free. 0 or the first error of this record. */
int eco_spool_begin(struct eco_spool *spool, const struct eco_sink_begin *begin);
int eco_spool_frame(struct eco_spool *spool, const struct eco_frame *frame);
int eco_spool_report(struct eco_spool *spool, const struct eco_report *report);
/** No run of this user was recorded before: the place is worth telling. */
bool eco_spool_is_first(const struct eco_spool *spool);
/** The record's file, whether it is there yet or not. */
const char *eco_spool_path(const struct eco_spool *spool);
/** Accepts NULL, returns NULL. */
struct eco_spool *eco_spool_free(struct eco_spool *spool);
