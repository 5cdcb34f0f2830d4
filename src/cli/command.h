/* SPDX-License-Identifier: MIT */
/*
 * One command. To add one: a file of static functions that ends in one const table, a line here, in
 * commands.c and in meson.build, a test. Help, man page and completions follow from the tables.
 */
#pragma once

#include "cli/options.h"

#include <stdio.h>

#define ECO_EXIT_NO      1   /* a negative answer: doctor FAIL */
#define ECO_EXIT_MISUSE  2   /* misuse, or the command itself failed */
#define ECO_EXIT_BUDGET  122 /* of `run`: a budget was exceeded, and that is to tell */
#define ECO_EXIT_RUN     125 /* of `run`: our own failure, before CMD has started */
#define ECO_EXIT_NOEXEC  126
#define ECO_EXIT_MISSING 127

struct eco_example {
    const char *line; /* what to type; NULL ends the list */
    const char *text; /* what it does */
};

struct eco_command;

/* One call of a command, all layers of options applied. */
struct eco_call {
    const struct eco_command *command;
    struct eco_settings settings;
    struct eco_option_set set;
    struct eco_config *config; /* keeps the texts of configuration files; owned by main() */
    int32_t pid;               /* of the process that was started, where that is another one; 0 = this one */
    char *const *words;        /* what follows the options, NULL-ended */
    char **gathered;           /* the words where options stood between them; owned by main() */
    char *const *line;         /* the command's name and all words behind it, NULL-ended */
};

struct eco_command {
    const char *name;
    const char *summary;     /* one line, no full stop */
    const char *usage;       /* behind "ecocode NAME" */
    const char *description; /* paragraphs, separated by an empty line; filled by help to the width */
    const struct eco_example *examples;
    const struct eco_option *const *options; /* NULL-ended list of tables, in the order of help */
    bool takes_words;
    bool options_anywhere;             /* options may stand behind words too, until "--" */
    bool takes_no_config;              /* reads no configuration: it must work when that is broken */
    int misuse;                        /* exit status of misuse; 0 = ECO_EXIT_MISUSE */
    int (*run)(struct eco_call *call); /* the exit status */
};

extern const struct eco_command eco_command_run, eco_command_mark, eco_command_monitor, eco_command_calibrate,
    eco_command_status, eco_command_sensors, eco_command_doctor, eco_command_config, eco_command_version,
    eco_command_help;
/* Of ecocode-history; here are their tables only. */
extern const struct eco_command eco_command_history, eco_command_export, eco_command_import,
    eco_command_merge, eco_command_compare, eco_command_bench, eco_command_check, eco_command_report;
extern const struct eco_command *const eco_commands[]; /* NULL-ended, in the order of help */

/* Tables that several commands share (option_tables.c). */
extern const struct eco_option eco_options_common[], eco_options_output[], eco_options_report[],
    eco_options_measure[], eco_options_job[], eco_options_paths[], eco_options_impact[];

/** Check of an option: "1234,1250". */
int eco_check_pids(const char *text, struct eco_why *why);
/** Check of an option: not empty. */
int eco_check_filled(const char *text, struct eco_why *why);

const struct eco_command *eco_command_find(const char *name);

/**
 * main() of a program that has these commands.
 *
 * @param run  called in place of each command's own function; NULL = that one
 * @return the exit status
 */
int eco_dispatch(int argc, char **argv, int (*run)(struct eco_call *call));

/** The commands of ecocode-history: becomes that program, with the words that we were called with. */
int eco_history_become(struct eco_call *call);
/** The other way: path of `ecocode`, as seen from ecocode-history. False when it is not there. */
bool eco_program_find(char *ret, size_t size);

/** "ecocode: run: TEXT" and, where there is one, "; try: FIX", as one line on stderr. Returns `status`. */
int eco_fail(const struct eco_command *command, int status, const struct eco_why *why);
/** The same with a text of its own; the text is made safe for a terminal. */
int eco_failf(const struct eco_command *command, int status, const char *format, ...) ECO_PRINTF(3, 4);
/** A notice on stderr: "ecocode: TEXT". */
void eco_notice(const char *format, ...) ECO_PRINTF(1, 2);

/** Help of one command, or with NULL of the program. */
void eco_help_write(const struct eco_command *command, FILE *out);
/** The twelve lines of a bare `ecocode`. */
void eco_help_banner(FILE *out);
/** Words filled to 79 columns from `column` on, further lines indented by `indent`; ends the line. */
void eco_help_fill(FILE *out, const char *text, unsigned column, unsigned indent);
/** Page of section 1; NULL = ecocode(1). */
void eco_man_write(const struct eco_command *command, FILE *out);
/** Completion script. -EINVAL for another shell than bash, zsh, fish. */
int eco_completion_write(const char *shell, FILE *out) ECO_MUST_CHECK;
