/* SPDX-License-Identifier: MIT */
#include "sinks/text_tree.h"

#include "base/mem.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#define TRIFLE_S 0.0005

struct row {
    const struct eco_report_process *process;
    size_t parent; /* index of its parent's row, ECO_TREE_NONE = a root */
    size_t first_child, next;
    size_t node;        /* what it became part of, ECO_TREE_NONE = not yet */
    size_t parent_node; /* of that */
};

struct builder {
    const struct eco_report *report;
    struct row *rows;
    size_t *by_id; /* row indices, sorted by id */
    size_t *level, *next_level;
    size_t count;
    struct eco_tree *tree;
};

/* qsort has no context argument; qsort_r is glibc's. */
static int compare_ids(const void *a, const void *b, void *context)
{
    const struct row *rows = context;
    uint32_t left = rows[*(const size_t *)a].process->id, right = rows[*(const size_t *)b].process->id;
    return left < right ? -1 : left > right;
}

static bool is_group(const struct eco_report_process *process)
{
    return process->pid == 0;
}

static const char *key_of(const struct eco_report_process *process)
{
    return process->role ? process->role : process->name ? process->name : "";
}

static int compare_siblings(const void *a, const void *b, void *context)
{
    const struct row *rows = context;
    const struct row *left = &rows[*(const size_t *)a], *right = &rows[*(const size_t *)b];
    if (left->parent_node != right->parent_node)
        return left->parent_node < right->parent_node ? -1 : 1;
    if (is_group(left->process) != is_group(right->process))
        return is_group(left->process) ? 1 : -1;
    int order = strcmp(key_of(left->process), key_of(right->process));
    if (order != 0)
        return order;
    return left < right ? -1 : left > right;
}

static size_t find_row(const struct builder *b, uint32_t id)
{
    size_t low = 0, high = b->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (b->rows[b->by_id[middle]].process->id < id)
            low = middle + 1;
        else
            high = middle;
    }
    return low < b->count && b->rows[b->by_id[low]].process->id == id ? b->by_id[low] : ECO_TREE_NONE;
}

static void link_rows(struct builder *b)
{
    for (size_t i = 0; i < b->count; i++) {
        b->rows[i] = (struct row){&b->report->processes[i],
                                  ECO_TREE_NONE,
                                  ECO_TREE_NONE,
                                  ECO_TREE_NONE,
                                  ECO_TREE_NONE,
                                  ECO_TREE_NONE};
        b->by_id[i] = i;
    }
    qsort_r(b->by_id, b->count, sizeof(*b->by_id), compare_ids, b->rows);
    for (size_t i = 0; i < b->count; i++) {
        struct row *row = &b->rows[i];
        size_t parent = row->process->parent_id ? find_row(b, row->process->parent_id) : ECO_TREE_NONE;
        if (parent == i || parent == ECO_TREE_NONE)
            continue;
        row->parent = parent;
        row->next = b->rows[parent].first_child;
        b->rows[parent].first_child = i;
    }
}

static double known(double value)
{
    return isfinite(value) ? value : 0.0;
}

static void add_row(struct builder *b, size_t node_index, size_t row_index)
{
    struct eco_tree_node *node = &b->tree->nodes[node_index];
    const struct eco_report_process *process = b->rows[row_index].process;
    node->count += process->count;
    node->rows++;
    node->cpu_s += known(process->cpu_s);
    node->energy_j += b->report->has_energy ? known(process->energy_j[b->report->headline]) : 0.0;
    if (isfinite(process->gpu_busy_s))
        node->gpu_busy_s = known(node->gpu_busy_s) + process->gpu_busy_s;
    if (process->max_rss_bytes > node->max_rss_bytes)
        node->max_rss_bytes = process->max_rss_bytes;
    b->rows[row_index].node = node_index;
}

static size_t new_node(struct builder *b, const struct row *row)
{
    struct eco_tree *tree = b->tree;
    unsigned depth = row->parent_node == ECO_TREE_NONE ? 0 : tree->nodes[row->parent_node].depth + 1;
    tree->nodes[tree->count] = (struct eco_tree_node){.first = row->process,
                                                      .gpu_busy_s = (double)NAN,
                                                      .parent = row->parent_node,
                                                      .first_child = ECO_TREE_NONE,
                                                      .next = ECO_TREE_NONE,
                                                      .depth = depth};
    return tree->count++;
}

/* One level of the tree: siblings that are alike become one node; then the level below. */
static void merge_levels(struct builder *b, size_t count)
{
    while (count > 0) {
        qsort_r(b->level, count, sizeof(*b->level), compare_siblings, b->rows);
        size_t below = 0, node = ECO_TREE_NONE;
        for (size_t i = 0; i < count; i++) {
            struct row *row = &b->rows[b->level[i]], *before = i > 0 ? &b->rows[b->level[i - 1]] : NULL;
            bool is_alike = before && before->parent_node == row->parent_node &&
                            is_group(before->process) == is_group(row->process) &&
                            strcmp(key_of(before->process), key_of(row->process)) == 0;
            if (!is_alike)
                node = new_node(b, row);
            add_row(b, node, b->level[i]);
            for (size_t child = row->first_child; child != ECO_TREE_NONE; child = b->rows[child].next) {
                b->rows[child].parent_node = node;
                b->next_level[below++] = child;
            }
        }
        size_t *swap = b->level;
        b->level = b->next_level;
        b->next_level = swap;
        count = below;
    }
}

