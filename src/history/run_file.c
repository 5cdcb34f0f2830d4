/* SPDX-License-Identifier: MIT */
#include "history/run_file.h"

#include "base/mem.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define TAIL_BYTES     (64u << 10) /* the report's line is longer than that only with thousands of processes */
#define LINE_MAX_BYTES (256u << 20)
#define SCHEMA         "ecocode.run/"
#define VERSION        "1"

struct text {
    char *bytes;
    size_t length;
};

/* The last `length` bytes of a file, or all of it. */
static int read_tail(int fd, size_t length, off_t size, struct text *ret)
{
    size_t want = (off_t)length < size ? length : (size_t)size;
    char *bytes = eco_calloc(want + 1, 1);
    size_t done = 0;
    if (!bytes)
        return -ENOMEM;
    while (done < want) {
        ssize_t n = pread(fd, bytes + done, want - done, size - (off_t)want + (off_t)done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            break;
        done += (size_t)n;
    }
    bytes[done] = 0;
    *ret = (struct text){bytes, done};
    return 0;
}

/* The last line that is whole; NULL when it begins before the text. */
static char *find_last_line(struct text *text, bool is_whole_file)
{
    size_t end = text->length;
    while (end > 0 && text->bytes[end - 1] != '\n')
        end--; /* what has no line end was cut off */
    if (end == 0 && is_whole_file)
        return text->bytes; /* one object without a line end: a report */
    if (end == 0)
        return NULL;
    text->bytes[--end] = 0;
    while (end > 0 && text->bytes[end - 1] != '\n')
        end--;
    return end > 0 || is_whole_file ? text->bytes + end : NULL;
}

static int check_schema(json_t *root, const char *path, struct eco_why *why)
{
    const char *schema = json_string_value(json_object_get(root, "schema"));
    if (!schema || strncmp(schema, SCHEMA, strlen(SCHEMA)) != 0) {
        eco_why_set(why, "%s: not a report or record of ecocode", path);
        return -EBADMSG;
    }
    if (strcmp(schema + strlen(SCHEMA), VERSION) == 0)
        return 0;
    eco_why_set(why, "%s: written by a later version of ecocode (%.40s)", path, schema);
    return -ENOTSUP;
}

static int load(int fd, const char *path, off_t size, json_t **ret, struct eco_why *why)
{
    for (size_t length = TAIL_BYTES;; length *= 8) {
        bool is_whole = (off_t)length >= size;
        struct text text;
        int r = read_tail(fd, length, size, &text);
        if (r < 0)
            return r;
        char *line = find_last_line(&text, is_whole);
        json_t *root = line ? json_loads(line, JSON_REJECT_DUPLICATES, NULL) : NULL;
        /* a report that `-o` wrote may have several lines */
        if (!root && is_whole)
            root = json_loadb(text.bytes, text.length, 0, NULL);
        free(text.bytes);
        if (root && json_is_object(root)) {
            *ret = root;
            return 0;
        }
        json_decref(root);
        if (is_whole || length > LINE_MAX_BYTES / 8) {
            eco_why_set(why, "%s: not a report or record of ecocode, or cut off", path);
            return -EBADMSG;
        }
    }
}

int eco_run_report_read(const char *path, struct eco_run_report *ret, struct eco_why *why)
{
    struct stat st;
    json_t *root = NULL;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
        int error = fd < 0 ? errno : EBADMSG;
        eco_why_set(why, "%s: %s", path, fd < 0 ? strerror(error) : "not a file");
        if (fd >= 0)
            (void)close(fd);
        return -error;
    }
    int r = load(fd, path, st.st_size, &root, why);
    (void)close(fd);
    if (r == 0)
        r = check_schema(root, path, why);
    if (r < 0) {
        json_decref(root);
        return r;
    }
    *ret = (struct eco_run_report){.root = root, .is_complete = true};
    const char *id = json_string_value(json_object_get(root, "run_id"));
    (void)eco_text_copy(ret->run_id, sizeof ret->run_id, id ? id : "");
    (void)eco_text_copy(ret->path, sizeof ret->path, path);
    return 0;
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
