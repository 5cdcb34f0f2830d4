/* SPDX-License-Identifier: MIT */
#include "history/import.h"

#include "base/text.h"
#include "history/commands.h"
#include "history/out_file.h"
#include "history/run_file.h"
#include "store/state_dir.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define ID_LENGTH 32

static bool is_id(const char *text)
{
    return strlen(text) == ID_LENGTH && strspn(text, "0123456789abcdef") == ID_LENGTH;
}

/* HOST-ID.jsonl, as the recorder calls it. */
static int make_path(const struct eco_import *import, const char *host, const char *id, char *ret,
                     size_t size)
{
    char plain[65];
    size_t n = 0;
    for (; host[n] && n + 1 < sizeof plain; n++) {
        char c = host[n];
        bool is_plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                        c == '-' || (c == '.' && n > 0);
        plain[n] = is_plain ? c : '_';
    }
    plain[n] = 0;
    int length = snprintf(ret, size, "%s/runs/%s-%s.jsonl", import->state_dir, n ? plain : "imported", id);
    return length > 0 && (size_t)length < size ? 0 : -ENAMETOOLONG;
}

/* 0: it may be written to `ret`; -EEXIST: it is there already. */
static int prepare(const struct eco_import *import, const char *host, const char *id, char *ret, size_t size,
                   struct eco_why *why)
{
    char folder[PATH_MAX];
    int r = make_path(import, host, id, ret, size);
    int n = snprintf(folder, sizeof folder, "%s/runs", import->state_dir);
    if (r == 0)
        r = n > 0 && (size_t)n < sizeof folder ? eco_make_directories(folder) : -ENAMETOOLONG;
    if (r == 0)
        r = access(ret, F_OK) == 0 ? -EEXIST : 0;
    if (r < 0 && r != -EEXIST)
        eco_why_set(why, "%s: %s", folder, strerror(-r));
    return r;
}

static int put_line(FILE *file, json_t *object)
{
    int r = !object || json_dumpf(object, file, JSON_COMPACT) < 0 || fputc('\n', file) == EOF ? -EIO : 0;
    json_decref(object);
    return r;
}

static json_t *begin_of(const json_t *report)
{
    const json_t *host = json_object_get(json_object_get(report, "host"), "hostname");
    return json_pack(
        "{s:s, s:s, s:O, s:O, s:O, s:O, s:O, s:i, s:O, s:O, s:O, s:O, s:O, s:[]}", "schema",
        "ecocode.frame/1", "type", "begin", "ecocode_version", json_object_get(report, "ecocode_version"),
        "run_id", json_object_get(report, "run_id"), "parent_run_id",
        json_object_get(report, "parent_run_id"), "boot_id", json_object_get(report, "boot_id"), "hostname",
        host, "pid", 0, "command", json_object_get(report, "command"), "started_at",
        json_object_get(report, "started_at"), "interval_s", json_object_get(report, "interval_s"), "policy",
        json_object_get(report, "policy"), "accounting", json_object_get(report, "accounting"), "domains");
}

/* The line says what it is at its beginning. */
static json_t *end_of(const json_t *report)
{
    json_t *end = json_pack("{s:O, s:s}", "schema", json_object_get(report, "schema"), "type", "end");
    if (end && json_object_update_missing(end, (json_t *)(uintptr_t)report) < 0) {
        json_decref(end);
        return NULL;
    }
    return end;
}

int eco_import_report(struct eco_import *import, const json_t *report, struct eco_why *why)
{
    const char *id = json_string_value(json_object_get(report, "run_id"));
    const char *host = json_string_value(json_object_get(json_object_get(report, "host"), "hostname"));
    char path[PATH_MAX];
    struct eco_out_file out = {0};
    int r = id && is_id(id) ? prepare(import, host ? host : "", id, path, sizeof path, why) : -EBADMSG;
    if (r == -EBADMSG)
        eco_why_set(why, "a report without an id of a run");
    import->known += r == -EEXIST;
    if (r == 0)
        r = eco_out_open(path, &out, why);
    if (r < 0)
        return r;
    (void)fchmod(fileno(out.file), 0600);
    r = put_line(out.file, begin_of(report));
    if (r == 0)
        r = put_line(out.file, end_of(report));
    if (r < 0) {
        eco_why_set(why, "%s: %s", path, "cannot be written");
        eco_out_abandon(&out);
        return r;
    }
    r = eco_out_commit(&out, why);
    import->taken += r == 0;
    return r;
}

