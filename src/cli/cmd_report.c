/* SPDX-License-Identifier: MIT */
/* The tables of `report`; ecocode-history does the work. */
#include "cli/command.h"

static const struct eco_example report_examples[] = {
    {"ecocode report last -o report.html", "a page about the last run"}, {0}};
static const struct eco_option *const report_tables[] = {eco_options_common, eco_options_output, NULL};
const struct eco_command eco_command_report = {
    .name = "report",
    .summary = "Write a page about a run",
    .usage = "RUN... -o report.html [options]",
    .description = "One file that needs no network.\n\nA RUN is the beginning of its id, \"last\", "
                   "\"last~N\" (the Nth before it), \"label:KEY=VALUE\" or a file.",
    .examples = report_examples,
    .options = report_tables,
    .takes_words = true,
    .options_anywhere = true,
    .run = eco_history_become};
