/* SPDX-License-Identifier: MIT */
/*
 * JSON Lines: what is measured, one line per interval, and the report at the end; each line by one write.
 * Frames are written by hand, not by base/json.h: their keys are fixed and their numbers many (number.h).
 */
#include "base/json.h"
#include "sinks/groups.h"
#include "sinks/number.h"
#include "sinks/report_json.h"
#include "sinks/sink.h"
#include "sinks/tally.h"

#include <math.h>

#define FRAME_SCHEMA "ecocode.frame/1"

struct jsonl_sink {
    struct eco_sink base;
    struct eco_tally tally;
    struct eco_groups groups;
};

static void put_string(struct eco_buf *out, const char *text)
{
    struct eco_json json;
    eco_json_init(&json, out);
    eco_json_string(&json, text);
}

static void put_number(struct eco_buf *out, const char *key, double value)
{
    eco_buf_text(out, key);
    if (isfinite(value))
        eco_number_add(out, value);
    else
        eco_buf_text(out, "null");
}

static void put_count(struct eco_buf *out, const char *key, uint64_t value)
{
    eco_buf_text(out, key);
    eco_number_add_u64(out, value);
}

static void put_seconds(struct eco_buf *out, const char *key, uint64_t ns)
{
    put_number(out, key, (double)ns / (double)ECO_NS_PER_S);
}

static void put_begin_domains(struct eco_json *json, const struct eco_sink_begin *begin)
{
    eco_json_key(json, "domains");
    eco_json_open(json, '[');
    for (unsigned i = 0; i < begin->domain_count; i++) {
        const struct eco_domain *info = &begin->domains[i];
        bool has_outer = info->within >= 0 && (unsigned)info->within < begin->domain_count;
        bool has_source = info->active_source < info->source_count;
        eco_json_open(json, '{');
        eco_json_kstring(json, "name", info->name);
        eco_json_kstring(json, "kind", eco_kind_name(info->kind));
        eco_json_kbool(json, "counted", info->counted);
        eco_json_kstring(json, "within", has_outer ? begin->domains[info->within].name : NULL);
        eco_json_kstring(json, "source", has_source ? info->sources[info->active_source].source : NULL);
        eco_json_kstring(json, "quality",
                         info->quality == ECO_QUALITY_NONE ? NULL : eco_quality_name(info->quality));
        eco_json_close(json, '}');
    }
    eco_json_close(json, ']');
}

static int write_begin(struct eco_sink *sink, const struct eco_sink_begin *begin)
{
    char time[ECO_TIME_TEXT_MAX];
    struct eco_json json;
    eco_time_format(begin->started_real_ns, time);
    eco_json_init(&json, &sink->out);
    eco_json_open(&json, '{');
    eco_json_kstring(&json, "schema", FRAME_SCHEMA);
    eco_json_kstring(&json, "type", "begin");
    eco_json_kstring(&json, "ecocode_version", ECO_VERSION);
    eco_json_kstring(&json, "run_id", begin->run_id);
    eco_json_kstring(&json, "parent_run_id",
                     begin->parent_run_id && *begin->parent_run_id ? begin->parent_run_id : NULL);
    eco_json_kstring(&json, "boot_id", begin->boot_id);
    eco_json_kstring(&json, "hostname", begin->hostname);
    eco_json_ki64(&json, "pid", begin->pid);
    eco_json_key(&json, "command");
    if (begin->command) {
        eco_json_open(&json, '[');
        for (char *const *word = begin->command; *word; word++)
            eco_json_string(&json, *word);
        eco_json_close(&json, ']');
    } else {
        eco_json_null(&json);
    }
    eco_json_kstring(&json, "started_at", time);
    eco_json_kdouble(&json, "interval_s", (double)begin->interval_ns / (double)ECO_NS_PER_S);
    eco_json_kstring(&json, "policy", eco_policy_name(begin->policy));
    eco_json_kstring(&json, "accounting", begin->accounting);
    eco_json_key(&json, "labels");
    eco_json_open(&json, '{');
    for (unsigned i = 0; i < begin->label_count; i++)
        eco_json_kstring(&json, begin->labels[i].key, begin->labels[i].value);
    eco_json_close(&json, '}');
    put_begin_domains(&json, begin);
    eco_json_close(&json, '}');
    eco_buf_char(&sink->out, '\n');
    return 0;
}

/* "job_j" ... "gap_s" of one domain or of the total; all null where the interval is not known. */
static void put_energy(struct eco_buf *out, const struct eco_frame_domain *domain, enum eco_slot headline)
{
    bool known = domain->state == ECO_ENERGY_OK;
    const struct eco_split *split = &domain->split[headline];
    put_number(out, "\"job_j\":", known ? split->job_uj / 1e6 : (double)NAN);
    put_number(out, ",\"others_j\":", known ? split->others_uj / 1e6 : (double)NAN);
    put_number(out, ",\"idle_j\":", known ? split->idle_uj / 1e6 : (double)NAN);
    put_number(out, ",\"unattributed_j\":", known ? split->unattributed_uj / 1e6 : (double)NAN);
    put_number(out, ",\"machine_j\":", known ? domain->machine_uj / 1e6 : (double)NAN);
    eco_buf_text(out, ",\"quality\":");
    put_string(out, known && domain->quality != ECO_QUALITY_NONE ? eco_quality_name(domain->quality) : NULL);
    put_seconds(out, ",\"span_s\":", known ? domain->span_ns : 0);
    put_seconds(out, ",\"gap_s\":", domain->gap_ns);
}

