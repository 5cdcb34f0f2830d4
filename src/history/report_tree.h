/* SPDX-License-Identifier: MIT */
/*
 * The processes of a report as a tree with sums, cut to the largest, at most ECO_FAMILY_SHOWN. What is cut
 * off is one entry per parent, so that sums stay whole. Works on any list: parents that are missing, of their
 * own kin or in a circle are roots.
 */
#pragma once

#include "base/macros.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ECO_FAMILY_SHOWN 200

struct eco_family_row {
    const json_t *process; /* borrowed; NULL: what was cut off below `parent` */
    int32_t parent;        /* index into rows, -1 = a root */
    unsigned depth;
    double own, sum; /* of the weight: joules, or seconds of CPU time; of the row, and with what is below */
    double energy_j; /* of the row; NaN not known */
    double cpu_s;
    uint64_t processes; /* that this row stands for */
    double offset;      /* of this subtree in the whole, 0 to 1: where it begins when drawn side by side */
};

struct eco_family {
    struct eco_family_row *rows; /* parents before children, the largest first; owned */
    size_t count;
    double total;         /* of the weight */
    bool is_by_energy;    /* the weight is joules; false: they are not known, it is CPU time */
    bool has_gpu;         /* some of them used a graphics card */
    size_t cut_rows;      /* of the report, that stand in rows without a process */
    double largest_cpu_s; /* of a row, for a column's unit */
};

/** -ENOMEM. `report` is an object `ecocode.run/1`, borrowed while the tree is used. */
int eco_family_make(const json_t *report, size_t shown, struct eco_family *ret) ECO_MUST_CHECK;
void eco_family_finish(struct eco_family *tree);
/** What to call a row: its command line, else its name; borrowed, any bytes. */
const char *eco_family_name(const struct eco_family_row *row);
