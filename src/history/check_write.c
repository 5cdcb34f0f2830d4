/* SPDX-License-Identifier: MIT */
/* A check for people, for programs (`ecocode.check/1`) and for a pull request. */
#include "base/json.h"
#include "ecocode/ecocode.h"
#include "history/check.h"
#include "history/figures.h"
#include "sinks/text.h"

#include <stdio.h>
#include <string.h>

static const struct eco_interval *side_of(const struct eco_check *check, bool is_candidate)
{
    const struct eco_side *side = is_candidate ? &check->comparison.b : &check->comparison.a;
    return check->comparison.has_own ? &side->own : &side->full;
}

static const char *figure_name(const struct eco_check *check)
{
    return check->comparison.has_own ? "Own energy" : "Energy with its share of idle";
}

static void add_sentence(struct eco_buf *out, const struct eco_check *check)
{
    double ratio = eco_comparison_answer(&check->comparison)->ratio.estimate, change = (ratio - 1) * 100;
    double tolerance = check->tolerance * 100;
    switch (check->state) {
    case ECO_CHECK_REGRESSION:
        eco_buf_printf(out,
                       "%s has grown by %.1f %%, more than %.3g %%, and chance alone does not explain it",
                       figure_name(check), change, tolerance);
        return;
    case ECO_CHECK_UNCERTAIN:
        eco_buf_printf(out,
                       "%s seems to have grown by %.1f %%, but these runs vary so much that it may be "
                       "chance: no failure. More runs would tell",
                       figure_name(check), change);
        return;
    case ECO_CHECK_IMPROVED:
        eco_buf_printf(out, "%s has fallen by %.1f %%", figure_name(check), -change);
        return;
    case ECO_CHECK_WITHIN:
        break;
    }
    eco_buf_printf(out, "%s has changed by %+.1f %%, within the tolerance of %.3g %%", figure_name(check),
                   change, tolerance);
}

static void add_line(struct eco_page *page, const char *what, const struct eco_group *group,
                     const struct eco_interval *energy)
{
    char text[ECO_FIGURE_TEXT_MAX], command[96];
    struct eco_line line = {"   "};
    eco_line_add(&line, what);
    eco_format_energy(energy->estimate, energy->low, energy->high, text);
    eco_line_right(&line, 24, text);
    eco_format_spread(energy->estimate, energy->low, energy->high, page->utf8, text);
    eco_line_pad(&line, 26);
    eco_line_add(&line, text);
    eco_page_clean(page, group->samples[group->count - 1].command, 30, command, sizeof command);
    eco_line_pad(&line, 36);
    eco_line_printf(&line, "%zu runs%s%s", group->count, *command ? ", " : "", command);
    eco_page_line(page, &line, ECO_STYLE_PLAIN);
}

void eco_check_text(struct eco_buf *out, const struct eco_check *check, bool utf8)
{
    struct eco_page page = {.out = out, .width = ECO_TEXT_WIDTH, .utf8 = utf8};
    const struct eco_interval *ratio = &eco_comparison_answer(&check->comparison)->ratio;
    char text[ECO_FIGURE_TEXT_MAX], range[ECO_FIGURE_TEXT_MAX];
    struct eco_line line = {"   change"};
    struct eco_buf sentence;
    eco_page_blank(&page);
    eco_page_text(&page,
                  check->state == ECO_CHECK_REGRESSION ? "EcoCode check  FAILED" : "EcoCode check  passed",
                  ECO_STYLE_BOLD);
    eco_page_blank(&page);
    add_line(&page, "baseline", &check->baseline, side_of(check, false));
    add_line(&page, "now", &check->candidates, side_of(check, true));
    eco_format_change(ratio->estimate, text);
    eco_format_range(ratio, range);
    eco_line_right(&line, 24, text);
    eco_line_pad(&line, 26);
    eco_line_printf(&line, "95 %% interval %s; tolerance %.3g %%", range, check->tolerance * 100);
    eco_page_line(&page, &line, ECO_STYLE_PLAIN);
    eco_page_blank(&page);
    eco_buf_init(&sentence, 1024);
    add_sentence(&sentence, check);
    eco_page_wrap(&page, sentence.error ? "no memory" : sentence.data, ECO_STYLE_PLAIN);
    eco_buf_finish(&sentence);
    for (unsigned i = 0; i < check->comparison.note_count; i++)
        eco_page_wrap(&page, check->comparison.notes[i], ECO_STYLE_PLAIN);
    eco_page_blank(&page);
}

