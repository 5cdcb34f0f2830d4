/* SPDX-License-Identifier: MIT */
/* The tables of `compare`, `bench` and `check`; ecocode-history does the work. */
#include "base/parse.h"
#include "cli/command.h"

#include <errno.h>

#define AT(member) offsetof(struct eco_settings, member)

static int check_percent(const char *text, struct eco_why *why)
{
    double ratio;
    if (eco_parse_percent(text, &ratio) == 0)
        return 0;
    eco_why_set(why, "a percentage, such as 2%%");
    return -EINVAL;
}

#define MARGIN_OPTION                                                                          \
    {                                                                                          \
        .name = "margin", .kind = ECO_OPTION_TEXT, .value = "PERCENT", .check = check_percent, \
        .offset = AT(margin), .help = "A smaller difference is as good as none (2%)"           \
    }

static const struct eco_example compare_examples[] = {
    {"ecocode compare last~1 last", "what has changed since the run before"},
    {"ecocode compare label:ref=main label:ref=new", "two groups of runs"},
    {0}};
static const struct eco_option compare_options[] = {MARGIN_OPTION, {0}};
static const struct eco_option *const compare_tables[] = {compare_options, eco_options_common,
                                                          eco_options_output, NULL};
const struct eco_command eco_command_compare = {
    .name = "compare",
    .summary = "Compare the energy of recorded runs",
    .usage = "A B [options]",
    .description =
        "A and B are each a RUN or several: the beginning of an id, \"last\", \"last~N\" (the Nth before "
        "it), "
        "\"label:KEY=VALUE\" (all that have it), a file, a folder of files, or a list of these with "
        "commas.\n\nOne run against one has no verdict: chance cannot be told from a difference. Groups "
        "have one where their runs were made in turn or over several days; what was run one group after "
        "the other also differs by temperature and time of day. `ecocode bench` runs commands in turn.",
    .examples = compare_examples,
    .options = compare_tables,
    .takes_words = true,
    .options_anywhere = true,
    .run = eco_history_become};

static const struct eco_option bench_options[] = {
    {.name = "runs",
     .letter = 'r',
     .kind = ECO_OPTION_COUNT,
     .value = "N",
     .min = 1,
     .max = 1000,
     .offset = AT(runs),
     .only_here = true,
     .help = "Run each command N times in place of stopping when it is decided (at least 6 of two commands)"},
    {.name = "warmup",
     .letter = 'w',
     .kind = ECO_OPTION_COUNT,
     .value = "N",
     .min = 1,
     .max = 1000,
     .offset = AT(warmup),
     .only_here = true,
     .help = "Runs of each command that are not counted, first (1)"},
    {.name = "name",
     .letter = 'n',
     .kind = ECO_OPTION_LIST,
     .value = "NAME",
     .offset = AT(names),
     .only_here = true,
     .check = eco_check_filled,
     .help = "Show NAME for the first command, given again for the next"},
    MARGIN_OPTION,
    {.name = "shell",
     .letter = 'S',
     .kind = ECO_OPTION_TEXT,
     .value = "SHELL",
     .offset = AT(shell),
     .only_here = true,
     .check = eco_check_filled,
     .help = "Run commands by SHELL -c (/bin/sh); what the shell itself uses counts"},
    {.name = "no-shell",
     .letter = 'N',
     .kind = ECO_OPTION_FLAG,
     .offset = AT(no_shell),
     .only_here = true,
     .help = "Run commands without a shell, for very short ones"},
    {.name = "ignore-failure",
     .letter = 'i',
     .kind = ECO_OPTION_FLAG,
     .offset = AT(ignore_failure),
     .only_here = true,
     .help = "Go on when a command fails"},
    {.name = "show-output",
     .kind = ECO_OPTION_FLAG,
     .offset = AT(show_output),
     .only_here = true,
     .help = "Let the commands print, to standard error"},
    {.name = "export-json",
     .kind = ECO_OPTION_TEXT,
     .value = "FILE",
     .offset = AT(export_json),
     .only_here = true,
     .is_file = true,
     .check = eco_check_filled,
     .help = "Write everything to FILE as JSON too, each measurement included"},
    {.name = "export-markdown",
     .kind = ECO_OPTION_TEXT,
     .value = "FILE",
     .offset = AT(export_markdown),
     .only_here = true,
     .is_file = true,
     .check = eco_check_filled,
     .help = "Write the table to FILE as Markdown too"},
    {.name = "quiet",
     .letter = 'q',
     .kind = ECO_OPTION_FLAG,
     .offset = AT(quiet),
     .help = "Leave out progress and report; files are written all the same"},
    {0}};
