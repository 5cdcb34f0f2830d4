/* SPDX-License-Identifier: MIT */
/* A bench as JSON (docs/compare.md, `ecocode.bench/1`) and as a table in Markdown. */
#include "base/json.h"
#include "ecocode/ecocode.h"
#include "history/bench.h"
#include "history/figures.h"
#include "sinks/text.h"

#include <math.h>
#include <string.h>

static const char *end_name(enum eco_bench_end end)
{
    switch (end) {
    case ECO_BENCH_DECIDED:
        return "decided";
    case ECO_BENCH_LAST_LOOK:
        return "last_look";
    case ECO_BENCH_ASKED:
        return "asked";
    case ECO_BENCH_INTERRUPTED:
        break;
    }
    return "interrupted";
}

/* NULL where no energy is known. */
static const char *quality_name(const struct eco_bench *bench)
{
    for (size_t i = 0; i < bench->blocks * bench->count; i++)
        if (isfinite(bench->samples[i].full_j))
            return bench->is_estimated ? "estimated" : "measured";
    return NULL;
}

static void put_figure(struct eco_json *json, const char *key, const struct eco_bench_figure *figure)
{
    eco_json_key(json, key);
    eco_json_open(json, '{');
    eco_json_kdouble(json, "energy_j", figure->chance.estimate);
    eco_json_kdouble(json, "low_j", figure->low_j);
    eco_json_kdouble(json, "high_j", figure->high_j);
    eco_json_kdouble(json, "chance_low_j", figure->chance.low);
    eco_json_kdouble(json, "chance_high_j", figure->chance.high);
    eco_json_close(json, '}');
}

static void put_measurements(struct eco_json *json, const struct eco_bench *bench, unsigned command)
{
    unsigned order[ECO_BENCH_COMMANDS_MAX];
    eco_json_key(json, "measurements");
    eco_json_open(json, '[');
    for (size_t block = 0; block < bench->blocks; block++) {
        const struct eco_sample *sample = eco_bench_sample(bench, block, command);
        unsigned place = 0;
        eco_block_order(bench->count, block, bench->start, order);
        while (order[place] != command)
            place++;
        eco_json_open(json, '{');
        eco_json_ku64(json, "block", block + 1);
        eco_json_ku64(json, "place", place + 1);
        eco_json_kstring(json, "started_at", *sample->started_at ? sample->started_at : NULL);
        eco_json_kdouble(json, "own_j", sample->own_j);
        eco_json_kdouble(json, "with_idle_j", sample->full_j);
        eco_json_kdouble(json, "duration_s", sample->duration_s);
        eco_json_kbool(json, "is_outlier", bench->outliers[block * bench->count + command]);
        eco_json_close(json, '}');
    }
    eco_json_close(json, ']');
}

static void put_command(struct eco_json *json, const struct eco_bench *bench, unsigned index)
{
    const struct eco_bench_command *command = &bench->commands[index];
    const char letter[] = {eco_bench_letter(index), 0};
    eco_json_open(json, '{');
    eco_json_kstring(json, "letter", letter);
    eco_json_kstring(json, "name", command->name);
    eco_json_kstring(json, "command", command->text);
    eco_json_ku64(json, "executions_per_measurement", command->repeats);
    eco_json_ku64(json, "failures", command->failures);
    put_figure(json, "own", &command->own);
    put_figure(json, "with_idle", &command->full);
    eco_json_kdouble(json, "duration_s", command->duration_s);
    put_measurements(json, bench, index);
    eco_json_close(json, '}');
}

static void put_pair(struct eco_json *json, const struct eco_bench *bench, unsigned index)
{
    const struct eco_bench_pair *pair = &bench->pairs[index];
    const char letter[] = {eco_bench_letter(index), 0};
    eco_json_open(json, '{');
    eco_json_kstring(json, "a", "A");
    eco_json_kstring(json, "b", letter);
    eco_json_kstring(json, "verdict", eco_verdict_name(eco_bench_answer(bench, index)->verdict));
    eco_json_kstring(json, "by", bench->has_own ? "own" : "with_idle");
    eco_json_judgement(json, "own", &pair->own);
    eco_json_judgement(json, "with_idle", &pair->full);
    eco_json_kdouble(json, "time_ratio", pair->time_ratio);
    eco_json_close(json, '}');
}

