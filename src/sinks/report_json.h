/* SPDX-License-Identifier: MIT */
/* The run report `ecocode.run/1` as one JSON object (docs/api.md). */
#pragma once

#include "base/buf.h"
#include "model/report.h"

#define ECO_RUN_SCHEMA "ecocode.run/1"

/** Appends one line. `type` becomes a key of that name behind "schema"; NULL = none. */
void eco_report_json(struct eco_buf *out, const struct eco_report *report, const char *type);
