/* SPDX-License-Identifier: MIT */
/* Machines made of files: pids used again, odd and broken processes, limits, no memory. */
#include "procs/identity.h"
#include "procs/procs.h"

#include "support/alloc.h"
#include "support/clock.h"
#include "support/test.h"
#include "support/tree.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define MS ECO_NS_PER_MS

struct machine {
    struct eco_temp temp;
    struct eco_root root;
    struct eco_fake_clock clock;
    struct eco_env env;
    struct eco_procs *procs;
    struct eco_usage usage;
    enum eco_scope scope; /* test_no_memory */
};

/* clocks: as if /proc were our own, with process clocks from the fake clock. */
static void machine_init(struct machine *machine, bool clocks)
{
    *machine = (struct machine){0};
    eco_temp_init(&machine->temp);
    eco_temp_roots(&machine->temp, &machine->root);
    machine->root.is_own[ECO_PROCFS] = clocks;
    eco_fake_clock_init(&machine->clock);
    machine->env = (struct eco_env){.root = &machine->root, .clock = &machine->clock.clock};
}

static void machine_finish(struct machine *machine)
{
    machine->procs = eco_procs_free(machine->procs);
    eco_root_finish(&machine->root);
    eco_temp_finish(&machine->temp);
}

/* own and children's CPU time in ticks of 10 ms */
static void put(struct machine *machine, int pid, int ppid, const char *name, unsigned ticks,
                unsigned children, unsigned start)
{
    char path[64];
    (void)snprintf(path, sizeof(path), "proc/%d/stat", pid);
    eco_temp_printf(
        &machine->temp, path,
        "%d (%s) S %d 1 1 0 -1 4194304 0 0 0 0 %u 0 %u 0 20 0 1 0 %u 1000 256 0 1 1 0 0 0 0 0 0 0 0 0 0 "
        "17 1 0 0 0 0 0 0 0 0 0 0 0 0 0\n",
        pid, name, ppid, ticks, children, start);
    if (machine->root.is_own[ECO_PROCFS])
        eco_fake_clock_set(&machine->clock, pid, ticks * 10 * MS);
}

static void put_cmdline(struct machine *machine, int pid, const void *bytes, size_t count)
{
    char path[64];
    (void)snprintf(path, sizeof(path), "proc/%d/cmdline", pid);
    eco_temp_write_bytes(&machine->temp, path, bytes, count);
}

static void drop(struct machine *machine, int pid)
{
    char path[64];
    (void)snprintf(path, sizeof(path), "proc/%d", pid);
    eco_temp_remove(&machine->temp, path);
    eco_fake_clock_drop(&machine->clock, pid);
}

static void open_scope(struct machine *machine, enum eco_scope scope, size_t limit)
{
    struct eco_procs_options options = {.scope = scope, .cgroup_dir_fd = -1, .limit = limit};
    assert_int_equal(eco_procs_open(&eco_procs_scan, &machine->env, &options, &machine->procs, NULL), 0);
}

static int look(struct machine *machine)
{
    eco_fake_clock_advance(&machine->clock, ECO_NS_PER_S);
    return eco_procs_look(machine->procs, false, &machine->usage);
}

static const struct eco_proc *find(const struct machine *machine, int pid, uint32_t flags)
{
    for (uint32_t i = 0; i < machine->usage.changed_count; i++)
        if (machine->usage.changed[i]->pid == pid && (machine->usage.changed[i]->flags & flags) == flags)
            return machine->usage.changed[i];
    return NULL;
}

/* The same, and it must be there. */
static const struct eco_proc *changed(const struct machine *machine, int pid, uint32_t flags)
{
    const struct eco_proc *proc = find(machine, pid, flags);
    if (proc == NULL) {
        fail_msg("no row of pid %d with flags %x", pid, flags);
        abort();
    }
    return proc;
}

/* ---- the machine ---- */