static void put_card(struct eco_buf *out, const struct eco_interval *interval, unsigned index)
{
    const struct eco_frame_domain *domain = &interval->domains[index];
    double span_ns = (double)(interval->t1_ns - interval->t0_ns);
    bool has_busy = domain->has_card_busy && span_ns > 0;
    put_number(out, ",\"gpu_busy_ratio\":",
               has_busy ? fmin(1, (double)domain->card_busy_ns / span_ns) : (double)NAN);
    put_number(out, ",\"gpu_memory_bytes\":",
               domain->card_memory_bytes > 0 ? (double)domain->card_memory_bytes : (double)NAN);
}

static void put_domains(struct eco_buf *out, const struct eco_frame *frame,
                        const struct eco_interval *interval)
{
    eco_buf_text(out, ",\"domains\":[");
    for (unsigned i = 0; i < frame->domain_count; i++) {
        eco_buf_text(out, i > 0 ? ",{\"name\":" : "{\"name\":");
        put_string(out, frame->domain_info[i].name);
        eco_buf_text(out, frame->domain_info[i].counted ? ",\"counted\":true," : ",\"counted\":false,");
        put_energy(out, &interval->domains[i], frame->headline);
        if (frame->domain_info[i].kind == ECO_KIND_GPU)
            put_card(out, interval, i);
        eco_buf_char(out, '}');
    }
    eco_buf_char(out, ']');
}

static void put_total(struct eco_buf *out, const struct eco_frame *frame,
                      const struct eco_frame_domain *total, enum eco_policy chosen)
{
    bool known = total->state == ECO_ENERGY_OK;
    eco_buf_text(out, ",\"total\":{");
    put_energy(out, total, frame->headline);
    put_number(out, ",\"by_policy_j\":{\"active\":",
               known ? total->split[ECO_SLOT_ACTIVE].job_uj / 1e6 : (double)NAN);
    put_number(out, ",\"full\":", known ? total->split[ECO_SLOT_FULL].job_uj / 1e6 : (double)NAN);
    if (frame->slots > ECO_SLOT_CHOSEN) {
        eco_buf_char(out, ',');
        put_string(out, eco_slot_policy_name(ECO_SLOT_CHOSEN, chosen));
        put_number(out, ":", known ? total->split[ECO_SLOT_CHOSEN].job_uj / 1e6 : (double)NAN);
    }
    eco_buf_text(out, "}}");
}

static void put_processes(struct eco_buf *out, const struct eco_sink *sink, const struct eco_frame *frame,
                          const struct eco_interval *interval)
{
    const struct eco_sink_begin *begin = sink->begin;
    eco_buf_text(out, ",\"processes\":[");
    for (uint32_t i = 0; i < frame->row_count; i++) {
        const struct eco_frame_row *row = &frame->rows[i];
        const struct eco_proc_name *who =
            begin->proc_name ? begin->proc_name(begin->context, row->proc_id) : NULL;
        eco_buf_text(out, i > 0 ? ",{\"pid\":" : "{\"pid\":");
        if (who)
            eco_number_add_u64(out, who->pid > 0 ? (uint64_t)who->pid : 0);
        else
            eco_buf_text(out, "null");
        eco_buf_text(out, ",\"name\":");
        put_string(out, who ? who->name : NULL);
        put_seconds(out, ",\"cpu_s\":", row->cpu_ns);
        put_number(out, ",\"energy_j\":", eco_row_energy_uj(frame, interval, i) / 1e6);
        put_number(out, ",\"rss_bytes\":", row->rss_bytes > 0 ? (double)row->rss_bytes : (double)NAN);
        eco_buf_text(out, row->flags & ECO_PROC_JOB ? ",\"job\":true" : ",\"job\":false");
        eco_buf_text(out, row->flags & ECO_PROC_ENDED ? ",\"ended\":true}" : ",\"ended\":false}");
    }
    eco_buf_char(out, ']');
}

/* Whose the row is, where rows are put together by that. */
static void put_group(struct eco_buf *out, const struct eco_groups *groups, const struct eco_group_sum *sum)
{
    char space[ECO_GROUPING_TEXT_MAX];
    eco_buf_text(out, "{\"group\":");
    put_string(out, eco_group_key(groups, sum, space));
    eco_buf_text(out, ",\"name\":");
    put_string(out, eco_group_label(groups, sum, space));
    put_number(out, ",\"energy_j\":", sum->frame_uj / 1e6);
    put_seconds(out, ",\"cpu_s\":", sum->frame_cpu_ns);
    put_number(out, ",\"processes\":", groups->by == ECO_GROUPING_TREE ? (double)NAN : (double)sum->alive);
    put_number(out, ",\"cumulative_j\":", sum->energy_uj / 1e6);
    eco_buf_char(out, '}');
}

