/* SPDX-License-Identifier: MIT */
/* The tables of `export`, `import` and `merge`; ecocode-history does the work. */
#include "cli/command.h"

static const struct eco_example export_examples[] = {
    {"ecocode export last --format csv -o run.csv", "the intervals of the last run"}, {0}};
static const struct eco_option *const export_tables[] = {eco_options_common, eco_options_output, NULL};
const struct eco_command eco_command_export = {
    .name = "export",
    .summary = "Write recorded runs as CSV, JSON, JSON Lines or OpenMetrics",
    .usage = "[RUN] [options]",
    .description = "A RUN is the beginning of its id, \"last\", \"last~N\" (the Nth before it), "
                   "\"label:KEY=VALUE\" or a file; without one it is the last.",
    .examples = export_examples,
    .options = export_tables,
    .takes_words = true,
    .options_anywhere = true,
    .run = eco_history_become};

static const struct eco_example import_examples[] = {
    {"ecocode import emissions.csv", "take what CodeCarbon has written"}, {0}};
static const struct eco_option *const import_tables[] = {eco_options_common, eco_options_output, NULL};
const struct eco_command eco_command_import = {
    .name = "import",
    .summary = "Take records of other machines and tools into the history",
    .usage = "FILE... [options]",
    .description = "Files of ecocode, and emissions.csv of CodeCarbon.",
    .examples = import_examples,
    .options = import_tables,
    .takes_words = true,
    .options_anywhere = true,
    .run = eco_history_become};

static const struct eco_example merge_examples[] = {
    {"ecocode merge rank-*.json", "one report of the whole job"}, {0}};
static const struct eco_option *const merge_tables[] = {eco_options_common, eco_options_output, NULL};
const struct eco_command eco_command_merge = {.name = "merge",
                                              .summary = "Add up the ranks and nodes of one job",
                                              .usage = "FILE... [options]",
                                              .description =
                                                  "A machine that several ranks measured counts once.",
                                              .examples = merge_examples,
                                              .options = merge_tables,
                                              .takes_words = true,
                                              .options_anywhere = true,
                                              .run = eco_history_become};
