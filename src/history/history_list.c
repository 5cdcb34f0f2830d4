/* SPDX-License-Identifier: MIT */
/* The list of runs, for people and as JSON. */
#include "base/json.h"
#include "base/text.h"
#include "history/history.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#define SHOWN_DEFAULT 25
#define WIDTH         79
#define JSON_CHUNK    (1u << 20)

/* How it ended, in at most five columns. */
static void format_end(const struct eco_run_entry *run, char ret[ECO_CELL_MAX])
{
    if (run->is_running)
        (void)snprintf(ret, ECO_CELL_MAX, "runs");
    else if (!run->is_complete)
        (void)snprintf(ret, ECO_CELL_MAX, "cut");
    else if (run->exit_signal > 0)
        (void)snprintf(ret, ECO_CELL_MAX, "sig%d", run->exit_signal);
    else if (run->exit_code >= 0)
        (void)snprintf(ret, ECO_CELL_MAX, "%d", run->exit_code);
    else
        (void)snprintf(ret, ECO_CELL_MAX, "-");
}

static bool has_several_hosts(const struct eco_catalog *catalog)
{
    for (size_t i = 1; i < catalog->count; i++) {
        const char *a = catalog->runs[0].hostname, *b = catalog->runs[i].hostname;
        if (a && b && *a && *b && strcmp(a, b) != 0)
            return true;
    }
    return false;
}

static void print_row(const struct eco_run_entry *run, bool with_host, bool is_redacted)
{
    char energy[ECO_CELL_MAX], duration[ECO_CELL_MAX], end[ECO_CELL_MAX], host[128] = "", command[512];
    size_t used = 54;
    eco_cell_energy(run->job_j, eco_history_is_estimated(run), energy);
    eco_cell_duration(run->duration_s, duration);
    format_end(run, end);
    (void)printf("%-6.6s  %.10s %.5s  %10s %11s  %5s  ", run->run_id, run->started_at ? run->started_at : "-",
                 run->started_at && strlen(run->started_at) > 16 ? run->started_at + 11 : "-", duration,
                 energy, end);
    if (with_host) {
        eco_cell_text(run->hostname, 10, host, sizeof host);
        size_t width = eco_text_width(host);
        (void)printf("%s%*s  ", host, (int)(width < 10 ? 10 - width : 0), "");
        used += 12;
    }
    const char *shown = is_redacted ? "" : run->command ? run->command : "(monitor)";
    eco_cell_text(shown, WIDTH - used, command, sizeof command);
    (void)printf("%s\n", command);
}

static int count_unreadable(const struct eco_index *index)
{
    struct eco_why why;
    int count = 0;
    sqlite3_stmt *rows =
        eco_index_prepare(index,
                          "SELECT count(DISTINCT stem) FROM files WHERE error IS NOT NULL AND stem NOT "
                          "IN (SELECT stem FROM runs)",
                          &why);
    if (rows && sqlite3_step(rows) == SQLITE_ROW)
        count = sqlite3_column_int(rows, 0);
    (void)sqlite3_finalize(rows);
    return count;
}

static void print_text(const struct eco_history *history, const struct eco_catalog *catalog)
{
    bool with_host = has_several_hosts(catalog), is_redacted = history->call->settings.redact;
    int unreadable = count_unreadable(history->index);
    with_host = with_host && !is_redacted;
    if (catalog->count > 0)
        (void)printf("%-6s  %-16s  %10s %11s  %5s  %s%s\n", "RUN", "STARTED (UTC)", "TIME", "ENERGY", "EXIT",
                     with_host ? "HOST        " : "", is_redacted ? "" : "COMMAND");
    for (size_t i = catalog->count; i-- > 0;)
        print_row(&catalog->runs[i], with_host, is_redacted);
    if (catalog->matching > catalog->count)
        (void)printf("The newest %zu of %llu runs; --top 0 shows all.\n", catalog->count,
                     (unsigned long long)catalog->matching);
    if (unreadable > 0)
        (void)fflush(stdout), eco_notice("%d record%s in %s cannot be read", unreadable,
                                         unreadable == 1 ? "" : "s", history->index->runs_dir);
}