static int put_groups(struct jsonl_sink *sink, const struct eco_frame *frame,
                      const struct eco_interval *interval)
{
    struct eco_buf *out = &sink->base.out;
    struct eco_groups *groups = &sink->groups;
    groups->by = sink->base.options.by;
    if (groups->by == ECO_GROUPING_NONE)
        return 0;
    int r = eco_groups_add_frame(groups, frame, interval);
    eco_buf_text(out, ",\"by\":");
    put_string(out, eco_grouping_name(groups->by));
    eco_buf_text(out, ",\"groups\":[");
    const char *separator = "";
    for (size_t i = 0; i < groups->count && r == 0; i++) {
        if (!groups->all[i].is_seen)
            continue;
        eco_buf_text(out, separator);
        put_group(out, groups, &groups->all[i]);
        separator = ",";
    }
    eco_buf_char(out, ']');
    return r;
}

static void close_jsonl(struct eco_sink *base)
{
    eco_groups_finish(&((struct jsonl_sink *)base)->groups);
}

static void put_cumulative(struct eco_buf *out, const struct eco_tally *tally, const struct eco_frame *frame)
{
    const struct eco_tally_domain *total = &tally->total;
    const struct eco_split *split = &total->split[frame->headline];
    bool known = total->span_ns > 0;
    put_number(out, ",\"cumulative\":{\"job_j\":", known ? split->job_uj / 1e6 : (double)NAN);
    put_number(out, ",\"others_j\":", known ? split->others_uj / 1e6 : (double)NAN);
    put_number(out, ",\"idle_j\":", known ? split->idle_uj / 1e6 : (double)NAN);
    put_number(out, ",\"unattributed_j\":", known ? split->unattributed_uj / 1e6 : (double)NAN);
    put_number(out, ",\"machine_j\":", known ? total->machine_uj / 1e6 : (double)NAN);
    put_number(out, ",\"by_policy_j\":{\"active\":",
               known ? total->split[ECO_SLOT_ACTIVE].job_uj / 1e6 : (double)NAN);
    put_number(out, ",\"full\":", known ? total->split[ECO_SLOT_FULL].job_uj / 1e6 : (double)NAN);
    eco_buf_char(out, '}');
    put_seconds(out, ",\"duration_s\":", frame->t1_ns - tally->start_ns);
    eco_buf_char(out, '}');
}

/* Only where the job, or --expect, told something. */
static void put_now(struct eco_buf *out, const struct eco_course_now *now)
{
    struct eco_json json;
    if (!now || (!now->has_phase && !now->prediction.is_known))
        return;
    eco_buf_text(out, ",\"phase\":");
    put_string(out, now->has_phase ? now->phase : NULL);
    eco_buf_text(out, ",\"progress\":");
    eco_json_init(&json, out);
    eco_json_progress(&json, &now->progress);
    eco_buf_text(out, ",\"prediction\":");
    eco_json_init(&json, out);
    eco_json_prediction(&json, &now->prediction);
}

static int write_frame(struct eco_sink *base, const struct eco_frame *frame)
{
    struct jsonl_sink *sink = (struct jsonl_sink *)base;
    struct eco_buf *out = &base->out;
    struct eco_interval interval;
    char time[ECO_TIME_TEXT_MAX];
    eco_tally_add(&sink->tally, frame, &interval);
    eco_time_format(frame->t1_real_ns, time);
    put_count(out, "{\"schema\":\"" FRAME_SCHEMA "\",\"type\":\"frame\",\"seq\":", frame->seq);
    put_seconds(out, ",\"t_s\":", interval.t1_ns);
    eco_buf_text(out, ",\"time\":\"");
    eco_buf_text(out, time);
    put_seconds(out, "\",\"interval_s\":", interval.t1_ns - interval.t0_ns);
    put_seconds(out, ",\"suspended_s\":", interval.suspended_ns);
    eco_buf_text(out, frame->keyframe ? ",\"keyframe\":true" : ",\"keyframe\":false");
    eco_buf_text(out, ",\"policy\":");
    put_string(out, eco_slot_policy_name(frame->headline, base->begin->policy));
    put_domains(out, frame, &interval);
    put_total(out, frame, interval.total, base->begin->policy);
    put_seconds(out, ",\"job_cpu_s\":", interval.job_cpu_ns);
    put_processes(out, base, frame, &interval);
    int r = put_groups(sink, frame, &interval);
    put_cumulative(out, &sink->tally, frame);
    put_now(out, base->begin->now);
    eco_buf_text(out, "}\n");
    return r;
}

static int write_report(struct eco_sink *sink, const struct eco_report *report)
{
    eco_report_json(&sink->out, report, "end");
    return 0;
}

const struct eco_sink_ops eco_sink_jsonl = {
    .name = "jsonl",
    .suffix = ".jsonl",
    .summary = "JSON Lines, one per interval, written as it happens (" FRAME_SCHEMA ")",
    .stream = true,
    .size = sizeof(struct jsonl_sink),
    .begin = write_begin,
    .frame = write_frame,
    .report = write_report,
    .close = close_jsonl,
};
