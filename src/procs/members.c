/* SPDX-License-Identifier: MIT */
/*
 * Who may be new. Three ways, the cheapest that there is: the job's own cgroup (cgroup.procs), the
 * children files of its threads (CONFIG_PROC_CHILDREN), and lists of the whole of /proc (machine.c).
 * None is gone into while nothing was created since the last look.
 */
#include "procs/scan.h"

#include "base/mem.h"
#include "base/parse.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define TEXT_MIN      4096u
#define TEXT_MAX      (2u << 20) /* 131,072 pids of 7 digits, and their line ends */
#define FRESH_MAX     (1u << 20)
#define STRANGERS_MAX 4096u
#define CGROUP_DEPTH  8

int eco_members_push(struct eco_scan *scan, int32_t pid, uint64_t inode)
{
    struct eco_members *members = &scan->members;
    int rc = eco_grow((void **)&members->fresh, &members->fresh_capacity, members->fresh_count + 1, FRESH_MAX,
                      sizeof(*members->fresh));
    if (rc < 0)
        return rc;
    members->fresh[members->fresh_count++] = (struct eco_fresh){.pid = pid, .inode = inode};
    return 0;
}

/* Read a file of any length up to TEXT_MAX into members->text; fd >= 0 is a kept descriptor. */
static ssize_t read_text(struct eco_scan *scan, const struct eco_root *root, int fd, enum eco_tree tree,
                         const char *path)
{
    struct eco_members *members = &scan->members;

    for (;;) {
        ssize_t n = members->text_size == 0 ? -EFBIG
                    : fd >= 0               ? eco_root_pread(root, fd, members->text, members->text_size)
                              : eco_root_read(root, tree, path, members->text, members->text_size);
        if (n != -EFBIG)
            return n;
        int rc = eco_grow((void **)&members->text, &members->text_size,
                          members->text_size > 0 ? members->text_size + 1 : TEXT_MIN, TEXT_MAX, 1);
        if (rc < 0)
            return rc;
    }
}

/* Pids in members->text, in any mix of blanks and line ends; those not in the table become fresh. */
static int push_text(struct eco_scan *scan)
{
    const char *at = scan->members.text;

    for (;;) {
        uint64_t pid = 0;
        while (*at == ' ' || *at == '\n' || *at == '\t')
            at++;
        if (*at < '0' || *at > '9' || eco_scan_u64(&at, &pid) < 0)
            return 0;
        /* 0: in a pid namespace that ours cannot see into. */
        if (pid == 0 || pid > INT32_MAX || eco_table_find(&scan->table, (int32_t)pid) != ECO_SLOT_NONE)
            continue;
        int rc = eco_members_push(scan, (int32_t)pid, 0);
        if (rc < 0)
            return rc;
    }
}

/* The last field of loadavg is the last pid given out: it moves with every fork, and costs a tenth of
 * /proc/stat. */
bool eco_members_read_last_pid(struct eco_scan *scan, uint64_t *ret)
{
    char text[128];
    ssize_t n = scan->members.loadavg_fd >= 0
                    ? eco_root_pread(scan->base.env->root, scan->members.loadavg_fd, text, sizeof(text))
                    : -ENODATA;
    const char *last = n > 0 ? strrchr(text, ' ') : NULL;

    return last != NULL && eco_parse_u64(last + 1, ret) == 0 && *ret != 0;
}

bool eco_members_read_forks(struct eco_scan *scan, uint64_t *ret)
{
    static const char key[] = "\nprocesses ";
    ssize_t n = scan->members.stat_fd >= 0
                    ? read_text(scan, scan->base.env->root, scan->members.stat_fd, ECO_PROCFS, "")
                    : -ENODATA;
    const char *at = n > 0 ? strstr(scan->members.text, key) : NULL;

    if (at == NULL)
        return false;
    at += sizeof(key) - 1;
    return eco_scan_u64(&at, ret) == 0 && *ret != 0;
}

