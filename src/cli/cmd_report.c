/* SPDX-License-Identifier: MIT */
/* The tables of `report`; ecocode-history does the work. */
#include "cli/command.h"

#define AT(field) offsetof(struct eco_settings, field)

static const char *const report_formats[] = {"html", "md", "json", NULL};

/* Not keys of the configuration: `output` there is where `run` writes. */
static const struct eco_option report_options[] = {
    {.name = "output",
     .letter = 'o',
     .kind = ECO_OPTION_LIST,
     .value = "FILE",
     .offset = AT(outputs),
     .only_here = true,
     .is_file = true,
     .check = eco_check_filled,
     .help = "Write to FILE: a page (.html), Markdown (.md) or the figures behind the page (.json); - is "
             "standard "
             "output; may be repeated"},
    {.name = "format",
     .kind = ECO_OPTION_CHOICE,
     .value = "FORMAT",
     .choices = report_formats,
     .offset = AT(format),
     .only_here = true,
     .help = "html, md or json, whatever the suffix"},
    {.name = "json",
     .kind = ECO_OPTION_FLAG,
     .offset = AT(json),
     .only_here = true,
     .help = "Print the figures behind the page"},
    {.name = "statement",
     .kind = ECO_OPTION_FLAG,
     .offset = AT(statement),
     .only_here = true,
     .help = "Print a paragraph for a paper: boundary, policy, factors, versions and interval"},
    {0}};

static const struct eco_example report_examples[] = {
    {"ecocode report last -o report.html", "a page about the last run"},
    {"ecocode report label:exp=a label:exp=b -o report.html", "runs side by side"},
    {"ecocode report 7f3a91 -o report.md --statement", "for a merge request, and for a paper"},
    {0}};
static const struct eco_option *const report_tables[] = {eco_options_common, report_options, NULL};
const struct eco_command eco_command_report = {
    .name = "report",
    .summary = "Write a page about runs, or a paragraph for a paper",
    .usage = "[RUN...] -o report.html [options]",
    .description =
        "One file that needs no network, for screens of any width and for paper: the figures with their "
        "interval, power over time, energy by process, graphics cards, impact with its factors, how "
        "everything is known and what is not counted. Several runs stand side by side.\n\nA RUN is the "
        "beginning of its id, \"last\", \"last~N\" (the Nth before it), \"label:KEY=VALUE\" or a file; "
        "without one it is the last.",
    .examples = report_examples,
    .options = report_tables,
    .takes_words = true,
    .options_anywhere = true,
    .run = eco_history_become};
