/* SPDX-License-Identifier: MIT */
/* delete and redact: what changes records, by their names only, and never while they are written. */
#include "history/history.h"
#include "history/record_replace.h"
#include "history/redact.h"
#include "history/run_parts.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

/* Beside a record: figures of `history --recost`. */
static void costs_path(const struct eco_history *history, const struct eco_run_entry *run, char *ret,
                       size_t size)
{
    (void)snprintf(ret, size, "%s/%s.costs.jsonl", history->index->runs_dir, run->stem);
}

static int delete_run(const struct eco_history *history, const struct eco_run_entry *run, struct eco_why *why)
{
    struct eco_run_parts parts;
    char costs[PATH_MAX];
    int r = eco_run_parts_of(run->path, &parts);
    if (r < 0) {
        eco_why_set(why, "%s: %s", run->path, strerror(-r));
        return r;
    }
    /* the last one first: what is left by a failure is a record that was cut off, not one without its begin
     */
    for (size_t i = parts.count; i-- > 0 && r == 0;) {
        if (unlink(parts.paths[i]) < 0 && errno != ENOENT) {
            r = -errno;
            eco_why_set(why, "%s: %s", parts.paths[i], strerror(errno));
        }
    }
    eco_run_parts_finish(&parts);
    costs_path(history, run, costs, sizeof costs);
    if (r == 0)
        (void)unlink(costs);
    return r;
}

static int redact_one(void *context, const char *from, int to)
{
    return eco_redact_file(from, to, context);
}

/* The name of the file tells the host, too. */
static int redact_run(const struct eco_history *history, const struct eco_run_entry *run, struct eco_why *why)
{
    struct eco_run_parts parts = {0};
    char path[PATH_MAX];
    int r = eco_run_parts_of(run->path, &parts);
    for (size_t i = 0; r == 0 && i < parts.count; i++) {
        struct eco_run_part_name part;
        const char *slash = strrchr(parts.paths[i], '/');
        if (!eco_run_part_parse(slash ? slash + 1 : parts.paths[i], &part))
            continue;
        int n = snprintf(path, sizeof path, "%s/redacted-%s%s%s.jsonl", history->index->runs_dir, run->run_id,
                         *part.day ? "." : "", part.day);
        r = n > 0 && (size_t)n < sizeof path ? eco_record_replace(parts.paths[i], path, redact_one, why, why)
                                             : -ENAMETOOLONG;
    }
    char costs[PATH_MAX];
    costs_path(history, run, costs, sizeof costs);
    (void)snprintf(path, sizeof path, "%s/redacted-%s.costs.jsonl", history->index->runs_dir, run->run_id);
    if (r == 0)
        (void)rename(costs, path);
    eco_run_parts_finish(&parts);
    if (r < 0 && !*why->text)
        eco_why_set(why, "%s: %s", run->path, strerror(-r));
    return r;
}

static int each(struct eco_history *history, const struct eco_catalog *catalog, bool is_delete,
                size_t *ret_done, struct eco_why *why)
{
    for (size_t i = 0; i < catalog->count; i++) {
        const struct eco_run_entry *run = &catalog->runs[i];
        if (run->is_running) {
            eco_why_set(why, "%.12s is still running", run->run_id);
            return -EBUSY;
        }
        if (!history->call->settings.dry_run) {
            int r = is_delete ? delete_run(history, run, why) : redact_run(history, run, why);
            if (r < 0)
                return r;
        }
        (*ret_done)++;
    }
    return 0;
}

static int change(struct eco_history *history, char *const *refs, bool is_delete)
{
    struct eco_why why = {.text = ""};
    size_t done = 0;
    int r = 0;
    if (!*refs) {
        eco_why_set(&why, "which runs? `ecocode history` lists them");
        return eco_history_fail(history, &why);
    }
    for (; *refs && r == 0; refs++) {
        struct eco_catalog catalog;
        r = eco_history_find(history, *refs, &catalog, &why);
        if (r < 0)
            break;
        r = each(history, &catalog, is_delete, &done, &why);
        eco_catalog_finish(&catalog);
    }
    if (r < 0 && done == 0)
        return eco_history_fail(history, &why);
    (void)printf("%s%s %zu run%s.\n", history->call->settings.dry_run ? "Would have " : "",
                 is_delete ? (history->call->settings.dry_run ? "deleted" : "Deleted")
                           : (history->call->settings.dry_run ? "redacted" : "Redacted"),
                 done, done == 1 ? "" : "s");
    (void)fflush(stdout);
    return r < 0 ? eco_history_fail(history, &why) : 0;
}

int eco_history_delete(struct eco_history *history, char *const *refs)
{
    return change(history, refs, true);
}

int eco_history_redact(struct eco_history *history, char *const *refs)
{
    return change(history, refs, false);
}
