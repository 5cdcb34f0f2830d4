/* SPDX-License-Identifier: MIT */
#include "history/export.h"

#include "history/run_parts.h"

#include <errno.h>
#include <string.h>

#define NAME_MAX_BYTES 256

int eco_export_each_line(const struct eco_run_report *run,
                         int (*each)(void *context, enum eco_line_kind kind, struct eco_span line),
                         void *context, struct eco_why *why)
{
    struct eco_run_parts parts = {0};
    int r = eco_run_parts_of(run->path, &parts);
    if (r < 0)
        eco_why_set(why, "%s: %s", run->path, strerror(-r));
    for (size_t i = 0; r == 0 && i < parts.count; i++) {
        struct eco_lines *lines;
        struct eco_span line;
        r = eco_lines_open(parts.paths[i], &lines, why);
        if (r < 0)
            break;
        while ((r = eco_lines_next(lines, &line)) == 1) {
            r = each(context, eco_line_kind_of(line), line);
            if (r != 0)
                break;
        }
        if (r < 0)
            eco_why_set(why, "%s: %s", parts.paths[i], strerror(-r));
        lines = eco_lines_free(lines);
    }
    eco_run_parts_finish(&parts);
    return r;
}

/* Quoted again for the reader of one value, which then undoes the escapes. */
void eco_export_unescape(struct eco_span inner, char *ret, size_t size)
{
    char quoted[NAME_MAX_BYTES];
    ret[0] = 0;
    if (inner.length + 2 > sizeof quoted)
        return;
    quoted[0] = '"';
    memcpy(quoted + 1, inner.text, inner.length);
    quoted[inner.length + 1] = '"';
    if (!eco_json_read_string((struct eco_span){quoted, inner.length + 2}, ret, size))
        ret[0] = 0;
}

struct csv {
    struct eco_sheet *sheet;
    struct eco_frame_text frame;
    char head[80]; /* schema and run, as every row begins */
    size_t head_length;
};

/* Nothing to escape, neither for JSON nor for CSV; a cell that begins like a formula is not plain either. */
static bool is_plain(struct eco_span text)
{
    if (text.length > 0 && strchr("=+-@", text.text[0]))
        return false;
    for (size_t i = 0; i < text.length; i++) {
        char c = text.text[i];
        if (c < ' ' || c > '~' || c == '\\' || c == ',' || c == '"')
            return false;
    }
    return true;
}

static void put_name(struct eco_sheet *sheet, struct eco_span name)
{
    char text[NAME_MAX_BYTES];
    if (is_plain(name)) {
        eco_sheet_span(sheet, name);
        return;
    }
    eco_export_unescape(name, text, sizeof text);
    eco_sheet_cell(sheet, text);
}

static void put_next(struct eco_sheet *sheet, struct eco_span number)
{
    eco_sheet_char(sheet, ',');
    eco_sheet_span(sheet, number);
}

static void put_energy(struct eco_sheet *sheet, const struct eco_energy_text *energy)
{
    eco_sheet_char(sheet, ',');
    put_name(sheet, energy->quality);
    put_next(sheet, energy->job_j);
    put_next(sheet, energy->others_j);
    put_next(sheet, energy->idle_j);
    put_next(sheet, energy->unattributed_j);
    put_next(sheet, energy->machine_j);
    put_next(sheet, energy->span_s);
    put_next(sheet, energy->gap_s);
}

static void put_interval(const struct csv *csv)
{
    struct eco_sheet *sheet = csv->sheet;
    eco_sheet_put(sheet, csv->head, csv->head_length);
    eco_sheet_span(sheet, csv->frame.seq);
    eco_sheet_char(sheet, ',');
    put_name(sheet, csv->frame.time);
    put_next(sheet, csv->frame.t_s);
    put_next(sheet, csv->frame.interval_s);
    put_next(sheet, csv->frame.suspended_s);
    eco_sheet_char(sheet, ',');
}

static int put_frame(void *context, enum eco_line_kind kind, struct eco_span line)
{
    struct csv *csv = context;
    struct eco_sheet *sheet = csv->sheet;
    if (kind != ECO_LINE_FRAME || !eco_frame_text_read(line, &csv->frame))
        return 0;
    for (unsigned i = 0; i < csv->frame.domain_count; i++) {
        const struct eco_domain_text *domain = &csv->frame.domains[i];
        put_interval(csv);
        put_name(sheet, domain->name);
        eco_sheet_text(sheet, domain->counted ? ",true" : ",false");
        put_energy(sheet, &domain->energy);
        eco_sheet_text(sheet, ",,,\n");
    }
    put_interval(csv);
    eco_sheet_text(sheet, "total,");
    put_energy(sheet, &csv->frame.total);
    put_next(sheet, csv->frame.active_j);
    put_next(sheet, csv->frame.full_j);
    put_next(sheet, csv->frame.job_cpu_s);
    eco_sheet_char(sheet, '\n');
    return sheet->error;
}

int eco_export_frames_csv(const struct eco_run_list *runs, struct eco_sheet *sheet, struct eco_why *why)
{
    struct csv csv = {.sheet = sheet};
    int r = 0;
    eco_sheet_text(sheet,
                   "schema,run_id,seq,time,t_s,interval_s,suspended_s,domain,counted,quality,job_j,others_j,"
                   "idle_j,unattributed_j,machine_j,span_s,gap_s,job_active_j,job_full_j,job_cpu_s\n");
    for (size_t i = 0; r == 0 && i < runs->count; i++) {
        int n = snprintf(csv.head, sizeof csv.head, "ecocode.export/1,%s,", runs->runs[i].run_id);
        csv.head_length = n > 0 ? (size_t)n : 0;
        r = eco_export_each_line(&runs->runs[i], put_frame, &csv, why);
    }
    return r;
}

struct raw {
    struct eco_sheet *sheet;
    bool is_array, is_first;
};

static int put_line(void *context, enum eco_line_kind kind, struct eco_span line)
{
    struct raw *raw = context;
    if (raw->is_array ? kind != ECO_LINE_FRAME : kind == ECO_LINE_OTHER)
        return 0;
    if (raw->is_array && !raw->is_first)
        eco_sheet_text(raw->sheet, ",\n");
    raw->is_first = false;
    eco_sheet_span(raw->sheet, line);
    if (!raw->is_array)
        eco_sheet_char(raw->sheet, '\n');
    return raw->sheet->error;
}

int eco_export_frames_json(const struct eco_run_list *runs, bool is_array, struct eco_sheet *sheet,
                           struct eco_why *why)
{
    struct raw raw = {.sheet = sheet, .is_array = is_array, .is_first = true};
    int r = 0;
    if (is_array)
        eco_sheet_char(sheet, '[');
    for (size_t i = 0; r == 0 && i < runs->count; i++)
        r = eco_export_each_line(&runs->runs[i], put_line, &raw, why);
    if (is_array)
        eco_sheet_text(sheet, "]\n");
    return r;
}