static void test_machine(void **state)
{
    for (int clocks = 0; clocks < 2; clocks++) {
        struct machine machine;
        (void)state;
        machine_init(&machine, clocks);
        put(&machine, 1, 0, "init", 100, 500, 1);
        put(&machine, 20, 1, "shell", 10, 0, 50);
        put_cmdline(&machine, 20, "sh\0-c\0x", 7);
        open_scope(&machine, ECO_SCOPE_MACHINE, 0);
        assert_int_equal(look(&machine), 0);
        assert_int_equal(machine.usage.alive_count, 2);
        assert_int_equal(machine.usage.job_cpu_ns, 0);
        const struct eco_proc *shell = changed(&machine, 20, ECO_PROC_NEW | ECO_PROC_JOB);
        assert_string_equal(shell->cmdline, "sh -c x");
        assert_int_equal(shell->base_cpu_ns, 100 * MS);
        assert_int_equal(shell->parent_id, changed(&machine, 1, 0)->id);
        assert_true(shell->rss_bytes > 0);
        /* nothing happens: nothing is said */
        assert_int_equal(look(&machine), 0);
        assert_int_equal(machine.usage.changed_count, 0);
        /* a child that is born, and one that nobody saw */
        put(&machine, 20, 1, "shell", 15, 30, 50);
        put(&machine, 30, 20, "child", 7, 0, 60);
        assert_int_equal(look(&machine), 0);
        const struct eco_proc *child = changed(&machine, 30, ECO_PROC_NEW),
                              *group = changed(&machine, 0, ECO_PROC_GROUP);
        assert_int_equal(child->base_cpu_ns, 0);
        assert_int_equal(child->parent_id, shell->id);
        assert_int_equal(group->cpu_ns, 300 * MS);
        assert_int_equal(group->parent_id, shell->id);
        assert_int_equal(machine.usage.job_cpu_ns, 420 * MS);
        /* it ends: what it had moves to its parent's books and is not counted again */
        uint32_t child_id = child->id;
        drop(&machine, 30);
        put(&machine, 20, 1, "shell", 15, 37, 50);
        assert_int_equal(look(&machine), 0);
        child = changed(&machine, 30, ECO_PROC_ENDED);
        assert_int_equal(child->id, child_id);
        assert_int_equal(child->cpu_ns, 70 * MS);
        assert_int_equal(machine.usage.job_cpu_ns, 420 * MS);
        assert_null(find(&machine, 0, ECO_PROC_GROUP));
        assert_int_equal(look(&machine), 0);
        assert_null(find(&machine, 30, 0));
        /* the shell ends, and with it its group */
        drop(&machine, 20);
        put(&machine, 1, 0, "init", 100, 552, 1);
        assert_int_equal(look(&machine), 0);
        assert_non_null(find(&machine, 20, ECO_PROC_ENDED));
        assert_non_null(find(&machine, 0, ECO_PROC_GROUP | ECO_PROC_ENDED));
        assert_int_equal(machine.usage.job_cpu_ns, 420 * MS);
        machine_finish(&machine);
    }
}

static void test_pid_is_used_again(void **state)
{
    for (int clocks = 0; clocks < 2; clocks++) {
        struct machine machine;
        (void)state;
        machine_init(&machine, clocks);
        put(&machine, 1, 0, "init", 0, 0, 1);
        put(&machine, 7, 1, "first", 50, 0, 100);
        open_scope(&machine, ECO_SCOPE_MACHINE, 0);
        assert_int_equal(look(&machine), 0);
        uint32_t first_id = changed(&machine, 7, 0)->id;
        put(&machine, 7, 1, "second", 80, 0, 200);
        assert_int_equal(look(&machine), 0);
        const struct eco_proc *first = changed(&machine, 7, ECO_PROC_ENDED),
                              *second = changed(&machine, 7, ECO_PROC_NEW);
        assert_int_equal(first->id, first_id);
        assert_int_equal(first->cpu_ns, 500 * MS);
        assert_string_equal(first->name, "first");
        assert_int_not_equal(second->id, first_id);
        assert_int_equal(second->cpu_ns, 800 * MS);
        assert_int_equal(second->base_cpu_ns, 0);
        assert_int_equal(machine.usage.alive_count, 2);
        assert_int_equal(machine.usage.job_cpu_ns, 800 * MS);
        machine_finish(&machine);
    }
}

