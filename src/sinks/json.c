/* SPDX-License-Identifier: MIT */
/* The run report as one JSON object on one line, so that files it is appended to are JSON Lines. */
#include "sinks/report_json.h"
#include "sinks/sink.h"

static int write_report(struct eco_sink *sink, const struct eco_report *report)
{
    eco_report_json(&sink->out, report, NULL);
    return 0;
}

const struct eco_sink_ops eco_sink_json = {
    .name = "json",
    .suffix = ".json",
    .summary = "the report as one JSON object (" ECO_RUN_SCHEMA ")",
    .size = sizeof(struct eco_sink),
    .report = write_report,
};