bool eco_members_forked(struct eco_scan *scan)
{
    struct eco_members *members = &scan->members;
    uint64_t mark = 0;
    bool is_pid = eco_members_read_last_pid(scan, &mark);
    bool known = is_pid || eco_members_read_forks(scan, &mark);
    bool same = known && members->has_mark && mark == members->fork_mark && !members->is_incomplete;

    members->has_mark = known;
    members->fork_mark = mark;
    members->last_pid = is_pid ? mark : 0;
    members->must_list = members->is_incomplete;
    members->is_incomplete = false;
    return !same;
}

struct child_files {
    struct eco_scan *scan;
    int32_t pid;
};

static int read_thread(void *context, const char *name, uint64_t inode)
{
    struct child_files *files = context;
    char path[ECO_PATH_MAX];

    (void)inode;
    if (eco_pid_parse(name) == 0 || eco_path(path, "%d/task/%s/children", files->pid, name) < 0)
        return 0;
    ssize_t n = read_text(files->scan, files->scan->base.env->root, -1, ECO_PROCFS, path);
    if (n < 0) {
        files->scan->members.is_incomplete = true; /* the thread has ended: its children moved on */
        return n == -ENOMEM || n == -E2BIG ? (int)n : 0;
    }
    return push_text(files->scan);
}

static int read_children(struct eco_scan *scan, int32_t pid, bool one_thread)
{
    struct child_files files = {.scan = scan, .pid = pid};
    char path[ECO_PATH_MAX];
    int rc;

    if (one_thread) {
        rc = eco_path(path, "%d", pid);
        return rc < 0 ? rc : read_thread(&files, path, 0);
    }
    rc = eco_path(path, "%d/task", pid);
    if (rc == 0)
        rc = eco_root_list(scan->base.env->root, ECO_PROCFS, path, read_thread, &files);
    if (rc < 0)
        scan->members.is_incomplete = true;
    return rc == -ENOMEM || rc == -E2BIG ? rc : 0;
}

int eco_members_children(struct eco_scan *scan, struct eco_row *row)
{
    row->is_unwalked = false;
    return scan->members.has_children_files ? read_children(scan, row->proc.pid, row->proc.threads == 1) : 0;
}

/* ---- orphans that came to us (run/ makes EcoCode a child subreaper, prctl(2)) ---- */

static size_t find_stranger(const struct eco_members *members, int32_t pid)
{
    size_t i = 0;

    while (i < members->stranger_count && members->strangers[i] != pid)
        i++;
    return i;
}

bool eco_members_forget_stranger(struct eco_scan *scan, int32_t pid)
{
    struct eco_members *members = &scan->members;
    size_t i = find_stranger(members, pid);

    if (i == members->stranger_count)
        return false;
    members->strangers[i] = members->strangers[--members->stranger_count];
    return true;
}

static int add_stranger(struct eco_scan *scan, int32_t pid)
{
    struct eco_members *members = &scan->members;
    int rc = eco_grow((void **)&members->strangers, &members->stranger_capacity, members->stranger_count + 1,
                      STRANGERS_MAX, sizeof(int32_t));
    if (rc == 0)
        members->strangers[members->stranger_count++] = pid;
    return rc;
}

/* Whether the job's mark is in a process' environment: 1 yes, 0 no, -1 cannot be told. */
static int has_run_id(struct eco_scan *scan, int32_t pid)
{
    char path[ECO_PATH_MAX], wanted[160];
    const struct eco_procs_options *options = &scan->base.options;
    int n =
        options->run_id != NULL ? snprintf(wanted, sizeof(wanted), "ECOCODE_RUN=%s", options->run_id) : -1;

    if (n <= 0 || (size_t)n >= sizeof(wanted) || eco_path(path, "%d/environ", pid) < 0)
        return -1;
    ssize_t length = read_text(scan, scan->base.env->root, -1, ECO_PROCFS, path);
    if (length <= 0)
        return -1;
    for (const char *at = scan->members.text, *end = at + length; at < end; at += strlen(at) + 1)
        if (strcmp(at, wanted) == 0)
            return 1;
    return 0;
}

/*
 * A child that we had when the measurement began is no part of the job, nor is what such a child
 * leaves behind. Without such children an orphan can only be the job's, whatever its environment
 * (`env -i`); but for helpers that EcoCode itself starts, which have the environment that they were given or
 * none that may be read.
 */
