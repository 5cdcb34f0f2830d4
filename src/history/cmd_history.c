/* SPDX-License-Identifier: MIT */
/* history: which of its parts is meant, and what they all need. */
#include "history/history.h"

#include "base/parse.h"
#include "store/state_dir.h"

#include <errno.h>
#include <string.h>
#include <time.h>

int eco_history_fail(const struct eco_history *history, const struct eco_why *why)
{
    (void)fflush(stdout);
    return eco_fail(history->call->command, ECO_EXIT_MISUSE, why);
}

static int make_filter(const struct eco_settings *settings, struct eco_run_filter *ret, struct eco_why *why)
{
    *ret = (struct eco_run_filter){.labels = settings->labels.items,
                                   .label_count = settings->labels.count,
                                   .command = settings->history_command,
                                   .host = settings->history_host};
    int64_t now_s = (int64_t)time(NULL);
    int r = settings->since ? eco_time_parse(settings->since, now_s, ret->since, why) : 0;
    if (r == 0 && settings->until)
        r = eco_time_parse(settings->until, now_s, ret->until, why);
    return r;
}

static int find_nth(const char *ref, struct eco_run_filter *filter, struct eco_why *why)
{
    filter->limit = 1;
    if (ref[4] == '~' && (eco_parse_u64(ref + 5, &filter->offset) < 0 || filter->offset > INT64_MAX)) {
        eco_why_set(why, "'%.40s': last~N, with a number for N", ref);
        return -EINVAL;
    }
    return 0;
}

/* An id that is not whole must not delete two runs. */
static int check_found(const char *ref, bool is_id, struct eco_catalog *found, struct eco_why *why)
{
    if (found->count == 0) {
        eco_why_set(why, "'%.40s': no such run; `ecocode history` lists them", ref ? ref : "");
        return -ENOENT;
    }
    if (!is_id || found->count == 1 || strcmp(found->runs[0].run_id, found->runs[1].run_id) == 0)
        return 0;
    eco_why_set(why, "'%.40s' is the beginning of several runs: %.12s, %.12s ...", ref, found->runs[0].run_id,
                found->runs[1].run_id);
    return -EEXIST;
}

int eco_history_find(const struct eco_history *history, const char *ref, struct eco_catalog *ret,
                     struct eco_why *why)
{
    struct eco_run_filter filter = {.limit = 0};
    const char *label = NULL;
    bool is_id = false;
    int r = 0;
    if (!ref) {
        filter = history->filter;
    } else if (strncmp(ref, "label:", 6) == 0) {
        label = ref + 6;
        filter.labels = &label;
        filter.label_count = 1;
    } else if (strcmp(ref, "last") == 0 || strncmp(ref, "last~", 5) == 0) {
        r = find_nth(ref, &filter, why);
    } else {
        is_id = true;
        filter.id = ref;
    }
    if (r == 0)
        r = eco_catalog_read(history->index, &filter, ret, why);
    if (r < 0)
        return r;
    r = check_found(ref, is_id, ret, why);
    if (r < 0)
        eco_catalog_finish(ret);
    return r;
}

static int do_action(struct eco_history *history)
{
    static const struct {
        const char *word;
        int (*run)(struct eco_history *history, char *const *refs);
    } actions[] = {
        {"show", eco_history_show}, {"delete", eco_history_delete}, {"redact", eco_history_redact}};
    struct eco_call *call = history->call;
    char *const *words = call->words;
    if (call->settings.recost)
        return eco_history_recost(history, words);
    if (!*words)
        return call->settings.sum ? eco_history_sum(history) : eco_history_list(history);
    for (size_t i = 0; i < ECO_COUNT(actions); i++)
        if (strcmp(*words, actions[i].word) == 0)
            return actions[i].run(history, words + 1);
    bool is_prune = strcmp(*words, "prune") == 0, is_trend = strcmp(*words, "trend") == 0;
    if ((is_prune || is_trend) && words[1])
        return eco_failf(call->command, ECO_EXIT_MISUSE, "%s takes no words, but options", *words);
    if (is_prune)
        return eco_history_prune(history);
    if (is_trend)
        return eco_history_trend(history);
    if (strcmp(*words, "list") == 0 && !words[1])
        return eco_history_list(history);
    return eco_failf(call->command, ECO_EXIT_MISUSE,
                     "'%s': show, trend, delete, prune or redact; for one run: ecocode history show %s",
                     *words, *words);
}

int eco_cmd_history(struct eco_call *call)
{
    struct eco_history history = {.call = call};
    struct eco_why why = {.text = ""};
    if (!eco_state_dir(history.state_dir, sizeof history.state_dir))
        return eco_failf(call->command, ECO_EXIT_MISUSE,
                         "this user has no home directory, so nothing is recorded");
    if (make_filter(&call->settings, &history.filter, &why) < 0 ||
        eco_index_open(history.state_dir, &history.index, &why) < 0)
        return eco_fail(call->command, ECO_EXIT_MISUSE, &why);
    int status = do_action(&history);
    (void)eco_index_free(history.index);
    if (fflush(stdout) == EOF && status == 0)
        return eco_failf(call->command, ECO_EXIT_MISUSE, "cannot write: %s", strerror(errno));
    return status;
}
