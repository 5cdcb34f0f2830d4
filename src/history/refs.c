/* SPDX-License-Identifier: MIT */
#include "history/refs.h"

#include "base/mem.h"
#include "base/parse.h"
#include "base/text.h"
#include "store/runs.h"
#include "store/state_dir.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define RECORDS_MAX (1u << 20)

struct entry {
    char *path;
    char run_id[33], started_at[40];
};

struct listing {
    struct entry *entries;
    size_t count, capacity;
};

static int add(void *context, const struct eco_record *record)
{
    struct listing *listing = context;
    int r = eco_grow((void **)&listing->entries, &listing->capacity, listing->count + 1, RECORDS_MAX,
                     sizeof *listing->entries);
    if (r < 0)
        return r;
    struct entry *entry = &listing->entries[listing->count];
    *entry = (struct entry){.path = eco_strdup(record->path)};
    if (!entry->path)
        return -ENOMEM;
    (void)eco_text_copy(entry->run_id, sizeof entry->run_id, record->run_id);
    (void)eco_text_copy(entry->started_at, sizeof entry->started_at, record->started_at);
    listing->count++;
    return 0;
}

/* Times are of one form (UTC, milliseconds), so that their order is that of their text. */
static int newest_first(const void *a, const void *b)
{
    const struct entry *x = a, *y = b;
    int order = strcmp(y->started_at, x->started_at);
    return order ? order : strcmp(y->run_id, x->run_id);
}

static void finish(struct listing *listing)
{
    for (size_t i = 0; i < listing->count; i++)
        free(listing->entries[i].path);
    free(listing->entries);
    *listing = (struct listing){0};
}

static int push(struct eco_run_list *list, const struct eco_run_report *report)
{
    int r = eco_grow((void **)&list->runs, &list->capacity, list->count + 1, RECORDS_MAX, sizeof *list->runs);
    if (r < 0)
        return r;
    list->runs[list->count++] = *report;
    return 0;
}

static int push_path(struct eco_run_list *list, const char *path, struct eco_why *why)
{
    struct eco_run_report report;
    int r = eco_run_report_read(path, &report, why);
    if (r < 0)
        return r;
    r = push(list, &report);
    if (r < 0)
        eco_run_report_finish(&report);
    return r;
}

static int find_nth(const struct listing *listing, const char *ref, struct eco_run_list *ret,
                    struct eco_why *why)
{
    uint64_t n = 0;
    if (ref[4] == '~' && eco_parse_u64(ref + 5, &n) < 0) {
        eco_why_set(why, "'%.40s': last~N, with a number for N", ref);
        return -EINVAL;
    }
    if (n >= listing->count) {
        eco_why_set(why, "'%.40s': there are only %zu runs", ref, listing->count);
        return -ENOENT;
    }
    return push_path(ret, listing->entries[n].path, why);
}

static int find_id(const struct listing *listing, const char *ref, struct eco_run_list *ret,
                   struct eco_why *why)
{
    const struct entry *found = NULL;
    size_t length = strlen(ref);
    for (size_t i = 0; i < listing->count; i++) {
        const struct entry *entry = &listing->entries[i];
        if (strncmp(entry->run_id, ref, length) != 0)
            continue;
        if (found) {
            eco_why_set(why, "'%.40s' is the beginning of several runs: %.12s, %.12s ...", ref, found->run_id,
                        entry->run_id);
            return -EEXIST;
        }
        found = entry;
    }
    if (found)
        return push_path(ret, found->path, why);
    eco_why_set(why, "no run and no file '%.80s'; see: ecocode history", ref);
    return -ENOENT;
}

static bool has_label(const struct eco_run_report *report, const char *label)
{
    const char *equals = strchr(label, '=');
    char key[128];
    if (!equals || (size_t)(equals - label) >= sizeof key)
        return false;
    memcpy(key, label, (size_t)(equals - label));
    key[equals - label] = 0;
    const char *value = json_string_value(json_object_get(json_object_get(report->root, "labels"), key));
    return value && strcmp(value, equals + 1) == 0;
}

/* Runs that cannot be read are passed over: one broken file must not hide the others. */
static int find_label(const struct listing *listing, const char *label, size_t limit,
                      struct eco_run_list *ret, struct eco_why *why)
{
    for (size_t i = 0; i < listing->count && (limit == 0 || ret->count < limit); i++) {
        struct eco_run_report report;
        if (eco_run_report_read(listing->entries[i].path, &report, NULL) < 0)
            continue;
        int r = has_label(&report, label) ? push(ret, &report) : 1;
        if (r != 0)
            eco_run_report_finish(&report);
        if (r < 0)
            return r;
    }
    if (ret->count > 0)
        return 0;
    eco_why_set(why, "no run has the label %.80s", label);
    return -ENOENT;
}

static int resolve(const struct listing *listing, const char *ref, size_t limit, struct eco_run_list *ret,
                   struct eco_why *why)
{
    if (listing->count == 0) {
        eco_why_set(why, "nothing is recorded yet; try: ecocode run COMMAND");
        return -ENOENT;
    }
    if (strcmp(ref, "last") == 0 || strncmp(ref, "last~", 5) == 0)
        return find_nth(listing, ref, ret, why);
    if (strncmp(ref, "label:", 6) == 0)
        return find_label(listing, ref + 6, limit, ret, why);
    return find_id(listing, ref, ret, why);
}

int eco_runs_resolve(const char *state_dir, const char *ref, size_t limit, struct eco_run_list *ret,
                     struct eco_why *why)
{
    struct eco_run_list list = {0};
    struct listing listing = {0};
    char own[PATH_MAX];
    int r;
    if (strchr(ref, '/') || strchr(ref, '.') || access(ref, F_OK) == 0) {
        r = push_path(&list, ref, why);
    } else if (!state_dir && !eco_state_dir(own, sizeof own)) {
        eco_why_set(why, "this user has no home directory, so nothing is recorded");
        r = -ENOENT;
    } else {
        r = eco_runs_list(state_dir ? state_dir : own, false, add, &listing);
        if (r >= 0) {
            if (listing.count > 0)
                qsort(listing.entries, listing.count, sizeof *listing.entries, newest_first);
            r = resolve(&listing, ref, limit, &list, why);
        } else {
            eco_why_set(why, "%s: %s", state_dir ? state_dir : own, strerror(-r));
        }
    }
    finish(&listing);
    if (r < 0)
        eco_run_list_finish(&list);
    else
        *ret = list;
    return r < 0 ? r : 0;
}

int eco_run_list_take(struct eco_run_list *list, struct eco_run_list *more)
{
    int r = eco_grow((void **)&list->runs, &list->capacity, list->count + more->count, RECORDS_MAX,
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
