/* SPDX-License-Identifier: MIT */
#include "base/text.h"
#include "history/bench.h"
#include "history/figures.h"
#include "history/pair_text.h"
#include "sinks/text.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define OWN_END        22
#define SPREAD_AT      24
#define FULL_END       46
#define TIME_END       62
#define OUTLIERS_SHOWN 3
#define OUTLIERS_FROM  6   /* blocks; of fewer nobody knows the spread */
#define BUSY_OTHERS    0.1 /* of the energy above idle: then others are worth a line */

static void add_head(struct eco_page *page, const struct eco_bench *bench)
{
    struct eco_line line = {""};
    if (bench->count > 1)
        eco_line_printf(&line, "EcoCode bench  %zu block%s of %u commands in turn", bench->blocks,
                        bench->blocks == 1 ? "" : "s", bench->count);
    else
        eco_line_printf(&line, "EcoCode bench  %zu measurement%s", bench->blocks,
                        bench->blocks == 1 ? "" : "s");
    if (bench->end == ECO_BENCH_INTERRUPTED)
        eco_line_add(&line, ", then interrupted");
    eco_page_blank(page);
    eco_page_line(page, &line, ECO_STYLE_BOLD);
    eco_page_blank(page);
}

static void add_names(struct eco_page *page, const struct eco_bench *bench)
{
    for (unsigned c = 0; c < bench->count; c++) {
        struct eco_line line = {"   "};
        eco_line_printf(&line, "%c  %s", eco_bench_letter(c), bench->commands[c].name);
        eco_page_line(page, &line, ECO_STYLE_PLAIN);
    }
    eco_page_blank(page);
}

static void add_titles(struct eco_page *page)
{
    struct eco_line line = {""};
    eco_line_right(&line, OWN_END, "own energy");
    eco_line_right(&line, FULL_END, "with idle");
    eco_line_right(&line, TIME_END, "time");
    eco_page_line(page, &line, ECO_STYLE_DIM);
}

static void add_command(struct eco_page *page, const struct eco_bench *bench, unsigned index)
{
    const struct eco_bench_command *command = &bench->commands[index];
    const struct eco_bench_figure *figure = bench->has_own ? &command->own : &command->full;
    const struct eco_interval *own = &command->own.chance, *full = &command->full.chance;
    char text[ECO_FIGURE_TEXT_MAX];
    bool is_alone = bench->count == 1;
    struct eco_line line = {"   "};
    eco_line_printf(&line, "%c", eco_bench_letter(index));
    eco_format_energy(own->estimate, is_alone ? command->own.low_j : own->low,
                      is_alone ? command->own.high_j : own->high, text);
    eco_line_right(&line, OWN_END, text);
    if (is_alone)
        eco_format_spread(figure->chance.estimate, figure->low_j, figure->high_j, page->utf8, text);
    else
        eco_format_spread(figure->chance.estimate, figure->chance.low, figure->chance.high, page->utf8, text);
    eco_line_pad(&line, SPREAD_AT);
    eco_line_add(&line, text);
    eco_format_energy(full->estimate, is_alone ? command->full.low_j : full->low,
                      is_alone ? command->full.high_j : full->high, text);
    eco_line_right(&line, FULL_END, text);
    eco_duration_format(command->duration_s, text);
    eco_line_right(&line, TIME_END, text);
    eco_page_line(page, &line, ECO_STYLE_PLAIN);
}

/* One undecided is no contradiction: its row says so. */
static bool do_contradict(const struct eco_bench *bench, const struct eco_bench_pair *pair)
{
    return bench->has_own && pair->own.verdict != pair->full.verdict &&
           pair->own.verdict != ECO_VERDICT_OPEN && pair->full.verdict != ECO_VERDICT_OPEN;
}

static void add_pair(struct eco_page *page, const struct eco_bench *bench, unsigned index)
{
    const struct eco_bench_pair *pair = &bench->pairs[index];
    const struct eco_judgement *answer = eco_bench_answer(bench, index);
    const char a[] = "A", b[] = {eco_bench_letter(index), 0};
    struct eco_buf sentence;
    eco_buf_init(&sentence, 512);
    eco_add_verdict(&sentence, answer, a, b, bench->margin);
    eco_page_blank(page);
    if (answer->verdict == ECO_VERDICT_NONE)
        eco_page_wrap(page, "no verdict: too few blocks", ECO_STYLE_BOLD);
    else if (sentence.error == 0)
        eco_page_wrap(page, sentence.data, ECO_STYLE_BOLD);
    eco_buf_finish(&sentence);
    eco_pair_rows(page, bench->has_own ? &pair->own : NULL, &pair->full, pair->time_ratio);
    if (do_contradict(bench, pair))
        eco_page_wrap(
            page,
            "The two verdicts differ: own energy compares the programs, the other one also what the "
            "machine draws meanwhile",
            ECO_STYLE_PLAIN);
}

static void note_repeats(struct eco_page *page, const struct eco_bench *bench)
{
    char text[512];
    size_t used = 0;
    bool is_any = false;
    for (unsigned c = 0; c < bench->count && used + 40 < sizeof text; c++) {
        is_any |= bench->commands[c].repeats > 1;
        used += (size_t)snprintf(text + used, sizeof text - used, "%s%c %llu", c ? ", " : "",
                                 eco_bench_letter(c), (unsigned long long)bench->commands[c].repeats);
    }
    if (!is_any)
        return;
    struct eco_buf line;
    eco_buf_init(&line, 1024);
    eco_buf_printf(&line,
                   "Too short for the counter alone: executions in each measurement: %s; figures are of one",
                   text);
    if (line.error == 0)
        eco_page_wrap(page, line.data, ECO_STYLE_PLAIN);
    eco_buf_finish(&line);
}

