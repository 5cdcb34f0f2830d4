/* SPDX-License-Identifier: MIT */
#include "history/check.h"

#include "base/parse.h"
#include "cli/terminal.h"
#include "history/commands.h"
#include "history/out_file.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define TOLERANCE    0.05
#define LEAST_FORCED 2 /* with one there is no interval at all */
#define OUTPUT_MAX   (16u << 20)
#define SUMMARY      "GITHUB_STEP_SUMMARY"

enum eco_check_state eco_check_judge(const struct eco_judgement *answer, double tolerance)
{
    const struct eco_interval *ratio = &answer->ratio;
    if (ratio->estimate > 1 + tolerance)
        return ratio->low > 1 ? ECO_CHECK_REGRESSION : ECO_CHECK_UNCERTAIN;
    return ratio->high < 1 ? ECO_CHECK_IMPROVED : ECO_CHECK_WITHIN;
}

const char *eco_check_state_name(enum eco_check_state state)
{
    static const char *const names[] = {"regression", "uncertain", "within", "improved"};
    return names[state];
}

static int read_groups(const struct eco_call *call, struct eco_check *check)
{
    const struct eco_texts *baselines = &call->settings.baselines;
    struct eco_why why = {0};
    int r = 0;
    for (unsigned i = 0; r == 0 && i < baselines->count; i++)
        r = eco_group_add(&check->baseline, baselines->items[i], &why);
    for (char *const *word = call->words; r == 0 && *word; word++)
        r = eco_group_add(&check->candidates, *word, &why);
    return r == 0 ? 0 : eco_fail(call->command, ECO_EXIT_MISUSE, &why);
}

/* What stands on both sides is a candidate, so that "all of this label" may be the baseline of its newest. */
static void tidy_groups(struct eco_check *check)
{
    (void)eco_group_sort(&check->baseline);
    (void)eco_group_sort(&check->candidates);
    (void)eco_group_remove_common(&check->baseline, &check->candidates);
    size_t failed = eco_group_remove_failed(&check->baseline) + eco_group_remove_failed(&check->candidates);
    if (failed)
        eco_notice("check: %zu run%s that failed or was cut off is left out", failed, failed == 1 ? "" : "s");
}

static int judge(const struct eco_call *call, struct eco_check *check)
{
    size_t baseline = check->baseline.count, candidates = check->candidates.count;
    bool is_forced = call->settings.force;
    struct eco_comparison_rule rule = {.margin = check->tolerance,
                                       .any_order = true,
                                       .least_a = is_forced ? LEAST_FORCED : ECO_CHECK_BASELINE,
                                       .least_b = is_forced ? LEAST_FORCED : ECO_CHECK_CANDIDATES};
    if (baseline < rule.least_a || candidates < rule.least_b)
        return eco_failf(
            call->command, ECO_EXIT_MISUSE,
            "%zu run%s in the baseline and %zu to check; it takes %zu and %zu at least: run it more often%s",
            baseline, baseline == 1 ? "" : "s", candidates, rule.least_a, rule.least_b,
            is_forced ? "" : ", or --force, which is wrong more often");
    int r = eco_compare(&check->baseline, &check->candidates, &rule, &check->comparison);
    if (r < 0)
        return eco_failf(call->command, ECO_EXIT_MISUSE, "%s", strerror(-r));
    if (*check->comparison.obstacle)
        return eco_failf(call->command, ECO_EXIT_MISUSE, "cannot be compared: %s",
                         check->comparison.obstacle);
    check->state = eco_check_judge(eco_comparison_answer(&check->comparison), check->tolerance);
    return 0;
}

static int save(const struct eco_call *call, const char *path, const struct eco_buf *text)
{
    struct eco_out_file out;
    struct eco_why why = {0};
    int r = eco_out_open(path, &out, &why);
    if (r == 0) {
        (void)fwrite(text->data, 1, text->length, out.file);
        r = eco_out_commit(&out, &why);
    }
    return r == 0 ? 0 : eco_fail(call->command, ECO_EXIT_MISUSE, &why);
}

/* The page that GitHub shows for a step is one file that steps add to. */
static int add_to_summary(const struct eco_call *call, const struct eco_buf *text)
{
    const char *path = getenv(SUMMARY);
    if (!path || !*path)
        return eco_failf(call->command, ECO_EXIT_MISUSE,
                         "--github-summary: " SUMMARY " is not set; elsewhere: --markdown FILE");
    FILE *file = fopen(path, "ae");
    bool ok = file && fwrite(text->data, 1, text->length, file) == text->length;
    ok = file && fclose(file) == 0 && ok;
    return ok ? 0 : eco_failf(call->command, ECO_EXIT_MISUSE, "%s: %s", path, strerror(errno));
}

static int show(const struct eco_call *call, const struct eco_check *check)
{
    struct eco_buf text, markdown;
    eco_buf_init(&text, OUTPUT_MAX);
    eco_buf_init(&markdown, OUTPUT_MAX);
    if (call->settings.json)
        eco_check_json(&text, check);
    else
        eco_check_text(&text, check, eco_terminal_utf8());
    eco_check_markdown(&markdown, check);
    int status = text.error || markdown.error ? eco_failf(call->command, ECO_EXIT_MISUSE, "no memory") : 0;
    if (status == 0)
        (void)fwrite(text.data, 1, text.length, stdout);
    if (status == 0 && call->settings.markdown)
        status = save(call, call->settings.markdown, &markdown);
    if (status == 0 && call->settings.github_summary)
        status = add_to_summary(call, &markdown);
    eco_buf_finish(&text);
    eco_buf_finish(&markdown);
    if (status == 0 && check->state == ECO_CHECK_REGRESSION)
        status = ECO_EXIT_NO;
    return status;
}

int eco_cmd_check(struct eco_call *call)
{
    struct eco_check check = {.tolerance = TOLERANCE};
    if (!call->settings.baselines.count)
        return eco_failf(call->command, ECO_EXIT_MISUSE,
                         "against what? such as: --baseline label:ref=main label:ref=new");
    if (!call->words[0])
        return eco_failf(call->command, ECO_EXIT_MISUSE,
                         "which runs? behind the baseline, such as label:ref=new, or files");
    if (call->settings.tolerance && eco_parse_percent(call->settings.tolerance, &check.tolerance) < 0)
        return eco_failf(call->command, ECO_EXIT_MISUSE, "--tolerance: '%.40s' is not a percentage",
                         call->settings.tolerance);
    int status = read_groups(call, &check);
    if (status == 0) {
        tidy_groups(&check);
        status = judge(call, &check);
    }
    if (status == 0)
        status = show(call, &check);
    eco_group_finish(&check.baseline);
    eco_group_finish(&check.candidates);
    return status;
}
