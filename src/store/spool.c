/* SPDX-License-Identifier: MIT */
#include "store/spool.h"

#include "base/mem.h"
#include "base/text.h"
#include "store/state_dir.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define SUFFIX       ".jsonl"
#define PENDING_MAX  65536               /* bytes held back before the file is made */
#define BUFFER_LIMIT (64u << 20)         /* one interval's line */
#define OPEN_AFTER   ECO_NS_PER_S        /* age of the run at which the file is made */
#define THIN_EVERY   (60 * ECO_NS_PER_S) /* beyond the limit, one interval is kept in so much time */
#define DAY_NS       (86400 * (int64_t)ECO_NS_PER_S)

struct eco_spool {
    struct eco_sink
        *sink; /* of our own making: its bytes are collected here, not written by the sinks' core */
    char directory[PATH_MAX];
    char path[PATH_MAX];
    size_t stem_length; /* of `path` */
    int fd;
    int error;
    bool is_thinned, is_locked;
    bool is_first;     /* the directory was not there before this record */
    uint64_t first_ns; /* t0 of the first frame */
    uint64_t kept_ns;  /* t1 of the latest frame that was kept */
    int64_t day;       /* since 1970 (UTC), of the present file */
    bool has_first;
    uint64_t limit, written;
};

static void clean_name(char *ret, size_t size, const char *hostname)
{
    size_t n = 0;
    for (; hostname && hostname[n] && n + 1 < size; n++) {
        char c = hostname[n];
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
                     c == '_' || (c == '.' && n > 0);
        ret[n] = plain ? c : '_';
    }
    ret[n] = 0;
    if (n == 0)
        (void)snprintf(ret, size, "localhost");
}

int eco_spool_open(const struct eco_spool_options *options, struct eco_spool **ret)
{
    struct eco_spool *spool = eco_calloc(1, sizeof *spool);
    if (!spool)
        return -ENOMEM;
    spool->fd = -1;
    spool->limit = options->limit_bytes ? options->limit_bytes : ECO_SPOOL_LIMIT_BYTES;
    char host[65];
    clean_name(host, sizeof host, options->hostname);
    int a = snprintf(spool->directory, sizeof spool->directory, "%s/runs", options->state_dir);
    int b = snprintf(spool->path, sizeof spool->path, "%s/runs/%s-%s" SUFFIX, options->state_dir, host,
                     options->run_id);
    bool fits = a > 0 && (size_t)a < sizeof spool->directory && b > 0 &&
                (size_t)b + sizeof ".2026-11-22" <= sizeof spool->path;
    spool->stem_length = fits ? (size_t)b - strlen(SUFFIX) : 0;
    spool->sink = fits ? eco_calloc(1, eco_sink_jsonl.size) : NULL;
    if (!spool->sink) {
        free(spool);
        return fits ? -ENOMEM : -ENAMETOOLONG;
    }
    spool->sink->ops = &eco_sink_jsonl;
    spool->sink->fd = -1;
    eco_buf_init(&spool->sink->out, BUFFER_LIMIT);
    *ret = spool;
    return 0;
}

static int fail(struct eco_spool *spool, int error)
{
    if (!spool->error)
        spool->error = error;
    eco_buf_reset(&spool->sink->out);
    return spool->error;
}

static int open_new(const char *path)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY, 0600);
    return fd < 0 ? -errno : fd;
}

static int make_file(struct eco_spool *spool)
{
    spool->is_first = eco_spool_is_first(spool);
    int r = eco_make_directories(spool->directory);
    if (r == 0)
        r = open_new(spool->path);
    if (r < 0)
        return r;
    spool->fd = r;
    return 0;
}

/*
 * A new file for a new day, which begins as the first one did. The old one stays as it is; where no new one
 * can be made the old one goes on. Days that a clock set back goes through again get no file of their own.
 */
static void change_day(struct eco_spool *spool, int64_t day)
{
    char path[PATH_MAX];
    time_t at = (time_t)(day * 86400);
    struct tm date;
    spool->day = day;
    if (spool->fd < 0 || !gmtime_r(&at, &date))
        return;
    int n = snprintf(path, sizeof path, "%.*s.%04d-%02d-%02d" SUFFIX, (int)spool->stem_length, spool->path,
                     date.tm_year + 1900, date.tm_mon + 1, date.tm_mday);
    int fd = n > 0 && (size_t)n < sizeof path ? open_new(path) : -ENAMETOOLONG;
    if (fd < 0)
        return;
    bool is_locked = flock(fd, LOCK_EX | LOCK_NB) == 0;
    (void)close(spool->fd); /* only now: the run is seen to be alive all the time */
    spool->fd = fd;
    spool->is_locked = is_locked;
    (void)eco_text_copy(spool->path, sizeof spool->path, path);
    spool->written = 0;
    spool->is_thinned = false;
    if (spool->sink->ops->begin)
        (void)spool->sink->ops->begin(spool->sink, spool->sink->begin);
}

