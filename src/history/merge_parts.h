/* SPDX-License-Identifier: MIT */
/* Pieces of merge.c: reports as they lie on nodes and in time, and sums that know of unknowns. */
#pragma once

#include "history/merge.h"

#include <stdbool.h>
#include <stdint.h>

#define ECO_S_PER_MS 1e-3

struct eco_rank {
    const struct eco_run_report *from;
    int64_t begin_ms, end_ms; /* UNIX time by the node's own clock; 0 = not known */
    size_t node;              /* index of its node */
    bool is_counted;          /* neither a repetition nor inside another */
};

struct eco_node {
    const struct eco_rank *widest; /* its machine's figures */
    bool is_covered;               /* that rank's time holds all others' */
};

struct eco_parts {
    struct eco_rank *ranks;
    struct eco_node *nodes;
    size_t count, node_count, counted;
    int64_t begin_ms, end_ms; /* of all */
};

int eco_parts_init(const struct eco_run_report *reports, size_t count, struct eco_parts *ret) ECO_MUST_CHECK;
void eco_parts_finish(struct eco_parts *parts);

/** "2026-11-22T10:00:00.000Z" in milliseconds of UNIX time; 0 when it is no such time. */
int64_t eco_parse_utc_ms(const char *text);

/** Sum over the counted ranks; NaN as soon as one is not known. */
double eco_parts_sum(const struct eco_parts *parts, const char *path);

/** Sum over nodes of their machine's figure; NaN as soon as one is not known or not covered. */
double eco_parts_sum_nodes(const struct eco_parts *parts, const char *path);

/** Null for NaN. */
json_t *eco_json_of(double value);

/** A number in an object, NaN for anything else. */
double eco_json_number(const json_t *object, const char *key);

struct eco_merging {
    struct eco_parts parts;
    json_t *report;
    bool failed; /* no memory */
};

/** Takes `value`. */
void eco_merging_put(struct eco_merging *merging, json_t *object, const char *key, json_t *value);
/** The keys `processes` and `merged`. */
void eco_merging_put_members(struct eco_merging *merging);
