/* SPDX-License-Identifier: MIT */
/* Sums of runs by what they have in common, and over time. */
#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "history/history.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define GROUPS_MAX (1u << 20)
#define BAR_WIDTH  20

enum by { BY_ALL, BY_LABEL, BY_COMMAND, BY_HOST, BY_DAY, BY_WEEK, BY_MONTH };

struct key_kind {
    enum by by;
    const char *label; /* BY_LABEL: its key */
};

struct sum {
    char *name; /* owned; NULL = those that have none */
    size_t runs, known;
    double job_j, duration_s, co2e_g;
    size_t co2e_known;
    const char *co2e_scope; /* of the first run that has one; borrowed while runs are added */
    bool is_mixed;          /* figures with and without the making of power stations are no sum */
    bool is_estimated;
};

struct sums {
    struct sum *all;
    size_t count, capacity;
};

static int parse_by(const char *text, enum by otherwise, struct key_kind *ret, struct eco_why *why)
{
    static const struct {
        const char *name;
        enum by by;
    } kinds[] = {
        {"command", BY_COMMAND}, {"host", BY_HOST}, {"day", BY_DAY}, {"week", BY_WEEK}, {"month", BY_MONTH}};
    *ret = (struct key_kind){.by = otherwise};
    if (!text)
        return 0;
    if (strncmp(text, "label:", 6) == 0 && text[6]) {
        *ret = (struct key_kind){.by = BY_LABEL, .label = text + 6};
        return 0;
    }
    for (size_t i = 0; i < ECO_COUNT(kinds); i++) {
        if (strcmp(text, kinds[i].name) != 0)
            continue;
        ret->by = kinds[i].by;
        return 0;
    }
    eco_why_set(why, "--by %.40s: label:KEY, command, host, day, week or month", text);
    return -EINVAL;
}

/* The Monday of its week, as a day. */
static void week_of(const char *started_at, char *ret, size_t size)
{
    struct tm day = {.tm_year = 0};
    ret[0] = 0;
    if (!strptime(started_at, "%Y-%m-%d", &day))
        return;
    time_t at = timegm(&day) + 43200;
    at -= (time_t)((day.tm_wday + 6) % 7) * 86400;
    struct tm monday;
    if (gmtime_r(&at, &monday))
        (void)strftime(ret, size, "%Y-%m-%d", &monday);
}

/* False: it has none. */
static bool key_of(const struct eco_run_entry *run, const struct key_kind *kind, char *ret, size_t size)
{
    const char *text = NULL;
    json_t *labels = NULL;
    int cut = -1;
    switch (kind->by) {
    case BY_ALL:
        text = "all";
        break;
    case BY_COMMAND:
        text = run->command;
        break;
    case BY_HOST:
        text = run->hostname;
        break;
    case BY_LABEL:
        labels = run->labels ? json_loads(run->labels, 0, NULL) : NULL;
        text = json_string_value(json_object_get(labels, kind->label));
        break;
    case BY_DAY:
        text = run->started_at;
        cut = 10;
        break;
    case BY_MONTH:
        text = run->started_at;
        cut = 7;
        break;
    case BY_WEEK:
        if (run->started_at)
            week_of(run->started_at, ret, size);
        return run->started_at && *ret;
    }
    if (text)
        (void)snprintf(ret, size, "%.*s", cut < 0 ? (int)size - 1 : cut, text);
    json_decref(labels);
    return text != NULL;
}

static int find_sum(struct sums *sums, const char *name, struct sum **ret)
{
    for (size_t i = sums->count; i-- > 0;) {
        const char *its = sums->all[i].name;
        if ((!its && !name) || (its && name && strcmp(its, name) == 0)) {
            *ret = &sums->all[i];
            return 0;
        }
    }
    int r = eco_grow((void **)&sums->all, &sums->capacity, sums->count + 1, GROUPS_MAX, sizeof *sums->all);
    if (r < 0)
        return r;
    struct sum *made = &sums->all[sums->count];
    *made = (struct sum){.name = eco_strdup(name)};
    if (name && !made->name)
        return -ENOMEM;
    sums->count++;
    *ret = made;
    return 0;
}

