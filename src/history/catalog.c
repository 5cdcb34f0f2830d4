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

/* All texts of an entry are in one block: a list may have very many. */
static int read_texts(const struct eco_index *index, sqlite3_stmt *row, struct eco_run_entry *ret)
{
    struct {
        char **place;
        int column;
    } const texts[] = {{&ret->stem, 0},     {&ret->run_id, 2},     {&ret->hostname, 3}, {&ret->started_at, 4},
                       {&ret->command, 5},  {&ret->labels, 6},     {&ret->policy, 7},   {&ret->quality, 8},
                       {&ret->currency, 9}, {&ret->co2e_scope, 19}};
    const char *file = (const char *)sqlite3_column_text(row, 1);
    size_t folder = strlen(index->runs_dir), name = file ? strlen(file) : 0, size = folder + name + 2;
    for (size_t i = 0; i < ECO_COUNT(texts); i++)
        size += (size_t)sqlite3_column_bytes(row, texts[i].column) + 1;
    char *at = eco_calloc(size, 1);
    if (!at)
        return -ENOMEM;
    ret->path = at;
    (void)snprintf(at, folder + name + 2, "%s/%s", index->runs_dir, file ? file : "");
    at += folder + name + 2;
    for (size_t i = 0; i < ECO_COUNT(texts); i++) {
        const void *text = sqlite3_column_text(row, texts[i].column);
        size_t length = (size_t)sqlite3_column_bytes(row, texts[i].column);
        if (!text)
            continue;
        memcpy(at, text, length);
        *texts[i].place = at;
        at += length + 1;
    }
    return 0;
}

static int read_entry(const struct eco_index *index, sqlite3_stmt *row, struct eco_run_entry *ret)
{
    *ret = (struct eco_run_entry){.duration_s = number_at(row, 10),
                                  .job_j = number_at(row, 11),
                                  .machine_j = number_at(row, 12),
                                  .cpu_s = number_at(row, 13),
                                  .co2e_g = number_at(row, 14),
                                  .cost = number_at(row, 15),
                                  .exit_code = integer_at(row, 16),
                                  .exit_signal = integer_at(row, 17),
                                  .is_complete = sqlite3_column_int(row, 18) != 0};
    int r = read_texts(index, row, ret);
    ret->is_running = r == 0 && !ret->is_complete && is_written(ret->path);
    return r;
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
    for (size_t i = 0; i < catalog->count; i++)
        free(catalog->runs[i].path); /* the block of all its texts */
    free(catalog->runs);
    *catalog = (struct eco_catalog){0};
}