static int copy_bytes(const char *from, FILE *to)
{
    char bytes[65536];
    size_t n;
    FILE *file = fopen(from, "re");
    int r = file ? 0 : -errno;
    while (r == 0 && (n = fread(bytes, 1, sizeof bytes, file)) > 0)
        if (fwrite(bytes, 1, n, to) != n)
            r = -EIO;
    if (r == 0 && ferror(file))
        r = -EIO;
    if (file)
        (void)fclose(file);
    return r;
}

/* A record keeps its intervals: it is copied as it is. */
static int take_record(struct eco_import *import, const struct eco_run_report *report, struct eco_why *why)
{
    const char *host = eco_run_report_text(report, "host.hostname");
    char path[PATH_MAX];
    struct eco_out_file out = {0};
    int r = is_id(report->run_id) ? prepare(import, host ? host : "", report->run_id, path, sizeof path, why)
                                  : -EBADMSG;
    if (r == -EBADMSG)
        eco_why_set(why, "%s: a record without an id of a run", report->path);
    import->known += r == -EEXIST;
    if (r == 0)
        r = eco_out_open(path, &out, why);
    if (r < 0)
        return r == -EEXIST ? 0 : r;
    (void)fchmod(fileno(out.file), 0600);
    r = copy_bytes(report->path, out.file);
    if (r < 0) {
        eco_why_set(why, "%s: %s", report->path, strerror(-r));
        eco_out_abandon(&out);
        return r;
    }
    r = eco_out_commit(&out, why);
    import->taken += r == 0;
    return r;
}

static bool has_suffix(const char *path, const char *suffix)
{
    size_t length = strlen(path), end = strlen(suffix);
    return length >= end && strcmp(path + length - end, suffix) == 0;
}

int eco_import_file(struct eco_import *import, const char *path, struct eco_why *why)
{
    struct eco_run_report report;
    if (has_suffix(path, ".csv"))
        return eco_import_codecarbon(import, path, why);
    int r = eco_run_report_read(path, &report, why);
    if (r < 0)
        return r;
    r = has_suffix(path, ".jsonl") ? take_record(import, &report, why)
                                   : eco_import_report(import, report.root, why);
    eco_run_report_finish(&report);
    return r == -EEXIST ? 0 : r;
}

int eco_cmd_import(struct eco_call *call)
{
    char state_dir[PATH_MAX];
    struct eco_import import = {.state_dir = state_dir};
    struct eco_why why = {0};
    int r = 0;
    if (!call->words[0])
        return eco_failf(call->command, ECO_EXIT_MISUSE, "give the files to take; try: ecocode help import");
    if (!eco_state_dir(state_dir, sizeof state_dir))
        return eco_failf(call->command, ECO_EXIT_MISUSE,
                         "this user has no home directory, so nothing can be recorded");
    for (char *const *word = call->words; r == 0 && *word; word++)
        r = eco_import_file(&import, *word, &why);
    if (call->settings.json)
        (void)printf("{\"imported\":%zu,\"known\":%zu,\"failed\":%s}\n", import.taken, import.known,
                     r < 0 ? "true" : "false");
    else if (!call->settings.quiet && (r == 0 || import.taken > 0))
        (void)printf("%zu run%s taken, %zu known already\n", import.taken, import.taken == 1 ? "" : "s",
                     import.known);
    return r < 0 ? eco_fail(call->command, ECO_EXIT_MISUSE, &why) : 0;
}
