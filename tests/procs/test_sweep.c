/* SPDX-License-Identifier: MIT */
/* What a look leaves out, and that nothing is lost or counted twice by it. */
#include "procs/procs.h"

#include "support/clock.h"
#include "support/test.h"
#include "support/tree.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#define MS       ECO_NS_PER_MS
#define FIRST    100
#define SLEEPERS 40
#define PARENT   50
#define BUSY     51
#define WARM     6 /* looks after which every sleeper is asked in turn */

struct machine {
    struct eco_temp temp;
    struct eco_root root;
    struct eco_fake_clock clock;
    struct eco_env env;
    struct eco_procs *procs;
    struct eco_usage usage;
    uint64_t busy_ns;     /* of the CPUs, as told; 0 = nothing is told */
    uint64_t interval_ns; /* between looks */
    unsigned ticks;       /* of BUSY */
};

/* own and children's CPU time in ticks of 10 ms */
static void put(struct machine *machine, int pid, int ppid, unsigned ticks, unsigned children)
{
    char path[64];
    (void)snprintf(path, sizeof(path), "proc/%d/stat", pid);
    eco_temp_printf(
        &machine->temp, path,
        "%d (p%d) S %d 1 1 0 -1 4194304 0 0 0 0 %u 0 %u 0 20 0 1 0 %d 1000 256 0 1 1 0 0 0 0 0 0 0 0 0 0 "
        "17 1 0 0 0 0 0 0 0 0 0 0 0 0 0\n",
        pid, pid, ppid, ticks, children, pid);
    eco_fake_clock_set(&machine->clock, pid, ticks * 10 * MS);
}

static void drop(struct machine *machine, int pid)
{
    char path[64];
    (void)snprintf(path, sizeof(path), "proc/%d", pid);
    eco_temp_remove(&machine->temp, path);
    eco_fake_clock_drop(&machine->clock, pid);
}

static void machine_init(struct machine *machine)
{
    const struct eco_procs_options options = {.scope = ECO_SCOPE_MACHINE, .cgroup_dir_fd = -1};
    *machine = (struct machine){.busy_ns = 100 * ECO_NS_PER_S, .interval_ns = ECO_NS_PER_S, .ticks = 1};
    eco_temp_init(&machine->temp);
    eco_temp_roots(&machine->temp, &machine->root);
    machine->root.is_own[ECO_PROCFS] = true;
    eco_fake_clock_init(&machine->clock);
    machine->env = (struct eco_env){.root = &machine->root, .clock = &machine->clock.clock};
    eco_temp_write(&machine->temp, "proc/loadavg", "0.00 0.00 0.00 1/40 999\n");
    eco_temp_write(&machine->temp, "proc/stat", "cpu 1 1 1 1\nprocesses 500\n");
    put(machine, PARENT, 1, 1, 0);
    put(machine, BUSY, 1, machine->ticks, 0);
    for (int pid = FIRST; pid < FIRST + SLEEPERS; pid++) {
        put(machine, pid, PARENT, 0, 0);
        eco_fake_clock_set(&machine->clock, pid, 4 * MS);
    }
    assert_int_equal(eco_procs_open(&eco_procs_scan, &machine->env, &options, &machine->procs, NULL), 0);
}

static void machine_finish(struct machine *machine)
{
    machine->procs = eco_procs_free(machine->procs);
    eco_root_finish(&machine->root);
    eco_temp_finish(&machine->temp);
}

/* An interval in which BUSY runs, and the CPUs do so much more. Returns how many clocks the look has read. */
static unsigned long look(struct machine *machine, uint64_t more_ns)
{
    eco_fake_clock_advance(&machine->clock, machine->interval_ns);
    machine->ticks += 10;
    put(machine, BUSY, 1, machine->ticks, 0);
    if (machine->busy_ns != 0) {
        machine->busy_ns += 100 * MS + more_ns;
        eco_procs_tell_busy(machine->procs, machine->busy_ns, 1);
    }
    unsigned long before = machine->clock.process_reads;
    assert_int_equal(eco_procs_look(machine->procs, false, &machine->usage), 0);
    return machine->clock.process_reads - before;
}

