/* SPDX-License-Identifier: MIT */
/*
 * CSV in long form (RFC 4180): one row per interval and domain, then one named "total" that sums the counted
 * domains. An empty cell is not known. Columns are explained in docs/api.md; they only ever grow with the
 * version in the first one.
 */
#include "base/text.h"
#include "sinks/groups.h"
#include "sinks/number.h"
#include "sinks/sink.h"
#include "sinks/tally.h"

#include <math.h>
#include <string.h>

#define CSV_SCHEMA "ecocode.csv/1"

struct csv_sink {
    struct eco_sink base;
    struct eco_tally tally;
    struct eco_groups groups;
};

static void put_comma(struct eco_buf *out)
{
    eco_buf_char(out, ',');
}

static void put_text(struct eco_buf *out, const char *text)
{
    char clean[2 * ECO_NAME_MAX];
    (void)eco_text_clean(clean, sizeof(clean), text, strlen(text), false);
    if (!strpbrk(clean, ",\"")) {
        eco_buf_text(out, clean);
        return;
    }
    eco_buf_char(out, '"');
    for (const char *c = clean; *c; c++) {
        if (*c == '"')
            eco_buf_char(out, '"');
        eco_buf_char(out, *c);
    }
    eco_buf_char(out, '"');
}

static void put_number(struct eco_buf *out, double value)
{
    put_comma(out);
    eco_number_add(out, value);
}

static void put_seconds(struct eco_buf *out, uint64_t ns)
{
    put_number(out, (double)ns / (double)ECO_NS_PER_S);
}

static void put_joules(struct eco_buf *out, double uj)
{
    put_number(out, uj / 1e6);
}

/* The columns that every row of an interval begins with. */
static void put_interval(struct eco_buf *out, const struct eco_sink *sink, const struct eco_frame *frame,
                         const struct eco_interval *interval)
{
    char time[ECO_TIME_TEXT_MAX];
    eco_time_format(frame->t1_real_ns, time);
    eco_buf_text(out, CSV_SCHEMA ",");
    put_text(out, sink->begin->run_id ? sink->begin->run_id : "");
    put_comma(out);
    eco_number_add_u64(out, frame->seq);
    put_comma(out);
    eco_buf_text(out, time);
    put_seconds(out, interval->t1_ns);
    put_seconds(out, interval->t1_ns - interval->t0_ns);
    put_seconds(out, interval->suspended_ns);
    put_comma(out);
}

static void put_energy(struct eco_buf *out, const struct eco_frame *frame,
                       const struct eco_frame_domain *domain, const char *policy)
{
    put_comma(out);
    if (domain->state != ECO_ENERGY_OK) {
        eco_buf_text(out, ",");
        eco_buf_text(out, policy);
        eco_buf_text(out, ",,,,,,,,,");
        put_seconds(out, domain->gap_ns);
        return;
    }
    const struct eco_split *split = &domain->split[frame->headline];
    eco_buf_text(out, eco_quality_name(domain->quality));
    put_comma(out);
    eco_buf_text(out, policy);
    put_joules(out, split->job_uj);
    put_joules(out, split->others_uj);
    put_joules(out, split->idle_uj);
    put_joules(out, split->unattributed_uj);
    put_joules(out, domain->machine_uj);
    put_joules(out, domain->split[ECO_SLOT_ACTIVE].job_uj);
    put_joules(out, domain->split[ECO_SLOT_FULL].job_uj);
    put_number(out, domain->span_ns > 0 ? domain->machine_uj * 1e3 / (double)domain->span_ns : (double)NAN);
    put_seconds(out, domain->span_ns);
    put_seconds(out, domain->gap_ns);
}

static void put_domain_row(struct eco_buf *out, const struct eco_frame *frame,
                           const struct eco_interval *interval, unsigned index, const char *policy)
{
    const struct eco_domain *info = &frame->domain_info[index];
    put_text(out, info->name);
    put_comma(out);
    eco_buf_text(out, eco_kind_name(info->kind));
    eco_buf_text(out, info->counted ? ",true" : ",false");
    put_energy(out, frame, &interval->domains[index], policy);
    eco_buf_text(out, ",,,,\n");
}

