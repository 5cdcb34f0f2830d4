/* SPDX-License-Identifier: MIT */
#include "history/index_write.h"

#include "base/buf.h"
#include "history/run_file.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define COMMAND_BYTES_MAX 4096

enum { PUT_FILE, DROP_FILES, PUT_RUN, DROP_RUN, PUT_LABEL, DROP_LABELS, STATEMENTS };

static const char put_run_text[] =
    "INSERT OR REPLACE INTO runs VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,"
    "?,?,?,?,?,?,?,?,?,?,?)";

static const char *const texts[STATEMENTS] = {
    [PUT_FILE] = "INSERT OR REPLACE INTO files VALUES(?1, ?2, ?3, ?4, ?5, ?6)",
    [DROP_FILES] = "DELETE FROM files WHERE stem = ?1",
    [PUT_RUN] = put_run_text,
    [DROP_RUN] = "DELETE FROM runs WHERE stem = ?1",
    [PUT_LABEL] = "INSERT OR REPLACE INTO labels VALUES(?1, ?2, ?3)",
    [DROP_LABELS] = "DELETE FROM labels WHERE stem = ?1",
};

struct writer {
    sqlite3 *db;
    const char *runs_dir;
    sqlite3_stmt *all[STATEMENTS];
};

static void bind_text(sqlite3_stmt *statement, int index, const char *text, size_t length)
{
    if (text)
        (void)sqlite3_bind_text(statement, index, text, (int)length, SQLITE_TRANSIENT);
    else
        (void)sqlite3_bind_null(statement, index);
}

static void bind_string(sqlite3_stmt *statement, int index, const char *text)
{
    bind_text(statement, index, text, text ? strlen(text) : 0);
}

static void bind_number(sqlite3_stmt *statement, int index, double value)
{
    if (isfinite(value))
        (void)sqlite3_bind_double(statement, index, value);
    else
        (void)sqlite3_bind_null(statement, index);
}

/* Whole numbers of any size that JSON may hold: what does not fit is not known. */
static void bind_integer(sqlite3_stmt *statement, int index, double value)
{
    if (isfinite(value) && fabs(value) < 9e15)
        (void)sqlite3_bind_int64(statement, index, (sqlite3_int64)value);
    else
        (void)sqlite3_bind_null(statement, index);
}

static int step(sqlite3_stmt *statement)
{
    int r = sqlite3_step(statement);
    int reset = sqlite3_reset(statement);
    (void)sqlite3_clear_bindings(statement);
    return r == SQLITE_DONE ? SQLITE_OK : reset != SQLITE_OK ? reset : r;
}

static int drop(struct writer *writer, const char *stem, size_t length)
{
    static const int kinds[] = {DROP_FILES, DROP_RUN, DROP_LABELS};
    int r = SQLITE_OK;
    for (size_t i = 0; i < ECO_COUNT(kinds) && r == SQLITE_OK; i++) {
        bind_text(writer->all[kinds[i]], 1, stem, length);
        r = step(writer->all[kinds[i]]);
    }
    return r;
}

static void bind_command(sqlite3_stmt *statement, int index, const json_t *words)
{
    struct eco_buf text;
    size_t i;
    json_t *word;
    eco_buf_init(&text, COMMAND_BYTES_MAX);
    json_array_foreach(words, i, word)
    {
        if (i > 0)
            eco_buf_char(&text, ' ');
        eco_buf_text(&text, json_is_string(word) ? json_string_value(word) : "?");
    }
    bind_text(statement, index, json_is_array(words) ? (text.data ? text.data : "") : NULL,
              text.data ? text.length : 0);
    eco_buf_finish(&text);
}

static void bind_impact(sqlite3_stmt *run, int index, const struct eco_run_report *report, const char *policy)
{
    static const char *const keys[] = {"co2e_g", "water_l", "cost"};
    char path[96];
    for (int i = 0; i < 3; i++) {
        (void)snprintf(path, sizeof path, "impact.by_policy.%.40s.%s", policy ? policy : "none", keys[i]);
        bind_number(run, index + i, eco_run_report_number(report, path));
    }
    bind_string(run, index + 3, eco_run_report_text(report, "impact.factors.currency"));
    bind_string(run, index + 4, eco_run_report_text(report, "impact.factors.scope"));
}

