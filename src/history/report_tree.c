/* SPDX-License-Identifier: MIT */
#include "history/report_tree.h"

#include "base/mem.h"
#include "history/member.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define ROWS_MAX (4u << 20)
#define ALWAYS   12    /* rows that are shown however small they are */
#define LEAST    0.005 /* of the whole: what others need to be shown */

/* One row of the report while the tree is made. */
struct node {
    const json_t *process;
    const char *host; /* of a job on several machines, whose pids say nothing of each other; else "" */
    int64_t pid, ppid;
    int32_t parent, first_child, next_sibling;
    unsigned depth;
    double own, sum;
    bool is_shown, is_done;
};

struct work {
    struct node *nodes;
    int32_t *order; /* indices, for sorting */
    size_t count;
};

/* Where qsort looks; this program has one thread. */
static const struct node *sorted_nodes;

static int compare_place(const struct node *node, int64_t pid, const char *host)
{
    if (node->pid != pid)
        return node->pid < pid ? -1 : 1;
    return strcmp(node->host, host);
}

static int by_pid(const void *a, const void *b)
{
    const struct node *x = &sorted_nodes[*(const int32_t *)a], *y = &sorted_nodes[*(const int32_t *)b];
    int order = compare_place(x, y->pid, y->host);
    return order ? order : x < y ? -1 : x > y;
}

/* A parent is never behind its children: its sum is not smaller, and its depth is. */
static int by_sum(const void *a, const void *b)
{
    const struct node *x = &sorted_nodes[*(const int32_t *)a], *y = &sorted_nodes[*(const int32_t *)b];
    if (x->sum < y->sum || x->sum > y->sum)
        return x->sum > y->sum ? -1 : 1;
    if (x->depth != y->depth)
        return x->depth < y->depth ? -1 : 1;
    return x < y ? -1 : x > y;
}

static int64_t integer_of(const json_t *process, const char *key)
{
    const json_t *value = json_object_get(process, key);
    return json_is_integer(value) ? (int64_t)json_integer_value(value) : 0;
}

static void sort(struct work *work, int (*compare)(const void *, const void *))
{
    for (size_t i = 0; i < work->count; i++)
        work->order[i] = (int32_t)i;
    sorted_nodes = work->nodes;
    if (work->count > 0)
        qsort(work->order, work->count, sizeof *work->order, compare);
}

