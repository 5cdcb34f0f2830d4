/* SPDX-License-Identifier: MIT */
#include "history/catalog.h"

#include "base/buf.h"
#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#define RUNS_MAX  (1u << 22)
#define SQL_BYTES 8192

enum { LIST, COUNT };

/* Values go in by parameters, never into the text. */
static void put_where(struct eco_buf *sql, const struct eco_run_filter *filter)
{
    eco_buf_text(sql, " FROM runs r WHERE 1");
    if (*filter->since)
        eco_buf_text(sql, " AND started_at >= ?1");
    if (*filter->until)
        eco_buf_text(sql, " AND substr(started_at, 1, length(?2)) <= ?2");
    if (filter->command)
        eco_buf_text(sql, " AND instr(command, ?3) > 0");
    if (filter->host)
        eco_buf_text(sql, " AND hostname = ?4");
    if (filter->id)
        eco_buf_text(sql, " AND run_id >= ?5 AND run_id < ?5 || 'g'");
    for (unsigned i = 0; i < filter->label_count; i++)
        eco_buf_printf(
            sql,
            " AND EXISTS(SELECT 1 FROM labels l WHERE l.stem = r.stem AND l.key = ?%u AND l.value = ?%u)",
            8 + 2 * i, 9 + 2 * i);
}

static void bind(sqlite3_stmt *statement, const struct eco_run_filter *filter)
{
    if (*filter->since)
        (void)sqlite3_bind_text(statement, 1, filter->since, -1, SQLITE_STATIC);
    if (*filter->until)
        (void)sqlite3_bind_text(statement, 2, filter->until, -1, SQLITE_STATIC);
    if (filter->command)
        (void)sqlite3_bind_text(statement, 3, filter->command, -1, SQLITE_STATIC);
    if (filter->host)
        (void)sqlite3_bind_text(statement, 4, filter->host, -1, SQLITE_STATIC);
    if (filter->id)
        (void)sqlite3_bind_text(statement, 5, filter->id, -1, SQLITE_STATIC);
    for (unsigned i = 0; i < filter->label_count; i++) {
        const char *equals = strchr(filter->labels[i], '=');
        int length = equals ? (int)(equals - filter->labels[i]) : (int)strlen(filter->labels[i]);
        (void)sqlite3_bind_text(statement, 8 + 2 * (int)i, filter->labels[i], length, SQLITE_STATIC);
        (void)sqlite3_bind_text(statement, 9 + 2 * (int)i, equals ? equals + 1 : "", -1, SQLITE_STATIC);
    }
}

static sqlite3_stmt *prepare(const struct eco_index *index, const struct eco_run_filter *filter, int what,
                             struct eco_why *why)
{
    struct eco_buf sql;
    sqlite3_stmt *statement = NULL;
    eco_buf_init(&sql, SQL_BYTES);
    eco_buf_text(&sql,
                 what == COUNT
                     ? "SELECT count(*)"
                     : "SELECT stem, file, run_id, hostname, started_at, command, labels, policy, quality, "
                       "currency, duration_s, job_j, machine_j, cpu_s, co2e_g, cost, exit_code, exit_signal, "
                       "complete, co2e_scope");
    put_where(&sql, filter);
    if (what == LIST) {
        eco_buf_text(&sql, " ORDER BY started_at DESC, run_id DESC");
        eco_buf_printf(&sql, " LIMIT %lld OFFSET %llu", filter->limit ? (long long)filter->limit : -1LL,
                       (unsigned long long)filter->offset);
    }
    if (eco_buf_error(&sql) < 0)
        eco_why_set(why, "too many labels");
    else
        statement = eco_index_prepare(index, sql.data, why);
    eco_buf_finish(&sql);
    if (statement)
        bind(statement, filter);
    return statement;
}

static char *text_at(sqlite3_stmt *row, int column, bool *ret_failed)
{
    const char *text = (const char *)sqlite3_column_text(row, column);
    char *copy = eco_strdup(text);
    *ret_failed = *ret_failed || (text && !copy);
    return copy;
}

static double number_at(sqlite3_stmt *row, int column)
{
    return sqlite3_column_type(row, column) == SQLITE_NULL ? ECO_NAN : sqlite3_column_double(row, column);
}