static void test_exec(void **state)
{
    struct machine machine;
    (void)state;
    machine_init(&machine, false);
    put(&machine, 7, 1, "sh", 50, 0, 100);
    put_cmdline(&machine, 7, "sh", 2);
    open_scope(&machine, ECO_SCOPE_MACHINE, 0);
    assert_int_equal(look(&machine), 0);
    uint32_t id = changed(&machine, 7, 0)->id;
    put(&machine, 7, 1, "raylet", 51, 0, 100);
    put_cmdline(&machine, 7, "raylet\0x", 8);
    assert_int_equal(look(&machine), 0);
    const struct eco_proc *proc = changed(&machine, 7, ECO_PROC_RENAMED);
    assert_int_equal(proc->id, id);
    assert_string_equal(proc->name, "raylet");
    assert_string_equal(proc->cmdline, "raylet x");
    assert_string_equal(proc->role, "Ray node");
    put(&machine, 7, 1, "raylet", 52, 0, 100);
    assert_int_equal(look(&machine), 0);
    assert_non_null(find(&machine, 7, 0));
    assert_null(find(&machine, 7, ECO_PROC_RENAMED));
    machine_finish(&machine);
}

static void test_odd_processes(void **state)
{
    static char megabyte[1 << 20];
    struct machine machine;
    (void)state;
    machine_init(&machine, false);
    memset(megabyte, 'x', sizeof(megabyte));
    put(&machine, 2, 0, "a) R 1 (b", 1, 0, 1);
    put(&machine, 3, 0, "two\nlines\x1b[2J\xff", 1, 0, 1);
    put(&machine, 4, 0, "big", 1, 0, 1);
    put_cmdline(&machine, 4, megabyte, sizeof(megabyte));
    put(&machine, 5, 0, "fifo", 1, 0, 1);
    eco_temp_fifo(&machine.temp, "proc/5/cmdline");
    eco_temp_write(&machine.temp, "proc/6/stat", "6 (cut");
    eco_temp_write(&machine.temp, "proc/8/stat", "");
    eco_temp_write(&machine.temp, "proc/9/stat", "10 (other) S 1");
    eco_temp_fifo(&machine.temp, "proc/11/stat");
    eco_temp_mkdir(&machine.temp, "proc/12");
    eco_temp_write(&machine.temp, "proc/99999999999/stat", "1");
    eco_temp_write(&machine.temp, "proc/13", "a file");
    eco_temp_mkdir(&machine.temp, "proc/14/stat");
    open_scope(&machine, ECO_SCOPE_MACHINE, 0);
    assert_int_equal(look(&machine), 0);
    assert_int_equal(machine.usage.alive_count, 4);
    assert_string_equal(changed(&machine, 2, 0)->name, "a) R 1 (b");
    assert_string_equal(changed(&machine, 3, 0)->name, "two\nlines\x1b[2J\xff");
    assert_int_equal(strnlen(changed(&machine, 4, 0)->cmdline, 300), 255);
    assert_null(changed(&machine, 5, 0)->cmdline);
    /* a file that was good is cut short: it neither ends nor falls */
    eco_temp_write(&machine.temp, "proc/2/stat", "2 (a");
    assert_int_equal(look(&machine), 0);
    assert_int_equal(machine.usage.alive_count, 4);
    machine_finish(&machine);
}

static void test_limit(void **state)
{
    struct machine machine;
    (void)state;
    machine_init(&machine, false);
    for (int pid = 1; pid <= 10; pid++)
        put(&machine, pid, 0, "p", 1, 0, 1);
    open_scope(&machine, ECO_SCOPE_MACHINE, 7);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(look(&machine), 0);
        assert_int_equal(machine.usage.alive_count, 7);
        assert_int_equal(machine.usage.overflow, 3);
    }
    machine_finish(&machine);
}

/* At most 64 parents have a row for their short-lived children; then one is for all. */
static void test_groups_are_bounded(void **state)
{
    struct machine machine;
    unsigned groups = 0;
    uint64_t sum_ns = 0;
    (void)state;
    machine_init(&machine, false);
    for (int pid = 1; pid <= 80; pid++)
        put(&machine, pid, 0, "p", 1, 0, 1);
    open_scope(&machine, ECO_SCOPE_MACHINE, 0);
    assert_int_equal(look(&machine), 0);
    for (int pid = 1; pid <= 80; pid++)
        put(&machine, pid, 0, "p", 1, 10, 1);
    assert_int_equal(look(&machine), 0);
    for (uint32_t i = 0; i < machine.usage.changed_count; i++)
        if ((machine.usage.changed[i]->flags & ECO_PROC_GROUP) != 0) {
            groups++;
            sum_ns += machine.usage.changed[i]->cpu_ns;
        }
    assert_int_equal(groups, 65);
    assert_int_equal(sum_ns, 80 * 100 * MS);
    assert_int_equal(machine.usage.job_cpu_ns, sum_ns);
    machine_finish(&machine);
}

