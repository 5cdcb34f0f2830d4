/* SPDX-License-Identifier: MIT */
/* For people: the report after a run, and one line per interval while monitor watches. */
#include "sinks/text.h"

#include "sinks/sink.h"
#include "sinks/text_groups.h"
#include "sinks/text_live.h"

#include <string.h>

#define ROWS_DEFAULT 24
#define ROWS_MIN     5

struct text_sink {
    struct eco_sink base;
    struct eco_live live;
    struct eco_group_table table;
};

static void open_page(struct eco_sink *sink, struct eco_page *ret)
{
    const struct eco_sink_options *options = &sink->options;
    size_t width =
        options->columns > 0 && options->columns <= ECO_TEXT_WIDTH ? options->columns - 1 : ECO_TEXT_WIDTH;
    *ret = (struct eco_page){.out = &sink->out,
                             .width = width < ECO_TEXT_WIDTH_MIN ? ECO_TEXT_WIDTH_MIN : width,
                             .utf8 = options->utf8,
                             .color = options->color,
                             .top = options->top,
                             .is_monitor = options->mode && strcmp(options->mode, "monitor") == 0};
}

static int write_frame(struct eco_sink *base, const struct eco_frame *frame)
{
    struct text_sink *sink = (struct text_sink *)base;
    struct eco_page page;
    if (!base->options.live)
        return 0;
    open_page(base, &page);
    sink->live.rows = base->options.rows > ROWS_MIN ? base->options.rows : ROWS_DEFAULT;
    if (base->options.by != ECO_GROUPING_NONE) {
        sink->table.rows = sink->live.rows;
        sink->table.groups.by = base->options.by;
        return eco_group_table_frame(&sink->table, &page, frame);
    }
    eco_live_frame(&sink->live, &page, frame);
    return 0;
}

static int write_report(struct eco_sink *sink, const struct eco_report *report)
{
    struct eco_page page;
    open_page(sink, &page);
    if (sink->options.one_line && report->rank.index > 0) {
        eco_text_rank(&page, report);
        return 0;
    }
    eco_text_head(&page, report);
    /* Tables of what is only a model or no figure at all would look like knowledge. */
    if (report->has_energy && !eco_text_is_estimate(report))
        eco_text_table(&page, report);
    eco_text_cards(&page, report);
    enum eco_grouping by = sink->options.by;
    bool is_by_identity = by != ECO_GROUPING_NONE && by != ECO_GROUPING_PROCESS && by != ECO_GROUPING_TREE;
    int r = is_by_identity ? eco_text_groups(&page, report, by) : eco_text_processes(&page, report);
    if (r < 0)
        return r;
    eco_text_phases(&page, report);
    eco_text_notes(&page, report);
    return 0;
}

static void close_text(struct eco_sink *base)
{
    eco_groups_finish(&((struct text_sink *)base)->table.groups);
}

const struct eco_sink_ops eco_sink_text = {
    .name = "text",
    .suffix = ".txt",
    .summary = "the report for people",
    .size = sizeof(struct text_sink),
    .frame = write_frame,
    .report = write_report,
    .close = close_text,
};
