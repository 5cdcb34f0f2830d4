/* SPDX-License-Identifier: MIT */
/* `bench`: the session from its first discarded run to what is shown. */
#include "history/bench.h"

#include "base/mem.h"
#include "base/parse.h"
#include "base/text.h"
#include "cli/terminal.h"
#include "history/commands.h"
#include "history/figures.h"
#include "history/out_file.h"

#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define MARGIN        0.02
#define BASELINE_S    3.0
#define PERIODS       200.0 /* of the counter: so long is a measurement at least (method B4) */
#define MEASURE_MAX_S 20.0  /* but never made longer than that */
#define REPEATS_MAX   100000.0
#define LEVEL_ONCE    0.95
#define LEVEL_CTRL_C  0.99
#define OUTPUT_MAX    (64u << 20)

static void clear_progress(const struct eco_bench *bench)
{
    if (!bench->settings->quiet && isatty(STDERR_FILENO))
        (void)fputs("\r\033[K", stderr);
}

/* One line that is written over: block, command, and what it looks like so far. */
static void show_progress(const struct eco_bench *bench, const char *what, unsigned command)
{
    char so_far[96] = "";
    if (bench->settings->quiet || !isatty(STDERR_FILENO))
        return;
    if (bench->count > 1 && bench->blocks > 0) {
        char change[ECO_FIGURE_TEXT_MAX];
        const struct eco_judgement *answer = eco_bench_answer(bench, 1);
        eco_format_change(answer->ratio.estimate, change);
        (void)snprintf(so_far, sizeof so_far, ", B / A so far %s", change);
    }
    size_t last = bench->blocks_wanted ? bench->blocks_wanted : eco_looks_last();
    (void)fprintf(stderr, "\r\033[K%s %zu of %s%zu: %c%s", what, bench->blocks + 1,
                  bench->blocks_wanted ? "" : "at most ", last, eco_bench_letter(command), so_far);
    (void)fflush(stderr);
}

/* A run that is not counted: caches, and how long it takes. */
static int discard(struct eco_bench *bench, unsigned command, struct eco_sample *ret, struct eco_why *why)
{
    show_progress(bench, "discarded run before block", command);
    return eco_bench_measure(bench, command, ret, why);
}

/* Without an idle power there is no own energy: three quiet seconds teach it, once. */
static int learn_idle(struct eco_bench *bench, struct eco_sample *sample, struct eco_why *why)
{
    if (strcmp(sample->idle_method, "none") != 0)
        return 0;
    if (!bench->settings->quiet && isatty(STDERR_FILENO))
        (void)fprintf(stderr, "\r\033[Kidle power is not known: watching the machine for %.0f s", BASELINE_S);
    int r = eco_bench_watch_idle(bench, BASELINE_S, why);
    if (r < 0)
        return r;
    bench->baseline_s = BASELINE_S;
    return discard(bench, 0, sample, why);
}

static uint64_t repeats_for(const struct eco_sample *sample)
{
    double want_s = fmin(PERIODS * sample->period_s, MEASURE_MAX_S);
    double repeats = ceil(want_s / fmax(sample->duration_s, 1e-6));
    return repeats > 1 ? (uint64_t)fmin(repeats, REPEATS_MAX) : 1;
}

static int warm_up(struct eco_bench *bench, struct eco_why *why)
{
    uint64_t times = bench->settings->warmup ? bench->settings->warmup : 1;
    struct eco_sample sample = {.idle_w = ECO_NAN}; /* a signal may come before the first report */
    int r = discard(bench, 0, &sample, why);
    if (r == 0)
        r = learn_idle(bench, &sample, why);
    for (unsigned c = 0; r == 0 && c < bench->count; c++) {
        for (uint64_t i = c == 0; r == 0 && i < times; i++)
            r = discard(bench, c, &sample, why);
        if (r < 0)
            break;
        bench->commands[c].failures = 0;
        bench->commands[c].repeats = repeats_for(&sample);
        if (bench->commands[c].repeats > 1)
            r = eco_bench_words(bench->settings, &bench->commands[c], why);
    }
    (void)eco_text_copy(bench->idle_method, sizeof bench->idle_method, sample.idle_method);
    bench->idle_w = sample.idle_w;
    bench->is_estimated = sample.is_estimated;
    return r;
}

