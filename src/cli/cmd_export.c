/* SPDX-License-Identifier: MIT */
/* The tables of `export`, `import` and `merge`; ecocode-history does the work. */
#include "cli/command.h"

static const char *const format_choices[] = {"csv", "json", "jsonl", "openmetrics", NULL};
static const char *const row_choices[] = {"runs", "frames", "processes", NULL};
static const struct eco_option export_options[] = {
    {.name = "format",
     .kind = ECO_OPTION_CHOICE,
     .value = "FORMAT",
     .choices = format_choices,
     .offset = offsetof(struct eco_settings, export_format),
     .only_here = true,
     .help = "csv, json, jsonl or openmetrics; without it the suffix of the output decides, else csv"},
    {.name = "rows",
     .kind = ECO_OPTION_CHOICE,
     .value = "WHAT",
     .choices = row_choices,
     .offset = offsetof(struct eco_settings, rows),
     .only_here = true,
     .help =
         "runs (one row each), frames (one row per interval and domain) or processes (those of the report); "
         "without it frames, of json the runs"},
    {.name = "output",
     .letter = 'o',
     .kind = ECO_OPTION_LIST,
     .value = "FILE",
     .offset = offsetof(struct eco_settings, outputs),
     .only_here = true,
     .is_file = true,
     .check = eco_check_filled,
     .help = "Write to FILE in place of standard output; it is replaced when the whole is written; may be "
             "repeated"},
    {0}};
static const struct eco_example export_examples[] = {
    {"ecocode export last -o run.csv", "the intervals of the last run"},
    {"ecocode export label:project=net --rows runs", "a row for every run with that label"},
    {"ecocode export last -o run.om", "for promtool tsdb create-blocks-from openmetrics"},
    {0}};
static const struct eco_option *const export_tables[] = {export_options, eco_options_common,
                                                         eco_options_output, NULL};
const struct eco_command eco_command_export = {
    .name = "export",
    .summary = "Write recorded runs as CSV, JSON, JSON Lines or OpenMetrics",
    .usage = "[RUN...] [options]",
    .description = "Runs of any length are streamed. Without a RUN it is the last.\n\nA RUN is the beginning "
                   "of an id, \"last\", "
                   "\"last~N\" (the Nth before it), \"label:KEY=VALUE\" or a file.",
    .examples = export_examples,
    .options = export_tables,
    .takes_words = true,
    .options_anywhere = true,
    .run = eco_history_become};

static const struct eco_example import_examples[] = {
    {"ecocode import emissions.csv", "take what CodeCarbon has written"},
    {"ecocode import node7/*.jsonl", "take the records of another machine"},
    {0}};
static const struct eco_option *const import_tables[] = {eco_options_common, eco_options_output, NULL};
const struct eco_command eco_command_import = {
    .name = "import",
    .summary = "Take records of other machines and tools into the history",
    .usage = "FILE... [options]",
    .description = "Records and reports of ecocode (.jsonl, .json), and emissions.csv of CodeCarbon, of "
                   "which each row is a run: "
                   "estimated, by policy full, for CodeCarbon charges a run with all that the machine used. "
                   "What is in the "
                   "history already stays as it is.",
    .examples = import_examples,
    .options = import_tables,
    .takes_words = true,
    .options_anywhere = true,
    .run = eco_history_become};

static const struct eco_option merge_options[] = {
    {.name = "output",
     .letter = 'o',
     .kind = ECO_OPTION_LIST,
     .value = "FILE",
     .offset = offsetof(struct eco_settings, outputs),
     .only_here = true,
     .is_file = true,
     .check = eco_check_filled,
     .help = "Write the sum to FILE as JSON, a report like any other; may be repeated"},
    {.name = "quiet",
     .letter = 'q',
     .kind = ECO_OPTION_FLAG,
     .offset = offsetof(struct eco_settings, quiet),
     .help = "Print nothing; files are written all the same"},
    {0}};
static const struct eco_example merge_examples[] = {
    {"ecocode merge rank-*.json -o job.json", "one report of the whole job"},
    {"ecocode merge label:job=4711", "the same from the history"},
    {0}};
static const struct eco_option *const merge_tables[] = {merge_options, eco_options_common, eco_options_output,
                                                        NULL};
const struct eco_command eco_command_merge = {
    .name = "merge",
    .summary = "Add up the ranks and nodes of one job",
    .usage = "RUN... [options]",
    .description =
        "What the ranks used is added up. What a machine used counts once, however many ranks measured it; "
        "it is "
        "known where one of them measured for the whole time. A run that was measured inside another counts "
        "once.\n\nA RUN is a file, the beginning of an id, \"last\", \"last~N\" or \"label:KEY=VALUE\".",
    .examples = merge_examples,
    .options = merge_tables,
    .takes_words = true,
    .options_anywhere = true,
    .run = eco_history_become};
