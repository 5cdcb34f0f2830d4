/* SPDX-License-Identifier: MIT */
/* The tables of `compare`, `bench` and `check`; ecocode-history does the work. */
#include "cli/command.h"

static const struct eco_example compare_examples[] = {{"ecocode compare last~1 last", "what has changed"},
                                                      {0}};
static const struct eco_option *const compare_tables[] = {eco_options_common, eco_options_output, NULL};
const struct eco_command eco_command_compare = {
    .name = "compare",
    .summary = "Compare the energy of recorded runs",
    .usage = "A B [options]",
    .description = "A RUN is the beginning of its id, \"last\", \"last~N\" (the Nth before it), "
                   "\"label:KEY=VALUE\" or a file; a label may be a group of several.",
    .examples = compare_examples,
    .options = compare_tables,
    .takes_words = true,
    .options_anywhere = true,
    .run = eco_history_become};

static const struct eco_example bench_examples[] = {
    {"ecocode bench 'sort a' 'sort -u a'", "which one uses less"}, {0}};
static const struct eco_option *const bench_tables[] = {eco_options_common, eco_options_output, NULL};
const struct eco_command eco_command_bench = {
    .name = "bench",
    .summary = "Compare the energy of commands by running them in turn",
    .usage = "[options] 'CMD A' ['CMD B'...]",
    .description = "Runs the commands in interleaved blocks until it is decided which uses less.",
    .examples = bench_examples,
    .options = bench_tables,
    .takes_words = true,
    .options_anywhere = true,
    .run = eco_history_become};

static const struct eco_example check_examples[] = {
    {"ecocode check --baseline label:ref=main label:ref=new", "fail on a regression"}, {0}};
static const struct eco_option *const check_tables[] = {eco_options_common, eco_options_output, NULL};
const struct eco_command eco_command_check = {
    .name = "check",
    .summary = "Fail when energy has grown against a baseline",
    .usage = "--baseline REF [RUN...] [options]",
    .description = "For continuous integration: exit status 1 when the runs use more than the baseline "
                   "beyond the tolerance and the chance of the measurement.",
    .examples = check_examples,
    .options = check_tables,
    .takes_words = true,
    .options_anywhere = true,
    .run = eco_history_become};
