/* SPDX-License-Identifier: MIT */
/* `compare`: two runs, or two groups of them. */
#include "base/json.h"
#include "base/parse.h"
#include "base/text.h"
#include "cli/terminal.h"
#include "ecocode/ecocode.h"
#include "history/commands.h"
#include "history/comparison.h"
#include "history/figures.h"
#include "history/pair_text.h"

#include <stdio.h>
#include <string.h>

#define MARGIN     0.02
#define LEAST      2 /* runs on each side: one has no spread */
#define OUTPUT_MAX (64u << 20)
#define OWN_END    22
#define SPREAD_AT  24
#define FULL_END   46
#define TIME_END   62

struct sides {
    const char *words[2];
    struct eco_group groups[2];
    struct eco_comparison comparison;
    double margin;
};

static void add_names(struct eco_page *page, const struct sides *sides)
{
    for (size_t s = 0; s < 2; s++) {
        const struct eco_group *group = &sides->groups[s];
        char word[64], command[160];
        struct eco_line line = {"   "};
        eco_page_clean(page, sides->words[s], 40, word, sizeof word);
        eco_page_clean(page, group->samples[0].command, 60, command, sizeof command);
        eco_line_printf(&line, "%c  ", "AB"[s]);
        if (group->count == 1)
            eco_line_printf(&line, "%.6s, %.16s", group->samples[0].run_id, group->samples[0].started_at);
        else
            eco_line_printf(&line, "%zu runs of %s", group->count, word);
        eco_line_printf(&line, "%s%s", *command ? ": " : "", command);
        eco_page_line(page, &line, ECO_STYLE_PLAIN);
    }
    eco_page_blank(page);
}

static void add_side(struct eco_page *page, const struct sides *sides, size_t s)
{
    const struct eco_side *side = s ? &sides->comparison.b : &sides->comparison.a;
    const struct eco_interval *own = &side->own, *full = &side->full;
    const struct eco_interval *answer = sides->comparison.has_own ? own : full;
    char text[ECO_FIGURE_TEXT_MAX];
    struct eco_line line = {"   "};
    eco_line_printf(&line, "%c", "AB"[s]);
    eco_format_energy(sides->comparison.has_own ? own->estimate : ECO_NAN, own->low, own->high, text);
    eco_line_right(&line, OWN_END, text);
    eco_format_spread(answer->estimate, answer->low, answer->high, page->utf8, text);
    eco_line_pad(&line, SPREAD_AT);
    eco_line_add(&line, text);
    eco_format_energy(full->estimate, full->low, full->high, text);
    eco_line_right(&line, FULL_END, text);
    eco_duration_format(side->duration_s, text);
    eco_line_right(&line, TIME_END, text);
    eco_page_line(page, &line, ECO_STYLE_PLAIN);
}

static void add_answer(struct eco_page *page, const struct sides *sides)
{
    const struct eco_comparison *comparison = &sides->comparison;
    struct eco_buf text;
    eco_buf_init(&text, 1024);
    if (*comparison->obstacle)
        eco_buf_printf(&text, "no verdict: %s", comparison->obstacle);
    else
        eco_add_verdict(&text, eco_comparison_answer(comparison), "A", "B", sides->margin);
    eco_page_wrap(page, text.error ? "no memory" : text.data, ECO_STYLE_BOLD);
    eco_buf_finish(&text);
    eco_pair_rows(page, comparison->has_own ? &comparison->own : NULL, &comparison->full,
                  comparison->time_ratio);
}

static void write_text(struct eco_buf *out, const struct sides *sides)
{
    const struct eco_comparison *comparison = &sides->comparison;
    struct eco_page page = {.out = out, .width = ECO_TEXT_WIDTH, .utf8 = eco_terminal_utf8()};
    struct eco_line line = {""};
    eco_page_blank(&page);
    eco_page_text(&page, "EcoCode compare", ECO_STYLE_BOLD);
    eco_page_blank(&page);
    add_names(&page, sides);
    eco_line_right(&line, OWN_END, "own energy");
    eco_line_right(&line, FULL_END, "with idle");
    eco_line_right(&line, TIME_END, "time");
    eco_page_line(&page, &line, ECO_STYLE_DIM);
    for (size_t s = 0; s < 2; s++)
        add_side(&page, sides, s);
    eco_page_blank(&page);
    add_answer(&page, sides);
    if (comparison->note_count || *comparison->obstacle)
        eco_page_blank(&page);
    for (unsigned i = 0; i < comparison->note_count; i++)
        eco_page_wrap(&page, comparison->notes[i], ECO_STYLE_PLAIN);
    if (*comparison->obstacle)
        eco_page_wrap(&page, "Commands run in turn, with a verdict: ecocode bench 'CMD A' 'CMD B'",
                      ECO_STYLE_PLAIN);
    eco_page_blank(&page);
}

