/* SPDX-License-Identifier: MIT */
#include "history/index_files.h"

#include "base/mem.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static int by_name(const void *a, const void *b)
{
    const struct eco_index_file *x = a, *y = b;
    return strcmp(x->name, y->name);
}

static int by_run(const void *a, const void *b)
{
    const struct eco_index_file *x = a, *y = b;
    size_t shorter = x->part.stem_length < y->part.stem_length ? x->part.stem_length : y->part.stem_length;
    int order = memcmp(x->name, y->name, shorter);
    if (order == 0 && x->part.stem_length != y->part.stem_length)
        order = x->part.stem_length < y->part.stem_length ? -1 : 1;
    return order ? order : eco_run_part_compare(x->name, y->name);
}

bool eco_index_files_same_run(const struct eco_index_file *a, const struct eco_index_file *b)
{
    return a->part.stem_length == b->part.stem_length && memcmp(a->name, b->name, a->part.stem_length) == 0;
}

static int add(struct eco_index_files *files, int dir_fd, const char *name)
{
    struct eco_run_part_name part;
    struct stat st;
    if (!eco_run_part_parse(name, &part) || fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
        !S_ISREG(st.st_mode))
        return 0;
    int r = eco_grow((void **)&files->all, &files->capacity, files->count + 1, ECO_INDEX_FILES_MAX,
                     sizeof *files->all);
    char *copy = r < 0 ? NULL : eco_strdup(name);
    if (!copy)
        return r < 0 ? r : -ENOMEM;
    files->all[files->count++] =
        (struct eco_index_file){.name = copy,
                                .part = part,
                                .size = st.st_size,
                                .mtime_ns = st.st_mtim.tv_sec * 1000000000ll + st.st_mtim.tv_nsec};
    return 0;
}

int eco_index_files_list(const char *runs_dir, struct eco_index_files *ret)
{
    struct eco_index_files files = {0};
    DIR *dir = opendir(runs_dir);
    if (!dir) {
        *ret = files;
        return errno == ENOENT || errno == ENOTDIR ? 0 : -errno;
    }
    int r = 0;
    struct dirent *entry;
    while (r == 0 && (entry = readdir(dir)))
        r = add(&files, dirfd(dir), entry->d_name);
    (void)closedir(dir);
    if (r < 0)
        eco_index_files_finish(&files);
    else
        *ret = files;
    return r;
}

static int add_gone(struct eco_index_files *files, const char *stem)
{
    if (eco_grow((void **)&files->gone, &files->gone_capacity, files->gone_count + 1, ECO_INDEX_FILES_MAX,
                 sizeof *files->gone) < 0)
        return SQLITE_NOMEM;
    files->gone[files->gone_count] = eco_strdup(stem);
    if (!files->gone[files->gone_count])
        return SQLITE_NOMEM;
    files->gone_count++;
    files->has_changes = true;
    return SQLITE_OK;
}

/* Both are in the order of their names. */
static int merge(struct eco_index_files *files, sqlite3_stmt *known)
{
    size_t i = 0;
    int r;
    while ((r = sqlite3_step(known)) == SQLITE_ROW) {
        const char *name = (const char *)sqlite3_column_text(known, 0);
        int order = 1;
        for (; i < files->count && name && (order = strcmp(files->all[i].name, name)) < 0; i++)
            files->all[i].is_changed = true;
        if (i < files->count && order == 0) {
            struct eco_index_file *file = &files->all[i++];
            file->is_changed = file->size != sqlite3_column_int64(known, 1) ||
                               file->mtime_ns != sqlite3_column_int64(known, 2);
        } else {
            const char *stem = (const char *)sqlite3_column_text(known, 3);
            r = add_gone(files, stem ? stem : "");
            if (r != SQLITE_OK)
                return r;
        }
    }
    for (; i < files->count; i++)
        files->all[i].is_changed = true;
    return r == SQLITE_DONE ? SQLITE_OK : r;
}

int eco_index_files_compare(struct eco_index_files *files, sqlite3 *db)
{
    sqlite3_stmt *known = NULL;
    if (files->count > 0)
        qsort(files->all, files->count, sizeof *files->all, by_name);
    int r = sqlite3_prepare_v2(db, "SELECT name, size, mtime_ns, stem FROM files ORDER BY name", -1, &known,
                               NULL);
    if (r == SQLITE_OK)
        r = merge(files, known);
    (void)sqlite3_finalize(known);
    for (size_t i = 0; i < files->count; i++)
        files->has_changes = files->has_changes || files->all[i].is_changed;
    if (files->count > 0 && files->has_changes)
        qsort(files->all, files->count, sizeof *files->all, by_run);
    return r;
}

void eco_index_files_finish(struct eco_index_files *files)
{
    for (size_t i = 0; i < files->count; i++)
        free(files->all[i].name);
    for (size_t i = 0; i < files->gone_count; i++)
        free(files->gone[i]);
    free(files->all);
    free(files->gone);
    *files = (struct eco_index_files){0};
}
