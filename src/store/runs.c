/* SPDX-License-Identifier: MIT */
#include "store/runs.h"

#include "base/mem.h"
#include "store/json_find.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define HEAD_BYTES 16384      /* of the first line; a longer command is cut */
#define TAIL_BYTES (4u << 20) /* where the last whole line is looked for */

static void read_command(struct eco_span object, struct eco_record *ret)
{
    struct eco_span words;
    if (!eco_json_find(object, "command", &words) || *words.text != '[')
        return;
    words.text++;
    words.length--;
    size_t used = 0;
    while (words.length && *words.text == '"' && used + 2 < sizeof ret->command) {
        if (used)
            ret->command[used++] = ' ';
        if (!eco_json_read_string(words, ret->command + used, sizeof ret->command - used))
            return;
        used += strlen(ret->command + used);
        if (!eco_json_skip(&words) || !words.length || *words.text != ',')
            return;
        words.text++;
        words.length--;
    }
}

static double find_number(struct eco_span object, const char *key)
{
    struct eco_span value;
    double number;
    return eco_json_find(object, key, &value) && eco_json_read_number(value, &number) ? number : (double)NAN;
}

static void find_string(struct eco_span object, const char *key, char *ret, size_t size)
{
    struct eco_span value;
    if (!eco_json_find(object, key, &value) || !eco_json_read_string(value, ret, size))
        ret[0] = 0;
}

static void read_last(struct eco_span last, struct eco_record *ret)
{
    char type[16], quality[16];
    struct eco_span inner;
    find_string(last, "type", type, sizeof type);
    ret->has_ended = strcmp(type, "end") == 0;
    if (eco_json_find(last, "cumulative", &inner)) {
        ret->job_j = find_number(inner, "job_j");
        ret->machine_j = find_number(inner, "machine_j");
        ret->duration_s = find_number(inner, "duration_s");
    }
    if (eco_json_find(last, "total", &inner)) {
        find_string(inner, "quality", quality, sizeof quality);
        ret->is_estimated = *quality && strcmp(quality, "measured") != 0;
    }
}

int eco_record_parse(const char *first, size_t first_length, const char *last, size_t last_length,
                     struct eco_record *ret)
{
    struct eco_span begin = {first, first_length};
    struct eco_record record = {
        .interval_s = (double)NAN, .duration_s = (double)NAN, .job_j = (double)NAN, .machine_j = (double)NAN};
    char schema[32], type[16];
    find_string(begin, "schema", schema, sizeof schema);
    find_string(begin, "type", type, sizeof type);
    if (strncmp(schema, "ecocode.frame/", 14) != 0 || strcmp(type, "begin") != 0)
        return -EBADMSG;
    find_string(begin, "run_id", record.run_id, sizeof record.run_id);
    find_string(begin, "hostname", record.hostname, sizeof record.hostname);
    find_string(begin, "started_at", record.started_at, sizeof record.started_at);
    double pid = find_number(begin, "pid");
    record.pid = pid >= 1 && pid <= INT32_MAX ? (int32_t)pid : 0;
    record.interval_s = find_number(begin, "interval_s");
    read_command(begin, &record);
    if (last_length)
        read_last((struct eco_span){last, last_length}, &record);
    *ret = record;
    return 0;
}

/* The last line that is whole; -1 when there is none in the text. */
static const char *last_line(const char *text, size_t length, size_t *ret_length)
{
    while (length && text[length - 1] != '\n')
        length--;
    if (!length)
        return NULL;
    size_t end = --length;
    while (length && text[length - 1] != '\n')
        length--;
    *ret_length = end - length;
    return text + length;
}

static int read_record(int fd, char *head, char *tail, struct eco_record *ret)
{
    struct stat st;
    if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
        return -EBADMSG;
    ssize_t got = pread(fd, head, HEAD_BYTES, 0);
    off_t from = st.st_size > (off_t)TAIL_BYTES ? st.st_size - (off_t)TAIL_BYTES : 0;
    ssize_t rest = pread(fd, tail, TAIL_BYTES, from);
    if (got < 0 || rest < 0)
        return -errno;
    size_t length = 0;
    const char *last = last_line(tail, (size_t)rest, &length);
    return eco_record_parse(head, (size_t)got, last ? last : "", last ? length : 0, ret);
}

struct listing {
    const char *directory;
    char *head, *tail; /* HEAD_BYTES and TAIL_BYTES */
    bool only_alive;
    int (*each)(void *context, const struct eco_record *record);
    void *context;
};

static int visit(const struct listing *listing, int dir, const char *name)
{
    size_t length = strlen(name);
    char path[PATH_MAX];
    struct eco_record record = {.pid = 0};
    if (length < 7 || strcmp(name + length - 6, ".jsonl") != 0)
        return 0;
    int n = snprintf(path, sizeof path, "%s/%s", listing->directory, name);
    int fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW | O_NOCTTY);
    if (fd < 0 || n < 0 || (size_t)n >= sizeof path) {
        if (fd >= 0)
            (void)close(fd);
        return 0;
    }
    /* A file that never was written by us may be locked by anybody: it is then no record when read. */
    bool is_alive = flock(fd, LOCK_SH | LOCK_NB) < 0 && errno == EWOULDBLOCK;
    int r = 0;
    if ((is_alive || !listing->only_alive) && read_record(fd, listing->head, listing->tail, &record) == 0) {
        record.is_alive = is_alive && !record.has_ended;
        record.path = path;
        r = listing->each(listing->context, &record);
    }
    (void)close(fd);
    return r;
}

int eco_runs_list(const char *state_dir, bool only_alive,
                  int (*each)(void *context, const struct eco_record *record), void *context)
{
    char directory[PATH_MAX];
    int n = snprintf(directory, sizeof directory, "%s/runs", state_dir);
    if (n < 0 || (size_t)n >= sizeof directory)
        return -ENAMETOOLONG;
    DIR *dir = opendir(directory);
    if (!dir)
        return errno == ENOENT || errno == ENOTDIR ? 0 : -errno;
    const struct listing listing = {.directory = directory,
                                    .head = eco_calloc(HEAD_BYTES, 1),
                                    .tail = eco_calloc(TAIL_BYTES, 1),
                                    .only_alive = only_alive,
                                    .each = each,
                                    .context = context};
    int r = listing.head && listing.tail ? 0 : -ENOMEM;
    struct dirent *entry;
    while (r == 0 && (entry = readdir(dir)))
        r = visit(&listing, dirfd(dir), entry->d_name);
    free(listing.head);
    free(listing.tail);
    (void)closedir(dir);
    return r;
}