static void put_side(struct eco_json *json, const char *key, const struct sides *sides, size_t s)
{
    const struct eco_side *side = s ? &sides->comparison.b : &sides->comparison.a;
    eco_json_key(json, key);
    eco_json_open(json, '{');
    eco_json_kstring(json, "ref", sides->words[s]);
    eco_json_key(json, "runs");
    eco_json_open(json, '[');
    for (size_t i = 0; i < sides->groups[s].count; i++)
        eco_json_string(json, sides->groups[s].samples[i].run_id);
    eco_json_close(json, ']');
    eco_json_kdouble(json, "own_j", sides->comparison.has_own ? side->own.estimate : ECO_NAN);
    eco_json_kdouble(json, "with_idle_j", side->full.estimate);
    eco_json_kdouble(json, "duration_s", side->duration_s);
    eco_json_close(json, '}');
}

static void write_json(struct eco_buf *out, const struct sides *sides)
{
    const struct eco_comparison *comparison = &sides->comparison;
    struct eco_json json;
    eco_json_init(&json, out);
    eco_json_open(&json, '{');
    eco_json_kstring(&json, "schema", "ecocode.compare/1");
    eco_json_kstring(&json, "ecocode_version", eco_version());
    put_side(&json, "a", sides, 0);
    put_side(&json, "b", sides, 1);
    eco_json_kstring(&json, "verdict", eco_verdict_name(eco_comparison_answer(comparison)->verdict));
    eco_json_kstring(&json, "by", comparison->has_own ? "own" : "with_idle");
    eco_json_judgement(&json, "own", &comparison->own);
    eco_json_judgement(&json, "with_idle", &comparison->full);
    eco_json_kdouble(&json, "time_ratio", comparison->time_ratio);
    eco_json_kdouble(&json, "margin_ratio", sides->margin);
    eco_json_kbool(&json, "is_interleaved", comparison->is_in_turn);
    eco_json_kdouble(&json, "idle_power_w", comparison->idle_w);
    eco_json_kstring(&json, "obstacle", *comparison->obstacle ? comparison->obstacle : NULL);
    eco_json_key(&json, "notes");
    eco_json_open(&json, '[');
    for (unsigned i = 0; i < comparison->note_count; i++)
        eco_json_string(&json, comparison->notes[i]);
    eco_json_close(&json, ']');
    eco_json_close(&json, '}');
    eco_buf_char(out, '\n');
}

static int compare(struct eco_call *call, struct sides *sides)
{
    struct eco_why why = {0};
    struct eco_comparison_rule rule = {.margin = sides->margin, .least_a = LEAST, .least_b = LEAST};
    struct eco_buf out;
    for (size_t s = 0; s < 2; s++) {
        sides->words[s] = call->words[s];
        if (eco_group_add(&sides->groups[s], call->words[s], &why) < 0)
            return eco_fail(call->command, ECO_EXIT_MISUSE, &why);
        (void)eco_group_sort(&sides->groups[s]);
    }
    if (eco_group_remove_common(&sides->groups[1], &sides->groups[0]) && sides->groups[1].count == 0)
        return eco_failf(call->command, ECO_EXIT_MISUSE, "'%.40s' and '%.40s' are the same", sides->words[0],
                         sides->words[1]);
    int r = eco_compare(&sides->groups[0], &sides->groups[1], &rule, &sides->comparison);
    if (r < 0)
        return eco_failf(call->command, ECO_EXIT_MISUSE, "%s", strerror(-r));
    eco_buf_init(&out, OUTPUT_MAX);
    if (call->settings.json)
        write_json(&out, sides);
    else
        write_text(&out, sides);
    int status = out.error ? eco_failf(call->command, ECO_EXIT_MISUSE, "%s", strerror(-out.error)) : 0;
    if (status == 0)
        (void)fwrite(out.data, 1, out.length, stdout);
    eco_buf_finish(&out);
    return status;
}

int eco_cmd_compare(struct eco_call *call)
{
    struct sides sides = {.margin = MARGIN};
    if (!call->words[0] || !call->words[1] || call->words[2])
        return eco_failf(call->command, ECO_EXIT_MISUSE,
                         "two runs or groups, such as: ecocode compare last~1 last");
    if (call->settings.margin && eco_parse_percent(call->settings.margin, &sides.margin) < 0)
        return eco_failf(call->command, ECO_EXIT_MISUSE, "--margin: '%.40s' is not a percentage",
                         call->settings.margin);
    int status = compare(call, &sides);
    eco_group_finish(&sides.groups[0]);
    eco_group_finish(&sides.groups[1]);
    return status;
}
