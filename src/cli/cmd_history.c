/* SPDX-License-Identifier: MIT */
/* The tables of `history`; ecocode-history does the work. */
#include "cli/command.h"

static const struct eco_example history_examples[] = {
    {"ecocode history", "list the runs"},
    {"ecocode history show last", "show the report of the last run again"},
    {0}};
static const struct eco_option *const history_tables[] = {eco_options_common, eco_options_output, NULL};
const struct eco_command eco_command_history = {
    .name = "history",
    .summary = "List, sum, show and delete recorded runs",
    .usage = "[show RUN | delete RUN... | prune] [options]",
    .description = "What `run` recorded, the newest last.\n\nA RUN is the beginning of its id, \"last\", "
                   "\"last~N\" (the Nth before it), \"label:KEY=VALUE\" or a file.",
    .examples = history_examples,
    .options = history_tables,
    .takes_words = true,
    .options_anywhere = true,
    .run = eco_history_become};
