/* SPDX-License-Identifier: MIT */
/* prune: old records are compressed and thinned, and deleted only where that was asked for. */
#include "history/history.h"
#include "history/record_replace.h"
#include "history/run_parts.h"
#include "history/thin.h"
#include "history/unpack.h"

#include "base/json.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define DAY_S          86400ll
#define COMPRESS_AFTER (7 * DAY_S)
#define THIN_AFTER     (90 * DAY_S)
#define PACKED         ".zst"

struct pruner {
    const struct eco_history *history;
    int64_t now_s, compress_s, thin_s, delete_s; /* ages; INT64_MAX = never */
    size_t compressed, thinned, deleted, failed;
    int64_t bytes_before, bytes_after;
    bool is_dry;
};

/* "7d", "36h", "never" */
static int parse_age(const char *name, const char *text, int64_t otherwise_s, int64_t *ret_s,
                     struct eco_why *why)
{
    static const struct {
        char letter;
        int64_t seconds;
    } units[] = {{'h', 3600}, {'d', DAY_S}, {'w', 7 * DAY_S}, {'y', 365 * DAY_S}};
    char *end;
    *ret_s = text && strcmp(text, "never") == 0 ? INT64_MAX : otherwise_s;
    if (!text || strcmp(text, "never") == 0)
        return 0;
    errno = 0;
    long count = strtol(text, &end, 10);
    for (size_t i = 0; i < ECO_COUNT(units) && end > text && count >= 0 && count < 100000 && !errno; i++) {
        if (*end != units[i].letter || end[1])
            continue;
        *ret_s = count * units[i].seconds;
        return 0;
    }
    eco_why_set(why, "--%s %.40s: an age: 36h, 7d, 12w, 1y or never", name, text);
    return -EINVAL;
}

static int64_t size_of(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 ? st.st_size : 0;
}

static int64_t age_of(const struct pruner *pruner, const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 ? pruner->now_s - st.st_mtim.tv_sec : -1;
}

static int write_thin(void *context, const char *from, int to)
{
    return eco_thin_file(from, to, context);
}

static int write_packed(void *context, const char *from, int to)
{
    (void)context;
    int fd = open(from, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY);
    if (fd < 0)
        return -errno;
    int r = eco_pack_file(fd, to);
    (void)close(fd);
    return r;
}

static bool is_packed(const char *path)
{
    size_t length = strlen(path);
    return length > strlen(PACKED) && strcmp(path + length - strlen(PACKED), PACKED) == 0;
}

static int prune_file(struct pruner *pruner, const char *path, struct eco_why *why)
{
    char plain[PATH_MAX], packed[PATH_MAX];
    bool was_packed = is_packed(path);
    int64_t age_s = age_of(pruner, path), before = size_of(path);
    size_t length = strlen(path) - (was_packed ? strlen(PACKED) : 0);
    bool do_thin = age_s >= pruner->thin_s && eco_thin_is_useful(path);
    bool do_pack = (age_s >= pruner->compress_s || was_packed) && (do_thin || !was_packed);
    int a = snprintf(plain, sizeof plain, "%.*s", (int)length, path);
    int b = snprintf(packed, sizeof packed, "%s" PACKED, plain);
    int r = a > 0 && b > 0 && (size_t)b < sizeof packed ? 0 : -ENAMETOOLONG;
    if (r < 0 || (!do_thin && !do_pack))
        return r;
    pruner->thinned += do_thin;
    pruner->compressed += do_pack && !was_packed;
    pruner->bytes_before += before;
    if (pruner->is_dry)
        return 0;
    if (do_thin)
        r = eco_record_replace(path, plain, write_thin, why, why);
    if (r == 0 && do_pack)
        r = eco_record_replace(plain, packed, write_packed, NULL, why);
    if (r == -ENOTSUP)
        eco_why_set(
            why,
            "this ecocode was built without Zstandard, so it cannot compress; try: --compress-after never");
    pruner->bytes_after += size_of(do_pack && r == 0 ? packed : plain);
    return r;
}

static int delete_run(struct pruner *pruner, const struct eco_run_entry *run)
{
    struct eco_run_parts parts = {0};
    int r = eco_run_parts_of(run->path, &parts);
    for (size_t i = parts.count; i-- > 0 && r == 0 && !pruner->is_dry;)
        if (unlink(parts.paths[i]) < 0)
            r = -errno;
    eco_run_parts_finish(&parts);
    pruner->deleted += r == 0;
    return r;
}

