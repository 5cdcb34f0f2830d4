/* SPDX-License-Identifier: MIT */
#include "base/mem.h"
#include "base/text.h"
#include "history/bench.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define WORDS_MAX 1024

/* $1 times the command behind it. A failure ends it with its status, or (-i) does not; the last one is told.
 */
#define LOOP       "n=$1; shift; while [ \"$n\" -gt 0 ]; do \"$@\" || exit; n=$((n-1)); done"
#define LOOP_DEAF  "s=0; n=$1; shift; while [ \"$n\" -gt 0 ]; do \"$@\" || s=$?; n=$((n-1)); done; exit $s"
#define LOOP_WORDS 5

struct words {
    char **items;
    size_t count, capacity;
};

static int push(struct words *words, const char *text)
{
    int r =
        eco_grow((void **)&words->items, &words->capacity, words->count + 2, WORDS_MAX, sizeof *words->items);
    if (r < 0)
        return r;
    words->items[words->count] = eco_strdup(text);
    return words->items[words->count++] ? 0 : -ENOMEM;
}

static void finish(struct words *words)
{
    for (size_t i = 0; i < words->count; i++)
        free(words->items[i]);
    free(words->items);
    *words = (struct words){0};
}

/* The next word of `*text` into `ret`, of the same size: quotes and backslashes as a shell has them, nothing
 * else. 1 with a word, 0 at the end, -EINVAL for a quote without an end. */
static int next_word(const char **text, char *ret)
{
    const char *c = *text + strspn(*text, " \t\n");
    char quote = 0;
    bool has_word = *c != 0;
    for (; *c && (quote || !strchr(" \t\n", *c)); c++) {
        if (quote && *c == quote)
            quote = 0;
        else if (!quote && (*c == '\'' || *c == '"'))
            quote = *c;
        else if (*c == '\\' && quote != '\'' && c[1])
            *ret++ = *++c;
        else
            *ret++ = *c;
    }
    *ret = 0;
    *text = c;
    return quote ? -EINVAL : has_word;
}

static int split(const char *text, struct words *words, struct eco_why *why)
{
    char *word = eco_calloc(strlen(text) + 1, 1);
    int r = word ? 1 : -ENOMEM;
    while (r > 0) {
        r = next_word(&text, word);
        if (r > 0 && push(words, word) < 0)
            r = -ENOMEM;
    }
    free(word);
    if (r == -EINVAL)
        eco_why_set(why, "a quote has no end");
    return r;
}

static int add_loop(struct words *words, bool is_deaf, uint64_t repeats)
{
    char count[24];
    (void)snprintf(count, sizeof count, "%llu", (unsigned long long)repeats);
    const char *const loop[LOOP_WORDS] = {"/bin/sh", "-c", is_deaf ? LOOP_DEAF : LOOP, "sh", count};
    for (size_t i = 0; i < LOOP_WORDS; i++) {
        int r = push(words, loop[i]);
        if (r < 0)
            return r;
    }
    return 0;
}

static int add_command(const struct eco_settings *settings, const char *text, struct words *words,
                       struct eco_why *why)
{
    const char *shell = settings->shell ? settings->shell : "/bin/sh";
    if (settings->no_shell || strcmp(shell, "none") == 0)
        return split(text, words, why);
    int r = split(shell, words, why); /* "bash -e" */
    if (r == 0)
        r = push(words, "-c");
    return r < 0 ? r : push(words, text);
}

/* In the loop a bare name may be one that the shell does itself, such as true or echo: the program is meant.
 */
static int name_program(char **word)
{
    const char *path = getenv("PATH");
    char file[PATH_MAX];
    if (strchr(*word, '/'))
        return 0;
    for (; path && *path; path += strcspn(path, ":"), path += *path == ':') {
        int n = snprintf(file, sizeof file, "%.*s/%s", (int)strcspn(path, ":"), path, *word);
        if (n <= 0 || (size_t)n >= sizeof file || access(file, X_OK) != 0)
            continue;
        char *found = eco_strdup(file);
        if (!found)
            return -ENOMEM;
        free(*word);
        *word = found;
        return 0;
    }
    return 0;
}

int eco_bench_words(const struct eco_settings *settings, struct eco_bench_command *command,
                    struct eco_why *why)
{
    struct words words = {0};
    int r = command->repeats > 1 ? add_loop(&words, settings->ignore_failure, command->repeats) : 0;
    size_t before = words.count;
    if (r == 0)
        r = add_command(settings, command->text, &words, why);
    if (r == 0 && (words.count == before || !command->text[strspn(command->text, " \t\n")])) {
        eco_why_set(why, "an empty command");
        r = -EINVAL;
    }
    if (r == 0 && before > 0)
        r = name_program(&words.items[before]);
    if (r < 0) {
        finish(&words);
        return r;
    }
    eco_bench_words_free(command);
    command->argv = words.items; /* its end is NULL: push() keeps room for one more */
    return 0;
}

void eco_bench_words_free(struct eco_bench_command *command)
{
    for (size_t i = 0; command->argv && command->argv[i]; i++)
        free(command->argv[i]);
    free(command->argv);
    command->argv = NULL;
}