static int integer_at(sqlite3_stmt *row, int column)
{
    return sqlite3_column_type(row, column) == SQLITE_NULL ? -1 : sqlite3_column_int(row, column);
}

/* Its writer holds a lock while it lives. */
static bool is_written(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW | O_NOCTTY);
    bool is_locked = fd >= 0 && flock(fd, LOCK_SH | LOCK_NB) < 0 && errno == EWOULDBLOCK;
    if (fd >= 0)
        (void)close(fd);
    return is_locked;
}

static int read_entry(const struct eco_index *index, sqlite3_stmt *row, struct eco_run_entry *ret)
{
    char path[PATH_MAX];
    const char *file = (const char *)sqlite3_column_text(row, 1);
    bool failed = false;
    int n = snprintf(path, sizeof path, "%s/%s", index->runs_dir, file ? file : "");
    if (n < 0 || (size_t)n >= sizeof path)
        return -ENAMETOOLONG;
    *ret = (struct eco_run_entry){.path = eco_strdup(path),
                                  .duration_s = number_at(row, 10),
                                  .job_j = number_at(row, 11),
                                  .machine_j = number_at(row, 12),
                                  .cpu_s = number_at(row, 13),
                                  .co2e_g = number_at(row, 14),
                                  .cost = number_at(row, 15),
                                  .exit_code = integer_at(row, 16),
                                  .exit_signal = integer_at(row, 17),
                                  .is_complete = sqlite3_column_int(row, 18) != 0};
    char **texts[] = {&ret->stem,    NULL,         &ret->run_id, &ret->hostname, &ret->started_at,
                      &ret->command, &ret->labels, &ret->policy, &ret->quality,  &ret->currency};
    for (int i = 0; i < (int)ECO_COUNT(texts); i++)
        if (texts[i])
            *texts[i] = text_at(row, i, &failed);
    ret->co2e_scope = text_at(row, 19, &failed);
    ret->is_running = !ret->is_complete && is_written(path);
    return failed || !ret->path ? -ENOMEM : 0;
}

static int read_rows(const struct eco_index *index, sqlite3_stmt *rows, struct eco_catalog *catalog)
{
    int step, r = 0;
    while (r == 0 && (step = sqlite3_step(rows)) != SQLITE_DONE) {
        if (step != SQLITE_ROW)
            return -EIO;
        r = eco_grow((void **)&catalog->runs, &catalog->capacity, catalog->count + 1, RUNS_MAX,
                     sizeof *catalog->runs);
        if (r == 0)
            r = read_entry(index, rows, &catalog->runs[catalog->count++]);
    }
    return r;
}

int eco_catalog_read(const struct eco_index *index, const struct eco_run_filter *filter,
                     struct eco_catalog *ret, struct eco_why *why)
{
    struct eco_catalog catalog = {0};
    sqlite3_stmt *rows = prepare(index, filter, LIST, why);
    sqlite3_stmt *count =
        rows && (filter->limit || filter->offset) ? prepare(index, filter, COUNT, why) : NULL;
    int r = rows ? read_rows(index, rows, &catalog) : -EIO;
    catalog.matching = catalog.count;
    if (r == 0 && count && sqlite3_step(count) == SQLITE_ROW)
        catalog.matching = (uint64_t)sqlite3_column_int64(count, 0);
    if (r < 0 && rows)
        eco_why_set(why, "index of runs: %s", r == -EIO ? sqlite3_errmsg(index->db) : strerror(-r));
    (void)sqlite3_finalize(rows);
    (void)sqlite3_finalize(count);
    if (r < 0)
        eco_catalog_finish(&catalog);
    else
        *ret = catalog;
    return r;
}

void eco_catalog_finish(struct eco_catalog *catalog)
{
    for (size_t i = 0; i < catalog->count; i++) {
        struct eco_run_entry *run = &catalog->runs[i];
        char *const texts[] = {run->path,    run->stem,   run->run_id, run->hostname, run->started_at,
                               run->command, run->labels, run->policy, run->quality,  run->currency};
        for (size_t t = 0; t < ECO_COUNT(texts); t++)
            free(texts[t]);
    }
    free(catalog->runs);
    *catalog = (struct eco_catalog){0};
}