static void note_outliers(struct eco_page *page, const struct eco_bench *bench)
{
    char text[512];
    size_t used = 0, found = 0;
    for (size_t block = 0; block < bench->blocks; block++)
        for (unsigned c = 0; c < bench->count; c++) {
            const struct eco_sample *sample = eco_bench_sample(bench, block, c);
            char energy[ECO_FIGURE_TEXT_MAX];
            if (!bench->outliers[block * bench->count + c] || found++ >= OUTLIERS_SHOWN)
                continue;
            eco_format_energy(bench->has_own ? sample->own_j : sample->full_j, ECO_NAN, ECO_NAN, energy);
            used += (size_t)snprintf(text + used, sizeof text - used, "%s%c of block %zu (%.30s)",
                                     used ? ", " : "", eco_bench_letter(c), block + 1, energy);
        }
    if (found == 0 || bench->blocks < OUTLIERS_FROM)
        return;
    struct eco_buf line;
    eco_buf_init(&line, 1024);
    eco_buf_printf(&line, "Far from the others: %s", text);
    if (found > OUTLIERS_SHOWN)
        eco_buf_printf(&line, " and %zu more", found - OUTLIERS_SHOWN);
    eco_buf_printf(&line, "; %s counted all the same", found == 1 ? "it is" : "they are");
    if (line.error == 0)
        eco_page_wrap(page, line.data, ECO_STYLE_PLAIN);
    eco_buf_finish(&line);
}

static void note_sources(struct eco_page *page, const struct eco_bench *bench)
{
    char text[256];
    const struct eco_bench_command *first = &bench->commands[0];
    const struct eco_bench_figure *figure = bench->has_own ? &first->own : &first->full;
    double shared = (figure->high_j - figure->low_j) / 2 / figure->chance.estimate;
    if (bench->is_estimated)
        eco_page_wrap(
            page,
            "ESTIMATED by a model: its error is mostly the same in all measurements, so the comparison "
            "holds better than the joules",
            ECO_STYLE_WARN);
    else if (bench->count > 1 && isfinite(shared)) {
        (void)snprintf(
            text, sizeof text,
            "The joules may also all be off alike, by %.0f %% with the sensor's error; the comparison "
            "does not feel that",
            shared * 100);
        eco_page_wrap(page, text, ECO_STYLE_PLAIN);
    }
    if (!bench->has_own && bench->baseline_s > 0)
        eco_page_wrap(
            page,
            "Own energy cannot be given: the idle power is not known, and other programs left no quiet "
            "moment to learn it from; once, while nothing else runs: ecocode calibrate",
            ECO_STYLE_WARN);
    else if (!bench->has_own)
        eco_page_wrap(
            page, "Own energy cannot be given: a measurement shows none above idle; longer commands would",
            ECO_STYLE_WARN);
    else if (bench->baseline_s > 0) {
        (void)snprintf(text, sizeof text, "Idle power %.3g W, learnt from %.0f s of quiet before",
                       bench->idle_w, bench->baseline_s);
        eco_page_wrap(page, text, ECO_STYLE_PLAIN);
    }
    if (bench->others_ratio > BUSY_OTHERS) {
        (void)snprintf(text, sizeof text,
                       "Other programs used %.0f %% of the energy above idle meanwhile: a quieter "
                       "machine decides sooner",
                       bench->others_ratio * 100);
        eco_page_wrap(page, text, ECO_STYLE_PLAIN);
    }
}

static void note_end(struct eco_page *page, const struct eco_bench *bench)
{
    char text[256];
    for (unsigned c = 0; c < bench->count; c++)
        if (bench->commands[c].failures) {
            (void)snprintf(text, sizeof text, "%c failed %u times, which -i passes over", eco_bench_letter(c),
                           bench->commands[c].failures);
            eco_page_wrap(page, text, ECO_STYLE_WARN);
        }
    bool is_open = bench->count > 1 && !eco_bench_is_decided(bench);
    size_t least = eco_signed_rank_least(bench->level);
    if (is_open && bench->blocks < least) {
        (void)snprintf(text, sizeof text, "A verdict takes %zu blocks at least", least);
        eco_page_wrap(page, text, ECO_STYLE_PLAIN);
    } else if (is_open && bench->end != ECO_BENCH_INTERRUPTED) {
        (void)snprintf(text, sizeof text,
                       "To decide: a quieter machine, longer commands, a wider --margin, or -r %zu",
                       4 * bench->blocks < ECO_BENCH_BLOCKS_MAX ? 4 * bench->blocks : ECO_BENCH_BLOCKS_MAX);
        eco_page_wrap(page, text, ECO_STYLE_PLAIN);
    }
}

void eco_bench_text(struct eco_buf *out, const struct eco_bench *bench, bool utf8)
{
    struct eco_page page = {.out = out, .width = ECO_TEXT_WIDTH, .utf8 = utf8};
    add_head(&page, bench);
    if (bench->blocks == 0) {
        eco_page_wrap(&page, "nothing was measured", ECO_STYLE_PLAIN);
        eco_page_blank(&page);
        return;
    }
    add_names(&page, bench);
    add_titles(&page);
    for (unsigned c = 0; c < bench->count; c++)
        add_command(&page, bench, c);
    for (unsigned c = 1; c < bench->count; c++)
        add_pair(&page, bench, c);
    eco_page_blank(&page);
    note_repeats(&page, bench);
    note_outliers(&page, bench);
    note_sources(&page, bench);
    note_end(&page, bench);
    eco_page_blank(&page);
}
