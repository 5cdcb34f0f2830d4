/* SPDX-License-Identifier: MIT */
/* Recorded runs by what is asked for: lists with filters, from the index. */
#pragma once

#include "history/index.h"

#include <stddef.h>
#include <stdint.h>

struct eco_run_filter {
    const char *const *labels; /* "KEY=VALUE", all of them must hold */
    unsigned label_count;
    const char *command;       /* part of the command's text; NULL = any */
    const char *host;          /* NULL = any */
    char since[32], until[32]; /* beginning of a time in UTC ("2026-11"); "" = open. `until` is included */
    const char *id;            /* beginning of a run's id; NULL = any */
    uint64_t limit, offset;    /* of the newest; limit 0 = all */
};

/* One run of a list. Texts belong to the catalog; NULL = not known. */
struct eco_run_entry {
    char *path, *stem, *run_id, *hostname, *started_at, *command, *labels, *policy, *quality, *currency,
        *co2e_scope;
    double duration_s, job_j, machine_j, cpu_s, co2e_g, cost; /* nan = not known */
    int exit_code, exit_signal;                               /* -1 = not known */
    bool is_complete;
    bool is_running; /* somebody writes it now; known on this machine only */
};

struct eco_catalog {
    struct eco_run_entry *runs; /* newest first */
    size_t count, capacity;
    uint64_t matching; /* without the limit */
};

/** 0, -ENOMEM, -EIO, with a reason. No run is a success. */
int eco_catalog_read(const struct eco_index *index, const struct eco_run_filter *filter,
                     struct eco_catalog *ret, struct eco_why *why) ECO_MUST_CHECK;
void eco_catalog_finish(struct eco_catalog *catalog);

/**
 * The time a person means: "2026-11", "2026-11-22", "2026-11-22T10:00", "today", "yesterday", or so long ago:
 * "7d", "36h". In UTC, as all times of records.
 *
 * @param now_s  seconds since 1970
 * @return 0 or -EINVAL with a reason
 */
int eco_time_parse(const char *text, int64_t now_s, char ret[32], struct eco_why *why) ECO_MUST_CHECK;