static int put_run(struct writer *writer, const char *stem, size_t stem_length, const char *file,
                   const struct eco_run_report *report)
{
    static const char *const energies[] = {"energy.job_j",
                                           "energy.uncertainty.job_low_j",
                                           "energy.uncertainty.job_high_j",
                                           "energy.by_policy_j.active",
                                           "energy.by_policy_j.full",
                                           "energy.others_j",
                                           "energy.idle_j",
                                           "energy.unattributed_j",
                                           "energy.machine_j",
                                           "usage.cpu_s"};
    sqlite3_stmt *run = writer->all[PUT_RUN];
    const char *policy = eco_run_report_text(report, "policy");
    char *labels = json_dumps(json_object_get(report->root, "labels"), JSON_COMPACT | JSON_SORT_KEYS);
    bind_text(run, 1, stem, stem_length);
    bind_string(run, 2, file);
    bind_string(run, 3, report->run_id);
    bind_string(run, 4, eco_run_report_text(report, "parent_run_id"));
    bind_string(run, 5, eco_run_report_text(report, "host.hostname"));
    bind_command(run, 6, json_object_get(report->root, "command"));
    bind_string(run, 7, eco_run_report_text(report, "cwd"));
    bind_string(run, 8, labels ? labels : "{}");
    bind_string(run, 9, eco_run_report_text(report, "started_at"));
    bind_number(run, 10, eco_run_report_number(report, "duration_s"));
    bind_integer(run, 11, eco_run_report_number(report, "exit.code"));
    bind_integer(run, 12, eco_run_report_number(report, "exit.signal"));
    (void)sqlite3_bind_int(run, 13, report->is_complete);
    bind_string(run, 14, eco_run_report_text(report, "ecocode_version"));
    bind_string(run, 15, eco_run_report_text(report, "host.cpu_model"));
    bind_string(run, 16, policy);
    bind_string(run, 17, eco_run_report_text(report, "energy.quality"));
    for (size_t i = 0; i < ECO_COUNT(energies); i++)
        bind_number(run, 18 + (int)i, eco_run_report_number(report, energies[i]));
    bind_integer(run, 28, eco_run_report_number(report, "usage.process_count"));
    bind_impact(run, 29, report, policy);
    free(labels);
    return step(run);
}

static int put_labels(struct writer *writer, const char *stem, size_t stem_length, const json_t *labels)
{
    void *at = json_object_iter((json_t *)(uintptr_t)labels);
    int r = SQLITE_OK;
    for (; at && r == SQLITE_OK; at = json_object_iter_next((json_t *)(uintptr_t)labels, at)) {
        const char *value = json_string_value(json_object_iter_value(at));
        if (!value)
            continue;
        bind_text(writer->all[PUT_LABEL], 1, stem, stem_length);
        bind_string(writer->all[PUT_LABEL], 2, json_object_iter_key(at));
        bind_string(writer->all[PUT_LABEL], 3, value);
        r = step(writer->all[PUT_LABEL]);
    }
    return r;
}

static int put_file(struct writer *writer, const struct eco_index_file *file, const char *error)
{
    sqlite3_stmt *statement = writer->all[PUT_FILE];
    bind_string(statement, 1, file->name);
    bind_text(statement, 2, file->name, file->part.stem_length);
    bind_string(statement, 3, file->part.day);
    (void)sqlite3_bind_int64(statement, 4, file->size);
    (void)sqlite3_bind_int64(statement, 5, file->mtime_ns);
    bind_string(statement, 6, error);
    return step(statement);
}

/* All files of one run: its row comes from the last one that can be read. */
static int put_group(struct writer *writer, const struct eco_index_file *files, size_t count)
{
    size_t stem_length = files[0].part.stem_length;
    bool has_run = false;
    int r = drop(writer, files[0].name, stem_length);
    for (size_t i = count; i-- > 0 && r == SQLITE_OK;) {
        char path[PATH_MAX];
        struct eco_run_report report;
        struct eco_why why = {.text = ""};
        (void)snprintf(path, sizeof path, "%s/%s", writer->runs_dir, files[i].name);
        bool is_read = !has_run && eco_run_report_read_totals(path, &report, &why) == 0;
        if (is_read) {
            has_run = true;
            r = put_run(writer, files[i].name, stem_length, files[i].name, &report);
            if (r == SQLITE_OK)
                r = put_labels(writer, files[i].name, stem_length, json_object_get(report.root, "labels"));
            eco_run_report_finish(&report);
        }
        if (r == SQLITE_OK)
            r = put_file(writer, &files[i], *why.text ? why.text : NULL);
    }
    return r;
}

static int write_all(struct writer *writer, const struct eco_index_files *files)
{
    int r = SQLITE_OK;
    for (size_t i = 0; i < files->gone_count && r == SQLITE_OK; i++)
        r = drop(writer, files->gone[i], strlen(files->gone[i]));
    for (size_t i = 0, end; i < files->count && r == SQLITE_OK; i = end) {
        bool is_changed = false;
        size_t stem_length = files->all[i].part.stem_length;
        for (end = i; end < files->count && eco_index_files_same_run(&files->all[i], &files->all[end]); end++)
            is_changed = is_changed || files->all[end].is_changed;
        for (size_t g = 0; g < files->gone_count && !is_changed; g++)
            is_changed = strlen(files->gone[g]) == stem_length &&
                         memcmp(files->gone[g], files->all[i].name, stem_length) == 0;
        if (is_changed)
            r = put_group(writer, &files->all[i], end - i);
    }
    return r;
}

int eco_index_write(sqlite3 *db, const char *runs_dir, const struct eco_index_files *files)
{
    struct writer writer = {.db = db, .runs_dir = runs_dir};
    int r = sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL);
    if (r != SQLITE_OK)
        return r;
    for (int i = 0; i < STATEMENTS && r == SQLITE_OK; i++)
        r = sqlite3_prepare_v2(db, texts[i], -1, &writer.all[i], NULL);
    if (r == SQLITE_OK)
        r = write_all(&writer, files);
    for (int i = 0; i < STATEMENTS; i++)
        (void)sqlite3_finalize(writer.all[i]);
    if (r == SQLITE_OK)
        r = sqlite3_exec(db, "COMMIT", NULL, NULL, NULL);
    if (r != SQLITE_OK)
        (void)sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
    return r;
}
