/* SPDX-License-Identifier: MIT */
/* show: the report of a run again, as it was printed or as it was written. */
#include "cli/outputs.h"
#include "cli/terminal.h"
#include "history/history.h"
#include "history/redact.h"
#include "history/refs.h"
#include "history/stored_report.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

static int print_json(const struct eco_run_report *report)
{
    char *text = json_dumps(report->root, JSON_COMPACT);
    if (!text)
        return -ENOMEM;
    (void)printf("%s\n", text);
    free(text);
    return 0;
}

static int print_text(const struct eco_history *history, const struct eco_run_report *file,
                      struct eco_why *why)
{
    struct eco_stored_report stored;
    struct eco_sink *sink = NULL;
    struct eco_sink_options options = {
        .fd = STDOUT_FILENO,
        .format = "text",
        .color = eco_terminal_color(STDOUT_FILENO, history->call->settings.color),
        .utf8 = eco_terminal_utf8(),
        .mode = json_is_array(json_object_get(file->root, "command")) ? "run" : "monitor"};
    eco_terminal_size(STDOUT_FILENO, &options.columns, &options.rows);
    (void)fflush(stdout);
    int r = eco_stored_report_init(&stored, file);
    if (r < 0)
        return r;
    r = eco_sink_open(&options, &sink, why);
    if (r == 0) {
        const struct eco_sink_begin begin = {.run_id = file->run_id, .policy = stored.report.policy};
        r = eco_sink_begin(sink, &begin);
        r = r < 0 ? r : eco_sink_report(sink, &stored.report);
        sink = eco_sink_free(sink);
    }
    eco_stored_report_finish(&stored);
    return r;
}

int eco_history_show(struct eco_history *history, char *const *refs)
{
    static char last[] = "last";
    static char *const only_last[] = {last, NULL};
    const struct eco_settings *settings = &history->call->settings;
    struct eco_why why = {.text = ""};
    for (char *const *ref = *refs ? refs : only_last; *ref; ref++) {
        struct eco_run_list list;
        int r = eco_runs_resolve(history->state_dir, *ref, 0, &list, &why);
        for (size_t i = 0; r == 0 && i < list.count; i++) {
            if (settings->redact)
                eco_redact_report(list.runs[i].root);
            r = settings->json ? print_json(&list.runs[i]) : print_text(history, &list.runs[i], &why);
            if (r < 0 && !*why.text)
                eco_why_set(&why, "%s", strerror(-r));
        }
        if (r < 0)
            return eco_history_fail(history, &why);
        eco_run_list_finish(&list);
    }
    return 0;
}
