/* SPDX-License-Identifier: MIT */
#include "sinks/sink.h"
const struct eco_sink_ops eco_sink_text = {
    .name = "text", .suffix = ".txt", .summary = "the report for people", .size = sizeof(struct eco_sink)};
