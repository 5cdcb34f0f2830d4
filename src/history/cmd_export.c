/* SPDX-License-Identifier: MIT */
/* export: which rows in which form go where. */
#include "history/commands.h"
#include "history/export.h"
#include "history/out_file.h"

#include "base/mem.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const char *const suffixes[][2] = {{".csv", "csv"},
                                          {".json", "json"},
                                          {".jsonl", "jsonl"},
                                          {".om", "openmetrics"},
                                          {".prom", "openmetrics"},
                                          {".txt", "openmetrics"},
                                          {".openmetrics", "openmetrics"}};

static const char *format_of(const struct eco_call *call, const char *path)
{
    const char *dot = path ? strrchr(path, '.') : NULL;
    if (call->settings.export_format)
        return call->settings.export_format;
    for (size_t i = 0; dot && i < ECO_COUNT(suffixes); i++)
        if (strcmp(dot, suffixes[i][0]) == 0)
            return suffixes[i][1];
    return call->settings.json ? "json" : "csv";
}

/* A run as JSON is its report, as lines or a table it is its intervals. */
static const char *rows_of(const struct eco_call *call, const char *format)
{
    if (call->settings.rows)
        return call->settings.rows;
    return strcmp(format, "json") == 0 ? "runs" : "frames";
}

static int write_rows(const struct eco_run_list *runs, const char *format, const char *rows,
                      struct eco_sheet *sheet, struct eco_why *why)
{
    bool is_csv = strcmp(format, "csv") == 0, is_array = strcmp(format, "json") == 0;
    if (strcmp(format, "openmetrics") == 0)
        return eco_export_metrics(runs, sheet, why);
    if (strcmp(rows, "frames") == 0)
        return is_csv ? eco_export_frames_csv(runs, sheet, why)
                      : eco_export_frames_json(runs, is_array, sheet, why);
    bool only_processes = strcmp(rows, "processes") == 0;
    if (!is_csv)
        return eco_export_reports_json(runs, only_processes, is_array, sheet);
    if (only_processes)
        eco_export_processes_csv(runs, sheet);
    else
        eco_export_runs_csv(runs, sheet);
    return 0;
}

static int write_to(const struct eco_call *call, const struct eco_run_list *runs, const char *path,
                    struct eco_why *why)
{
    struct eco_out_file out;
    struct eco_sheet *sheet = eco_calloc(1, sizeof *sheet);
    const char *format = format_of(call, path);
    if (!sheet) {
        eco_why_set(why, "no memory");
        return -ENOMEM;
    }
    int r = eco_out_open(path ? path : "-", &out, why);
    if (r == 0) {
        /* the sheet is the buffer */
        (void)setvbuf(out.file, NULL, _IONBF, 0);
        sheet->file = out.file;
        r = write_rows(runs, format, rows_of(call, format), sheet, why);
        if (r == 0 || r == sheet->error)
            r = eco_sheet_flush(sheet);
        if (r < 0 && r == sheet->error)
            eco_why_set(why, "%s: %s", path ? path : "standard output", strerror(-r));
        if (r < 0)
            eco_out_abandon(&out);
        else
            r = eco_out_commit(&out, why);
    }
    bool is_gone = sheet->error == -EPIPE && !path;
    free(sheet);
    return is_gone ? 0 : r; /* a reader that has seen enough (head) is its own affair */
}

int eco_cmd_export(struct eco_call *call)
{
    struct eco_run_list runs = {0};
    struct eco_why why = {0};
    int r = eco_runs_resolve_words(call->words, "last", &runs, &why);
    if (r == 0 && call->settings.outputs.count == 0)
        r = write_to(call, &runs, NULL, &why);
    for (unsigned i = 0; r == 0 && i < call->settings.outputs.count; i++)
        r = write_to(call, &runs, call->settings.outputs.items[i], &why);
    eco_run_list_finish(&runs);
    return r < 0 ? eco_fail(call->command, ECO_EXIT_MISUSE, &why) : 0;
}