static void warm_up(struct machine *machine)
{
    for (int i = 0; i < WARM; i++)
        (void)look(machine, 0);
}

static const struct eco_proc *find(const struct machine *machine, int pid)
{
    for (uint32_t i = 0; i < machine->usage.changed_count; i++)
        if (machine->usage.changed[i]->pid == pid)
            return machine->usage.changed[i];
    return NULL;
}

/* The same, and it must be there. */
static const struct eco_proc *changed(const struct machine *machine, int pid)
{
    const struct eco_proc *proc = find(machine, pid);
    if (proc == NULL) {
        fail_msg("no row of pid %d", pid);
        abort();
    }
    return proc;
}

static void test_a_quarter_is_asked(void **state)
{
    struct machine machine;
    (void)state;
    machine_init(&machine);
    assert_true(look(&machine, 0) >= SLEEPERS);
    warm_up(&machine);
    unsigned long reads = 0;
    for (int i = 0; i < 4; i++) {
        unsigned long now = look(&machine, 0);
        assert_in_range(now, SLEEPERS / 4, SLEEPERS / 4 + 4);
        reads += now;
    }
    assert_in_range(reads, SLEEPERS, SLEEPERS + 16);
    machine_finish(&machine);
}

/* Each of them wakes up once, for less than anybody could notice by the CPUs. */
static void test_nothing_is_lost(void **state)
{
    struct machine machine;
    (void)state;
    machine_init(&machine);
    warm_up(&machine);
    uint64_t before_ns = machine.usage.job_cpu_ns, used_ns = 0;
    for (int pid = FIRST; pid < FIRST + SLEEPERS; pid++) {
        eco_fake_clock_set(&machine.clock, pid, 5 * MS);
        (void)look(&machine, MS);
        used_ns += 101 * MS;
    }
    for (int i = 0; i < 3; i++) {
        (void)look(&machine, 0);
        used_ns += 100 * MS;
    }
    assert_int_equal(machine.usage.job_cpu_ns - before_ns, used_ns);
    machine_finish(&machine);
}

static void test_who_wakes_up_is_seen_at_once(void **state)
{
    struct machine machine;
    (void)state;
    machine_init(&machine);
    warm_up(&machine);
    for (int pid = FIRST; pid < FIRST + 8; pid++) {
        put(&machine, pid, PARENT, 51, 0);
        (void)look(&machine, 500 * MS);
        assert_int_equal(changed(&machine, pid)->cpu_ns, 510 * MS);
    }
    machine_finish(&machine);
}

/* One that ended, and its parent has its time: in the same look it is gone, and nothing counts twice. */
static void test_the_end_of_a_sleeper(void **state)
{
    struct machine machine;
    (void)state;
    machine_init(&machine);
    warm_up(&machine);
    uint64_t before_ns = machine.usage.job_cpu_ns;
    for (int i = 0; i < 8; i++) {
        drop(&machine, FIRST + i);
        put(&machine, PARENT, 1, 2 + (unsigned)i, 1 + (unsigned)i);
        (void)look(&machine, 10 * MS);
        assert_true((changed(&machine, FIRST + i)->flags & ECO_PROC_ENDED) != 0);
    }
    /* its parent's books have its 4 ms and 6 ms that nobody saw */
    assert_int_equal(machine.usage.job_cpu_ns - before_ns, 8 * 116 * MS);
    machine_finish(&machine);
}

static void test_all_are_asked_where_it_is_not_safe(void **state)
{
    struct machine machine;
    (void)state;
    machine_init(&machine);
    warm_up(&machine);
    assert_true(look(&machine, 0) < SLEEPERS);
    machine.interval_ns = 2 * ECO_NS_PER_S; /* the next but two is too far away */
    assert_true(look(&machine, 0) >= SLEEPERS);
    machine.interval_ns = ECO_NS_PER_S;
    assert_true(look(&machine, 0) < SLEEPERS);
    uint64_t kept_ns = machine.busy_ns;
    machine.busy_ns = 0; /* it cannot be read any more */
    assert_true(look(&machine, 0) >= SLEEPERS);
    assert_true(look(&machine, 0) >= SLEEPERS);
    machine.busy_ns = kept_ns; /* the first that is known says nothing of an interval */
    assert_true(look(&machine, 0) >= SLEEPERS);
    assert_true(look(&machine, 0) < SLEEPERS);
    eco_fake_clock_advance(&machine.clock, ECO_NS_PER_S);
    eco_procs_tell_busy(machine.procs, machine.busy_ns, 1);
    unsigned long before = machine.clock.process_reads;
    assert_int_equal(eco_procs_look(machine.procs, true, &machine.usage), 0);
    assert_true(machine.clock.process_reads - before >= SLEEPERS);
    machine_finish(&machine);
}