static int prune_run(struct pruner *pruner, const struct eco_run_entry *run, struct eco_why *why)
{
    struct eco_run_parts parts = {0};
    if (run->is_running)
        return 0; /* its earlier days, too, wait until it has ended */
    if (age_of(pruner, run->path) >= pruner->delete_s)
        return delete_run(pruner, run);
    int r = eco_run_parts_of(run->path, &parts);
    for (size_t i = 0; i < parts.count && r == 0; i++)
        r = prune_file(pruner, parts.paths[i], why);
    eco_run_parts_finish(&parts);
    return r;
}

static void tell(const struct pruner *pruner)
{
    char before[ECO_CELL_MAX], after[ECO_CELL_MAX];
    const char *would = pruner->is_dry ? "would be " : "";
    eco_cell_bytes((double)pruner->bytes_before, before);
    eco_cell_bytes((double)pruner->bytes_after, after);
    if (pruner->compressed + pruner->thinned + pruner->deleted == 0) {
        (void)printf("Nothing is old enough.\n");
        return;
    }
    (void)printf("%zu file%s %scompressed, %zu thinned to a minute", pruner->compressed,
                 pruner->compressed == 1 ? "" : "s", would, pruner->thinned);
    if (pruner->is_dry)
        (void)printf(": %s\n", before);
    else
        (void)printf(": %s -> %s\n", before, after);
    if (pruner->deleted)
        (void)printf("%zu run%s %sdeleted\n", pruner->deleted, pruner->deleted == 1 ? "" : "s", would);
}

static void tell_json(const struct pruner *pruner)
{
    struct eco_buf out;
    struct eco_json json;
    eco_buf_init(&out, 4096);
    eco_json_init(&json, &out);
    eco_json_open(&json, '{');
    eco_json_kstring(&json, "schema", "ecocode.history/1");
    eco_json_kbool(&json, "dry_run", pruner->is_dry);
    eco_json_ku64(&json, "compressed_files", pruner->compressed);
    eco_json_ku64(&json, "thinned_files", pruner->thinned);
    eco_json_ku64(&json, "deleted_runs", pruner->deleted);
    eco_json_ki64(&json, "before_bytes", pruner->bytes_before);
    if (pruner->is_dry)
        eco_json_knull(&json, "after_bytes");
    else
        eco_json_ki64(&json, "after_bytes", pruner->bytes_after);
    eco_json_close(&json, '}');
    (void)printf("%s\n", eco_buf_error(&out) == 0 ? out.data : "{}");
    eco_buf_finish(&out);
}

int eco_history_prune(struct eco_history *history)
{
    const struct eco_settings *settings = &history->call->settings;
    struct pruner pruner = {.history = history, .now_s = (int64_t)time(NULL), .is_dry = settings->dry_run};
    struct eco_catalog catalog = {0};
    struct eco_why why = {.text = ""}, first = {.text = ""};
    history->filter.limit = 0;
    int r = parse_age("compress-after", settings->compress_after, COMPRESS_AFTER, &pruner.compress_s, &why);
    if (r == 0)
        r = parse_age("thin-after", settings->thin_after, THIN_AFTER, &pruner.thin_s, &why);
    if (r == 0)
        r = parse_age("delete-after", settings->delete_after, INT64_MAX, &pruner.delete_s, &why);
    if (r == 0)
        r = eco_catalog_read(history->index, &history->filter, &catalog, &why);
    if (r < 0)
        return eco_history_fail(history, &why);
    for (size_t i = 0; i < catalog.count; i++) {
        why.text[0] = 0;
        r = prune_run(&pruner, &catalog.runs[i], &why);
        if (r < 0 && !*why.text)
            eco_why_set(&why, "%s: %s", catalog.runs[i].path, strerror(-r));
        if (r < 0 && pruner.failed++ == 0)
            first = why;
        if (r == -ENOTSUP || r == -ENOSPC)
            break; /* it would be the same for all */
    }
    eco_catalog_finish(&catalog);
    if (settings->json)
        tell_json(&pruner);
    else if (pruner.failed == 0 || pruner.compressed + pruner.thinned + pruner.deleted > 1)
        tell(&pruner);
    return pruner.failed ? eco_history_fail(history, &first) : 0;
}
