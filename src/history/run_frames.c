/* SPDX-License-Identifier: MIT */
#include "history/run_frames.h"

#include "base/macros.h"

#include <string.h>

#define FRAME_SCHEMA  "ecocode.frame/1"
#define REPORT_SCHEMA "ecocode.run/1"

/* A key and where its value goes. Our writer puts keys into one order, so the next one is tried first. */
struct field {
    const char *key;
    size_t length, offset;
    enum { NUMBER, STRING, FLAG, RAW } kind;
};

#define FIELD(type, name, kind)                                    \
    {                                                              \
#name, sizeof #name - 1, offsetof(struct type, name), kind \
    }

static const struct field energy_fields[] = {
    FIELD(eco_energy_text, job_j, NUMBER),     FIELD(eco_energy_text, others_j, NUMBER),
    FIELD(eco_energy_text, idle_j, NUMBER),    FIELD(eco_energy_text, unattributed_j, NUMBER),
    FIELD(eco_energy_text, machine_j, NUMBER), FIELD(eco_energy_text, quality, STRING),
    FIELD(eco_energy_text, span_s, NUMBER),    FIELD(eco_energy_text, gap_s, NUMBER)};
static const struct field domain_fields[] = {
    FIELD(eco_domain_text, name, STRING), FIELD(eco_domain_text, counted, FLAG),
    FIELD(eco_domain_text, gpu_busy_ratio, NUMBER), FIELD(eco_domain_text, gpu_memory_bytes, NUMBER)};
static const struct field process_fields[] = {
    FIELD(eco_process_text, pid, NUMBER),       FIELD(eco_process_text, name, STRING),
    FIELD(eco_process_text, cpu_s, NUMBER),     FIELD(eco_process_text, energy_j, NUMBER),
    FIELD(eco_process_text, rss_bytes, NUMBER), FIELD(eco_process_text, job, FLAG),
    FIELD(eco_process_text, ended, FLAG)};
static const struct field frame_fields[] = {
    FIELD(eco_frame_text, seq, NUMBER),         FIELD(eco_frame_text, t_s, NUMBER),
    FIELD(eco_frame_text, time, STRING),        FIELD(eco_frame_text, interval_s, NUMBER),
    FIELD(eco_frame_text, suspended_s, NUMBER), FIELD(eco_frame_text, keyframe, FLAG),
    FIELD(eco_frame_text, policy, STRING),      FIELD(eco_frame_text, job_cpu_s, NUMBER),
    FIELD(eco_frame_text, processes, RAW),      FIELD(eco_frame_text, groups, RAW),
    FIELD(eco_frame_text, cumulative, RAW)};

static bool matches(const struct field *field, struct eco_span key)
{
    return field->length == key.length && memcmp(field->key, key.text, key.length) == 0;
}

/* True when the key is one of these. `expected` is where the search begins, and moves on. */
static bool put(const struct field *fields, size_t count, size_t *expected, struct eco_span key,
                struct eco_span value, void *ret)
{
    size_t at = *expected;
    if (at >= count || !matches(&fields[at], key)) {
        for (at = 0; at < count && !matches(&fields[at], key); at++)
            ;
        if (at == count)
            return false;
    }
    *expected = at + 1;
    char *place = (char *)ret + fields[at].offset;
    if (fields[at].kind == FLAG) {
        *(bool *)place = *value.text == 't';
        return true;
    }
    struct eco_span *text = (struct eco_span *)(void *)place;
    *text = fields[at].kind == NUMBER   ? eco_scan_number(value)
            : fields[at].kind == STRING ? eco_scan_string(value)
                                        : value;
    return true;
}

/* These three go into the container that the cursor is at, and leave it. */

static bool read_domain(struct eco_span *cursor, struct eco_domain_text *ret)
{
    struct eco_span key, value;
    size_t expected = 0, expected_energy = 0;
    *ret = (struct eco_domain_text){.counted = false};
    while (eco_scan_key(cursor, &key)) {
        if (!eco_scan_value(cursor, &value))
            return false;
        if (!put(domain_fields, ECO_COUNT(domain_fields), &expected, key, value, ret))
            (void)put(energy_fields, ECO_COUNT(energy_fields), &expected_energy, key, value, &ret->energy);
    }
    return eco_scan_leave(cursor);
}

