/* SPDX-License-Identifier: MIT */
/* The rows of a look: what is read of a process that is new, that ran or that ended. */
#include "procs/scan.h"

#include "base/text.h"

#include <errno.h>
#include <string.h>

/* A child that used less than this is not looked for again when its parent's books grow. */
#define RECHECK_MIN_NS (5 * ECO_NS_PER_MS)

/* ---- one row ---- */

void eco_scan_mark_job(struct eco_scan *scan, struct eco_row *top)
{
    struct eco_table *table = &scan->table;

    for (struct eco_row *row = top;;) {
        if ((row->proc.flags & (ECO_PROC_JOB | ECO_PROC_ENDED)) == 0) {
            row->proc.flags |= ECO_PROC_JOB;
            if (table->hot[row->slot].pid > 0) {
                scan->job_count++;
                scan->job_alive++;
            }
            if (scan->is_base) {
                row->proc.base_cpu_ns = row->proc.cpu_ns;
                row->claimed_ns += scan->account.is_fed ? row->grown_ns + scan->account.slack_ns : 0;
            }
            scan->account.rows_ns += row->proc.cpu_ns - row->proc.base_cpu_ns;
            eco_account_count(&scan->account, row);
            if (scan->is_base)
                eco_account_base(&scan->account, row);
            eco_scan_change(scan, row);
        }
        /* depth first, without a stack */
        if (row->first_child != ECO_SLOT_NONE) {
            row = eco_table_row(table, row->first_child);
            continue;
        }
        while (row != top && row->next == ECO_SLOT_NONE)
            row = eco_table_row(table, row->parent);
        if (row == top)
            return;
        row = eco_table_row(table, row->next);
    }
}

static void link_to_parent(struct eco_scan *scan, struct eco_row *row)
{
    uint32_t parent = eco_table_find(&scan->table, row->proc.ppid);

    eco_tree_link(&scan->table, row, parent);
    if (row->parent != ECO_SLOT_NONE && row->proc.parent_id == 0)
        row->proc.parent_id = eco_table_row(&scan->table, row->parent)->proc.id;
}

void eco_scan_set_cpu(struct eco_scan *scan, struct eco_row *row, uint64_t cpu_ns)
{
    if (cpu_ns <= row->proc.cpu_ns)
        return;
    if ((row->proc.flags & ECO_PROC_JOB) != 0)
        scan->account.rows_ns += cpu_ns - row->proc.cpu_ns;
    row->proc.cpu_ns = cpu_ns;
    row->is_unwalked = true;
    if (!row->is_newborn)
        eco_scan_change(scan, row);
}

/* What one line of stat says, into a row that is known to be the same process. */
static void apply_stat(struct eco_scan *scan, struct eco_row *row, const struct eco_stat_line *line)
{
    uint64_t tick = scan->tick_ns;
    uint64_t children = (line->children_user_ticks + line->children_system_ticks) * tick;
    uint64_t own = (line->user_ticks + line->system_ticks) * tick;

    eco_scan_set_cpu(scan, row, scan->has_clocks ? scan->table.hot[row->slot].cpu_ns : own);
    if (children > row->children_ns) {
        scan->sweep.has_grown = true;
        row->grown_ns += children - row->children_ns;
        row->children_ns = children;
    }
    row->user_ns = (line->user_ticks + line->children_user_ticks) * tick;
    row->system_ns = (line->system_ticks + line->children_system_ticks) * tick;
    row->proc.ppid = line->ppid;
    row->proc.threads = line->threads;
    row->proc.last_cpu = line->last_cpu;
    row->is_zombie = line->state == 'Z' || line->state == 'X';
    if (!row->is_zombie) {
        uint64_t rss =
            line->rss_pages > UINT64_MAX / scan->page_bytes ? 0 : line->rss_pages * scan->page_bytes;
        row->proc.rss_bytes = rss;
        if (rss > row->proc.max_rss_bytes)
            row->proc.max_rss_bytes = rss;
    }
    row->refreshed_ms = eco_scan_ms(scan);
    if ((row->proc.flags & ECO_PROC_JOB) != 0)
        eco_account_count(&scan->account, row);
}

static void set_name(struct eco_row *row, const struct eco_stat_line *line)
{
    (void)eco_text_copy(row->proc.name, sizeof(row->proc.name), line->name);
    row->arg_start = line->arg_start;
}

/* A name changes by exec or prctl; exec alone (to a program of the same name) moves the arguments. */
static void check_exec(struct eco_scan *scan, struct eco_row *row, const struct eco_stat_line *line)
{
    bool moved = row->is_renamed || (line->arg_start != 0 && line->arg_start != row->arg_start);

    row->is_renamed = false;
    if (row->is_zombie || (!moved && strcmp(row->proc.name, line->name) == 0))
        return;
    set_name(row, line);
    eco_scan_read_cmdline(scan, row);
    eco_scan_read_status(scan, row);
    eco_scan_identify(scan, row);
    row->proc.flags |= ECO_PROC_RENAMED;
    eco_scan_change(scan, row);
}

