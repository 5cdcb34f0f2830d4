/* SPDX-License-Identifier: MIT */
/* Every kind of output. To add one: its table in its own file, a line here and one in sink.h. */
#include "sinks/sink.h"

const struct eco_sink_ops *const eco_sink_kinds[] = {
    &eco_sink_text, &eco_sink_json, &eco_sink_jsonl, &eco_sink_csv, NULL,
};
