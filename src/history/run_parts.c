/* SPDX-License-Identifier: MIT */
#include "history/run_parts.h"

#include "base/mem.h"
#include "base/text.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DAY_LENGTH 10

static bool ends_with(const char *name, size_t length, const char *ending)
{
    size_t n = strlen(ending);
    return length > n && memcmp(name + length - n, ending, n) == 0;
}

static bool is_day(const char *text)
{
    for (size_t i = 0; i < DAY_LENGTH; i++) {
        bool is_dash = i == 4 || i == 7;
        if (is_dash ? text[i] != '-' : text[i] < '0' || text[i] > '9')
            return false;
    }
    return true;
}

bool eco_run_part_parse(const char *name, struct eco_run_part_name *ret)
{
    size_t length = strlen(name);
    struct eco_run_part_name part = {.is_packed = ends_with(name, length, ".jsonl.zst")};
    if (!part.is_packed && !ends_with(name, length, ".jsonl"))
        return false;
    length -= strlen(part.is_packed ? ".jsonl.zst" : ".jsonl");
    if (length > DAY_LENGTH + 1 && name[length - DAY_LENGTH - 1] == '.' &&
        is_day(name + length - DAY_LENGTH)) {
        memcpy(part.day, name + length - DAY_LENGTH, DAY_LENGTH);
        length -= DAY_LENGTH + 1;
    }
    /* figures of `history recost` stand beside the record */
    if (length == 0 || *name == '.' || ends_with(name, length, ".costs"))
        return false;
    part.stem_length = length;
    *ret = part;
    return true;
}

static const char *base_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* A file that was compressed while it is still there uncompressed comes behind that one. */
int eco_run_part_compare(const char *a, const char *b)
{
    struct eco_run_part_name x, y;
    if (!eco_run_part_parse(a, &x) || !eco_run_part_parse(b, &y))
        return strcmp(a, b);
    int order = strcmp(x.day, y.day);
    return order ? order : (int)x.is_packed - (int)y.is_packed;
}

static int compare_paths(const void *a, const void *b)
{
    const char *const *x = a, *const *y = b;
    return eco_run_part_compare(base_of(*x), base_of(*y));
}

static int push(struct eco_run_parts *parts, const char *folder, size_t folder_length, const char *name)
{
    char path[PATH_MAX];
    int n = snprintf(path, sizeof path, "%.*s%s", (int)folder_length, folder, name);
    if (n < 0 || (size_t)n >= sizeof path)
        return -ENAMETOOLONG;
    int r = eco_grow((void **)&parts->paths, &parts->capacity, parts->count + 1, ECO_RUN_PARTS_MAX,
                     sizeof *parts->paths);
    if (r < 0)
        return r;
    parts->paths[parts->count] = eco_strdup(path);
    if (!parts->paths[parts->count])
        return -ENOMEM;
    parts->count++;
    return 0;
}

static bool is_same_run(const char *name, const struct eco_run_part_name *part, const char *other)
{
    struct eco_run_part_name its;
    return eco_run_part_parse(other, &its) && its.stem_length == part->stem_length &&
           memcmp(name, other, part->stem_length) == 0;
}

/* Of two files of one day, of which one is the other compressed, only the first counts. */
static void drop_twins(struct eco_run_parts *parts)
{
    size_t kept = parts->count > 0;
    for (size_t i = 1; i < parts->count; i++) {
        struct eco_run_part_name a, b;
        bool is_twin = eco_run_part_parse(base_of(parts->paths[kept - 1]), &a) &&
                       eco_run_part_parse(base_of(parts->paths[i]), &b) && strcmp(a.day, b.day) == 0;
        if (is_twin)
            free(parts->paths[i]);
        else
            parts->paths[kept++] = parts->paths[i];
    }
    parts->count = kept;
}

int eco_run_parts_of(const char *path, struct eco_run_parts *ret)
{
    const char *name = base_of(path);
    size_t folder_length = (size_t)(name - path);
    struct eco_run_parts parts = {0};
    struct eco_run_part_name part;
    char folder[PATH_MAX];
    DIR *dir = NULL;
    int r = 0;
    if (eco_run_part_parse(name, &part) && folder_length < sizeof folder) {
        memcpy(folder, path, folder_length);
        folder[folder_length] = 0;
        dir = opendir(folder_length ? folder : ".");
    }
    struct dirent *entry;
    while (dir && r == 0 && (entry = readdir(dir)))
        if (is_same_run(name, &part, entry->d_name))
            r = push(&parts, path, folder_length, entry->d_name);
    if (dir)
        (void)closedir(dir);
    if (r == 0 && parts.count == 0)
        r = push(&parts, path, folder_length, name);
    if (r < 0) {
        eco_run_parts_finish(&parts);
        return r;
    }
    qsort(parts.paths, parts.count, sizeof *parts.paths, compare_paths);
    drop_twins(&parts);
    *ret = parts;
    return 0;
}

void eco_run_parts_finish(struct eco_run_parts *parts)
{
    for (size_t i = 0; i < parts->count; i++)
        free(parts->paths[i]);
    free(parts->paths);
    *parts = (struct eco_run_parts){0};
}