static void put_raw(struct eco_json *json, const char *key, const char *text)
{
    /* written by us from a parsed object: it is JSON */
    eco_json_key(json, key);
    eco_buf_text(json->out, text && *text ? text : "{}");
    json->after_key = false;
}

static void put_count(struct eco_json *json, const char *key, int value)
{
    if (value >= 0)
        eco_json_ki64(json, key, value);
    else
        eco_json_knull(json, key);
}

static void put_run(struct eco_json *json, const struct eco_run_entry *run, bool is_redacted)
{
    eco_json_open(json, '{');
    eco_json_kstring(json, "run_id", run->run_id);
    eco_json_kstring(json, "started_at", run->started_at);
    eco_json_kdouble(json, "duration_s", run->duration_s);
    eco_json_kstring(json, "hostname", is_redacted ? NULL : run->hostname);
    eco_json_kstring(json, "command", is_redacted ? NULL : run->command);
    put_raw(json, "labels", run->labels);
    eco_json_kstring(json, "state", run->is_running ? "running" : run->is_complete ? "complete" : "cut off");
    put_count(json, "exit_code", run->exit_code);
    put_count(json, "exit_signal", run->exit_signal);
    eco_json_kstring(json, "policy", run->policy);
    eco_json_kstring(json, "quality", run->quality);
    eco_json_kdouble(json, "job_j", run->job_j);
    eco_json_kdouble(json, "machine_j", run->machine_j);
    eco_json_kdouble(json, "cpu_s", run->cpu_s);
    eco_json_kdouble(json, "co2e_g", run->co2e_g);
    eco_json_kdouble(json, "cost", run->cost);
    eco_json_kstring(json, "currency", run->currency);
    eco_json_kstring(json, "record", is_redacted ? NULL : run->path);
    eco_json_close(json, '}');
}

/* In pieces: a list may be long. */
static int print_json(const struct eco_history *history, const struct eco_catalog *catalog)
{
    struct eco_buf out;
    struct eco_json json;
    eco_buf_init(&out, 2ul * JSON_CHUNK);
    eco_json_init(&json, &out);
    eco_json_open(&json, '{');
    eco_json_kstring(&json, "schema", "ecocode.history/1");
    eco_json_ku64(&json, "matching", catalog->matching);
    eco_json_ki64(&json, "unreadable", count_unreadable(history->index));
    eco_json_key(&json, "runs");
    eco_json_open(&json, '[');
    for (size_t i = catalog->count; i-- > 0;) {
        put_run(&json, &catalog->runs[i], history->call->settings.redact);
        if (out.length < JSON_CHUNK)
            continue;
        (void)fwrite(out.data, 1, out.length, stdout);
        out.length = 0;
    }
    eco_json_close(&json, ']');
    eco_json_close(&json, '}');
    eco_buf_char(&out, '\n');
    int r = eco_buf_error(&out);
    if (r == 0)
        (void)fwrite(out.data, 1, out.length, stdout);
    eco_buf_finish(&out);
    return r;
}

static bool is_filtered(const struct eco_run_filter *filter)
{
    return filter->label_count || filter->command || filter->host || *filter->since || *filter->until;
}

int eco_history_list(struct eco_history *history)
{
    struct eco_catalog catalog;
    struct eco_why why = {.text = ""};
    const struct eco_settings *settings = &history->call->settings;
    int top = eco_option_find(&history->call->set, "top", 3);
    bool has_top = top >= 0 && history->call->set.origins[top].layer != ECO_LAYER_NONE;
    history->filter.limit = has_top ? settings->top : settings->json ? 0 : SHOWN_DEFAULT;
    int r = eco_catalog_read(history->index, &history->filter, &catalog, &why);
    if (r < 0)
        return eco_history_fail(history, &why);
    if (settings->json)
        r = print_json(history, &catalog);
    else if (catalog.count == 0 && is_filtered(&history->filter))
        (void)printf("No recorded run is of that kind.\n");
    else if (catalog.count == 0)
        (void)printf("Nothing is recorded yet. Try: ecocode run COMMAND\n");
    if (!settings->json)
        print_text(history, &catalog);
    eco_catalog_finish(&catalog);
    return r < 0 ? eco_failf(history->call->command, ECO_EXIT_MISUSE, "%s", strerror(-r)) : 0;
}
