/* SPDX-License-Identifier: MIT */
/*
 * Where a sink's bytes go: a descriptor of the caller's, a file written as things happen, or a file that
 * appears by rename once it is whole. Used by sink.c only. No call raises SIGPIPE or SIGXFSZ, and none waits
 * for a pipe that nobody reads for longer than ECO_SINK_PATIENCE_MS, but for a descriptor of the caller's.
 */
#pragma once

#include "sinks/sink.h"

#define ECO_SINK_PATIENCE_MS 2000

/**
 * Open or try out sink->path (or adopt the descriptor) by the sink's options and kind.
 *
 * @return 0, or a negative errno with a reason; the sink can be freed either way
 */
int eco_sink_file_open(struct eco_sink *sink, struct eco_why *why) ECO_MUST_CHECK;

/** Make a file that is written in place empty (unless appending): now there is something to put there. */
int eco_sink_file_begin(struct eco_sink *sink) ECO_MUST_CHECK;

/** True when the next byte written will be the first of what a reader of the output sees. */
bool eco_sink_file_is_empty(const struct eco_sink *sink);

/**
 * Write all of sink->out. After a failure a regular file ends where it ended before the call, as long as
 * nobody else wrote behind us.
 */
int eco_sink_file_write(struct eco_sink *sink) ECO_MUST_CHECK;

/** Put sink->out in the place of sink->final_path at one stroke, or leave that as it was. */
int eco_sink_file_replace(struct eco_sink *sink) ECO_MUST_CHECK;

/** Close what is ours; a file that we made and never wrote to is removed. */
void eco_sink_file_close(struct eco_sink *sink);