static int add_run(struct sums *sums, const struct eco_run_entry *run, const struct key_kind *kind)
{
    char name[256];
    struct sum *sum;
    int r = find_sum(sums, key_of(run, kind, name, sizeof name) ? name : NULL, &sum);
    if (r < 0)
        return r;
    sum->runs++;
    sum->duration_s += isfinite(run->duration_s) ? run->duration_s : 0;
    if (isfinite(run->job_j)) {
        sum->job_j += run->job_j;
        sum->known++;
        sum->is_estimated = sum->is_estimated || eco_history_is_estimated(run);
    }
    if (isfinite(run->co2e_g)) {
        const char *scope = run->co2e_scope ? run->co2e_scope : "";
        sum->is_mixed = sum->is_mixed || (sum->co2e_scope && strcmp(sum->co2e_scope, scope) != 0);
        sum->co2e_scope = sum->co2e_scope ? sum->co2e_scope : scope;
        sum->co2e_g += run->co2e_g;
        sum->co2e_known++;
    }
    return 0;
}

static int by_energy(const void *a, const void *b)
{
    const struct sum *x = a, *y = b;
    return (x->job_j < y->job_j) - (x->job_j > y->job_j);
}

static int by_name(const void *a, const void *b)
{
    const struct sum *x = a, *y = b;
    return strcmp(x->name ? x->name : "", y->name ? y->name : "");
}

static void put_sum(struct eco_json *json, const struct sum *sum)
{
    eco_json_open(json, '{');
    eco_json_kstring(json, "group", sum->name);
    eco_json_ku64(json, "runs", sum->runs);
    eco_json_ku64(json, "runs_with_energy", sum->known);
    eco_json_kdouble(json, "job_j", sum->known ? sum->job_j : ECO_NAN);
    eco_json_kdouble(json, "mean_job_j", sum->known ? sum->job_j / (double)sum->known : ECO_NAN);
    eco_json_kdouble(json, "duration_s", sum->duration_s);
    eco_json_kdouble(json, "co2e_g", sum->co2e_known && !sum->is_mixed ? sum->co2e_g : ECO_NAN);
    eco_json_ku64(json, "runs_with_co2e", sum->co2e_known);
    eco_json_kbool(json, "estimated", sum->is_estimated);
    eco_json_close(json, '}');
}

static int print_json(const struct sums *sums, const char *what, const char *by)
{
    struct eco_buf out;
    struct eco_json json;
    eco_buf_init(&out, 256u << 20);
    eco_json_init(&json, &out);
    eco_json_open(&json, '{');
    eco_json_kstring(&json, "schema", "ecocode.history/1");
    eco_json_kstring(&json, "by", by);
    eco_json_key(&json, what);
    eco_json_open(&json, '[');
    for (size_t i = 0; i < sums->count; i++)
        put_sum(&json, &sums->all[i]);
    eco_json_close(&json, ']');
    eco_json_close(&json, '}');
    int r = eco_buf_error(&out);
    if (r == 0)
        (void)printf("%s\n", out.data);
    eco_buf_finish(&out);
    return r;
}

static void print_sums(const struct sums *sums)
{
    char energy[ECO_CELL_MAX], mean[ECO_CELL_MAX], duration[ECO_CELL_MAX], mass[ECO_CELL_MAX], name[512];
    size_t without = 0;
    bool has_mass = false;
    (void)printf("%6s  %11s  %11s  %10s  %9s  %s\n", "RUNS", "ENERGY", "PER RUN", "TIME", "CO2E", "");
    for (size_t i = 0; i < sums->count; i++) {
        const struct sum *sum = &sums->all[i];
        eco_cell_energy(sum->known ? sum->job_j : ECO_NAN, sum->is_estimated, energy);
        eco_cell_energy(sum->known ? sum->job_j / (double)sum->known : ECO_NAN, sum->is_estimated, mean);
        eco_cell_duration(sum->duration_s, duration);
        /* a sum over some of the runs would look like one over all */
        eco_cell_mass(sum->co2e_known == sum->runs && !sum->is_mixed ? sum->co2e_g : ECO_NAN, mass);
        eco_cell_text(sum->name ? sum->name : "(none)", 20, name, sizeof name);
        (void)printf("%6zu  %11s  %11s  %10s  %9s  %s\n", sum->runs, energy, mean, duration, mass, name);
        without += sum->runs - sum->known;
        has_mass = has_mass || (sum->co2e_known == sum->runs && !sum->is_mixed);
    }
    if (has_mass)
        (void)printf("CO2E by the place that a run was given, else by the world's mean.\n");
    if (without > 0)
        (void)printf("%zu run%s without a known energy %s not in these sums.\n", without,
                     without == 1 ? "" : "s", without == 1 ? "is" : "are");
}