static bool read_domains(struct eco_span *cursor, struct eco_frame_text *ret)
{
    struct eco_span other;
    while (eco_scan_enter(cursor)) {
        bool is_domain = *cursor->text == '{' && ret->domain_count < ECO_DOMAINS_MAX;
        if (!(is_domain ? read_domain(cursor, &ret->domains[ret->domain_count++])
                        : eco_scan_value(cursor, &other)))
            return false;
    }
    return eco_scan_leave(cursor);
}

static bool read_total(struct eco_span *cursor, struct eco_frame_text *ret)
{
    struct eco_span key, value;
    size_t expected = 0;
    while (eco_scan_key(cursor, &key)) {
        if (!eco_scan_value(cursor, &value))
            return false;
        if (put(energy_fields, ECO_COUNT(energy_fields), &expected, key, value, &ret->total) ||
            !eco_scan_is(key, "by_policy_j"))
            continue;
        struct eco_span policies = value;
        while (eco_scan_member(&policies, &key, &value)) {
            if (eco_scan_is(key, "active"))
                ret->active_j = eco_scan_number(value);
            else if (eco_scan_is(key, "full"))
                ret->full_j = eco_scan_number(value);
        }
    }
    return eco_scan_leave(cursor);
}

enum eco_line_kind eco_line_kind_of(struct eco_span line)
{
    struct eco_span key, value, schema = {0}, type = {0};
    while ((!schema.text || !type.text) && eco_scan_member(&line, &key, &value)) {
        if (eco_scan_is(key, "schema"))
            schema = eco_scan_string(value);
        else if (eco_scan_is(key, "type"))
            type = eco_scan_string(value);
        else if (schema.text)
            break; /* a report that no stream wrote has no type */
    }
    if (!schema.text)
        return ECO_LINE_OTHER;
    if (eco_scan_is(schema, REPORT_SCHEMA))
        return ECO_LINE_END;
    if (!type.text || !eco_scan_is(schema, FRAME_SCHEMA))
        return ECO_LINE_OTHER;
    return eco_scan_is(type, "frame")   ? ECO_LINE_FRAME
           : eco_scan_is(type, "begin") ? ECO_LINE_BEGIN
                                        : ECO_LINE_OTHER;
}

/* All but the domains, which are many: those that a line names set their own. */
static void clear(struct eco_frame_text *ret)
{
    ret->seq = ret->t_s = ret->interval_s = ret->suspended_s = ret->job_cpu_s = (struct eco_span){0};
    ret->time = ret->policy = ret->active_j = ret->full_j = (struct eco_span){0};
    ret->processes = ret->groups = ret->cumulative = (struct eco_span){0};
    ret->keyframe = false;
    ret->domain_count = 0;
    ret->total = (struct eco_energy_text){.job_j = {0}};
}

bool eco_frame_text_read(struct eco_span line, struct eco_frame_text *ret)
{
    struct eco_span key, value;
    size_t expected = 0;
    bool is_frame = false, is_known = false, is_good = true;
    clear(ret);
    while (is_good && eco_scan_key(&line, &key)) {
        if (*line.text == '[' && eco_scan_is(key, "domains")) {
            is_good = read_domains(&line, ret);
            continue;
        }
        if (*line.text == '{' && eco_scan_is(key, "total")) {
            is_good = read_total(&line, ret);
            continue;
        }
        is_good = eco_scan_value(&line, &value);
        if (!is_good || put(frame_fields, ECO_COUNT(frame_fields), &expected, key, value, ret))
            continue;
        if (eco_scan_is(key, "schema"))
            is_known = eco_scan_is(eco_scan_string(value), FRAME_SCHEMA);
        else if (eco_scan_is(key, "type"))
            is_frame = eco_scan_is(eco_scan_string(value), "frame");
    }
    /* the closing bracket is what a cut line lacks */
    return is_good && is_known && is_frame && line.length > 0 && *line.text == '}';
}

bool eco_process_text_next(struct eco_span *cursor, struct eco_process_text *ret)
{
    struct eco_span object, key, value;
    do {
        if (cursor->length == 0 || !eco_scan_element(cursor, &object))
            return false;
    } while (*object.text != '{');
    size_t expected = 0;
    *ret = (struct eco_process_text){.job = false};
    while (eco_scan_member(&object, &key, &value))
        (void)put(process_fields, ECO_COUNT(process_fields), &expected, key, value, ret);
    return true;
}
