/* SPDX-License-Identifier: MIT */
#include "history/thin.h"

#include "base/json.h"
#include "base/mem.h"
#include "history/rebuild_sums.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define WRITE_AT (1u << 20)

struct thinner {
    struct eco_buf out;
    struct eco_json json;
    int to;
    struct eco_record_sums sums;
    double interval_s, keyframe;
    /* of the latest interval that was added */
    char seq[32], t_s[40], time[40], policy[16], cumulative[1024];
    struct eco_frame_text frame;
};

static int write_out(struct thinner *t)
{
    size_t done = 0;
    int r = eco_buf_error(&t->out);
    while (r == 0 && done < t->out.length) {
        ssize_t n = write(t->to, t->out.data + done, t->out.length - done);
        if (n > 0)
            done += (size_t)n;
        else if (n == 0 || errno != EINTR)
            r = n < 0 ? -errno : -EIO;
    }
    eco_buf_reset(&t->out);
    return r;
}

static void copy_span(char *ret, size_t size, struct eco_span text)
{
    size_t length = text.length < size ? text.length : 0; /* longer ones are none of ours */
    if (length)
        memcpy(ret, text.text, length);
    ret[length] = 0;
}

static void put_raw(struct thinner *t, const char *key, const char *text)
{
    eco_json_key(&t->json, key);
    eco_buf_text(&t->out, *text ? text : "null");
    t->json.after_key = false;
}

static void put_energy(struct eco_json *json, const struct eco_energy_sums *sums, unsigned quality,
                       double span_s)
{
    static const char *const names[] = {NULL, "measured", "derived", "estimated"};
    bool known = sums->is_known;
    eco_json_kdouble(json, "job_j", known ? sums->job_j : ECO_NAN);
    eco_json_kdouble(json, "others_j", known ? sums->others_j : ECO_NAN);
    eco_json_kdouble(json, "idle_j", known ? sums->idle_j : ECO_NAN);
    eco_json_kdouble(json, "unattributed_j", known ? sums->unattributed_j : ECO_NAN);
    eco_json_kdouble(json, "machine_j", known ? sums->machine_j : ECO_NAN);
    eco_json_kstring(json, "quality", known ? names[quality & 3] : NULL);
    eco_json_kdouble(json, "span_s", known ? fmax(0, span_s - sums->gap_s) : 0);
    eco_json_kdouble(json, "gap_s", sums->gap_s);
}

static void put_domains(struct thinner *t)
{
    eco_json_key(&t->json, "domains");
    eco_json_open(&t->json, '[');
    for (unsigned i = 0; i < t->sums.domain_count; i++) {
        const struct eco_domain_sums *domain = &t->sums.domains[i];
        eco_json_open(&t->json, '{');
        eco_json_kstring(&t->json, "name", domain->name);
        eco_json_kbool(&t->json, "counted", domain->counted);
        put_energy(&t->json, &domain->sums, domain->quality, t->interval_s);
        eco_json_close(&t->json, '}');
    }
    eco_json_close(&t->json, ']');
}

static void put_processes(struct thinner *t)
{
    struct eco_json *json = &t->json;
    eco_json_key(json, "processes");
    eco_json_open(json, '[');
    for (size_t i = 0; i < t->sums.process_count; i++) {
        const struct eco_process_sums *process = &t->sums.processes[i];
        eco_json_open(json, '{');
        eco_json_ki64(json, "pid", process->pid);
        eco_json_kstring(json, "name", *process->name ? process->name : NULL);
        eco_json_kdouble(json, "cpu_s", process->cpu_s);
        eco_json_kdouble(json, "energy_j", t->sums.total.is_known ? process->energy_j : ECO_NAN);
        if (process->rss_bytes > 0)
            eco_json_ku64(json, "rss_bytes", (uint64_t)process->rss_bytes);
        else
            eco_json_knull(json, "rss_bytes");
        eco_json_kbool(json, "job", true);
        eco_json_kbool(json, "ended", process->has_ended);
        eco_json_close(json, '}');
    }
    eco_json_close(json, ']');
}

/* What was added up so far becomes one interval. */
static int flush(struct thinner *t)
{
    struct eco_json *json = &t->json;
    bool known = t->sums.total.is_known;
    if (t->sums.intervals == 0)
        return 0;
    eco_json_open(json, '{');
    eco_json_kstring(json, "schema", "ecocode.frame/1");
    eco_json_kstring(json, "type", "frame");
    put_raw(t, "seq", t->seq);
    put_raw(t, "t_s", t->t_s);
    eco_json_kstring(json, "time", *t->time ? t->time : NULL);
    eco_json_kdouble(json, "interval_s", t->interval_s);
    eco_json_kdouble(json, "suspended_s", t->sums.suspended_s);
    eco_json_kbool(json, "keyframe", t->keyframe > 0);
    eco_json_kstring(json, "policy", t->policy);
    put_domains(t);
    eco_json_key(json, "total");
    eco_json_open(json, '{');
    put_energy(json, &t->sums.total, t->sums.quality, t->interval_s);
    eco_json_key(json, "by_policy_j");
    eco_json_open(json, '{');
    eco_json_kdouble(json, "active", known ? t->sums.active_j : ECO_NAN);
    eco_json_kdouble(json, "full", known ? t->sums.full_j : ECO_NAN);
    eco_json_close(json, '}');
    eco_json_close(json, '}');
    eco_json_kdouble(json, "job_cpu_s", t->sums.job_cpu_s);
    put_processes(t);
    put_raw(t, "cumulative", t->cumulative);
    eco_json_close(json, '}');
    eco_buf_char(&t->out, '\n');
    eco_json_init(json, &t->out);
    eco_record_sums_finish(&t->sums);
    eco_record_sums_init(&t->sums);
    t->interval_s = t->keyframe = 0;
    return t->out.length >= WRITE_AT ? write_out(t) : eco_buf_error(&t->out);
}