/* Its CPU time by its clock where clocks belong to this /proc; hot.cpu_ns stays as it is otherwise. */
static int read_clock(struct eco_scan *scan, struct eco_hot *hot, bool *ret_moved)
{
    const struct eco_clock *clock = scan->base.env->clock;
    uint64_t cpu_ns = 0;

    *ret_moved = false;
    if (!scan->has_clocks)
        return -ENOTSUP;
    int rc = clock->process_cpu_ns(clock, hot->pid, &cpu_ns);
    if (rc == 0 && cpu_ns != hot->cpu_ns) {
        eco_scan_note_clock(scan, hot, cpu_ns);
        *ret_moved = true;
    }
    return rc;
}

static bool is_job_from_birth(struct eco_scan *scan, const struct eco_row *row)
{
    if (scan->base.options.scope == ECO_SCOPE_TREE)
        return true; /* only what descends from a root is looked for */
    if (scan->all_job)
        return true;
    if (row->parent != ECO_SLOT_NONE)
        if ((eco_table_row(&scan->table, row->parent)->proc.flags & ECO_PROC_JOB) != 0)
            return true;
    return scan->root_count > 0 && row->proc.ppid == eco_scan_reaper(scan) && scan->has_clocks &&
           !scan->is_base && scan->base.options.run_id != NULL && eco_members_is_ours(scan, row->proc.pid);
}

static bool is_own_process(const struct eco_scan *scan, int32_t pid)
{
    return scan->has_clocks && (pid == getpid() || pid == eco_scan_reaper(scan));
}

/* Everything that one line of stat and two more files say of a process that is new in the table. */
static void fill_row(struct eco_scan *scan, struct eco_row *row, const struct eco_stat_line *line)
{
    bool moved;

    row->start_ticks = line->start_ticks;
    row->proc.start_ns = row->is_born ? row->proc.start_ns : line->start_ticks * scan->tick_ns;
    row->proc.flags |= line->is_kernel ? ECO_PROC_KERNEL : 0;
    row->proc.flags |= is_own_process(scan, line->pid) ? ECO_PROC_SELF : 0;
    (void)read_clock(scan, &scan->table.hot[row->slot], &moved);
    apply_stat(scan, row, line);
    row->is_unwalked = true;
    if (scan->is_base) {
        row->proc.base_cpu_ns = row->proc.cpu_ns;
        row->grown_ns = 0;
    }
    set_name(row, line);
    link_to_parent(scan, row);
    if (scan->is_base && scan->base.options.is_held) {
        row->is_unseen = true;
        row->proc.uid = scan->base.options.held_uid;
        row->identified_ms = eco_scan_ms(scan);
        return;
    }
    eco_scan_read_cmdline(scan, row);
    if (!line->is_kernel)
        eco_scan_read_status(scan, row);
    eco_scan_identify(scan, row);
}

void eco_scan_see_root(struct eco_scan *scan, struct eco_row *row)
{
    eco_scan_read_cmdline(scan, row);
    eco_scan_read_status(scan, row);
    eco_scan_identify(scan, row);
    eco_scan_change(scan, row);
    row->is_unseen = false;
}

int eco_scan_read_new(struct eco_scan *scan, struct eco_row *row)
{
    struct eco_stat_line line;
    int rc = eco_scan_read_stat(scan, row->proc.pid, &line);

    if (rc == 0)
        fill_row(scan, row, &line);
    return rc;
}

int eco_scan_create(struct eco_scan *scan, const struct eco_fresh *fresh, struct eco_row **ret)
{
    struct eco_stat_line line;
    struct eco_row *row;
    int rc = eco_scan_read_stat(scan, fresh->pid, &line);

    if (rc < 0)
        return rc;
    rc = eco_scan_add_row(scan, fresh->pid, &row);
    if (rc < 0)
        return rc;
    scan->table.hot[row->slot].inode = fresh->inode;
    fill_row(scan, row, &line);
    if (is_job_from_birth(scan, row))
        eco_scan_mark_job(scan, row);
    if (row->grown_ns > 0)
        eco_scan_enqueue(scan, row);
    *ret = row;
    return 0;
}

/* ---- the end of a process ---- */

void eco_scan_lose(struct eco_scan *scan, struct eco_row *row)
{
    if (eco_fed_is_on(scan) && !row->is_whole)
        eco_fed_await(scan, row);
    else
        eco_scan_vanish(scan, row);
}

