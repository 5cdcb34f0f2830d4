/* SPDX-License-Identifier: MIT */
/*
 * The figures behind a page, for programs and for the page's own few lines of script: `ecocode.page/1`.
 * Bounded whatever the report holds: texts are cut, long lists too, and of the processes it has what the page
 * shows.
 */
#include "base/json.h"
#include "base/text.h"
#include "history/member.h"
#include "history/report_facts.h"
#include "history/report_sections.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#define DEPTH_MAX 12
#define ITEMS_MAX 256
#define TEXT_MAX  400
#define JSON_MAX  (64u << 20)

static void put_text(struct eco_json *json, const char *text)
{
    char clean[TEXT_MAX];
    (void)eco_text_clean(clean, sizeof clean, text, strlen(text), false);
    eco_json_string(json, clean);
}

static void put_key(struct eco_json *json, const char *key)
{
    char clean[TEXT_MAX];
    (void)eco_text_clean(clean, sizeof clean, key, strlen(key), false);
    eco_json_key(json, clean);
}

static void put_value(struct eco_json *json, json_t *value, unsigned depth);

static void put_object(struct eco_json *json, json_t *object, unsigned depth)
{
    const char *key;
    json_t *value;
    size_t count = 0;
    eco_json_open(json, '{');
    json_object_foreach(object, key, value)
    {
        bool is_long = depth == 0 && (strcmp(key, "processes") == 0 || strcmp(key, "groups") == 0);
        if (is_long || count++ >= ITEMS_MAX)
            continue;
        put_key(json, key);
        put_value(json, value, depth + 1);
    }
    eco_json_close(json, '}');
}

static void put_list(struct eco_json *json, json_t *list, unsigned depth)
{
    eco_json_open(json, '[');
    for (size_t i = 0; i < json_array_size(list) && i < ITEMS_MAX; i++)
        put_value(json, json_array_get(list, i), depth + 1);
    eco_json_close(json, ']');
}

/* Recursion ends at DEPTH_MAX, below what the writer allows. */
static void put_value(struct eco_json *json, json_t *value, unsigned depth)
{
    if (json_is_object(value) && depth < DEPTH_MAX)
        put_object(json, value, depth);
    else if (json_is_array(value) && depth < DEPTH_MAX)
        put_list(json, value, depth);
    else if (json_is_string(value))
        put_text(json, json_string_value(value));
    else if (json_is_integer(value))
        eco_json_i64(json, (int64_t)json_integer_value(value));
    else if (json_is_real(value))
        eco_json_double(json, json_real_value(value));
    else if (json_is_boolean(value))
        eco_json_bool(json, json_is_true(value));
    else
        eco_json_null(json);
}

static void put_processes(struct eco_json *json, const struct eco_family *tree)
{
    eco_json_key(json, "processes");
    eco_json_open(json, '[');
    for (size_t i = 0; i < tree->count; i++) {
        const struct eco_family_row *row = &tree->rows[i];
        eco_json_open(json, '{');
        eco_json_key(json, "name");
        put_text(json, row->process ? eco_family_name(row) : "(the rest)");
        eco_json_ki64(json, "parent", row->parent);
        eco_json_ku64(json, "count", row->processes);
        eco_json_kdouble(json, "energy_j", row->energy_j);
        eco_json_kdouble(json, "cpu_s", row->cpu_s);
        eco_json_close(json, '}');
    }
    eco_json_close(json, ']');
}

/* Milliwatts and milliseconds are enough to look at. */
static void put_numbers(struct eco_json *json, const char *key, const struct eco_series *series,
                        unsigned domain, double (*pick)(const struct eco_series *, size_t, unsigned))
{
    eco_json_key(json, key);
    eco_json_open(json, '[');
    for (size_t i = 0; i < series->count; i++) {
        double value = pick(series, i, domain);
        if (i > 0)
            eco_buf_char(json->out, ',');
        if (isfinite(value) && fabs(value) < 1e15)
            eco_buf_fixed(json->out, value, 3);
        else
            eco_buf_text(json->out, "null");
    }
    eco_json_close(json, ']');
}

static double pick_end_s(const struct eco_series *series, size_t i, unsigned domain)
{
    (void)domain;
    return series->end_s[i];
}

static double watts(const struct eco_series *series, size_t i, double joules)
{
    double seconds = series->end_s[i] - eco_series_start_s(series, i);
    return seconds > 0 ? joules / seconds : ECO_NAN;
}

static double pick_job_w(const struct eco_series *series, size_t i, unsigned domain)
{
    return watts(series, i, eco_series_at(series, i, domain)->job_j);
}

static double pick_machine_w(const struct eco_series *series, size_t i, unsigned domain)
{
    return watts(series, i, eco_series_at(series, i, domain)->machine_j);
}

static void put_series(struct eco_json *json, const struct eco_series *series)
{
    eco_json_key(json, "series");
    eco_json_open(json, '{');
    eco_json_ku64(json, "frames", series->frame_count);
    put_numbers(json, "end_s", series, 0, pick_end_s);
    eco_json_key(json, "domains");
    eco_json_open(json, '[');
    for (unsigned d = 0; d < series->domain_count; d++) {
        if (!series->domains[d].counted)
            continue;
        eco_json_open(json, '{');
        eco_json_key(json, "name");
        put_text(json, series->domains[d].name);
        put_numbers(json, "job_w", series, d, pick_job_w);
        put_numbers(json, "machine_w", series, d, pick_machine_w);
        eco_json_close(json, '}');
    }
    eco_json_close(json, ']');
    eco_json_close(json, '}');
}

int eco_html_data(struct eco_buf *out, const struct eco_report_run *runs, size_t count)
{
    struct eco_buf text;
    struct eco_json json;
    eco_buf_init(&text, JSON_MAX);
    eco_json_init(&json, &text);
    eco_json_open(&json, '{');
    eco_json_kstring(&json, "schema", "ecocode.page/1");
    eco_json_key(&json, "runs");
    eco_json_open(&json, '[');
    for (size_t i = 0; i < count; i++) {
        eco_json_open(&json, '{');
        eco_json_key(&json, "report");
        put_object(&json, runs[i].run->root, 0);
        put_processes(&json, &runs[i].tree);
        put_series(&json, runs[i].series);
        eco_json_close(&json, '}');
    }
    eco_json_close(&json, ']');
    eco_json_close(&json, '}');
    int r = eco_buf_error(&text);
    if (r == 0)
        eco_html_json(out, text.data, text.length);
    eco_buf_finish(&text);
    return r;
}