static int add_frame(struct thinner *t)
{
    const struct eco_frame_text *frame = &t->frame;
    char policy[sizeof t->policy];
    copy_span(policy, sizeof policy, frame->policy);
    /* figures by two policies are no sum, nor are totals of processes since the start */
    int r = t->sums.intervals > 0 && (strcmp(policy, t->policy) != 0 || frame->keyframe) ? flush(t) : 0;
    if (r == 0)
        r = eco_record_sums_add(&t->sums, frame);
    memcpy(t->policy, policy, sizeof policy);
    copy_span(t->seq, sizeof t->seq, frame->seq);
    copy_span(t->t_s, sizeof t->t_s, frame->t_s);
    copy_span(t->time, sizeof t->time, frame->time);
    copy_span(t->cumulative, sizeof t->cumulative, frame->cumulative);
    double interval_s = eco_scan_double(frame->interval_s);
    t->interval_s += isfinite(interval_s) ? interval_s : 0;
    t->keyframe += frame->keyframe;
    return r == 0 && (t->interval_s >= ECO_THIN_S || frame->keyframe) ? flush(t) : r;
}

/* The first line says what was done to the others. */
static void put_begin(struct thinner *t, struct eco_span line)
{
    size_t length = line.length;
    while (length > 0 && line.text[length - 1] != '}')
        length--;
    eco_buf_add(&t->out, line.text, length > 0 ? length - 1 : 0);
    eco_buf_printf(&t->out, ",\"thinned_s\":%d}\n", (int)ECO_THIN_S);
}

static int add_line(struct thinner *t, struct eco_span line)
{
    switch (eco_line_kind_of(line)) {
    case ECO_LINE_FRAME:
        return eco_frame_text_read(line, &t->frame) ? add_frame(t) : 0;
    case ECO_LINE_BEGIN:
        put_begin(t, line);
        return 0;
    case ECO_LINE_END:
    case ECO_LINE_OTHER:
        break;
    }
    int r = flush(t);
    eco_buf_add(&t->out, line.text, line.length);
    eco_buf_char(&t->out, '\n');
    return r;
}

int eco_thin_file(const char *from, int to, struct eco_why *why)
{
    struct eco_lines *lines;
    struct eco_span line;
    struct thinner *t = eco_calloc(1, sizeof *t);
    if (!t)
        return -ENOMEM;
    int r = eco_lines_open(from, &lines, why);
    if (r < 0) {
        free(t);
        return r;
    }
    t->to = to;
    eco_buf_init(&t->out, 2 * (size_t)ECO_LONGEST_LINE);
    eco_json_init(&t->json, &t->out);
    eco_record_sums_init(&t->sums);
    while ((r = eco_lines_next(lines, &line)) > 0 && (r = add_line(t, line)) >= 0)
        ;
    if (r >= 0)
        r = flush(t);
    if (r >= 0)
        r = write_out(t);
    eco_record_sums_finish(&t->sums);
    eco_buf_finish(&t->out);
    free(t);
    (void)eco_lines_free(lines);
    if (r < 0)
        eco_why_set(why, "%s: %s", from, strerror(-r));
    return r;
}

bool eco_thin_is_useful(const char *path)
{
    struct eco_lines *lines;
    struct eco_span line, key, value;
    bool is_useful = false;
    if (eco_lines_open(path, &lines, NULL) < 0)
        return false;
    if (eco_lines_next(lines, &line) > 0 && eco_line_kind_of(line) == ECO_LINE_BEGIN) {
        bool is_long_or_thin = false;
        while (eco_scan_member(&line, &key, &value)) {
            bool is_long =
                eco_scan_is(key, "interval_s") && eco_scan_double(eco_scan_number(value)) >= ECO_THIN_S / 2;
            is_long_or_thin = is_long_or_thin || is_long || eco_scan_is(key, "thinned_s");
        }
        /* what cannot be read to its end could not say that it is thinned */
        is_useful = !is_long_or_thin && line.length == 1 && *line.text == '}';
    }
    (void)eco_lines_free(lines);
    return is_useful;
}