bool eco_members_is_ours(struct eco_scan *scan, int32_t pid)
{
    struct eco_stat_line line;

    if (find_stranger(&scan->members, pid) < scan->members.stranger_count)
        return false;
    int marked = has_run_id(scan, pid);
    if (marked == 1)
        return true;
    if ((marked < 0 || scan->members.stranger_count == 0) && eco_scan_read_stat(scan, pid, &line) == 0 &&
        strncmp(line.name, "ecocode", strlen("ecocode")) != 0)
        return true;
    (void)add_stranger(scan, pid);
    return false;
}

/* Where orphans come to another process of ours, we are a child of it like any other. */
static bool is_self(const struct eco_scan *scan, int32_t pid)
{
    return scan->base.options.reaper_pid > 0 && pid == getpid();
}

/* Our own children; what is not of the job is struck out of `fresh` again. */
static int discover_orphans(struct eco_scan *scan)
{
    struct eco_members *members = &scan->members;
    size_t first = members->fresh_count, kept = first;

    if (!scan->has_clocks || !members->has_children_files)
        return 0;
    /* Orphans come to the first living thread of their new parent (kernel/exit.c, find_new_reaper). */
    int rc = read_children(scan, eco_scan_reaper(scan), true);
    /* A stranger that is no child any more has ended; its pid may be anybody's. */
    for (size_t i = 0; rc == 0 && !members->is_incomplete && i < members->stranger_count;) {
        size_t at = first;
        while (at < members->fresh_count && members->fresh[at].pid != members->strangers[i])
            at++;
        if (at < members->fresh_count)
            i++;
        else
            members->strangers[i] = members->strangers[--members->stranger_count];
    }
    for (size_t i = first; i < members->fresh_count; i++)
        if (!is_self(scan, members->fresh[i].pid) && eco_members_is_ours(scan, members->fresh[i].pid))
            members->fresh[kept++] = members->fresh[i];
    members->fresh_count = kept;
    return rc;
}

static int record_strangers(struct eco_scan *scan)
{
    struct eco_members *members = &scan->members;
    int rc = read_children(scan, eco_scan_reaper(scan), false);

    for (size_t i = 0; rc == 0 && i < members->fresh_count; i++)
        rc = is_self(scan, members->fresh[i].pid) ? 0 : add_stranger(scan, members->fresh[i].pid);
    members->fresh_count = 0;
    return rc;
}

/* ---- the job's cgroup ---- */

struct cgroup_dir {
    struct eco_scan *scan;
    const char *path;
    unsigned depth;
    int error;
};

static int read_cgroup(struct eco_scan *scan, const char *path, unsigned depth);

/* The job may make cgroups of its own below (containers, an inner `ecocode run`). */
static int read_below(void *context, const char *name, uint64_t inode)
{
    struct cgroup_dir *dir = context;
    char path[ECO_PATH_MAX];

    (void)inode;
    /* Control files have a dot in their names; a directory without one need not be a cgroup's, but then it
     * holds none. */
    if (strncmp(name, "cgroup.", 7) == 0 || strncmp(name, "cpu.", 4) == 0 || strncmp(name, "memory.", 7) == 0)
        return 0;
    if (eco_path(path, "%s%s/", dir->path, name) == 0)
        dir->error = read_cgroup(dir->scan, path, dir->depth + 1);
    return dir->error == -ENOMEM ? dir->error : 0;
}

static int read_cgroup(struct eco_scan *scan, const char *path, unsigned depth)
{
    struct cgroup_dir dir = {.scan = scan, .path = path, .depth = depth};
    char file[ECO_PATH_MAX];
    int rc = eco_path(file, "%scgroup.procs", path);

    if (rc < 0)
        return rc;
    ssize_t n = read_text(scan, &scan->members.cgroup, depth == 0 ? scan->members.cgroup_procs_fd : -1,
                          ECO_SYSFS, file);
    rc = n < 0 ? (int)n : push_text(scan);
    if (rc < 0 || depth == CGROUP_DEPTH)
        return rc;
    /* nr_descendants, cgroup-v2.rst: nearly always 0, and then no directory is listed. */
    if (eco_path(file, "%scgroup.stat", path) == 0 &&
        read_text(scan, &scan->members.cgroup, depth == 0 ? scan->members.cgroup_stat_fd : -1, ECO_SYSFS,
                  file) > 0 &&
        strncmp(scan->members.text, "nr_descendants 0\n", 17) != 0)
        rc = eco_root_list(&scan->members.cgroup, ECO_SYSFS, path, read_below, &dir);
    return rc;
}

