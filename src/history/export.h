/* SPDX-License-Identifier: MIT */
/*
 * Writing runs for others to read. Intervals stream: memory does not grow with the length of a record.
 * Each returns 0 or negative errno with a reason; failed writes are found in the sheet.
 */
#pragma once

#include "history/refs.h"
#include "history/run_frames.h"
#include "history/sheet.h"

/** Rows of intervals: one per interval and domain, then one named "total" (docs/export.md has the columns).
 */
int eco_export_frames_csv(const struct eco_run_list *runs, struct eco_sheet *sheet,
                          struct eco_why *why) ECO_MUST_CHECK;
/** The lines of the records as they are; with `is_array` the intervals alone as one JSON array. */
int eco_export_frames_json(const struct eco_run_list *runs, bool is_array, struct eco_sheet *sheet,
                           struct eco_why *why) ECO_MUST_CHECK;
/** Counters with the time of each interval, for what takes in the past (`promtool tsdb create-blocks-from`).
 */
int eco_export_metrics(const struct eco_run_list *runs, struct eco_sheet *sheet,
                       struct eco_why *why) ECO_MUST_CHECK;

/** A row per run. */
void eco_export_runs_csv(const struct eco_run_list *runs, struct eco_sheet *sheet);
/** A row per process of the report. */
void eco_export_processes_csv(const struct eco_run_list *runs, struct eco_sheet *sheet);
/** The reports, or their processes, an object per line or as one JSON array. */
int eco_export_reports_json(const struct eco_run_list *runs, bool only_processes, bool is_array,
                            struct eco_sheet *sheet) ECO_MUST_CHECK;

/**
 * Call `each` for every line of all files of a run.
 *
 * @return 0, what `each` returned when that is not 0, or negative errno with a reason
 */
int eco_export_each_line(const struct eco_run_report *run,
                         int (*each)(void *context, enum eco_line_kind kind, struct eco_span line),
                         void *context, struct eco_why *why) ECO_MUST_CHECK;

/** A record's text between quotes, with its escapes undone, bounded. */
void eco_export_unescape(struct eco_span inner, char *ret, size_t size);
