/* SPDX-License-Identifier: MIT */
#include "history/merge_parts.h"

#include "base/mem.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define EDGE_MS 1000 /* ranks are not started in the same moment */

int64_t eco_parse_utc_ms(const char *text)
{
    struct tm tm = {0};
    const char *rest = text ? strptime(text, "%Y-%m-%dT%H:%M:%S", &tm) : NULL;
    if (!rest)
        return 0;
    int64_t ms = 0;
    if (*rest == '.')
        for (int64_t unit = 100; *++rest >= '0' && *rest <= '9'; unit /= 10)
            ms += unit * (*rest - '0');
    if (strcmp(rest, "Z") != 0)
        return 0;
    return (int64_t)timegm(&tm) * 1000 + ms;
}

json_t *eco_json_of(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

static bool is_same_text(const struct eco_run_report *a, const struct eco_run_report *b, const char *path)
{
    const char *x = eco_run_report_text(a, path), *y = eco_run_report_text(b, path);
    return strcmp(x ? x : "", y ? y : "") == 0;
}

/* Without an id of the boot (another tool's figures) the name of the host must do. */
static bool is_same_node(const struct eco_run_report *a, const struct eco_run_report *b)
{
    return is_same_text(a, b, "boot_id") && is_same_text(a, b, "host.hostname");
}

static bool is_repeated(const struct eco_run_report *reports, size_t index)
{
    for (size_t i = 0; i < index; i++)
        if (*reports[i].run_id && strcmp(reports[i].run_id, reports[index].run_id) == 0)
            return true;
    return false;
}

static bool is_inside_another(const struct eco_run_report *reports, size_t count, size_t index)
{
    const char *parent = eco_run_report_text(&reports[index], "parent_run_id");
    for (size_t i = 0; parent && *parent && i < count; i++)
        if (i != index && strcmp(reports[i].run_id, parent) == 0)
            return true;
    return false;
}

static size_t find_node(const struct eco_parts *parts, const struct eco_run_report *report)
{
    size_t node = 0;
    while (node < parts->node_count && !is_same_node(parts->nodes[node].widest->from, report))
        node++;
    return node;
}

static void place(struct eco_parts *parts, struct eco_rank *rank)
{
    rank->node = find_node(parts, rank->from);
    struct eco_node *node = &parts->nodes[rank->node];
    if (rank->node == parts->node_count)
        parts->nodes[parts->node_count++].widest = rank;
    else if (rank->end_ms - rank->begin_ms > node->widest->end_ms - node->widest->begin_ms)
        node->widest = rank;
    if (parts->counted == 0 || rank->begin_ms < parts->begin_ms)
        parts->begin_ms = rank->begin_ms;
    if (parts->counted == 0 || rank->end_ms > parts->end_ms)
        parts->end_ms = rank->end_ms;
    parts->counted++;
}

static void check_cover(struct eco_parts *parts)
{
    for (size_t i = 0; i < parts->node_count; i++)
        parts->nodes[i].is_covered = true;
    for (size_t i = 0; i < parts->count; i++) {
        const struct eco_rank *rank = &parts->ranks[i];
        if (!rank->is_counted)
            continue;
        struct eco_node *node = &parts->nodes[rank->node];
        if (rank->begin_ms == 0 || rank->begin_ms + EDGE_MS < node->widest->begin_ms ||
            rank->end_ms > node->widest->end_ms + EDGE_MS)
            node->is_covered = node->is_covered && rank == node->widest;
    }
}

int eco_parts_init(const struct eco_run_report *reports, size_t count, struct eco_parts *ret)
{
    struct eco_parts parts = {.count = count};
    parts.ranks = eco_calloc(count, sizeof *parts.ranks);
    parts.nodes = eco_calloc(count, sizeof *parts.nodes);
    if (!parts.ranks || !parts.nodes) {
        eco_parts_finish(&parts);
        return -ENOMEM;
    }
    for (size_t i = 0; i < count; i++) {
        struct eco_rank *rank = &parts.ranks[i];
        double duration_s = eco_run_report_number(&reports[i], "duration_s");
        rank->from = &reports[i];
        rank->begin_ms = eco_parse_utc_ms(eco_run_report_text(&reports[i], "started_at"));
        rank->end_ms = rank->begin_ms + (isfinite(duration_s) ? (int64_t)(duration_s * 1e3) : 0);
        rank->is_counted = !is_repeated(reports, i) && !is_inside_another(reports, count, i);
        if (rank->is_counted)
            place(&parts, rank);
    }
    check_cover(&parts);
    *ret = parts;
    return 0;
}

void eco_parts_finish(struct eco_parts *parts)
{
    free(parts->ranks);
    free(parts->nodes);
    *parts = (struct eco_parts){0};
}

double eco_parts_sum(const struct eco_parts *parts, const char *path)
{
    double sum = 0;
    for (size_t i = 0; i < parts->count; i++)
        if (parts->ranks[i].is_counted)
            sum += eco_run_report_number(parts->ranks[i].from, path);
    return sum;
}

double eco_parts_sum_nodes(const struct eco_parts *parts, const char *path)
{
    double sum = 0;
    for (size_t i = 0; i < parts->node_count; i++)
        sum += parts->nodes[i].is_covered ? eco_run_report_number(parts->nodes[i].widest->from, path)
                                          : (double)NAN;
    return sum;
}

double eco_json_number(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    return json_is_number(value) ? json_number_value(value) : (double)NAN;
}

void eco_merging_put(struct eco_merging *merging, json_t *object, const char *key, json_t *value)
{
    if (json_object_set_new(object, key, value) < 0)
        merging->failed = true;
}