static void test_fork_count_spares_the_list(void **state)
{
    struct machine machine;
    (void)state;
    machine_init(&machine, true);
    eco_temp_write(&machine.temp, "proc/loadavg", "0.00 0.00 0.00 1/94 8295\n");
    put(&machine, 1, 0, "init", 1, 0, 1);
    open_scope(&machine, ECO_SCOPE_MACHINE, 0);
    assert_int_equal(look(&machine), 0);
    put(&machine, 2, 1, "late", 1, 0, 1);
    assert_int_equal(look(&machine), 0);
    assert_int_equal(machine.usage.alive_count, 1);
    machine_finish(&machine);
}

/* ---- trees ---- */

static void test_tree(void **state)
{
    for (int clocks = 0; clocks < 2; clocks++) {
        struct machine machine;
        (void)state;
        machine_init(&machine, clocks);
        put(&machine, 1, 0, "init", 100, 500, 1);
        put(&machine, 20, 1, "root", 10, 40, 50);
        put(&machine, 31, 20, "old", 5, 0, 60);
        put(&machine, 40, 1, "other", 9, 0, 60);
        open_scope(&machine, ECO_SCOPE_TREE, 0);
        assert_int_equal(eco_procs_add_root(machine.procs, 20), 0);
        assert_int_equal(eco_procs_add_root(machine.procs, 21), -ESRCH);
        assert_int_equal(look(&machine), 0);
        assert_int_equal(machine.usage.alive_count, 2);
        assert_int_equal(machine.usage.job_cpu_ns, 0);
        assert_int_equal(changed(&machine, 31, ECO_PROC_JOB)->base_cpu_ns, 50 * MS);
        /* new ones, one below the other, in no order of pids */
        put(&machine, 33, 31, "b", 2, 0, 70);
        put(&machine, 32, 33, "c", 3, 0, 71);
        put(&machine, 41, 40, "d", 4, 0, 71);
        put(&machine, 40, 1, "other", 90, 0, 60);
        assert_int_equal(look(&machine), 0);
        assert_int_equal(machine.usage.alive_count, 4);
        assert_int_equal(machine.usage.job_cpu_ns, 50 * MS);
        assert_int_equal(changed(&machine, 32, 0)->parent_id, changed(&machine, 33, 0)->id);
        /* a chain ends between two looks, waited for by the root */
        drop(&machine, 31);
        drop(&machine, 32);
        drop(&machine, 33);
        put(&machine, 20, 1, "root", 11, 40 + 5 + 2 + 3, 50);
        assert_int_equal(look(&machine), 0);
        assert_int_equal(machine.usage.alive_count, 1);
        assert_int_equal(machine.usage.job_cpu_ns, 60 * MS);
        assert_int_equal(machine.usage.job_count, 4);
        /* the root ends, waited for by somebody who is not of the job */
        drop(&machine, 20);
        assert_int_equal(look(&machine), -ESRCH);
        assert_int_equal(machine.usage.job_cpu_ns, 60 * MS);
        assert_int_equal(machine.usage.job_alive, 0);
        machine_finish(&machine);
    }
}

static void test_reaped(void **state)
{
    struct machine machine;
    struct rusage used = {.ru_utime = {.tv_usec = 300000}, .ru_stime = {.tv_usec = 100000}};
    (void)state;
    machine_init(&machine, true);
    put(&machine, 20, 1, "root", 10, 0, 50);
    open_scope(&machine, ECO_SCOPE_TREE, 0);
    assert_int_equal(eco_procs_add_root(machine.procs, 20), 0);
    assert_int_equal(look(&machine), 0);
    eco_procs_child_ended(machine.procs, 20, &used);
    put(&machine, 20, 1, "stranger", 99, 0, 70); /* its pid is used again at once */
    assert_int_equal(look(&machine), -ESRCH);
    assert_int_equal(machine.usage.job_cpu_ns, 300 * MS);
    assert_int_equal(changed(&machine, 20, ECO_PROC_ENDED)->cpu_ns, 400 * MS);
    eco_procs_child_ended(machine.procs, 77, &used); /* an orphan that was never seen */
    assert_int_equal(look(&machine), -ESRCH);
    assert_int_equal(machine.usage.job_cpu_ns, 700 * MS);
    assert_int_equal(machine.usage.job_count, 2);
    machine_finish(&machine);
}

