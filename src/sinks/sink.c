/* SPDX-License-Identifier: MIT */
#include "sinks/sink.h"

#include "base/mem.h"
#include "base/text.h"
#include "sinks/file.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

/* What one call may produce: 131,072 processes with long command lines in one report are far less. */
#define OUT_LIMIT (256u << 20)

static const struct eco_sink_ops *find_format(const char *name)
{
    for (const struct eco_sink_ops *const *kind = eco_sink_kinds; *kind; kind++) {
        if (strcmp((*kind)->name, name) == 0)
            return *kind;
    }
    return NULL;
}

static const struct eco_sink_ops *find_suffix(const char *path)
{
    size_t length = strlen(path);
    for (const struct eco_sink_ops *const *kind = eco_sink_kinds; *kind; kind++) {
        size_t suffix = strlen((*kind)->suffix);
        if (length > suffix && strcmp(path + length - suffix, (*kind)->suffix) == 0)
            return *kind;
    }
    return NULL;
}

static bool is_path(const struct eco_sink_options *options)
{
    return options->path && strcmp(options->path, "-") != 0;
}

static const struct eco_sink_ops *choose(const struct eco_sink_options *options, struct eco_why *why)
{
    const struct eco_sink_ops *ops;
    if (options->format) {
        ops = find_format(options->format);
        if (!ops)
            eco_why_set(why, "there is no output format '%.40s'; there are text, json, jsonl and csv",
                        options->format);
        return ops;
    }
    ops = is_path(options) ? find_suffix(options->path) : &eco_sink_text;
    if (!ops)
        eco_why_set(why,
                    "the name %.120s does not tell the format; end it in .txt, .json, .jsonl or .csv, or say "
                    "--format",
                    options->path);
    return ops;
}

int eco_sink_open(const struct eco_sink_options *options, struct eco_sink **ret, struct eco_why *why)
{
    if (options->path && !*options->path) {
        eco_why_set(why, "the name of an output is empty");
        return -EINVAL;
    }
    const struct eco_sink_ops *ops = choose(options, why);
    if (!ops)
        return -EINVAL;
    assert(ops->name && ops->suffix && ops->size >= sizeof(struct eco_sink));
    struct eco_sink *sink = eco_calloc(1, ops->size);
    if (!sink)
        return -ENOMEM;
    sink->fd = -1;
    sink->ops = ops;
    sink->options = *options;
    eco_buf_init(&sink->out, OUT_LIMIT);
    if (is_path(options)) {
        sink->path = eco_strdup(options->path);
        if (!sink->path) {
            (void)eco_sink_free(sink);
            return -ENOMEM;
        }
    }
    /* The caller's texts may be gone after this call. */
    sink->options.path = NULL;
    sink->options.format = ops->name;
    int r = eco_sink_file_open(sink, why);
    if (r < 0) {
        (void)eco_sink_free(sink);
        return r;
    }
    *ret = sink;
    return 0;
}

/* The first failure is the last word of this sink; the measurement goes on. */
static int die(struct eco_sink *sink, int error)
{
    const char *name = sink->path ? sink->path : "the output";
    sink->error = error;
    if (error == -ETIMEDOUT)
        eco_why_set(&sink->why, "%s: its reader has stopped reading; nothing more is written there", name);
    else if (error == -EPIPE)
        eco_why_set(&sink->why, "%s: nobody reads it any more; nothing more is written there", name);
    else
        eco_why_set(&sink->why, "%s could not be written (%s); %s", name, strerror(-error),
                    sink->is_regular && sink->path ? "it is whole up to its last line"
                                                   : "nothing more is written there");
    if (sink->final_path)
        eco_why_set(&sink->why, "%s could not be written (%s); %s", name, strerror(-error),
                    sink->mode ? "the older file is left as it was" : "no file was made");
    return error;
}

/* What every call begins and ends with: nothing from a dead sink, one write of what was produced. */
static int flush(struct eco_sink *sink, int r)
{
    if (r == 0)
        r = eco_buf_error(&sink->out);
    if (r == 0 && !sink->final_path)
        r = eco_sink_file_write(sink);
    if (r < 0)
        return die(sink, r);
    if (!sink->final_path)
        eco_buf_reset(&sink->out);
    return 0;
}

static bool is_stream(const struct eco_sink *sink)
{
    return sink->ops->stream || sink->options.live;
}

/* The place is made ready when the first bytes for it exist. */
static int make_ready(struct eco_sink *sink)
{
    int r = eco_sink_file_begin(sink);
    if (r < 0)
        return r;
    if (sink->is_stopped_at_line)
        eco_buf_char(&sink->out, '\n');
    if (sink->ops->header && eco_sink_file_is_empty(sink)) {
        eco_buf_text(&sink->out, sink->ops->header);
        eco_buf_char(&sink->out, '\n');
    }
    return 0;
}

int eco_sink_begin(struct eco_sink *sink, const struct eco_sink_begin *begin)
{
    if (sink->error)
        return sink->error;
    assert(!sink->begin && !sink->ended);
    sink->begun = *begin;
    sink->begin = &sink->begun;
    if (!is_stream(sink))
        return 0;
    int r = make_ready(sink);
    return flush(sink, r == 0 && sink->ops->begin ? sink->ops->begin(sink, sink->begin) : r);
}

int eco_sink_frame(struct eco_sink *sink, const struct eco_frame *frame)
{
    if (sink->error || !sink->ops->frame || !is_stream(sink))
        return sink->error;
    assert(sink->begin && !sink->ended);
    return flush(sink, sink->ops->frame(sink, frame));
}

int eco_sink_report(struct eco_sink *sink, const struct eco_report *report)
{
    if (sink->error || sink->ended)
        return sink->error;
    sink->ended = true;
    int r = sink->begin && is_stream(sink) ? 0 : make_ready(sink);
    r = flush(sink, r == 0 && sink->ops->report ? sink->ops->report(sink, report) : r);
    if (r < 0 || !sink->final_path)
        return r;
    r = eco_sink_file_replace(sink);
    return r < 0 ? die(sink, r) : 0;
}

struct eco_sink *eco_sink_free(struct eco_sink *sink)
{
    if (!sink)
        return NULL;
    if (sink->ops->close)
        sink->ops->close(sink);
    eco_sink_file_close(sink);
    eco_buf_finish(&sink->out);
    free(sink);
    return NULL;
}
