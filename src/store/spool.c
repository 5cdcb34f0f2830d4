/* SPDX-License-Identifier: MIT */
#include "store/spool.h"

#include "base/mem.h"
#include "store/state_dir.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define PENDING_MAX  65536        /* bytes held back before the file is made */
#define BUFFER_LIMIT (64u << 20)  /* one interval's line */
#define OPEN_AFTER   ECO_NS_PER_S /* age of the run at which the file is made */

struct eco_spool {
    struct eco_sink
        *sink; /* of our own making: its bytes are collected here, not written by the sinks' core */
    char directory[PATH_MAX];
    char path[PATH_MAX];
    int fd;
    int error;
    bool full, is_locked;
    uint64_t first_ns; /* t0 of the first frame */
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
    int b = snprintf(spool->path, sizeof spool->path, "%s/runs/%s-%s.jsonl", options->state_dir, host,
                     options->run_id);
    bool fits = a > 0 && (size_t)a < sizeof spool->directory && b > 0 && (size_t)b < sizeof spool->path;
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

static int make_file(struct eco_spool *spool)
{
    int r = eco_make_directories(spool->directory);
    if (r < 0)
        return r;
    spool->fd =
        open(spool->path, O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY, 0600);
    if (spool->fd < 0)
        return -errno;
    return 0;
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

int eco_spool_frame(struct eco_spool *spool, const struct eco_frame *frame)
{
    struct eco_buf *out = &spool->sink->out;
    if (spool->error || spool->full || !spool->sink->ops->frame)
        return spool->error;
    if (!spool->has_first) {
        spool->has_first = true;
        spool->first_ns = frame->t0_ns;
    }
    size_t before = out->length;
    int r = spool->sink->ops->frame(spool->sink, frame);
    bool too_much = eco_buf_error(out) == -E2BIG || spool->written + out->length > spool->limit;
    if (too_much) {
        /* Beyond the limit only the report is of use: what came before this frame is kept. */
        spool->full = true;
        out->error = 0;
        out->length = before;
        return 0;
    }
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
