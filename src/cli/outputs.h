/* SPDX-License-Identifier: MIT */
/* All outputs of one measurement: the screen and the files of -o. A broken one is said once and left. */
#pragma once

#include "cli/command.h"
#include "sinks/sink.h"

struct eco_outputs {
    struct eco_sink *sinks[ECO_TEXTS_MAX + 1]; /* the screen first, when there is one */
    bool told[ECO_TEXTS_MAX + 1];
    unsigned count;
    bool has_screen;
};

/**
 * Open everything that the options ask for.
 *
 * @param screen  what goes to a descriptor, NULL = nothing; its format may be NULL: --json, --format, text
 * @param mode    "run" or "monitor"
 * @return 0 or a negative errno with a reason; nothing is open then
 */
int eco_outputs_open(struct eco_outputs *outputs, const struct eco_call *call,
                     const struct eco_sink_options *screen, const char *mode,
                     struct eco_why *why) ECO_MUST_CHECK;
void eco_outputs_begin(struct eco_outputs *outputs, const struct eco_sink_begin *begin);
void eco_outputs_frame(struct eco_outputs *outputs, const struct eco_frame *frame);
void eco_outputs_report(struct eco_outputs *outputs, const struct eco_report *report);
/** Has the reader of the screen gone away? */
bool eco_outputs_hung_up(const struct eco_outputs *outputs);
void eco_outputs_close(struct eco_outputs *outputs);