void eco_bench_json(struct eco_buf *out, const struct eco_bench *bench)
{
    struct eco_json json;
    eco_json_init(&json, out);
    eco_json_open(&json, '{');
    eco_json_kstring(&json, "schema", "ecocode.bench/1");
    eco_json_kstring(&json, "ecocode_version", eco_version());
    eco_json_ku64(&json, "blocks", bench->blocks);
    eco_json_kstring(&json, "end", end_name(bench->end));
    eco_json_kdouble(&json, "level", bench->level);
    eco_json_kdouble(&json, "margin_ratio", bench->margin);
    eco_json_kstring(&json, "quality", quality_name(bench));
    eco_json_kstring(&json, "idle_method", *bench->idle_method ? bench->idle_method : "none");
    eco_json_kdouble(&json, "idle_power_w", bench->idle_w);
    eco_json_kdouble(&json, "baseline_s", bench->baseline_s);
    eco_json_kdouble(&json, "others_ratio", bench->others_ratio);
    eco_json_key(&json, "commands");
    eco_json_open(&json, '[');
    for (unsigned c = 0; c < bench->count; c++)
        put_command(&json, bench, c);
    eco_json_close(&json, ']');
    eco_json_key(&json, "comparisons");
    eco_json_open(&json, '[');
    for (unsigned c = 1; c < bench->count; c++)
        put_pair(&json, bench, c);
    eco_json_close(&json, ']');
    eco_json_close(&json, '}');
    eco_buf_char(out, '\n');
}

/* A command in a cell of a table: a bar would end the cell, whatever stands around it. */
static void add_code(struct eco_buf *out, const char *text)
{
    eco_buf_text(out, "`");
    for (const char *c = text; *c; c++) {
        if (*c == '|')
            eco_buf_text(out, "\\|");
        else
            eco_buf_char(out, *c == '`' || *c == '\n' ? '\'' : *c);
    }
    eco_buf_text(out, "`");
}

static void add_markdown_row(struct eco_buf *out, const struct eco_bench *bench, unsigned index)
{
    const struct eco_bench_command *command = &bench->commands[index];
    const struct eco_interval *own = &command->own.chance, *full = &command->full.chance;
    char energy[ECO_FIGURE_TEXT_MAX], idle[ECO_FIGURE_TEXT_MAX], time[ECO_FIGURE_TEXT_MAX];
    char change[ECO_FIGURE_TEXT_MAX] = "", range[ECO_FIGURE_TEXT_MAX] = "";
    eco_format_energy(own->estimate, own->low, own->high, energy);
    eco_format_energy(full->estimate, full->low, full->high, idle);
    eco_duration_format(command->duration_s, time);
    eco_buf_printf(out, "| %c: ", eco_bench_letter(index));
    add_code(out, command->name);
    eco_buf_printf(out, " | %s | %s | %s |", energy, idle, time);
    if (bench->count > 1) {
        const struct eco_judgement *answer = eco_bench_answer(bench, index);
        const char *verdict = index ? eco_verdict_name(answer->verdict) : "";
        if (index) {
            eco_format_change(answer->ratio.estimate, change);
            eco_format_range(&answer->ratio, range);
        }
        eco_buf_printf(out, " %s | %s | %s |", change, range, verdict ? verdict : "none");
    }
    eco_buf_char(out, '\n');
}

void eco_bench_markdown(struct eco_buf *out, const struct eco_bench *bench)
{
    char level[ECO_FIGURE_TEXT_MAX];
    eco_format_level(bench->level, level);
    eco_buf_text(out, "| command | own energy | with idle | time |");
    if (bench->count > 1)
        eco_buf_printf(out, " change | %s interval | verdict |", level);
    eco_buf_text(out, bench->count > 1 ? "\n|:--|--:|--:|--:|--:|--:|:--|\n" : "\n|:--|--:|--:|--:|\n");
    for (unsigned c = 0; c < bench->count; c++)
        add_markdown_row(out, bench, c);
}