void eco_scan_vanish(struct eco_scan *scan, struct eco_row *row)
{
    struct eco_hot *hot = &scan->table.hot[row->slot];

    if ((hot->marks & ECO_ROW_VANISHED) != 0)
        return;
    eco_table_detach(&scan->table, row);
    eco_scan_forget_identity(scan, row);
    eco_scan_forget_stat(scan, row->proc.pid);
    hot->marks |= ECO_ROW_VANISHED;
    scan->vanished[scan->vanished_count++] = row->slot;
    row->proc.flags |= ECO_PROC_ENDED;
    row->proc.end_ns = row->exit_ns != 0 ? row->exit_ns : scan->now_ns;
    if ((row->proc.flags & ECO_PROC_JOB) != 0 && row->exit_ns == 0)
        scan->job_alive--;
    row->is_newborn = false;
    eco_scan_change(scan, row);
    /* Who waited for it has its time now; its children have another parent now. */
    if (row->parent != ECO_SLOT_NONE && !scan->account.is_fed)
        eco_scan_enqueue(scan, eco_table_row(&scan->table, row->parent));
    for (uint32_t slot = row->first_child; slot != ECO_SLOT_NONE;) {
        struct eco_row *child = eco_table_row(&scan->table, slot);
        slot = child->next;
        eco_scan_enqueue(scan, child);
    }
}

/*
 * The books of `row` have grown. A child that ended between its own clock's reading and now is in
 * them already: it must be known as gone before they are settled, or it counts twice.
 */
static void recheck_children(struct eco_scan *scan, const struct eco_row *row)
{
    uint64_t most_ns = row->grown_ns + scan->account.slack_ns;

    for (uint32_t slot = row->first_child; slot != ECO_SLOT_NONE;) {
        struct eco_row *child = eco_table_row(&scan->table, slot);
        struct eco_hot *hot = &scan->table.hot[slot];
        uint64_t claim = eco_account_claim(child);
        struct eco_stat_line line;
        bool moved = false;
        slot = child->next;
        if (hot->pid <= 0 || claim < RECHECK_MIN_NS || claim > most_ns)
            continue;
        int rc = scan->has_clocks ? read_clock(scan, hot, &moved) : eco_scan_read_stat(scan, hot->pid, &line);
        if (rc == -ESRCH)
            eco_scan_lose(scan, child);
        else if (scan->has_clocks && moved)
            eco_scan_enqueue(scan, child);
    }
}

static void read_row(struct eco_scan *scan, struct eco_row *row)
{
    struct eco_hot *hot = &scan->table.hot[row->slot];
    struct eco_stat_line line = {0};
    int rc = eco_scan_read_stat_again(scan, hot->pid, &line);

    if (rc < 0 && rc != -ESRCH) {
        /* Truncated or not to be read: the clock still counts. */
        if (scan->has_clocks)
            eco_scan_set_cpu(scan, row, hot->cpu_ns);
        if ((row->proc.flags & ECO_PROC_JOB) != 0)
            eco_account_count(&scan->account, row);
        return;
    }
    if (rc < 0 || line.start_ticks != row->start_ticks) {
        int32_t pid = hot->pid;
        uint64_t inode = hot->inode;
        eco_scan_lose(scan, row);
        if (rc < 0)
            return;
        eco_fed_displace(scan, row);
        /* The pid has a new owner. In a tree it is of the job only if its parent is. */
        if (scan->base.options.scope == ECO_SCOPE_MACHINE || scan->has_cgroup ||
            eco_table_find(&scan->table, line.ppid) != ECO_SLOT_NONE)
            (void)eco_members_push(scan, pid, inode);
        else
            scan->members.is_incomplete = true;
        return;
    }
    if ((hot->marks & ECO_ROW_READ) == 0) {
        hot->marks |= ECO_ROW_READ;
        scan->touched[scan->touched_count++] = row->slot;
    }
    apply_stat(scan, row, &line);
    link_to_parent(scan, row);
    check_exec(scan, row, &line);
    eco_scan_identify_again(scan, row);
    /* With a feed rows are the total: only once something was lost are these books needed. */
    if (row->grown_ns > 0 && !(scan->account.is_fed && scan->fed.is_whole))
        recheck_children(scan, row);
}

void eco_scan_drain(struct eco_scan *scan)
{
    while (scan->queue_count > 0) {
        struct eco_row *row = eco_table_row(&scan->table, scan->queue[scan->queue_head]);
        scan->queue_head = (scan->queue_head + 1) % scan->list_capacity;
        scan->queue_count--;
        scan->table.hot[row->slot].marks &= ~(uint32_t)ECO_ROW_QUEUED;
        if (scan->table.hot[row->slot].pid > 0)
            read_row(scan, row);
    }
}