/* A job in the machine: figures of its processes are not those of an interval ago. */
static void test_not_with_a_job(void **state)
{
    struct machine machine;
    (void)state;
    machine_init(&machine);
    assert_int_equal(eco_procs_add_root(machine.procs, PARENT), 0);
    warm_up(&machine);
    assert_true(look(&machine, 0) >= SLEEPERS);
    machine_finish(&machine);
}

static void put_group(struct machine *machine, const char *pids, unsigned usage_us)
{
    eco_temp_write(&machine->temp, "group/cgroup.procs", pids);
    eco_temp_printf(&machine->temp, "group/cpu.stat", "usage_usec %u\nuser_usec %u\nsystem_usec 0\n",
                    usage_us, usage_us);
}

/* While the job's cgroup has used nothing more, nobody in it can have forked: it is not listed. */
static void test_a_cgroup_that_stands_still(void **state)
{
    struct machine machine;
    char path[ECO_PATH_MAX];
    struct eco_procs_options options = {.scope = ECO_SCOPE_TREE};
    (void)state;
    machine_init(&machine);
    machine.procs = eco_procs_free(machine.procs);
    machine.busy_ns = 0;
    put_group(&machine, "50\n", 1000);
    options.cgroup_dir_fd =
        open(eco_temp_path(&machine.temp, "group", path), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_true(options.cgroup_dir_fd >= 0);
    assert_int_equal(eco_procs_open(&eco_procs_scan, &machine.env, &options, &machine.procs, NULL), 0);
    assert_int_equal(eco_procs_add_root(machine.procs, PARENT), 0);
    for (int i = 0; i < 2; i++)
        (void)look(&machine, 0);
    assert_int_equal(machine.usage.alive_count, 1);
    assert_int_equal(machine.usage.job_cpu_ns, 0);
    assert_true(machine.usage.job_is_exact);
    /* as no kernel would tell it: a process more, and nothing used */
    eco_temp_write(&machine.temp, "proc/loadavg", "0.00 0.00 0.00 1/40 1999\n");
    put_group(&machine, "50\n51\n", 1000);
    (void)look(&machine, 0);
    assert_int_equal(machine.usage.alive_count, 1);
    put_group(&machine, "50\n51\n", 1001);
    (void)look(&machine, 0);
    assert_int_equal(machine.usage.alive_count, 2);
    assert_true(machine.usage.job_is_exact);
    /* a last look lists all */
    put_group(&machine, "50\n51\n100\n", machine.ticks * 10000 + 5000);
    (void)look(&machine, 0);
    put_group(&machine, "50\n51\n100\n101\n", machine.ticks * 10000 + 5000);
    assert_int_equal(eco_procs_look(machine.procs, true, &machine.usage), 0);
    assert_int_equal(machine.usage.alive_count, 4);
    assert_true(machine.usage.job_is_exact);
    machine_finish(&machine);
    (void)close(options.cgroup_dir_fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_quarter_is_asked),
        cmocka_unit_test(test_nothing_is_lost),
        cmocka_unit_test(test_who_wakes_up_is_seen_at_once),
        cmocka_unit_test(test_the_end_of_a_sleeper),
        cmocka_unit_test(test_all_are_asked_where_it_is_not_safe),
        cmocka_unit_test(test_not_with_a_job),
        cmocka_unit_test(test_a_cgroup_that_stands_still),
    };
    return cmocka_run_group_tests_name("procs sweep", tests, NULL, NULL);
}