static void put_total_row(struct eco_buf *out, const struct eco_frame *frame,
                          const struct eco_interval *interval, const char *policy)
{
    eco_buf_text(out, "total,total,");
    put_energy(out, frame, interval->total, policy);
    put_seconds(out, interval->job_cpu_ns);
    put_seconds(out, interval->machine_cpu_ns);
    put_comma(out);
    if (frame->job_rss_bytes > 0)
        eco_number_add_u64(out, frame->job_rss_bytes);
    put_comma(out);
    eco_number_add_u64(out, frame->job_alive);
    eco_buf_char(out, '\n');
}

/* A group that did something or lives: its energy stands in the column of the job's, of which it is a part.
 */
static void put_group_row(struct eco_buf *out, const struct eco_frame *frame,
                          const struct eco_interval *interval, const struct eco_groups *groups,
                          const struct eco_group_sum *sum, const char *policy)
{
    char space[ECO_GROUPING_TEXT_MAX];
    const char *key = eco_group_key(groups, sum, space);
    bool known = isfinite(sum->frame_uj);
    put_text(out, key ? key : "-");
    put_comma(out);
    eco_buf_text(out, eco_grouping_name(groups->by));
    eco_buf_text(out, ",,");
    if (known)
        eco_buf_text(out, eco_quality_name(interval->total->quality));
    put_comma(out);
    eco_buf_text(out, policy);
    put_joules(out, sum->frame_uj);
    eco_buf_text(out, ",,,,");
    put_joules(out, frame->headline == ECO_SLOT_ACTIVE ? sum->frame_uj : (double)NAN);
    put_joules(out, frame->headline == ECO_SLOT_FULL ? sum->frame_uj : (double)NAN);
    eco_buf_text(out, ",,");
    if (known)
        eco_number_add(out, (double)interval->total->span_ns / (double)ECO_NS_PER_S);
    put_comma(out);
    put_seconds(out, sum->frame_cpu_ns);
    eco_buf_text(out, ",,,");
    if (groups->by != ECO_GROUPING_TREE)
        eco_number_add_u64(out, sum->alive);
    eco_buf_char(out, '\n');
}

static int put_groups(struct csv_sink *sink, const struct eco_frame *frame,
                      const struct eco_interval *interval, const char *policy)
{
    struct eco_groups *groups = &sink->groups;
    groups->by = sink->base.options.by;
    if (groups->by == ECO_GROUPING_NONE)
        return 0;
    int r = eco_groups_add_frame(groups, frame, interval);
    for (size_t i = 0; i < groups->count && r == 0; i++) {
        const struct eco_group_sum *sum = &groups->all[i];
        if (!sum->is_seen && !sum->frame_cpu_ns)
            continue;
        put_interval(&sink->base.out, &sink->base, frame, interval);
        put_group_row(&sink->base.out, frame, interval, groups, sum, policy);
    }
    return r;
}

static void close_csv(struct eco_sink *base)
{
    eco_groups_finish(&((struct csv_sink *)base)->groups);
}

static int write_frame(struct eco_sink *base, const struct eco_frame *frame)
{
    struct csv_sink *sink = (struct csv_sink *)base;
    struct eco_buf *out = &base->out;
    struct eco_interval interval;
    const char *policy = eco_slot_policy_name(frame->headline, base->begin->policy);
    eco_tally_add(&sink->tally, frame, &interval);

    size_t start = out->length;
    put_interval(out, base, frame, &interval);
    size_t length = out->length - start;
    for (unsigned i = 0; i < frame->domain_count; i++) {
        put_domain_row(out, frame, &interval, i, policy);
        if (eco_buf_error(out) < 0)
            return eco_buf_error(out);
        /* The next row begins like the first; the copy is taken before the buffer may move. */
        char prefix[256];
        if (length < sizeof(prefix)) {
            memcpy(prefix, out->data + start, length);
            eco_buf_add(out, prefix, length);
        } else {
            put_interval(out, base, frame, &interval);
        }
    }
    put_total_row(out, frame, &interval, policy);
    return put_groups(sink, frame, &interval, policy);
}

const struct eco_sink_ops eco_sink_csv = {
    .name = "csv",
    .suffix = ".csv",
    .summary = "one row per interval and domain, written as it happens (" CSV_SCHEMA ")",
    .stream = true,
    .header = "schema,run_id,seq,time,t_s,interval_s,suspended_s,domain,kind,counted,quality,policy,job_j,"
              "others_j,idle_j,unattributed_j,machine_j,job_active_j,job_full_j,machine_power_w,span_s,gap_s,"
              "job_cpu_s,machine_cpu_s,job_rss_bytes,job_processes",
    .size = sizeof(struct csv_sink),
    .frame = write_frame,
    .close = close_csv,
};