static int make_room(struct eco_bench *bench)
{
    size_t flags = bench->capacity, need = (bench->blocks + 1) * bench->count;
    size_t limit = (size_t)ECO_BENCH_BLOCKS_MAX * ECO_BENCH_COMMANDS_MAX;
    int r = eco_grow((void **)&bench->outliers, &flags, need, limit, sizeof *bench->outliers);
    if (r < 0)
        return r;
    return eco_grow((void **)&bench->samples, &bench->capacity, need, limit, sizeof *bench->samples);
}

static int measure_block(struct eco_bench *bench, struct eco_why *why)
{
    unsigned order[ECO_BENCH_COMMANDS_MAX];
    int r = make_room(bench);
    eco_block_order(bench->count, bench->blocks, bench->start, order);
    for (unsigned i = 0; r == 0 && i < bench->count; i++) {
        show_progress(bench, "block", order[i]);
        r = eco_bench_measure(bench, order[i], eco_bench_sample(bench, bench->blocks, order[i]), why);
    }
    if (r == 0)
        bench->blocks++;
    return r;
}

/* Blocks until it is decided. 0 also when a signal ended it: what is there is judged then. */
static int measure(struct eco_bench *bench, struct eco_why *why)
{
    size_t wanted = bench->blocks_wanted;
    int r = warm_up(bench, why);
    while (r == 0) {
        r = measure_block(bench, why);
        if (r == 0)
            r = eco_bench_judge(bench);
        if (r < 0)
            break;
        if (wanted ? bench->blocks == wanted : bench->blocks == eco_looks_last()) {
            bench->end = wanted ? ECO_BENCH_ASKED : ECO_BENCH_LAST_LOOK;
            break;
        }
        if (!wanted && eco_looks_is_due(bench->blocks, bench->count) && eco_bench_is_decided(bench))
            break;
    }
    if (r == 0 && !wanted && eco_bench_is_decided(bench))
        bench->end = ECO_BENCH_DECIDED;
    if (r != -EINTR)
        return r;
    bench->end = ECO_BENCH_INTERRUPTED;
    bench->level = fmax(bench->level, LEVEL_CTRL_C);
    return eco_bench_judge(bench);
}

static int take_commands(struct eco_bench *bench, struct eco_call *call)
{
    struct eco_why why = {0};
    for (; call->words[bench->count]; bench->count++) {
        unsigned index = bench->count;
        if (index == ECO_BENCH_COMMANDS_MAX)
            return eco_failf(call->command, ECO_EXIT_MISUSE, "more than %u commands", ECO_BENCH_COMMANDS_MAX);
        struct eco_bench_command *command = &bench->commands[index];
        command->text = call->words[index];
        command->repeats = 1;
        const char *name =
            index < call->settings.names.count ? call->settings.names.items[index] : command->text;
        (void)eco_text_clean(command->name, sizeof command->name, name, strlen(name), !eco_terminal_utf8());
        if (eco_bench_words(&call->settings, command, &why) < 0)
            return eco_failf(call->command, ECO_EXIT_MISUSE, "'%.60s': %s", command->text,
                             *why.text ? why.text : "no memory");
    }
    if (call->settings.names.count > bench->count)
        return eco_failf(call->command, ECO_EXIT_MISUSE, "more names (-n) than commands");
    return bench->count ? 0
                        : eco_failf(call->command, ECO_EXIT_MISUSE,
                                    "which command? such as: ecocode bench "
                                    "'sort a' 'sort -u a'");
}