static const struct eco_example bench_examples[] = {
    {"ecocode bench 'sort a' 'sort -u a'", "which one uses less"},
    {"ecocode bench -n old -n new './a.out' './b.out' --export-markdown bench.md", "with names, for a page"},
    {"ecocode bench -r 20 'make -j4'", "what one command uses, 20 times"},
    {0}};
static const struct eco_option *const bench_tables[] = {bench_options, eco_options_common, eco_options_output,
                                                        NULL};
const struct eco_command eco_command_bench = {
    .name = "bench",
    .summary = "Compare the energy of commands by running them in turn",
    .usage = "[options] 'CMD A' ['CMD B'...]",
    .description =
        "Runs the commands in blocks, AB BA AB ..., until it is decided whether B uses more or less "
        "than A, or the same within the margin; 40 blocks at most. Each further command is compared "
        "with the first. Looks at 8, 12, 18, 27 and 40 blocks are wrong in 5 of 100 taken together. "
        "Commands too short for the counter are repeated within each measurement.\n\nThe answer is "
        "by own energy where the idle power of the machine is known, else with its share of idle; "
        "both are shown. Ctrl-C ends it with what is there.",
    .examples = bench_examples,
    .options = bench_tables,
    .takes_words = true,
    .options_anywhere = true,
    .run = eco_history_become};

static const struct eco_option check_options[] = {
    {.name = "baseline",
     .kind = ECO_OPTION_LIST,
     .value = "RUN",
     .offset = AT(baselines),
     .only_here = true,
     .is_file = true,
     .check = eco_check_filled,
     .help = "What is compared with: a RUN, a label with several, a file or a folder; may be repeated"},
    {.name = "tolerance",
     .kind = ECO_OPTION_TEXT,
     .value = "PERCENT",
     .offset = AT(tolerance),
     .check = check_percent,
     .help = "Growth up to this passes (5%)"},
    {.name = "markdown",
     .kind = ECO_OPTION_TEXT,
     .value = "FILE",
     .offset = AT(markdown),
     .only_here = true,
     .is_file = true,
     .check = eco_check_filled,
     .help = "Write a summary fit for a pull request to FILE too"},
    {.name = "github-summary",
     .kind = ECO_OPTION_FLAG,
     .offset = AT(github_summary),
     .only_here = true,
     .help = "Add the summary to the page of this step (the file that GITHUB_STEP_SUMMARY names)"},
    {.name = "force",
     .kind = ECO_OPTION_FLAG,
     .offset = AT(force),
     .only_here = true,
     .help = "Judge by fewer runs, two and two at least; it is wrong more often then"},
    {0}};
static const struct eco_example check_examples[] = {
    {"ecocode check --baseline label:ref=main label:ref=new", "fail on a regression"},
    {"ecocode check --baseline main/ new/ --tolerance 3% --markdown energy.md",
     "with reports in two folders"},
    {0}};
static const struct eco_option *const check_tables[] = {check_options, eco_options_common, eco_options_output,
                                                        NULL};
const struct eco_command eco_command_check = {
    .name = "check",
    .summary = "Fail when energy has grown against a baseline",
    .usage = "--baseline REF RUN... [options]",
    .description =
        "For continuous integration: exit status 1 when the runs use more than the baseline by more than the "
        "tolerance, and the lower end of the 95 % interval is above no change; 0 when not; 2 when it cannot "
        "be "
        "told. It takes 5 runs of the baseline and 3 to check: one against one would fail unchanged code in "
        "4 "
        "to 24 of 100.\n\nA RUN is the beginning of an id, \"last\", \"last~N\", \"label:KEY=VALUE\" (all "
        "that "
        "have it), a file, or a folder of reports that `ecocode run -o FILE.json` wrote. Runs that failed "
        "are "
        "left out; what stands on both sides is no baseline.",
    .examples = check_examples,
    .options = check_tables,
    .takes_words = true,
    .options_anywhere = true,
    .run = eco_history_become};
