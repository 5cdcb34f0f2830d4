/* SPDX-License-Identifier: MIT */
#include "history/run_file.h"

#include "base/text.h"
#include "history/rebuild.h"
#include "history/run_frames.h"
#include "history/run_parts.h"
#include "history/tail.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_MAX_BYTES (256u << 20) /* of a report over several lines */
#define RUN            "ecocode.run/"
#define FRAME          "ecocode.frame/"
#define VERSION        "1"

static int check_schema(json_t *root, const char *path, struct eco_why *why)
{
    const char *schema = json_string_value(json_object_get(root, "schema"));
    bool is_run = schema && strncmp(schema, RUN, strlen(RUN)) == 0;
    bool is_frame = schema && strncmp(schema, FRAME, strlen(FRAME)) == 0;
    const char *version = is_run || is_frame ? strchr(schema, '/') + 1 : "";
    if (is_run && strcmp(version, VERSION) == 0)
        return 0;
    if (!*version || strcmp(version, VERSION) == 0) {
        eco_why_set(why, "%s: not a report or record of ecocode", path);
        return -EBADMSG;
    }
    eco_why_set(why, "%s: written by a later version of ecocode (%.40s)", path, schema);
    return -ENOTSUP;
}

/* A report that was written over several lines, by another program: the whole file is one object. */
static json_t *load_whole(const char *path)
{
    struct stat st;
    json_t *root = NULL;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size <= (off_t)FILE_MAX_BYTES)
        root = json_loadfd(fd, 0, NULL);
    if (fd >= 0)
        (void)close(fd);
    return root;
}

/* The report that ends the file, if one does. */
static int load_last(const char *path, json_t **ret, bool *ret_is_record, struct eco_why *why)
{
    struct eco_ends ends;
    int r = eco_ends_read(path, &ends, why);
    if (r < 0)
        return r;
    struct eco_span first = {ends.first, ends.first_length}, last = {ends.last, ends.last_length};
    *ret_is_record = ends.first && eco_line_kind_of(first) == ECO_LINE_BEGIN;
    *ret = ends.last && (eco_line_kind_of(last) == ECO_LINE_END || !*ret_is_record)
               ? json_loads(ends.last, JSON_REJECT_DUPLICATES, NULL)
               : NULL;
    eco_ends_finish(&ends);
    if (!*ret && !*ret_is_record)
        *ret = load_whole(path);
    if (*ret && !json_is_object(*ret)) {
        json_decref(*ret);
        *ret = NULL;
    }
    return 0;
}

/* The last file of the run, where it is not this one. */
static int load_later(const char *path, json_t **ret, struct eco_why *why)
{
    struct eco_run_parts parts = {0};
    bool is_record;
    int r = eco_run_parts_of(path, &parts);
    const char *last = r == 0 ? parts.paths[parts.count - 1] : path;
    if (r == 0 && strcmp(last, path) != 0)
        r = load_last(last, ret, &is_record, why);
    if (r == 0 && !*ret)
        r = eco_run_rebuild(last, false, ret, why);
    eco_run_parts_finish(&parts);
    return r;
}

static int load(const char *path, bool only_totals, json_t **ret, struct eco_why *why)
{
    json_t *root = NULL;
    bool is_record;
    int r = load_last(path, &root, &is_record, why);
    if (r == 0 && !root && is_record)
        r = only_totals ? eco_run_rebuild(path, true, &root, why) : load_later(path, &root, why);
    if (r == 0 && !root) {
        eco_why_set(why, "%s: not a report or record of ecocode, or cut off", path);
        r = -EBADMSG;
    }
    if (r == 0)
        *ret = root;
    return r;
}

static int read_report(const char *path, bool only_totals, struct eco_run_report *ret, struct eco_why *why)
{
    json_t *root = NULL;
    int r = load(path, only_totals, &root, why);
    if (r == 0)
        r = check_schema(root, path, why);
    if (r < 0) {
        json_decref(root);
        return r;
    }
    *ret = (struct eco_run_report){.root = root,
                                   .is_complete = !json_is_false(json_object_get(root, "complete"))};
    const char *id = json_string_value(json_object_get(root, "run_id"));
    (void)eco_text_copy(ret->run_id, sizeof ret->run_id, id ? id : "");
    (void)eco_text_copy(ret->path, sizeof ret->path, path);
    return 0;
}

int eco_run_report_read(const char *path, struct eco_run_report *ret, struct eco_why *why)
{
    return read_report(path, false, ret, why);
}

int eco_run_report_read_totals(const char *path, struct eco_run_report *ret, struct eco_why *why)
{
    return read_report(path, true, ret, why);
}

void eco_run_report_finish(struct eco_run_report *report)
{
    json_decref(report->root);
    report->root = NULL;
}

static const json_t *find(const struct eco_run_report *report, const char *path)
{
    const json_t *at = report->root;
    char key[64];
    while (at && *path) {
        size_t length = strcspn(path, ".");
        if (length >= sizeof key)
            return NULL;
        memcpy(key, path, length);
        key[length] = 0;
        at = json_object_get(at, key);
        path += length + (path[length] == '.');
    }
    return at;
}

double eco_run_report_number(const struct eco_run_report *report, const char *path)
{
    const json_t *value = find(report, path);
    return json_is_number(value) ? json_number_value(value) : (double)NAN;
}

const char *eco_run_report_text(const struct eco_run_report *report, const char *path)
{
    return json_string_value(find(report, path));
}
