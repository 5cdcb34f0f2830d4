/* SPDX-License-Identifier: MIT */
/*
 * `bench`: commands run in turn until it is decided which uses less. The parts of it: words.c makes command
 * lines, bench_run.c measures one, bench_judge.c draws the conclusions, bench_text/json/markdown.c show them.
 */
#pragma once

#include "base/buf.h"
#include "cli/command.h"
#include "history/sample.h"
#include "history/verdict.h"

#include <limits.h>
#include <signal.h>
#include <stdbool.h>

#define ECO_BENCH_COMMANDS_MAX 16u
#define ECO_BENCH_BLOCKS_MAX   ECO_STATS_MAX
#define ECO_BENCH_ALONE        10u /* measurements of a command that is compared with none */

enum eco_bench_end {
    ECO_BENCH_DECIDED,
    ECO_BENCH_LAST_LOOK,
    ECO_BENCH_ASKED, /* as many as -r says */
    ECO_BENCH_INTERRUPTED
};

/* A figure of one command: its middle, and where the truth lies in 95 of 100. nan = not known. */
struct eco_bench_figure {
    struct eco_interval chance; /* what the repetitions show */
    double low_j, high_j;       /* the sensor's own error and the others of a single run as well */
};

struct eco_bench_command {
    const char *text; /* as given, borrowed */
    char name[200];   /* fit for a terminal */
    char **argv;      /* what is measured, owned, with its strings */
    uint64_t repeats; /* executions in one measurement; energies and times are those of one */
    unsigned failures;
    struct eco_bench_figure own, full;
    double duration_s; /* median */
};

/* Command 0 and another one. */
struct eco_bench_pair {
    struct eco_judgement own, full;
    double time_ratio;
};

/* What of two figures for a pair is the answer: without idle power where that is known. */
struct eco_bench {
    const struct eco_command *command;
    const struct eco_settings *settings;
    struct eco_bench_command commands[ECO_BENCH_COMMANDS_MAX];
    unsigned count;
    struct eco_sample *samples; /* [block * count + command], owned; energies of one execution */
    bool *outliers;             /* the same order, owned */
    size_t blocks, capacity;    /* whole ones; room for */
    size_t blocks_wanted;       /* 0 = until decided */
    double level, margin;
    unsigned start;                                      /* which order comes first */
    struct eco_bench_pair pairs[ECO_BENCH_COMMANDS_MAX]; /* [0] unused */
    bool has_own;                                        /* the idle power is known in all */
    enum eco_bench_end end;
    double baseline_s; /* how long the quiet machine was watched, 0 = its idle power was known */
    double others_ratio;
    char idle_method[16];
    double idle_w;
    bool is_estimated;
    char program[PATH_MAX], folder[64]; /* ecocode; where reports are put */
};

static inline struct eco_sample *eco_bench_sample(const struct eco_bench *bench, size_t block,
                                                  unsigned command)
{
    return &bench->samples[block * bench->count + command];
}

static inline char eco_bench_letter(unsigned command)
{
    return (char)('A' + command);
}

/* ---- bench_words.c ---- */

/**
 * The command line that `ecocode run` is given: the shell with the text, or its words, and around it a loop
 * where it is repeated. Replaces command->argv.
 *
 * @return 0, -ENOMEM, -EINVAL (a quote that is not closed, no word) with a reason
 */
int eco_bench_words(const struct eco_settings *settings, struct eco_bench_command *command,
                    struct eco_why *why) ECO_MUST_CHECK;
void eco_bench_words_free(struct eco_bench_command *command);

/* ---- bench_run.c ---- */

/** Signals that end a session are noted from now on. Once. */
void eco_bench_watch_signals(void);
/** The signal that came, 0 = none. */
int eco_bench_signal(void);
/** -errno with a reason; the folder is removed by eco_bench_close_folder(). */
int eco_bench_open_folder(struct eco_bench *bench, struct eco_why *why) ECO_MUST_CHECK;
void eco_bench_close_folder(struct eco_bench *bench);
/**
 * Measure a command once.
 *
 * @return 0; -EINTR: a signal came; -ECHILD: the command failed or could not be started, with a reason;
 * negative errno with a reason
 */
int eco_bench_measure(struct eco_bench *bench, unsigned command, struct eco_sample *ret,
                      struct eco_why *why) ECO_MUST_CHECK;
/** Watch the machine while nothing of ours runs, so that its idle power is learnt. As eco_bench_measure(). */
int eco_bench_watch_idle(struct eco_bench *bench, double seconds, struct eco_why *why) ECO_MUST_CHECK;

/* ---- bench_judge.c, pure ---- */

/** Fill pairs, figures and outliers from the whole blocks, by bench->level. 0 or -ENOMEM. */
int eco_bench_judge(struct eco_bench *bench) ECO_MUST_CHECK;
/** True when every pair has its verdict, by the figure that is the answer. */
bool eco_bench_is_decided(const struct eco_bench *bench);
static inline const struct eco_judgement *eco_bench_answer(const struct eco_bench *bench, unsigned command)
{
    return bench->has_own ? &bench->pairs[command].own : &bench->pairs[command].full;
}

/* ---- how it is shown ---- */

void eco_bench_text(struct eco_buf *out, const struct eco_bench *bench, bool utf8);
void eco_bench_json(struct eco_buf *out, const struct eco_bench *bench);
void eco_bench_markdown(struct eco_buf *out, const struct eco_bench *bench);
