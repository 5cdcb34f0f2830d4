/* SPDX-License-Identifier: MIT */
/* The processes of a report as a tree for people: siblings that are alike become one node. */
#pragma once

#include "base/macros.h"
#include "model/report.h"

#include <stddef.h>

#define ECO_TREE_NONE ((size_t)-1)

struct eco_tree_node {
    const struct eco_report_process *first; /* one of those it stands for */
    uint64_t count;                         /* processes it stands for */
    size_t rows;                            /* of the report */
    double cpu_s, energy_j;                 /* own, without what is below; energy by the headline */
    double below;                           /* weight of the whole branch, for the order */
    double gpu_busy_s;                      /* nan = no graphics card was used */
    uint64_t max_rss_bytes;                 /* of the largest one */
    size_t parent, first_child, next;       /* indices or ECO_TREE_NONE; children by weight */
    unsigned depth;
    bool is_shown;
};

struct eco_tree {
    struct eco_tree_node *nodes; /* owned; parents before children */
    size_t count;
    size_t first_root;
};

/**
 * @param top  show at most so many nodes: the heaviest with all above them
 * @return 0 or -ENOMEM; finish afterwards in either case
 */
int eco_tree_init(struct eco_tree *tree, const struct eco_report *report, size_t top) ECO_MUST_CHECK;
void eco_tree_finish(struct eco_tree *tree);
/** The next shown node in reading order, ECO_TREE_NONE after the last; begin with ECO_TREE_NONE. */
size_t eco_tree_next(const struct eco_tree *tree, size_t node);
/** True when a shown sibling follows. */
bool eco_tree_has_next(const struct eco_tree *tree, size_t node);