/* A bar by energy, so that a change is seen; a mean beside it, for more runs are no worse runs. */
static void print_trend(const struct sums *sums)
{
    char energy[ECO_CELL_MAX], mean[ECO_CELL_MAX], bar[BAR_WIDTH + 1];
    double largest_j = 0;
    for (size_t i = 0; i < sums->count; i++)
        largest_j = fmax(largest_j, sums->all[i].job_j);
    (void)printf("%-10s  %6s  %11s  %-*s  %11s\n", "FROM (UTC)", "RUNS", "ENERGY", BAR_WIDTH, "", "PER RUN");
    for (size_t i = 0; i < sums->count; i++) {
        const struct sum *sum = &sums->all[i];
        size_t length =
            largest_j > 0 && sum->job_j > 0 ? (size_t)lround(BAR_WIDTH * sum->job_j / largest_j) : 0;
        memset(bar, '#', length);
        bar[length] = 0;
        eco_cell_energy(sum->known ? sum->job_j : ECO_NAN, sum->is_estimated, energy);
        eco_cell_energy(sum->known ? sum->job_j / (double)sum->known : ECO_NAN, sum->is_estimated, mean);
        (void)printf("%-10.10s  %6zu  %11s  %-*s  %11s\n", sum->name ? sum->name : "-", sum->runs, energy,
                     BAR_WIDTH, bar, mean);
    }
}

static int sum_up(struct eco_history *history, const struct key_kind *kind, struct sums *sums,
                  struct eco_why *why)
{
    struct eco_catalog catalog;
    history->filter.limit = 0;
    int r = eco_catalog_read(history->index, &history->filter, &catalog, why);
    if (r < 0)
        return r;
    for (size_t i = 0; i < catalog.count && r == 0; i++)
        r = add_run(sums, &catalog.runs[i], kind);
    eco_catalog_finish(&catalog);
    if (r < 0)
        eco_why_set(why, "%s", strerror(-r));
    return r;
}

static int answer(struct eco_history *history, enum by otherwise, bool is_trend)
{
    struct sums sums = {0};
    struct key_kind kind;
    struct eco_why why = {.text = ""};
    const struct eco_settings *settings = &history->call->settings;
    int r = parse_by(settings->history_by, otherwise, &kind, &why);
    bool is_time = r == 0 && kind.by >= BY_DAY;
    if (r == 0 && is_trend && !is_time) {
        eco_why_set(&why, "trend --by %.40s: day, week or month", settings->history_by);
        r = -EINVAL;
    }
    if (r == 0)
        r = sum_up(history, &kind, &sums, &why);
    if (r == 0 && sums.count > 0)
        qsort(sums.all, sums.count, sizeof *sums.all, is_time ? by_name : by_energy);
    const char *by = settings->history_by ? settings->history_by : is_trend ? "day" : NULL;
    if (r == 0 && settings->json)
        r = print_json(&sums, is_trend ? "trend" : "sums", by);
    else if (r == 0 && sums.count == 0)
        (void)printf("No recorded run is of that kind. Try: ecocode run COMMAND\n");
    else if (r == 0 && is_trend)
        print_trend(&sums);
    else if (r == 0)
        print_sums(&sums);
    for (size_t i = 0; i < sums.count; i++)
        free(sums.all[i].name);
    free(sums.all);
    return r < 0 ? eco_history_fail(history, &why) : 0;
}

int eco_history_sum(struct eco_history *history)
{
    return answer(history, BY_ALL, false);
}

int eco_history_trend(struct eco_history *history)
{
    return answer(history, BY_DAY, true);
}
