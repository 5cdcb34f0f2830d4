/* SPDX-License-Identifier: MIT */
/*
 * --recost: CO2e, water and cost of recorded runs with other factors. The record stays as it is; the new
 * figures are appended to HOST-RUNID.costs.jsonl beside it, one line each time, so that both can be shown.
 */
#include "base/json.h"
#include "cli/impact.h"
#include "history/history.h"
#include "history/stored_report.h"
#include "sinks/report_json.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define LINE_MAX_BYTES (1u << 20)
#define SCHEMA         "ecocode.cost/1"

struct recost {
    const struct eco_history *history;
    char at[40];
    size_t shown;
    struct eco_buf all; /* of --json */
    struct eco_json json;
};

static void put_line(struct eco_json *json, const struct recost *recost, const struct eco_run_entry *run,
                     const struct eco_impact *impact)
{
    eco_json_open(json, '{');
    eco_json_kstring(json, "schema", SCHEMA);
    eco_json_kstring(json, "ecocode_version", ECO_VERSION);
    eco_json_kstring(json, "run_id", run->run_id);
    eco_json_kstring(json, "at", recost->at);
    eco_report_json_impact(json, impact, NULL);
    eco_json_close(json, '}');
}

static int append(const struct recost *recost, const struct eco_run_entry *run,
                  const struct eco_impact *impact)
{
    char path[PATH_MAX];
    struct eco_buf out;
    struct eco_json json;
    int n = snprintf(path, sizeof path, "%s/%s.costs.jsonl", recost->history->index->runs_dir, run->stem);
    if (n < 0 || (size_t)n >= sizeof path)
        return -ENAMETOOLONG;
    eco_buf_init(&out, LINE_MAX_BYTES);
    eco_json_init(&json, &out);
    put_line(&json, recost, run, impact);
    eco_buf_char(&out, '\n');
    int r = eco_buf_error(&out);
    int fd =
        r == 0 ? open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY, 0600) : -1;
    if (r == 0 && fd < 0)
        r = -errno;
    if (r == 0) {
        ssize_t written = write(fd, out.data, out.length);
        r = written == (ssize_t)out.length ? 0 : written < 0 ? -errno : -ENOSPC;
    }
    if (fd >= 0)
        (void)close(fd);
    eco_buf_finish(&out);
    return r;
}

static double co2e_of(const struct eco_impact *impact, const char *policy)
{
    for (unsigned i = 0; policy && i < ECO_IMPACT_ROWS_MAX && impact->rows[i].policy; i++)
        if (strcmp(impact->rows[i].policy, policy) == 0)
            return impact->rows[i].co2e_g;
    return ECO_NAN;
}

static void print_row(struct recost *recost, const struct eco_run_entry *run, const char *then_place,
                      const struct eco_impact *impact)
{
    char energy[ECO_CELL_MAX], then[ECO_CELL_MAX], now[ECO_CELL_MAX], where[64], then_where[64];
    if (recost->shown++ == 0)
        (void)printf("%-6s  %-16s  %11s  %9s  %-10s  %9s  %s\n", "RUN", "STARTED (UTC)", "ENERGY",
                     "CO2E THEN", "", "CO2E NOW", "");
    eco_cell_energy(run->job_j, eco_history_is_estimated(run), energy);
    eco_cell_mass(run->co2e_g, then);
    eco_cell_mass(co2e_of(impact, run->policy), now);
    eco_cell_text(then_place, 10, then_where, sizeof then_where);
    eco_cell_text(impact->factors.code, 8, where, sizeof where);
    (void)printf("%-6.6s  %.10s %.5s  %11s  %9s  %-10s  %9s  %s\n", run->run_id,
                 run->started_at ? run->started_at : "-",
                 run->started_at && strlen(run->started_at) > 16 ? run->started_at + 11 : "-", energy, then,
                 then_where, now, where);
}

static int recost_run(struct recost *recost, const struct eco_run_entry *run, struct eco_why *why)
{
    struct eco_run_report file;
    struct eco_stored_report stored;
    int r = eco_run_report_read(run->path, &file, why);
    if (r < 0)
        return r;
    const char *then_place = eco_run_report_text(&file, "impact.factors.location.code");
    r = eco_stored_report_init(&stored, &file);
    if (r == 0) {
        stored.report.impact = (struct eco_impact){.is_known = false};
        eco_impact_of_report(recost->history->call, NULL, &stored.report);
        if (!recost->history->call->settings.dry_run)
            r = append(recost, run, &stored.report.impact);
        if (r == 0 && recost->history->call->settings.json)
            put_line(&recost->json, recost, run, &stored.report.impact);
        else if (r == 0)
            print_row(recost, run, then_place, &stored.report.impact);
        eco_stored_report_finish(&stored);
    }
    eco_run_report_finish(&file);
    if (r < 0 && !*why->text)
        eco_why_set(why, "%s: %s", run->path, strerror(-r));
    return r;
}

static int recost_ref(struct recost *recost, const char *ref, struct eco_why *why)
{
    struct eco_catalog catalog;
    int r = eco_history_find(recost->history, ref, &catalog, why);
    if (r < 0)
        return r;
    for (size_t i = catalog.count; i-- > 0 && r == 0;)
        r = recost_run(recost, &catalog.runs[i], why);
    eco_catalog_finish(&catalog);
    return r;
}

/* A live source tells of now; these runs are over. One that a configuration names is for runs to come. */
static int refuse_live(const struct eco_call *call, struct eco_why *why)
{
    static const char name[] = "carbon-source";
    int index = eco_option_find(&call->set, name, sizeof name - 1);
    const char *source = call->settings.impact.carbon_source;
    if (index < 0 || call->set.origins[index].layer != ECO_LAYER_LINE || strcmp(source, "table") == 0)
        return 0;
    eco_why_set(
        why,
        "--carbon-source %s tells of now, and these runs are over: give --location or --carbon-intensity",
        source);
    return -EINVAL;
}

int eco_history_recost(struct eco_history *history, char *const *refs)
{
    struct recost recost = {.history = history};
    struct eco_factors factors;
    struct eco_why why = {.text = ""};
    time_t now = time(NULL);
    struct tm utc;
    /* a wrong factor is told before anything is written */
    int r = eco_call_factors(history->call, &factors, &why);
    if (r == 0)
        r = refuse_live(history->call, &why);
    if (r < 0)
        return eco_history_fail(history, &why);
    if (gmtime_r(&now, &utc))
        (void)strftime(recost.at, sizeof recost.at, "%Y-%m-%dT%H:%M:%S.000Z", &utc);
    eco_buf_init(&recost.all, 256u << 20);
    eco_json_init(&recost.json, &recost.all);
    eco_json_open(&recost.json, '[');
    if (!*refs)
        r = recost_ref(&recost, NULL, &why);
    for (; *refs && r == 0; refs++)
        r = recost_ref(&recost, *refs, &why);
    eco_json_close(&recost.json, ']');
    if (r == 0)
        r = eco_buf_error(&recost.all);
    if (r == 0 && history->call->settings.json)
        (void)printf("%s\n", recost.all.data);
    eco_buf_finish(&recost.all);
    return r < 0 ? eco_history_fail(history, &why) : 0;
}