static void merge(struct builder *b)
{
    size_t roots = 0;
    for (size_t i = 0; i < b->count; i++) {
        if (b->rows[i].parent == ECO_TREE_NONE)
            b->level[roots++] = i;
    }
    merge_levels(b, roots);
    /* Rows that are each other's parents hang below no root: none may be lost. */
    for (size_t i = 0; i < b->count; i++) {
        if (b->rows[i].node != ECO_TREE_NONE)
            continue;
        struct row *above = &b->rows[b->rows[i].parent];
        for (size_t *link = &above->first_child; *link != ECO_TREE_NONE; link = &b->rows[*link].next) {
            if (*link == i) {
                *link = b->rows[i].next;
                break;
            }
        }
        b->level[0] = i;
        merge_levels(b, 1);
    }
}

static double weight(const struct builder *b, const struct eco_tree_node *node)
{
    return b->report->has_energy && b->report->sums[b->report->headline].job_j > 0 ? node->energy_j
                                                                                   : node->cpu_s;
}

static int compare_weights(const void *a, const void *b, void *context)
{
    const struct eco_tree_node *nodes = context;
    size_t left = *(const size_t *)a, right = *(const size_t *)b;
    if (nodes[left].below > nodes[right].below)
        return -1;
    if (nodes[left].below < nodes[right].below)
        return 1;
    return left < right ? -1 : left > right;
}

/* Children in order of what their branches used; the last in the list is linked first. */
static void link_nodes(struct builder *b, size_t *order)
{
    struct eco_tree *tree = b->tree;
    tree->first_root = ECO_TREE_NONE;
    for (size_t i = 0; i < tree->count; i++)
        tree->nodes[i].below = weight(b, &tree->nodes[i]);
    for (size_t i = tree->count; i-- > 0;) {
        order[i] = i;
        if (tree->nodes[i].parent != ECO_TREE_NONE)
            tree->nodes[tree->nodes[i].parent].below += tree->nodes[i].below;
    }
    qsort_r(order, tree->count, sizeof(*order), compare_weights, tree->nodes);
    for (size_t i = tree->count; i-- > 0;) {
        struct eco_tree_node *node = &tree->nodes[order[i]];
        size_t *head =
            node->parent == ECO_TREE_NONE ? &tree->first_root : &tree->nodes[node->parent].first_child;
        node->next = *head;
        *head = order[i];
    }
}

/* What nobody saw and used nothing that could be printed. */
static bool is_trifle(const struct eco_tree_node *node)
{
    return node->first->pid == 0 && node->cpu_s < TRIFLE_S && node->first_child == ECO_TREE_NONE;
}

/* The heaviest nodes with all above them, as long as there is room. */
static void choose(struct builder *b, size_t *order, size_t top)
{
    struct eco_tree *tree = b->tree;
    size_t shown = 0;
    for (size_t i = 0; i < tree->count; i++) {
        order[i] = i;
        tree->nodes[i].below = weight(b, &tree->nodes[i]);
        tree->nodes[i].is_shown = tree->count <= top && !is_trifle(&tree->nodes[i]);
    }
    if (tree->count <= top)
        return;
    qsort_r(order, tree->count, sizeof(*order), compare_weights, tree->nodes);
    for (size_t i = 0; i < tree->count && shown < top; i++) {
        size_t need = 0;
        if (is_trifle(&tree->nodes[order[i]]))
            continue;
        for (size_t n = order[i]; n != ECO_TREE_NONE && !tree->nodes[n].is_shown; n = tree->nodes[n].parent)
            need++;
        if (need > top - shown)
            continue;
        for (size_t n = order[i]; n != ECO_TREE_NONE && !tree->nodes[n].is_shown; n = tree->nodes[n].parent)
            tree->nodes[n].is_shown = true;
        shown += need;
    }
}

int eco_tree_init(struct eco_tree *tree, const struct eco_report *report, size_t top)
{
    *tree = (struct eco_tree){.first_root = ECO_TREE_NONE};
    size_t count = report->process_count;
    if (count == 0)
        return 0;
    struct row *rows = eco_calloc(count, sizeof(*rows));
    size_t *indices = eco_calloc(count, 3 * sizeof(*indices));
    tree->nodes = eco_calloc(count, sizeof(*tree->nodes));
    int r = rows && indices && tree->nodes ? 0 : -ENOMEM;
    if (r == 0) {
        struct builder b = {.report = report, .rows = rows, .by_id = indices, .count = count, .tree = tree};
        b.level = indices + count;
        b.next_level = b.level + count;
        link_rows(&b);
        merge(&b);
        link_nodes(&b, indices);
        choose(&b, indices, top);
    }
    free(rows);
    free(indices);
    return r;
}

void eco_tree_finish(struct eco_tree *tree)
{
    free(tree->nodes);
    *tree = (struct eco_tree){.first_root = ECO_TREE_NONE};
}

static size_t shown_from(const struct eco_tree *tree, size_t node)
{
    while (node != ECO_TREE_NONE && !tree->nodes[node].is_shown)
        node = tree->nodes[node].next;
    return node;
}

size_t eco_tree_next(const struct eco_tree *tree, size_t node)
{
    if (node == ECO_TREE_NONE)
        return shown_from(tree, tree->first_root);
    /* What stands above a shown node is shown, so a hidden one has nothing to show below. */
    size_t next = shown_from(tree, tree->nodes[node].first_child);
    while (next == ECO_TREE_NONE && node != ECO_TREE_NONE) {
        next = shown_from(tree, tree->nodes[node].next);
        node = tree->nodes[node].parent;
    }
    return next;
}

bool eco_tree_has_next(const struct eco_tree *tree, size_t node)
{
    return shown_from(tree, tree->nodes[node].next) != ECO_TREE_NONE;
}
