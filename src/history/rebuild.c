/* SPDX-License-Identifier: MIT */
#include "history/rebuild.h"

#include "history/rebuild_report.h"
#include "history/run_parts.h"
#include "history/tail.h"

#include <errno.h>
#include <math.h>
#include <string.h>

static const char *const quality_names[] = {NULL, "measured", "derived", "estimated"};

static double number_at(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    return json_is_number(value) ? json_number_value(value) : (double)NAN;
}

static int add_file(const char *path, struct eco_record_sums *sums, struct eco_why *why)
{
    struct eco_lines *lines;
    struct eco_span line;
    static struct eco_frame_text frame; /* large; one at a time */
    int r = eco_lines_open(path, &lines, why);
    if (r < 0)
        return r;
    while ((r = eco_lines_next(lines, &line)) > 0) {
        r = eco_frame_text_read(line, &frame) ? eco_record_sums_add(sums, &frame) : 0;
        if (r < 0)
            break;
    }
    (void)eco_lines_free(lines);
    if (r < 0)
        eco_why_set(why, "%s: %s", path, strerror(-r));
    return r;
}

static bool is_line(const json_t *line, const char *type)
{
    const char *schema = json_string_value(json_object_get(line, "schema"));
    const char *its = json_string_value(json_object_get(line, "type"));
    return schema && its && strcmp(schema, "ecocode.frame/1") == 0 && strcmp(its, type) == 0;
}

static int sum_up(const char *path, bool only_totals, const json_t *last, struct eco_record_sums *sums,
                  struct eco_why *why)
{
    struct eco_run_parts parts = {0};
    double others_j = number_at(json_object_get(last, "cumulative"), "others_j");
    const char *quality = json_string_value(json_object_get(json_object_get(last, "total"), "quality"));
    /* a record of before these sums were written needs all of its lines */
    if (only_totals && (!last || isfinite(others_j))) {
        for (unsigned i = 1; i < ECO_COUNT(quality_names) && quality; i++)
            if (strcmp(quality, quality_names[i]) == 0)
                sums->quality = i;
        return 0;
    }
    int r = eco_run_parts_of(path, &parts);
    for (size_t i = 0; r >= 0 && i < parts.count; i++)
        r = add_file(parts.paths[i], sums, why);
    eco_run_parts_finish(&parts);
    return r;
}

int eco_run_rebuild(const char *path, bool only_totals, json_t **ret, struct eco_why *why)
{
    struct eco_ends ends;
    struct eco_record_sums sums;
    int r = eco_ends_read(path, &ends, why);
    if (r < 0)
        return r;
    json_t *begin = ends.first ? json_loads(ends.first, JSON_REJECT_DUPLICATES, NULL) : NULL;
    json_t *last = ends.last ? json_loads(ends.last, JSON_REJECT_DUPLICATES, NULL) : NULL;
    eco_ends_finish(&ends);
    eco_record_sums_init(&sums);
    if (!is_line(begin, "begin")) {
        eco_why_set(why, "%s: not a report or record of ecocode, or cut off", path);
        r = -EBADMSG;
    } else {
        bool has_last = is_line(last, "frame");
        r = sum_up(path, only_totals, has_last ? last : NULL, &sums, why);
        if (r >= 0)
            *ret = eco_rebuilt_report(begin, has_last ? last : NULL, &sums, only_totals);
    }
    eco_record_sums_finish(&sums);
    json_decref(begin);
    json_decref(last);
    return r < 0 ? r : 0;
}