static int whole_life(void *context)
{
    struct machine *machine = context;
    struct eco_procs_options options = {.scope = machine->scope, .cgroup_dir_fd = -1};
    int rc = eco_procs_open(&eco_procs_scan, &machine->env, &options, &machine->procs, NULL);
    if (rc < 0)
        return rc;
    rc = eco_procs_add_root(machine->procs, 20);
    for (int i = 0; rc == 0 && i < 3; i++)
        rc = look(machine);
    machine->procs = eco_procs_free(machine->procs);
    /* what could not be taken in for want of memory is counted as not in the table */
    return rc == -ESRCH ? -ENOMEM : rc;
}

static void test_no_memory(void **state)
{
    struct machine machine;
    (void)state;
    machine_init(&machine, false);
    for (int pid = 20; pid < 400; pid++) {
        put(&machine, pid, 20, "p", 1, 0, 1);
        put_cmdline(&machine, pid, "x", 1);
    }
    put(&machine, 20, 1, "root", 1, 0, 1);
    assert_true(eco_alloc_fail_each(whole_life, &machine) > 10);
    machine.scope = ECO_SCOPE_MACHINE;
    assert_true(eco_alloc_fail_each(whole_life, &machine) > 10);
    machine_finish(&machine);
}

/* ---- a command that waits to begin ---- */

static void put_identity(struct machine *machine, int pid, unsigned uid, const char *unit)
{
    char path[64];
    (void)snprintf(path, sizeof(path), "proc/%d/status", pid);
    eco_temp_printf(&machine->temp, path, "Name:\tx\nUid:\t%u\t%u\t%u\t%u\nVmHWM:\t     300 kB\n", uid, uid,
                    uid, uid);
    (void)snprintf(path, sizeof(path), "proc/%d/cgroup", pid);
    eco_temp_printf(&machine->temp, path, "0::/system.slice/%s\n", unit);
}

static void open_held(struct machine *machine)
{
    const struct eco_procs_options options = {
        .scope = ECO_SCOPE_TREE, .cgroup_dir_fd = -1, .is_held = true, .held_uid = 1234};
    assert_int_equal(eco_procs_open(&eco_procs_scan, &machine->env, &options, &machine->procs, NULL), 0);
}

/* While it is held it is still ours by name and owner: neither is taken for the command's. */
static void test_held(void **state)
{
    (void)state;
    struct machine machine;
    machine_init(&machine, false);
    put(&machine, 50, 1, "ecocode", 0, 0, 1);
    put_cmdline(&machine, 50, "ecocode\0run", 12);
    put_identity(&machine, 50, 0, "ours.service");
    open_held(&machine);
    assert_int_equal(eco_procs_add_root(machine.procs, 50), 0);
    assert_int_equal(look(&machine), 0);
    const struct eco_proc *proc = eco_procs_find(machine.procs, 50);
    assert_non_null(proc);
    assert_null(proc->identity);
    assert_int_equal(proc->uid, 1234);

    put_cmdline(&machine, 50, "train\0-x", 9);
    put_identity(&machine, 50, 77, "its.service");
    eco_procs_see_roots(machine.procs);
    assert_non_null(proc->identity);
    assert_string_equal(proc->identity->unit, "its.service");
    assert_int_equal(proc->uid, 77);

    put_identity(&machine, 50, 78, "later.service");
    eco_procs_see_roots(machine.procs); /* once */
    assert_string_equal(proc->identity->unit, "its.service");
    put(&machine, 50, 1, "train", 3, 0, 1); /* exec has taken time: the next look tells of it */
    assert_int_equal(look(&machine), 0);
    assert_string_equal(changed(&machine, 50, ECO_PROC_RENAMED)->name, "train");
    machine_finish(&machine);
}