/* All that is held back, in one write. What a full disk cut off is taken back, so that only whole lines stay.
 */
static int write_out(struct eco_spool *spool)
{
    struct eco_buf *out = &spool->sink->out;
    int r = spool->fd < 0 ? make_file(spool) : 0;
    if (r < 0)
        return fail(spool, r);
    /* Some network file systems know no locks: `status` then cannot tell, which harms nobody. */
    if (!spool->is_locked)
        spool->is_locked = flock(spool->fd, LOCK_EX | LOCK_NB) == 0;
    size_t done = 0;
    while (done < out->length) {
        ssize_t n = write(spool->fd, out->data + done, out->length - done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            r = n < 0 ? -errno : -EIO;
            (void)!ftruncate(spool->fd, (off_t)spool->written);
            return fail(spool, r);
        }
        done += (size_t)n;
    }
    spool->written += done;
    eco_buf_reset(out);
    return 0;
}

int eco_spool_begin(struct eco_spool *spool, const struct eco_sink_begin *begin)
{
    struct eco_sink *sink = spool->sink;
    sink->begin = begin;
    sink->options.mode = begin->command ? "run" : "monitor";
    if (spool->error)
        return spool->error;
    int r = sink->ops->begin ? sink->ops->begin(sink, begin) : 0;
    r = r < 0 ? r : eco_buf_error(&sink->out);
    return r < 0 ? fail(spool, r) : 0;
}

/* Which frames there is room for: beyond the limit only some, whose sums since the start hold for all. */
static bool is_kept(struct eco_spool *spool, const struct eco_frame *frame)
{
    struct eco_buf *out = &spool->sink->out;
    if (eco_buf_error(out) == -E2BIG) {
        out->error = 0;
        return false;
    }
    if (!spool->is_thinned && spool->written + out->length > spool->limit) {
        spool->is_thinned = true;
        spool->kept_ns = frame->t1_ns;
        return false;
    }
    return !spool->is_thinned || frame->last || frame->t1_ns - spool->kept_ns >= THIN_EVERY;
}

static void note_time(struct eco_spool *spool, const struct eco_frame *frame)
{
    int64_t day = frame->t1_real_ns / DAY_NS;
    if (!spool->has_first) {
        spool->has_first = true;
        spool->first_ns = frame->t0_ns;
        spool->day = day;
    } else if (day > spool->day) {
        change_day(spool, day);
    }
}

int eco_spool_frame(struct eco_spool *spool, const struct eco_frame *frame)
{
    struct eco_buf *out = &spool->sink->out;
    if (spool->error || !spool->sink->ops->frame)
        return spool->error;
    note_time(spool, frame);
    size_t before = out->length;
    int r = spool->sink->ops->frame(spool->sink, frame);
    if (!is_kept(spool, frame)) {
        out->length = before;
        return 0;
    }
    spool->kept_ns = frame->t1_ns;
    r = r < 0 ? r : eco_buf_error(out);
    if (r < 0)
        return fail(spool, r);
    bool due = frame->t1_ns - spool->first_ns >= OPEN_AFTER || out->length >= PENDING_MAX || spool->fd >= 0;
    return due && !frame->last ? write_out(spool) : 0;
}

int eco_spool_report(struct eco_spool *spool, const struct eco_report *report)
{
    struct eco_sink *sink = spool->sink;
    if (spool->error)
        return spool->error;
    int r = sink->ops->report ? sink->ops->report(sink, report) : 0;
    r = r < 0 ? r : eco_buf_error(&sink->out);
    return r < 0 ? fail(spool, r) : write_out(spool);
}

bool eco_spool_is_first(const struct eco_spool *spool)
{
    return spool->is_first || (spool->fd < 0 && access(spool->directory, F_OK) < 0 && errno == ENOENT);
}

const char *eco_spool_path(const struct eco_spool *spool)
{
    return spool->path;
}

struct eco_spool *eco_spool_free(struct eco_spool *spool)
{
    if (!spool)
        return NULL;
    if (spool->sink->ops->close)
        spool->sink->ops->close(spool->sink);
    eco_buf_finish(&spool->sink->out);
    free(spool->sink);
    if (spool->fd >= 0)
        (void)close(spool->fd);
    free(spool);
    return NULL;
}