/* ---- what the looks call ---- */

int eco_members_discover(struct eco_scan *scan, bool all)
{
    struct eco_members *members = &scan->members;
    int rc = 0;

    if (scan->base.options.scope == ECO_SCOPE_MACHINE)
        return eco_members_find_new(scan, all);
    if (scan->has_cgroup) {
        rc = read_cgroup(scan, "", 0);
        return rc == -ENODEV || rc == -ENOENT ? 0 : rc; /* the cgroup was removed: nobody is in it */
    }
    if (!members->has_children_files)
        return eco_members_list_tree(scan);
    /* A process that did not run has not forked; and where none ran or ended, none can have left an orphan.
     */
    bool stirred = all || scan->vanished_count > 0 || members->was_stirred;
    for (uint32_t slot = 0; rc == 0 && slot < scan->table.high; slot++) {
        if (scan->table.hot[slot].pid <= 0 || !(all || eco_table_row(&scan->table, slot)->is_unwalked))
            continue;
        stirred = true;
        rc = eco_members_children(scan, eco_table_row(&scan->table, slot));
    }
    members->was_stirred = rc < 0 || members->is_incomplete;
    return rc == 0 && stirred && scan->root_count > 0 ? discover_orphans(scan) : rc;
}

int eco_members_open(struct eco_scan *scan)
{
    struct eco_members *members = &scan->members;
    const struct eco_procs_options *options = &scan->base.options;
    const struct eco_root *root = scan->base.env->root;
    char path[ECO_PATH_MAX];
    int rc;

    members->cgroup_procs_fd = members->cgroup_cpu_fd = members->cgroup_stat_fd = members->stat_fd = -1;
    /* The last pid is that of our own pid namespace: of no use for another's /proc. */
    members->loadavg_fd = scan->has_clocks ? eco_root_open(root, ECO_PROCFS, "loadavg") : -1;
    members->stat_fd = eco_root_open(root, ECO_PROCFS, "stat");
    if (options->scope == ECO_SCOPE_TREE && options->cgroup_dir_fd >= 0) {
        members->cgroup = (struct eco_root){.fd = {[ECO_PROCFS] = -1, [ECO_SYSFS] = options->cgroup_dir_fd},
                                            .fault = root->fault,
                                            .fault_context = root->fault_context};
        members->cgroup_procs_fd = eco_root_open(&members->cgroup, ECO_SYSFS, "cgroup.procs");
        members->cgroup_cpu_fd = eco_root_open(&members->cgroup, ECO_SYSFS, "cpu.stat");
        members->cgroup_stat_fd = eco_root_open(&members->cgroup, ECO_SYSFS, "cgroup.stat");
        scan->has_cgroup = members->cgroup_procs_fd >= 0 && members->cgroup_cpu_fd >= 0;
    }
    rc = eco_path(path, "self/task/%d/children", (int)getpid());
    members->has_children_files = rc == 0 && eco_root_exists(root, ECO_PROCFS, path) == 0;
    if (!scan->has_clocks || scan->has_cgroup || !members->has_children_files)
        return 0;
    return record_strangers(scan);
}

void eco_members_close(struct eco_scan *scan)
{
    struct eco_members *members = &scan->members;
    int fds[] = {members->cgroup_procs_fd, members->cgroup_cpu_fd, members->cgroup_stat_fd,
                 members->loadavg_fd, members->stat_fd};

    for (size_t i = 0; i < ECO_COUNT(fds); i++)
        if (fds[i] >= 0)
            (void)close(fds[i]);
    free(members->fresh);
    free(members->others);
    free(members->others_next);
    free(members->strangers);
    free(members->text);
}