/* It was over before anybody looked: it was born where we are, and of whom it was to become. */
static void test_held_and_gone(void **state)
{
    (void)state;
    struct machine machine;
    machine_init(&machine, false);
    put(&machine, 50, 1, "ecocode", 0, 0, 1);
    eco_temp_write(&machine.temp, "proc/self/cgroup", "0::/system.slice/ours.service\n");
    open_held(&machine);
    assert_int_equal(eco_procs_add_root(machine.procs, 50), 0);
    drop(&machine, 50);
    eco_procs_see_roots(machine.procs);
    assert_int_equal(look(&machine), -ESRCH);
    const struct eco_proc *proc = changed(&machine, 50, ECO_PROC_ENDED);
    assert_non_null(proc->identity);
    assert_string_equal(proc->identity->unit, "ours.service");
    assert_int_equal(proc->uid, 1234);
    machine_finish(&machine);
}

/* ---- a job in a cgroup of its own ---- */

static struct machine *held_up; /* in whose job the next clock that is read takes long */

static void put_group(struct machine *machine, uint64_t usage_us)
{
    eco_temp_printf(&machine->temp, "group/cpu.stat", "usage_usec %llu\nuser_usec %llu\nsystem_usec 0\n",
                    (unsigned long long)usage_us, (unsigned long long)usage_us);
}

/* The job runs for 12 ms just when this clock has been read: the look was interrupted. */
static int clock_with_delay(const struct eco_clock *clock, pid_t pid, uint64_t *ret)
{
    int r = eco_fake_clock_process(clock, pid, ret);
    if (r == 0 && held_up) {
        put_group(held_up, 112000);
        eco_fake_clock_set(&held_up->clock, pid, *ret + 12 * MS);
        held_up = NULL;
    }
    return r;
}

/* What a process uses while the look goes on is not that of short-lived ones now, and its own later. */
static void test_total_is_older_than_rows(void **state)
{
    struct machine machine;
    char path[ECO_PATH_MAX];
    (void)state;
    machine_init(&machine, true);
    machine.clock.clock.process_cpu_ns = clock_with_delay;
    put(&machine, 20, 1, "job", 0, 0, 50);
    put_group(&machine, 0);
    eco_temp_write(&machine.temp, "group/cgroup.procs", "20\n");
    eco_temp_write(&machine.temp, "group/cgroup.stat", "nr_descendants 0\n");
    int group = open(eco_temp_path(&machine.temp, "group", path), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_true(group >= 0);
    const struct eco_procs_options options = {.scope = ECO_SCOPE_TREE, .cgroup_dir_fd = group};
    assert_int_equal(eco_procs_open(&eco_procs_scan, &machine.env, &options, &machine.procs, NULL), 0);
    assert_int_equal(eco_procs_add_root(machine.procs, 20), 0);
    put(&machine, 20, 1, "job", 10, 0, 50);
    put_group(&machine, 100000);
    held_up = &machine;
    assert_int_equal(look(&machine), 0);
    assert_null(held_up);
    assert_true(machine.usage.job_is_exact);
    assert_int_equal(changed(&machine, 20, 0)->cpu_ns, 100 * MS);
    assert_int_equal(machine.usage.job_cpu_ns, 100 * MS);
    assert_int_equal(look(&machine), 0);
    assert_int_equal(changed(&machine, 20, 0)->cpu_ns, 112 * MS);
    assert_int_equal(machine.usage.job_cpu_ns, 112 * MS);
    (void)close(group);
    machine_finish(&machine);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_machine),
        cmocka_unit_test(test_pid_is_used_again),
        cmocka_unit_test(test_exec),
        cmocka_unit_test(test_odd_processes),
        cmocka_unit_test(test_limit),
        cmocka_unit_test(test_groups_are_bounded),
        cmocka_unit_test(test_fork_count_spares_the_list),
        cmocka_unit_test(test_tree),
        cmocka_unit_test(test_held),
        cmocka_unit_test(test_held_and_gone),
        cmocka_unit_test(test_reaped),
        cmocka_unit_test(test_total_is_older_than_rows),
        cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests_name("procs scan", tests, NULL, NULL);
}
