/* SPDX-License-Identifier: MIT */
#include "history/refs.h"

#include "base/mem.h"
#include "base/parse.h"
#include "history/catalog.h"
#include "store/state_dir.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define RUNS_MAX (1u << 20)

static int push_path(struct eco_run_list *list, const char *path, struct eco_why *why)
{
    struct eco_run_report report;
    int r = eco_run_report_read(path, &report, why);
    if (r < 0)
        return r;
    r = eco_grow((void **)&list->runs, &list->capacity, list->count + 1, RUNS_MAX, sizeof *list->runs);
    if (r < 0)
        eco_run_report_finish(&report);
    else
        list->runs[list->count++] = report;
    return r;
}

/* What the filter finds; those that went away or broke since the index was made are left out of a label's. */
static int push_all(struct eco_run_list *list, const struct eco_catalog *catalog, size_t count,
                    struct eco_why *why)
{
    int r = 0;
    for (size_t i = 0; i < count; i++) {
        r = push_path(list, catalog->runs[i].path, why);
        if (r == -ENOMEM)
            return r;
    }
    return list->count > 0 ? 0 : r;
}

static int make_filter(const char *ref, size_t limit, const char **label, struct eco_run_filter *ret,
                       struct eco_why *why)
{
    *ret = (struct eco_run_filter){.limit = 2};
    if (strncmp(ref, "label:", 6) == 0) {
        *label = ref + 6;
        if (!strchr(*label, '=')) {
            eco_why_set(why, "'%.40s': label:KEY=VALUE", ref);
            return -EINVAL;
        }
        ret->labels = label;
        ret->label_count = 1;
        ret->limit = limit;
    } else if (strcmp(ref, "last") == 0 || strncmp(ref, "last~", 5) == 0) {
        ret->limit = 1;
        if (ref[4] == '~' && (eco_parse_u64(ref + 5, &ret->offset) < 0 || ret->offset > INT64_MAX)) {
            eco_why_set(why, "'%.40s': last~N, with a number for N", ref);
            return -EINVAL;
        }
    } else {
        ret->id = ref;
    }
    return 0;
}

static int tell_missing(const struct eco_index *index, const char *ref, const struct eco_catalog *found,
                        struct eco_why *why)
{
    struct eco_catalog all;
    struct eco_run_filter any = {.limit = 1};
    int r = eco_catalog_read(index, &any, &all, why);
    if (r < 0)
        return r;
    unsigned long long total = all.matching;
    eco_catalog_finish(&all);
    if (total == 0)
        eco_why_set(why, "nothing is recorded yet; try: ecocode run COMMAND");
    else if (strncmp(ref, "last~", 5) == 0)
        eco_why_set(why, "'%.40s': there are only %llu runs", ref, (unsigned long long)found->matching);
    else if (strncmp(ref, "label:", 6) == 0)
        eco_why_set(why, "no run has the label %.80s", ref + 6);
    else
        eco_why_set(why, "'%.40s': no such run; `ecocode history` lists them", ref);
    return -ENOENT;
}

static int resolve(const struct eco_index *index, const char *ref, size_t limit, struct eco_run_list *ret,
                   struct eco_why *why)
{
    struct eco_run_filter filter;
    struct eco_catalog found;
    const char *label;
    int r = make_filter(ref, limit, &label, &filter, why);
    if (r == 0)
        r = eco_catalog_read(index, &filter, &found, why);
    if (r < 0)
        return r;
    if (found.count == 0) {
        r = tell_missing(index, ref, &found, why);
    } else if (filter.id && found.count > 1 && strcmp(found.runs[0].run_id, found.runs[1].run_id) != 0) {
        eco_why_set(why, "'%.40s' is the beginning of several runs: %.12s, %.12s ...", ref,
                    found.runs[0].run_id, found.runs[1].run_id);
        r = -EEXIST;
    } else {
        /* one run may be there twice, copied: its newer file */
        r = push_all(ret, &found, filter.id ? 1 : found.count, why);
    }
    eco_catalog_finish(&found);
    return r;
}

int eco_runs_resolve(const char *state_dir, const char *ref, size_t limit, struct eco_run_list *ret,
                     struct eco_why *why)
{
    struct eco_run_list list = {0};
    struct eco_index *index = NULL;
    char own[PATH_MAX];
    int r;
    if (strchr(ref, '/') || strchr(ref, '.') || access(ref, F_OK) == 0) {
        r = push_path(&list, ref, why);
    } else if (!state_dir && !eco_state_dir(own, sizeof own)) {
        eco_why_set(why, "this user has no home directory, so nothing is recorded");
        r = -ENOENT;
    } else {
        r = eco_index_open(state_dir ? state_dir : own, &index, why);
        if (r == 0)
            r = resolve(index, ref, limit, &list, why);
        (void)eco_index_free(index);
    }
    if (r < 0)
        eco_run_list_finish(&list);
    else
        *ret = list;
    return r < 0 ? r : 0;
}

int eco_run_list_take(struct eco_run_list *list, struct eco_run_list *more)
{
    int r = eco_grow((void **)&list->runs, &list->capacity, list->count + more->count, RUNS_MAX,
                     sizeof *list->runs);
    if (r < 0)
        return r;
    for (size_t i = 0; i < more->count; i++)
        list->runs[list->count++] = more->runs[i];
    more->count = 0;
    eco_run_list_finish(more);
    return 0;
}

static int resolve_more(const char *word, struct eco_run_list *list, struct eco_why *why)
{
    struct eco_run_list some = {0};
    int r = eco_runs_resolve(NULL, word, 0, &some, why);
    if (r < 0)
        return r;
    r = eco_run_list_take(list, &some);
    eco_run_list_finish(&some);
    return r;
}

int eco_runs_resolve_words(char *const *words, const char *otherwise, struct eco_run_list *ret,
                           struct eco_why *why)
{
    struct eco_run_list list = {0};
    int r = !words[0] && otherwise ? resolve_more(otherwise, &list, why) : 0;
    for (; r == 0 && *words; words++)
        r = resolve_more(*words, &list, why);
    if (r < 0)
        eco_run_list_finish(&list);
    else
        *ret = list;
    return r;
}

void eco_run_list_finish(struct eco_run_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        eco_run_report_finish(&list->runs[i]);
    free(list->runs);
    *list = (struct eco_run_list){0};
}