/* How many blocks, and at which level each look is taken. */
static int plan(struct eco_bench *bench)
{
    const struct eco_settings *settings = bench->settings;
    struct timespec now = {0};
    if (settings->margin && eco_parse_percent(settings->margin, &bench->margin) < 0)
        return eco_failf(bench->command, ECO_EXIT_MISUSE,
                         "--margin: '%.40s' is not a percentage, such as 2%%", settings->margin);
    (void)clock_gettime(CLOCK_REALTIME, &now);
    bench->start = (unsigned)(now.tv_nsec / 1000) ^ (unsigned)getpid();
    bench->blocks_wanted = settings->runs;
    if (bench->count == 1) {
        bench->blocks_wanted = settings->runs ? settings->runs : ECO_BENCH_ALONE;
        bench->level = LEVEL_ONCE;
        return 0;
    }
    if (!settings->runs) {
        bench->level = eco_looks_level(bench->count);
        return 0;
    }
    bench->level = 1 - (1 - LEVEL_ONCE) / (bench->count - 1);
    size_t least = eco_signed_rank_least(bench->level);
    if (settings->runs >= least)
        return 0;
    return eco_failf(bench->command, ECO_EXIT_MISUSE,
                     "-r %llu is too few to tell %u commands apart: -r %zu at least",
                     (unsigned long long)settings->runs, bench->count, least);
}

static int export_to(const struct eco_bench *bench, const char *path,
                     void (*write)(struct eco_buf *out, const struct eco_bench *bench))
{
    struct eco_buf text;
    struct eco_out_file out;
    struct eco_why why = {0};
    if (!path)
        return 0;
    eco_buf_init(&text, OUTPUT_MAX);
    write(&text, bench);
    int r = text.error;
    if (r == 0)
        r = eco_out_open(path, &out, &why);
    if (r == 0) {
        (void)fwrite(text.data, 1, text.length, out.file);
        r = eco_out_commit(&out, &why);
    }
    eco_buf_finish(&text);
    return r == 0 ? 0 : eco_failf(bench->command, ECO_EXIT_MISUSE, "%s", *why.text ? why.text : strerror(-r));
}

static int show(const struct eco_bench *bench)
{
    struct eco_buf text;
    eco_buf_init(&text, OUTPUT_MAX);
    if (bench->settings->json)
        eco_bench_json(&text, bench);
    else if (!bench->settings->quiet)
        eco_bench_text(&text, bench, eco_terminal_utf8());
    int status = text.error ? eco_failf(bench->command, ECO_EXIT_MISUSE, "%s", strerror(-text.error)) : 0;
    if (status == 0 && text.length)
        (void)fwrite(text.data, 1, text.length, stdout);
    eco_buf_finish(&text);
    if (status == 0)
        status = export_to(bench, bench->settings->export_json, eco_bench_json);
    if (status == 0)
        status = export_to(bench, bench->settings->export_markdown, eco_bench_markdown);
    return status;
}

static int run_session(struct eco_bench *bench)
{
    struct eco_why why = {0};
    if (!eco_program_find(bench->program, sizeof bench->program))
        return eco_failf(bench->command, ECO_EXIT_MISUSE, "ecocode itself is not where it was installed");
    if (eco_bench_open_folder(bench, &why) < 0)
        return eco_fail(bench->command, ECO_EXIT_MISUSE, &why);
    eco_bench_watch_signals();
    int r = measure(bench, &why);
    eco_bench_close_folder(bench);
    clear_progress(bench);
    if (r < 0) {
        if (!*why.text)
            eco_why_set(&why, "%s", strerror(-r));
        return eco_fail(bench->command, ECO_EXIT_MISUSE, &why);
    }
    return show(bench);
}

int eco_cmd_bench(struct eco_call *call)
{
    struct eco_bench *bench = eco_calloc(1, sizeof *bench);
    if (!bench)
        return eco_failf(call->command, ECO_EXIT_MISUSE, "no memory");
    bench->command = call->command;
    bench->settings = &call->settings;
    bench->margin = MARGIN;
    int status = take_commands(bench, call);
    if (status == 0)
        status = plan(bench);
    if (status == 0)
        status = run_session(bench);
    for (unsigned c = 0; c < bench->count; c++)
        eco_bench_words_free(&bench->commands[c]);
    free(bench->samples);
    free(bench->outliers);
    free(bench);
    int number = eco_bench_signal();
    if (number && status == 0) { /* as whoever sent it expects; a loop of a shell ends, too */
        (void)fflush(stdout);
        (void)signal(number, SIG_DFL);
        (void)raise(number);
    }
    return status;
}