static void put_side(struct eco_json *json, const char *key, const struct eco_check *check, bool is_candidate)
{
    const struct eco_group *group = is_candidate ? &check->candidates : &check->baseline;
    const struct eco_interval *energy = side_of(check, is_candidate);
    eco_json_key(json, key);
    eco_json_open(json, '{');
    eco_json_key(json, "runs");
    eco_json_open(json, '[');
    for (size_t i = 0; i < group->count; i++)
        eco_json_string(json, group->samples[i].run_id);
    eco_json_close(json, ']');
    eco_json_kdouble(json, "energy_j", energy->estimate);
    eco_json_kdouble(json, "low_j", energy->low);
    eco_json_kdouble(json, "high_j", energy->high);
    eco_json_close(json, '}');
}

void eco_check_json(struct eco_buf *out, const struct eco_check *check)
{
    struct eco_json json;
    const struct eco_interval *ratio = &eco_comparison_answer(&check->comparison)->ratio;
    eco_json_init(&json, out);
    eco_json_open(&json, '{');
    eco_json_kstring(&json, "schema", "ecocode.check/1");
    eco_json_kstring(&json, "ecocode_version", eco_version());
    eco_json_kbool(&json, "passed", check->state != ECO_CHECK_REGRESSION);
    eco_json_kstring(&json, "state", eco_check_state_name(check->state));
    eco_json_kstring(&json, "by", check->comparison.has_own ? "own" : "with_idle");
    eco_json_kdouble(&json, "tolerance_ratio", check->tolerance);
    eco_json_kdouble(&json, "ratio", ratio->estimate);
    eco_json_kdouble(&json, "low_ratio", ratio->low);
    eco_json_kdouble(&json, "high_ratio", ratio->high);
    eco_json_kdouble(&json, "level", ratio->level);
    put_side(&json, "baseline", check, false);
    put_side(&json, "candidates", check, true);
    eco_json_key(&json, "notes");
    eco_json_open(&json, '[');
    for (unsigned i = 0; i < check->comparison.note_count; i++)
        eco_json_string(&json, check->comparison.notes[i]);
    eco_json_close(&json, ']');
    eco_json_close(&json, '}');
    eco_buf_char(out, '\n');
}

/* What a program is called is text of others: nothing of it may become a link, a tag or a mention. */
static void add_code(struct eco_buf *out, const char *text)
{
    eco_buf_char(out, '`');
    for (const char *c = text; *c; c++)
        eco_buf_char(out, *c == '`' || *c == '|' || (unsigned char)*c < ' ' ? '\'' : *c);
    eco_buf_char(out, '`');
}

static void add_markdown_side(struct eco_buf *out, const struct eco_check *check, bool is_candidate)
{
    const struct eco_group *group = is_candidate ? &check->candidates : &check->baseline;
    const struct eco_interval *energy = side_of(check, is_candidate);
    char text[ECO_FIGURE_TEXT_MAX], spread[ECO_FIGURE_TEXT_MAX];
    eco_format_energy(energy->estimate, energy->low, energy->high, text);
    eco_format_spread(energy->estimate, energy->low, energy->high, true, spread);
    eco_buf_printf(out, "| %s | %zu | %s %s | ", is_candidate ? "now" : "baseline", group->count, text,
                   spread);
    const char *command = group->samples[group->count - 1].command;
    if (*command)
        add_code(out, command);
    eco_buf_text(out, " |\n");
}

void eco_check_markdown(struct eco_buf *out, const struct eco_check *check)
{
    const struct eco_interval *ratio = &eco_comparison_answer(&check->comparison)->ratio;
    char text[ECO_FIGURE_TEXT_MAX], range[ECO_FIGURE_TEXT_MAX];
    eco_format_change(ratio->estimate, text);
    eco_format_range(ratio, range);
    static const char *const titles[] = {"regression", "passed, but not certain", "passed",
                                         "passed, and less"};
    eco_buf_printf(out, "### Energy: %s\n\n", titles[check->state]);
    add_sentence(out, check);
    eco_buf_printf(out, ".\n\n| | runs | %s | command |\n|:--|--:|--:|:--|\n", figure_name(check));
    add_markdown_side(out, check, false);
    add_markdown_side(out, check, true);
    eco_buf_printf(out, "| change | | **%s** (95 %% interval %s) | tolerance %.3g %% |\n", text, range,
                   check->tolerance * 100);
    for (unsigned i = 0; i < check->comparison.note_count; i++)
        eco_buf_printf(out, "\n%s.\n", check->comparison.notes[i]);
}
