/* SPDX-License-Identifier: MIT */
/*
 * One output of a measurement. To add one: a file of static functions that ends in one const table, a
 * line in registry.c and meson.build, a golden test. A sink borrows frames and reports, never keeps
 * them. Life cycle: open, begin, frame ..., report, close. Thread: one.
 */
#pragma once

#include "base/buf.h"
#include "base/why.h"
#include "model/frame.h"
#include "model/grouping.h"
#include "model/report.h"

struct eco_sink;
struct eco_meter;

struct eco_sink_options {
    const char *path;     /* NULL or "-" = the descriptor `fd` */
    int fd;               /* used when path is NULL or "-"; borrowed */
    const char *format;   /* "text" "json" "jsonl" "csv"; NULL = by the path's suffix */
    bool append;          /* to a regular file, instead of replacing it by rename at the end */
    bool color;           /* text: escape sequences allowed */
    bool utf8;            /* text: box characters and signs beyond ASCII */
    unsigned columns;     /* text: width of the terminal, 0 = 79 */
    size_t top;           /* text: at most so many process rows, 0 = default (10) */
    bool live;            /* text: one aligned line per frame (monitor), header again every `rows` lines */
    unsigned rows;        /* text: height of the terminal, 0 = 24 */
    const char *mode;     /* "run" or "monitor" */
    bool one_line;        /* text: of a rank above 0 one line in place of the report */
    enum eco_grouping by; /* rows of groups beside those of domains; NONE = none */
};

/* What a stream says of itself, once, before the first frame. Borrowed. */
struct eco_sink_begin {
    const char *run_id, *parent_run_id, *boot_id, *hostname;
    int32_t pid;          /* of ecocode */
    char *const *command; /* NULL for monitor */
    int64_t started_real_ns;
    uint64_t interval_ns;
    enum eco_policy policy;
    const char *accounting;
    const struct eco_domain *domains;
    unsigned domain_count;
    const struct eco_report_label *labels;
    unsigned label_count;
    /* name of a process in a frame; NULL for an unknown id */
    const struct eco_proc_name *(*proc_name)(const void *context, uint32_t proc_id);
    const void *context;
    const struct eco_course_now *now; /* of the frame that comes; NULL = a job that is not watched */
};

struct eco_sink_ops {
    const char *name;   /* "csv" */
    const char *suffix; /* ".csv" */
    const char *summary;
    bool stream;        /* writes frames as they come, so that a killed run leaves them (written in place, one
                           write per frame); otherwise only the report counts and a regular file appears by rename */
    const char *header; /* first line of the stream without its end, NULL = none; the core writes it into an
                           empty file and refuses to append to a file that begins otherwise */
    size_t size;
    /* All optional. Bytes go into sink->out; the core writes them out (one write) after each call. */
    int (*begin)(struct eco_sink *sink, const struct eco_sink_begin *begin);
    int (*frame)(struct eco_sink *sink, const struct eco_frame *frame);
    int (*report)(struct eco_sink *sink, const struct eco_report *report);
    void (*close)(struct eco_sink *sink);
};

struct eco_sink {
    const struct eco_sink_ops *ops;
    struct eco_sink_options options;
    struct eco_buf out;
    const struct eco_sink_begin *begin; /* set by the core; valid until close */
    int fd;                             /* -1 while nothing is open */
    char *final_path; /* a regular file that appears by rename at the end; NULL = written in place */
    char *temp_path;
    int error; /* first failure; the sink is dead then, the measurement goes on */
    bool ended;
    /* The core's own. */
    struct eco_why why;          /* what the first failure was, for a person */
    struct eco_sink_begin begun; /* what `begin` points to */
    char *path;                  /* as named by the user, owned; NULL = a borrowed descriptor */
    bool is_regular, is_created, is_written;
    bool is_stopped_at_line; /* appending to a file whose last line has no end */
    unsigned mode;           /* of the file that is replaced, 0 = a new one */
};

extern const struct eco_sink_ops eco_sink_text, eco_sink_json, eco_sink_jsonl, eco_sink_csv;
extern const struct eco_sink_ops *const eco_sink_kinds[]; /* NULL-ended */

/** Expand %p (pid) %h (host) %% %q{VAR} in an output path. -EINVAL with a reason on anything else. */
int eco_sink_expand_path(const char *path, int32_t pid, const char *hostname, char *ret, size_t size,
                         struct eco_why *why) ECO_MUST_CHECK;

/**
 * Open an output: chooses the format, checks at once that it can be written (so that a typo is told before
 * the command starts). Nothing of an existing file is lost until eco_sink_report has succeeded.
 *
 * @return 0, -EINVAL unknown format or suffix, or the errno of the file, each with a reason
 */
int eco_sink_open(const struct eco_sink_options *options, struct eco_sink **ret,
                  struct eco_why *why) ECO_MUST_CHECK;
int eco_sink_begin(struct eco_sink *sink, const struct eco_sink_begin *begin);
int eco_sink_frame(struct eco_sink *sink, const struct eco_frame *frame);
int eco_sink_report(struct eco_sink *sink, const struct eco_report *report);
/** Closes; a file that did not get its report is removed when it is temporary, kept as far as it got when a
 * stream. NULL-safe. */
struct eco_sink *eco_sink_free(struct eco_sink *sink);
