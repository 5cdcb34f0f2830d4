/* SPDX-License-Identifier: MIT */
/* What is read of one process: stat, and at its birth or after exec its command line and status. */
#include "procs/scan.h"

#include "base/mem.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define STAT_SIZE    2048u
#define STATUS_SIZE  8192u
#define CMDLINE_LOOK 1024u /* bytes in which a role is looked for */

static int parse_stat(const char *text, ssize_t length, int32_t pid, struct eco_stat_line *ret)
{
    struct eco_stat_line line;

    if (length < 0)
        return length == -ENOENT ? -ESRCH : (int)length;
    int rc = eco_stat_parse(text, (size_t)length, &line);
    if (rc == 0 && line.pid != pid)
        rc = -EBADMSG;
    if (rc == 0)
        *ret = line;
    return rc;
}

int eco_scan_read_stat(struct eco_scan *scan, int32_t pid, struct eco_stat_line *ret)
{
    char path[ECO_PATH_MAX], text[STAT_SIZE];
    int rc = eco_path(path, "%d/stat", pid);

    if (rc < 0)
        return rc;
    return parse_stat(text, eco_root_read(scan->base.env->root, ECO_PROCFS, path, text, sizeof(text)), pid,
                      ret);
}

static struct eco_kept_stat *find_kept(struct eco_scan *scan, int32_t pid)
{
    for (unsigned i = 0; i < ECO_KEPT_STATS; i++)
        if (scan->kept[i].pid == pid)
            return &scan->kept[i];
    return NULL;
}

static void let_go(struct eco_kept_stat *kept)
{
    if (kept->pid != 0)
        (void)close(kept->fd);
    *kept = (struct eco_kept_stat){0};
}

void eco_scan_forget_stat(struct eco_scan *scan, int32_t pid)
{
    struct eco_kept_stat *kept = pid != 0 ? find_kept(scan, pid) : NULL;

    if (kept != NULL)
        let_go(kept);
}

void eco_scan_close_stats(struct eco_scan *scan)
{
    for (unsigned i = 0; i < ECO_KEPT_STATS; i++)
        let_go(&scan->kept[i]);
}

/* Room for one more: what was read neither in this look nor in the last makes way. */
static struct eco_kept_stat *make_room(struct eco_scan *scan)
{
    struct eco_kept_stat *oldest = &scan->kept[0];

    for (unsigned i = 1; i < ECO_KEPT_STATS; i++)
        if (scan->kept[i].used_ns < oldest->used_ns)
            oldest = &scan->kept[i];
    if (oldest->pid != 0 && oldest->used_ns >= scan->last_ns)
        return NULL;
    let_go(oldest);
    return oldest;
}

/* An open stat answers -ESRCH once its process is gone; the pid may be another's by then, so it is asked
 * anew. */
int eco_scan_read_stat_again(struct eco_scan *scan, int32_t pid, struct eco_stat_line *ret)
{
    char path[ECO_PATH_MAX], text[STAT_SIZE];
    const struct eco_root *root = scan->base.env->root;
    struct eco_kept_stat *kept = find_kept(scan, pid);

    if (kept == NULL || !scan->has_clocks) {
        kept = scan->has_clocks && eco_path(path, "%d/stat", pid) == 0 ? make_room(scan) : NULL;
        int fd = kept != NULL ? eco_root_open(root, ECO_PROCFS, path) : -1;
        if (fd < 0)
            return eco_scan_read_stat(scan, pid, ret);
        *kept = (struct eco_kept_stat){.pid = pid, .fd = fd};
    }
    kept->used_ns = scan->now_ns;
    int rc = parse_stat(text, eco_root_pread(root, kept->fd, text, sizeof(text)), pid, ret);
    if (rc == 0)
        return 0;
    let_go(kept);
    return eco_scan_read_stat(scan, pid, ret);
}

static void close_fd(const int *fd)
{
    if (*fd >= 0)
        (void)close(*fd);
}

/* The start of a file that may be of any length. */
static size_t read_start(const struct eco_root *root, const char *path, char *ret, size_t size)
{
    ECO_CLEANUP(close_fd) int fd = eco_root_open(root, ECO_PROCFS, path);
    ssize_t n = fd >= 0 ? read(fd, ret, size) : -1;

    return n > 0 ? (size_t)n : 0;
}

/* FNV-1a (Fowler, Noll, Vo), 64 bits, folded; never 0. */
static uint32_t hash_bytes(const char *bytes, size_t length)
{
    uint64_t hash = 0xcbf29ce484222325u;

    for (size_t i = 0; i < length; i++)
        hash = (hash ^ (unsigned char)bytes[i]) * 0x100000001b3u;
    uint32_t folded = (uint32_t)(hash >> 32 ^ hash);
    return folded != 0 ? folded : 1;
}

/* Command line and role: at birth, and after exec. What cannot be had is left out. */
void eco_scan_read_cmdline(struct eco_scan *scan, struct eco_row *row)
{
    char path[ECO_PATH_MAX], raw[CMDLINE_LOOK], text[CMDLINE_LOOK + 1];
    size_t length = 0;
    const struct eco_row *parent = NULL;

    if ((row->proc.flags & ECO_PROC_KERNEL) != 0 || eco_path(path, "%d/cmdline", row->proc.pid) < 0)
        return;
    length = read_start(scan->base.env->root, path, raw, sizeof(raw));
    if (length == 0)
        return; /* a zombie, or gone: what is known stays */
    row->cmdline_hash = hash_bytes(raw, length);
    length = eco_cmdline_parse(raw, length, text, sizeof(text));
    if (row->parent != ECO_SLOT_NONE)
        parent = eco_table_row(&scan->table, row->parent);
    row->proc.role =
        eco_role_find(row->proc.name, text, parent != NULL && parent->cmdline_hash == row->cmdline_hash);
    if (scan->base.options.no_cmdline)
        return;
    if (length >= ECO_CMDLINE_MAX)
        length = ECO_CMDLINE_MAX - 1;
    eco_row_set_cmdline(row, text, length, parent);
}

/* Owner and peak of the resident set: two things that stat does not say. */
void eco_scan_read_status(struct eco_scan *scan, struct eco_row *row)
{
    char path[ECO_PATH_MAX], text[STATUS_SIZE];
    struct eco_status_file status;

    if (eco_path(path, "%d/status", row->proc.pid) < 0)
        return;
    ssize_t n = eco_root_read(scan->base.env->root, ECO_PROCFS, path, text, sizeof(text));
    if (n < 0 || eco_status_parse(text, (size_t)n, &status) < 0)
        return;
    row->proc.uid = status.uid;
    if (status.max_rss_bytes > row->proc.max_rss_bytes)
        row->proc.max_rss_bytes = status.max_rss_bytes;
}