/* Several rows may have a pid (what it used before it became another's): the first is the parent. */
static int32_t find_pid(const struct work *work, int64_t pid, const char *host)
{
    size_t low = 0, high = work->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (compare_place(&work->nodes[work->order[middle]], pid, host) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    bool is_there = low < work->count && compare_place(&work->nodes[work->order[low]], pid, host) == 0;
    return is_there ? work->order[low] : -1;
}

static void link_parents(struct work *work)
{
    sort(work, by_pid);
    for (size_t i = 0; i < work->count; i++) {
        struct node *node = &work->nodes[i];
        node->parent =
            node->ppid > 0 && node->ppid != node->pid ? find_pid(work, node->ppid, node->host) : -1;
    }
}

/* Each row walks up until it meets one that is known to end at a root; whoever meets himself becomes a root.
 */
static void cut_circles(struct work *work)
{
    for (size_t i = 0; i < work->count; i++) {
        int32_t at = (int32_t)i;
        while (at >= 0 && !work->nodes[at].is_done) {
            work->nodes[at].is_done = true;
            work->nodes[at].depth = (unsigned)i + 1; /* who walks */
            int32_t up = work->nodes[at].parent;
            if (up >= 0 && work->nodes[up].is_done && work->nodes[up].depth == (unsigned)i + 1)
                work->nodes[at].parent = -1;
            at = work->nodes[at].parent;
        }
    }
    for (size_t i = 0; i < work->count; i++)
        work->nodes[i].is_done = false;
}

static void set_depths(struct work *work)
{
    for (size_t i = 0; i < work->count; i++) {
        unsigned depth = 0;
        int32_t at = (int32_t)i;
        while (at >= 0 && !work->nodes[at].is_done) {
            at = work->nodes[at].parent;
            depth++;
        }
        depth += at >= 0 ? work->nodes[at].depth + 1 : 0;
        for (at = (int32_t)i; at >= 0 && !work->nodes[at].is_done; at = work->nodes[at].parent) {
            work->nodes[at].is_done = true;
            work->nodes[at].depth = --depth;
        }
    }
}

static int deepest_first(const void *a, const void *b)
{
    const struct node *x = &sorted_nodes[*(const int32_t *)a], *y = &sorted_nodes[*(const int32_t *)b];
    if (x->depth != y->depth)
        return x->depth > y->depth ? -1 : 1;
    return x < y ? -1 : x > y;
}

static void add_up(struct work *work)
{
    for (size_t i = 0; i < work->count; i++)
        work->nodes[i].sum = work->nodes[i].own;
    sort(work, deepest_first);
    for (size_t i = 0; i < work->count; i++) {
        const struct node *node = &work->nodes[work->order[i]];
        if (node->parent >= 0)
            work->nodes[node->parent].sum += node->sum;
    }
}

/* The children of each, the largest first; the roots hang on the node behind the last. */
static void link_children(struct work *work, size_t shown, double total)
{
    for (size_t i = 0; i <= work->count; i++)
        work->nodes[i].first_child = work->nodes[i].next_sibling = -1;
    sort(work, by_sum);
    for (size_t i = work->count; i-- > 0;) {
        struct node *node = &work->nodes[work->order[i]];
        struct node *parent = &work->nodes[node->parent >= 0 ? (size_t)node->parent : work->count];
        node->is_shown = i < shown && (i < ALWAYS || node->sum > LEAST * total);
        node->next_sibling = parent->first_child;
        parent->first_child = work->order[i];
    }
}

static int load(struct work *work, const json_t *processes, struct eco_family *tree)
{
    work->count = json_array_size(processes);
    if (work->count > ROWS_MAX)
        return -E2BIG;
    work->nodes = eco_calloc(work->count + 1, sizeof *work->nodes);
    work->order = eco_calloc(work->count + 1, sizeof *work->order);
    if (!work->nodes || !work->order)
        return -ENOMEM;
    for (size_t i = 0; i < work->count; i++)
        tree->is_by_energy |= isfinite(eco_member_number(json_array_get(processes, i), "energy_j"));
    for (size_t i = 0; i < work->count; i++) {
        const json_t *process = json_array_get(processes, i);
        double own = eco_member_number(process, tree->is_by_energy ? "energy_j" : "cpu_s");
        double cpu_s = eco_member_number(process, "cpu_s");
        const char *host = eco_member_text(process, "hostname");
        work->nodes[i] = (struct node){.process = process,
                                       .host = host ? host : "",
                                       .pid = integer_of(process, "pid"),
                                       .ppid = integer_of(process, "ppid"),
                                       .own = own > 0 && own < 1e30 ? own : 0};
        tree->total += work->nodes[i].own;
        tree->has_gpu |= eco_member_number(process, "gpu_busy_s") > 0;
        tree->largest_cpu_s = fmax(tree->largest_cpu_s, cpu_s < 1e12 ? cpu_s : 0);
    }
    return 0;
}

static void fill(struct eco_family_row *row, const json_t *process)
{
    json_int_t count = json_integer_value(json_object_get(process, "count"));
    double energy_j = eco_member_number(process, "energy_j"), cpu_s = eco_member_number(process, "cpu_s");
    row->energy_j = isfinite(row->energy_j) && isfinite(energy_j) ? row->energy_j + energy_j : energy_j;
    row->cpu_s += cpu_s > 0 ? cpu_s : 0;
    row->processes += count > 0 ? (uint64_t)count : 1;
}

/* All below and beside that is not shown goes into one row. Returns the last of them. */
static const json_t *gather(const struct work *work, int32_t first, struct eco_family_row *rest, size_t *cut)
{
    /* Walks the part that is cut off without a stack: down, else aside, else up. */
    const json_t *last = NULL;
    for (int32_t root = first; root >= 0; root = work->nodes[root].next_sibling) {
        if (work->nodes[root].is_shown)
            continue;
        for (int32_t at = root;;) {
            const struct node *node = &work->nodes[at];
            fill(rest, node->process);
            last = node->process;
            rest->own += node->own;
            (*cut)++;
            if (node->first_child >= 0) {
                at = node->first_child;
                continue;
            }
            while (at != root && work->nodes[at].next_sibling < 0)
                at = work->nodes[at].parent;
            if (at == root)
                break;
            at = work->nodes[at].next_sibling;
        }
    }
    rest->sum = rest->own;
    return last;
}

static void put_node(struct eco_family *tree, const struct work *work, int32_t index, const int32_t *places)
{
    const struct node *node = &work->nodes[index];
    tree->rows[tree->count] = (struct eco_family_row){.process = node->process,
                                                      .parent = node->parent >= 0 ? places[node->parent] : -1,
                                                      .depth = node->depth,
                                                      .own = node->own,
                                                      .sum = node->sum,
                                                      .energy_j = ECO_NAN};
    fill(&tree->rows[tree->count++], node->process);
}

/* What is not shown of the children of `index` (-1: of the roots). */
static void put_rest(struct eco_family *tree, const struct work *work, int32_t index, const int32_t *places)
{
    const struct node *node = &work->nodes[index >= 0 ? (size_t)index : work->count];
    struct eco_family_row rest = {.parent = index >= 0 ? places[index] : -1,
                                  .depth = index >= 0 ? node->depth + 1 : 0,
                                  .energy_j = ECO_NAN};
    size_t before = tree->cut_rows;
    const json_t *last = gather(work, node->first_child, &rest, &tree->cut_rows);
    if (tree->cut_rows == before)
        return;
    if (tree->cut_rows == before + 1) {
        rest.process = last; /* one alone can as well be named */
        tree->cut_rows--;
    }
    tree->rows[tree->count++] = rest;
}

static int32_t first_shown(const struct work *work, int32_t index)
{
    while (index >= 0 && !work->nodes[index].is_shown)
        index = work->nodes[index].next_sibling;
    return index;
}

static void lay_out(struct eco_family *tree, const struct work *work, int32_t *places)
{
    int32_t at = first_shown(work, work->nodes[work->count].first_child);
    while (at >= 0) {
        places[at] = (int32_t)tree->count;
        put_node(tree, work, at, places);
        int32_t next = first_shown(work, work->nodes[at].first_child);
        /* Up until there is someone beside; whoever is left has had all his children. */
        while (next < 0 && at >= 0) {
            put_rest(tree, work, at, places);
            next = first_shown(work, work->nodes[at].next_sibling);
            at = work->nodes[at].parent;
        }
        at = next;
    }
    put_rest(tree, work, -1, places);
}

/* Children lie side by side from where their parent begins, in the order of the rows. */
static void set_offsets(struct eco_family *tree, double *used)
{
    double roots = 0;
    for (size_t i = 0; i < tree->count && tree->total > 0; i++) {
        struct eco_family_row *row = &tree->rows[i];
        double *before = row->parent >= 0 ? &used[row->parent] : &roots;
        row->offset = (row->parent >= 0 ? tree->rows[row->parent].offset : 0) + *before;
        *before += row->sum / tree->total;
    }
}

int eco_family_make(const json_t *report, size_t shown, struct eco_family *ret)
{
    struct eco_family tree = {0};
    struct work work = {0};
    int32_t *places = NULL;
    double *used = NULL;
    int r = load(&work, json_object_get(report, "processes"), &tree);
    if (r == 0) {
        link_parents(&work);
        cut_circles(&work);
        set_depths(&work);
        add_up(&work);
        link_children(&work, shown, tree.total);
        places = eco_calloc(work.count + 1, sizeof *places);
        tree.rows = eco_calloc(2 * shown + 2, sizeof *tree.rows);
        used = eco_calloc(2 * shown + 2, sizeof *used);
        r = places && tree.rows && used ? 0 : -ENOMEM;
    }
    if (r == 0) {
        lay_out(&tree, &work, places);
        set_offsets(&tree, used);
        *ret = tree;
    } else {
        free(tree.rows);
    }
    free(used);
    free(places);
    free(work.nodes);
    free(work.order);
    return r;
}

void eco_family_finish(struct eco_family *tree)
{
    free(tree->rows);
    *tree = (struct eco_family){0};
}

const char *eco_family_name(const struct eco_family_row *row)
{
    const char *command = eco_member_text(row->process, "cmdline"),
               *name = eco_member_text(row->process, "name");
    const char *role = eco_member_text(row->process, "role");
    if (role && *role)
        return role;
    return command && *command ? command : name && *name ? name : "?";
}
