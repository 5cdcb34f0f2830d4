/* SPDX-License-Identifier: MIT */
/* `ecocode report`: reads the runs, makes the page, puts it where it belongs. */
#include "base/mem.h"
#include "history/commands.h"
#include "history/out_file.h"
#include "history/refs.h"
#include "history/report_page.h"
#include "sinks/sink.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/utsname.h>
#include <unistd.h>

#define PAGE_MAX (64u << 20)
#define RUNS_MAX 200 /* of all words; more is a table that nobody reads */

static void finish_runs(struct eco_report_run *runs, size_t count)
{
    for (size_t i = 0; runs && i < count; i++) {
        if (runs[i].series) {
            eco_series_finish(runs[i].series);
            free(runs[i].series);
        }
        eco_family_finish(&runs[i].tree);
    }
    free(runs);
}

static int fill_run(struct eco_report_run *run, struct eco_why *why)
{
    run->series = eco_calloc(1, sizeof *run->series);
    int r = run->series ? eco_series_init(run->series) : -ENOMEM;
    if (r == 0)
        r = eco_family_make(run->run->root, ECO_FAMILY_SHOWN, &run->tree);
    if (r == 0)
        r = eco_series_read(run->series, run->run, why);
    return r;
}

static int make(const struct eco_run_list *list, enum eco_page_format format, struct eco_buf *out,
                struct eco_why *why)
{
    struct eco_report_run *runs = eco_calloc(list->count, sizeof *runs);
    size_t whole = eco_report_whole_runs(list->count);
    int r = runs ? 0 : -ENOMEM;
    for (size_t i = 0; r == 0 && i < list->count; i++) {
        runs[i].run = &list->runs[i];
        r = i < whole ? fill_run(&runs[i], why) : 0;
    }
    if (r == 0)
        r = eco_report_page(out, runs, list->count, format);
    finish_runs(runs, list->count);
    return r;
}

static bool ends_in(const char *text, const char *end)
{
    size_t length = strlen(text), tail = strlen(end);
    return length >= tail && strcasecmp(text + length - tail, end) == 0;
}

/* The name may hold %h and the like, as every -o. */
static int write_whole(const char *name, const struct eco_buf *text, struct eco_why *why)
{
    char path[PATH_MAX];
    struct utsname host;
    struct eco_out_file file = {0};
    const char *hostname = uname(&host) == 0 ? host.nodename : "";
    int r = eco_sink_expand_path(name, getpid(), hostname, path, sizeof path, why);
    if (r == 0)
        r = eco_out_open(path, &file, why);
    if (r < 0)
        return r;
    if (fwrite(text->data, 1, text->length, file.file) != text->length || fflush(file.file) != 0) {
        r = -errno;
        eco_why_set(why, "%s could not be written: %s", path, strerror(-r));
    } else {
        r = eco_out_commit(&file, why);
    }
    eco_out_abandon(&file);
    return r;
}

static int choose_format(const struct eco_settings *settings, const char *path, enum eco_page_format *ret,
                         struct eco_why *why)
{
    static const struct {
        const char *suffix, *name;
        enum eco_page_format format;
    } known[] = {{".html", "html", ECO_PAGE_HTML},
                 {".htm", "html", ECO_PAGE_HTML},
                 {".md", "md", ECO_PAGE_MARKDOWN},
                 {".markdown", "md", ECO_PAGE_MARKDOWN},
                 {".json", "json", ECO_PAGE_JSON}};
    *ret = settings->json ? ECO_PAGE_JSON : ECO_PAGE_HTML;
    for (size_t i = 0; i < ECO_COUNT(known); i++) {
        bool is_it =
            settings->format ? strcmp(settings->format, known[i].name) == 0 : ends_in(path, known[i].suffix);
        if (!is_it)
            continue;
        *ret = known[i].format;
        return 0;
    }
    if (strcmp(path, "-") == 0)
        return 0;
    eco_why_set(why, "'%.80s' ends neither in .html nor in .md or .json; --format says which it is to be",
                path);
    return -EINVAL;
}

static int write_one(const struct eco_settings *settings, const char *path, const struct eco_run_list *list,
                     struct eco_why *why)
{
    struct eco_buf out;
    enum eco_page_format format;
    int r = choose_format(settings, path, &format, why);
    if (r < 0)
        return r;
    eco_buf_init(&out, PAGE_MAX);
    r = make(list, format, &out, why);
    if (r == 0)
        r = write_whole(path, &out, why);
    eco_buf_finish(&out);
    return r;
}

/* --json without a file prints it. */
static int write_outputs(const struct eco_settings *settings, const struct eco_run_list *list,
                         struct eco_why *why)
{
    int r = 0;
    if (settings->json && settings->outputs.count == 0)
        r = write_one(settings, "-", list, why);
    for (unsigned i = 0; r == 0 && i < settings->outputs.count; i++)
        r = write_one(settings, settings->outputs.items[i], list, why);
    return r;
}

static int write_statements(const struct eco_run_list *list, struct eco_why *why)
{
    struct eco_buf out;
    eco_buf_init(&out, PAGE_MAX);
    for (size_t i = 0; i < list->count; i++) {
        if (i > 0)
            eco_buf_char(&out, '\n');
        eco_report_statement(&out, &list->runs[i]);
    }
    int r = eco_buf_error(&out);
    if (r == 0)
        r = write_whole("-", &out, why);
    eco_buf_finish(&out);
    return r;
}

/* All the runs that the words name, in their order; without a word the last one. */
static int find_runs(char *const *words, struct eco_run_list *ret, struct eco_why *why)
{
    char name[] = "last", *const last[] = {name, NULL};
    int r = 0;
    for (char *const *word = *words ? words : last; r == 0 && *word; word++) {
        struct eco_run_list found;
        r = eco_runs_resolve(NULL, *word, RUNS_MAX + 1, &found, why);
        if (r < 0)
            break;
        if (ret->count + found.count > RUNS_MAX) {
            eco_why_set(why, "more than %d runs at once; narrow '%.40s' down, or see: ecocode history --sum",
                        RUNS_MAX, *word);
            eco_run_list_finish(&found);
            return -E2BIG;
        }
        r = eco_grow((void **)&ret->runs, &ret->capacity, ret->count + found.count, RUNS_MAX,
                     sizeof *ret->runs);
        if (r < 0) {
            eco_run_list_finish(&found);
            break;
        }
        memcpy(ret->runs + ret->count, found.runs, found.count * sizeof *ret->runs);
        ret->count += found.count;
        free(found.runs);
    }
    return r;
}

int eco_cmd_report(struct eco_call *call)
{
    struct eco_run_list list = {0};
    struct eco_why why = {0};
    const struct eco_settings *settings = &call->settings;
    if (settings->outputs.count == 0 && !settings->statement && !settings->json)
        return eco_failf(call->command, ECO_EXIT_MISUSE,
                         "where to? -o report.html or -o report.md, or --statement for a paragraph");
    /* a file that gets too large is a failed write, told and cleaned up */
    (void)signal(SIGXFSZ, SIG_IGN);
    int r = find_runs(call->words, &list, &why);
    if (r == 0)
        r = write_outputs(settings, &list, &why);
    if (r == 0 && settings->statement)
        r = write_statements(&list, &why);
    eco_run_list_finish(&list);
    if (r < 0 && !why.text[0])
        eco_why_set(&why, "%s", strerror(-r));
    return r < 0 ? eco_fail(call->command, ECO_EXIT_MISUSE, &why) : 0;
}
