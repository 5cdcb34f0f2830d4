/* SPDX-License-Identifier: MIT */
#include "history/group.h"

#include "base/mem.h"
#include "base/text.h"
#include "history/refs.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define RUNS_MAX 10000u

static int push(struct eco_group *group, const struct eco_run_report *report, struct eco_why *why)
{
    int r = eco_grow((void **)&group->samples, &group->capacity, group->count + 1, RUNS_MAX,
                     sizeof *group->samples);
    if (r < 0) {
        eco_why_set(why, r == -E2BIG ? "more than %u runs" : "no memory for %u runs", RUNS_MAX);
        return r;
    }
    eco_sample_take(report, &group->samples[group->count++]);
    return 0;
}

static int add_ref(struct eco_group *group, const char *ref, struct eco_why *why)
{
    struct eco_run_list list = {0};
    int r = eco_runs_resolve(NULL, ref, 0, &list, why);
    for (size_t i = 0; r == 0 && i < list.count; i++)
        r = push(group, &list.runs[i], why);
    eco_run_list_finish(&list);
    return r;
}

static bool has_suffix(const char *name, const char *suffix)
{
    size_t length = strlen(name), size = strlen(suffix);
    return length > size && strcmp(name + length - size, suffix) == 0;
}

static int add_folder(struct eco_group *group, const char *path, struct eco_why *why)
{
    DIR *folder = opendir(path);
    const struct dirent *entry;
    size_t before = group->count;
    int r = 0;
    if (!folder) {
        r = -errno;
        eco_why_set(why, "%s: %s", path, strerror(-r));
        return r;
    }
    while (r == 0 && (entry = readdir(folder))) {
        char file[PATH_MAX];
        struct eco_run_report report;
        if (entry->d_name[0] == '.' ||
            (!has_suffix(entry->d_name, ".json") && !has_suffix(entry->d_name, ".jsonl")))
            continue;
        int n = snprintf(file, sizeof file, "%s/%s", path, entry->d_name);
        r = n > 0 && (size_t)n < sizeof file ? eco_run_report_read(file, &report, why) : -ENAMETOOLONG;
        if (r < 0)
            break;
        r = push(group, &report, why);
        eco_run_report_finish(&report);
    }
    (void)closedir(folder);
    if (r == 0 && group->count == before) {
        eco_why_set(why, "%s: no report (.json, .jsonl) in this folder", path);
        r = -ENOENT;
    }
    return r;
}

static int add_one(struct eco_group *group, const char *word, struct eco_why *why)
{
    struct stat st;
    if (stat(word, &st) == 0 && S_ISDIR(st.st_mode))
        return add_folder(group, word, why);
    return add_ref(group, word, why);
}

int eco_group_add(struct eco_group *group, const char *word, struct eco_why *why)
{
    size_t before = group->count;
    int r = 0;
    bool is_list = strchr(word, ',') && strncmp(word, "label:", 6) != 0 && access(word, F_OK) != 0;
    if (!is_list)
        r = add_one(group, word, why);
    for (const char *part = word; is_list && r == 0; part++) {
        char name[PATH_MAX];
        size_t length = strcspn(part, ",");
        (void)snprintf(name, sizeof name, "%.*s", (int)(length < sizeof name ? length : sizeof name - 1),
                       part);
        r = add_one(group, name, why);
        part += length;
        if (!*part)
            break;
    }
    if (r < 0)
        group->count = before;
    return r;
}

static int by_time(const void *a, const void *b)
{
    const struct eco_sample *x = a, *y = b;
    int order = strcmp(x->started_at, y->started_at);
    return order ? order : strcmp(x->run_id, y->run_id);
}

static bool is_same(const struct eco_sample *a, const struct eco_sample *b)
{
    return *a->run_id && strcmp(a->run_id, b->run_id) == 0;
}

size_t eco_group_sort(struct eco_group *group)
{
    size_t kept = 0, before = group->count;
    if (group->count > 1)
        qsort(group->samples, group->count, sizeof *group->samples, by_time);
    for (size_t i = 0; i < group->count; i++)
        if (kept == 0 || !is_same(&group->samples[kept - 1], &group->samples[i]))
            group->samples[kept++] = group->samples[i];
    group->count = kept;
    return before - kept;
}

static bool is_in(const struct eco_group *group, const struct eco_sample *sample)
{
    for (size_t i = 0; i < group->count; i++)
        if (is_same(&group->samples[i], sample))
            return true;
    return false;
}

size_t eco_group_remove_common(struct eco_group *group, const struct eco_group *other)
{
    size_t kept = 0, before = group->count;
    for (size_t i = 0; i < group->count; i++)
        if (!is_in(other, &group->samples[i]))
            group->samples[kept++] = group->samples[i];
    group->count = kept;
    return before - kept;
}

size_t eco_group_remove_failed(struct eco_group *group)
{
    size_t kept = 0, before = group->count;
    for (size_t i = 0; i < group->count; i++)
        if (group->samples[i].is_complete && !eco_sample_has_failed(&group->samples[i]))
            group->samples[kept++] = group->samples[i];
    group->count = kept;
    return before - kept;
}

void eco_group_finish(struct eco_group *group)
{
    free(group->samples);
    *group = (struct eco_group){0};
}
