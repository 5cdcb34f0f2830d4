/* SPDX-License-Identifier: MIT */
/* The run report `ecocode.run/1` as one JSON object (docs/api.md). */
#pragma once

#include "base/buf.h"
#include "base/json.h"
#include "model/report.h"

#define ECO_RUN_SCHEMA "ecocode.run/1"

/** Appends one line. `type` becomes a key of that name behind "schema"; NULL = none. */
void eco_report_json(struct eco_buf *out, const struct eco_report *report, const char *type);
/** The key "device": null for what is no graphics card (report_json_device.c). */
void eco_report_json_device(struct eco_json *json, const struct eco_report_device *device);
/** The key "impact": null where nothing was reckoned (report_json_impact.c). */
void eco_report_json_impact(struct eco_json *json, const struct eco_impact *impact,
                            const struct eco_course *course);
/** Of it the key "prediction" (report_json_course.c). */
void eco_report_json_predicted_impact(struct eco_json *json, const struct eco_course *course);
/** The key "groups" with its value (report_groups.c). */
void eco_report_json_groups(struct eco_json *json, const struct eco_report *report);
/** The keys "phases", "progress", "prediction", "budgets" and "findings" (report_json_course.c). */
void eco_report_json_course(struct eco_json *json, const struct eco_report *report);
/** A value: the prediction, or null. */
void eco_json_prediction(struct eco_json *json, const struct eco_prediction *prediction);
/** A value: the progress, or null. */
void eco_json_progress(struct eco_json *json, const struct eco_progress *progress);
