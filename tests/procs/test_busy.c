/* SPDX-License-Identifier: MIT */
#include "procs/busy.h"
#include "procs/busy_text.h"

#include "support/alloc.h"
#include "support/clock.h"
#include "support/test.h"
#include "support/tree.h"

#include <errno.h>
#include <string.h>

#define S ECO_NS_PER_S

static const char stat_text[] =
    "cpu  100 0 100 199800 0 0 0 0 0 0\ncpu0 50 0 50 99900 0 0 0 0 0 0\n"
    "cpu1 50 0 50 99900 0 0 0 0 0 0\nintr 5 0\nctxt 9\nprocesses 4242\nprocs_running 1\n";

struct machine {
    struct eco_temp temp;
    struct eco_root root;
    struct eco_fake_clock clock;
    struct eco_env env;
};

static void machine_init(struct machine *machine)
{
    *machine = (struct machine){0};
    eco_temp_init(&machine->temp);
    eco_temp_roots(&machine->temp, &machine->root);
    eco_fake_clock_init(&machine->clock);
    machine->env = (struct eco_env){.root = &machine->root, .clock = &machine->clock.clock};
}

static void machine_finish(struct machine *machine)
{
    eco_root_finish(&machine->root);
    eco_temp_finish(&machine->temp);
}

/* A kept descriptor sees what is written into the same file, not what replaces it. */
static void rewrite(const struct machine *machine, const char *path, const char *text)
{
    char name[ECO_PATH_MAX];
    FILE *file = fopen(eco_temp_path(&machine->temp, path, name), "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static void test_cpuacct(void **state)
{
    (void)state;
    static const char *const paths[] = {"sys/fs/cgroup/cpuacct/cpuacct.usage_percpu",
                                        "sys/fs/cgroup/cpu,cpuacct/cpuacct.usage_percpu",
                                        "sys/fs/cgroup/cpuacct,cpu/cpuacct.usage_percpu"};
    for (size_t i = 0; i < ECO_COUNT(paths); i++) {
        struct machine machine;
        struct eco_busy *busy;
        struct eco_activity activity;
        machine_init(&machine);
        eco_temp_write(&machine.temp, "proc/stat", stat_text);
        eco_temp_write(&machine.temp, paths[i], "1000000000 1000000000 \n");
        eco_temp_write(&machine.temp, "sys/devices/system/cpu/cpu1/cpufreq/scaling_cur_freq", "2400000\n");
        assert_int_equal(eco_busy_open(&machine.env, &busy), 0);
        assert_string_equal(eco_busy_source(busy), "cpuacct");
        assert_int_equal(eco_busy_read(busy, true, &activity), 0);
        assert_int_equal(activity.busy_ns, 0);
        assert_int_equal(activity.cpu_count, 2);
        assert_int_equal(activity.cpus[0].freq_khz, 0);
        assert_int_equal(activity.cpus[1].freq_khz, 2400000);
        assert_int_equal(activity.grain_ns, 1);
        assert_int_equal(eco_busy_read_forks(busy), 4242);
        rewrite(&machine, paths[i], "1000000007 1500000000 \n");
        assert_int_equal(eco_busy_read(busy, false, &activity), 0);
        assert_int_equal(activity.busy_ns, 500000007);
        assert_int_equal(activity.cpus[1].busy_ns, 500000000);
        rewrite(&machine, paths[i], "1000000010 3 \n"); /* began anew */
        assert_int_equal(eco_busy_read(busy, false, &activity), 0);
        assert_int_equal(activity.busy_ns, 500000010);
        rewrite(&machine, paths[i], "garbage\n");
        activity.busy_ns = 1;
        assert_int_equal(eco_busy_read(busy, false, &activity), -EBADMSG);
        assert_int_equal(activity.busy_ns, 1);
        busy = eco_busy_free(busy);
        machine_finish(&machine);
    }
}

/* A container's own cgroup at the root's place counts far less than the machine: not believed. */
static void test_cpuacct_of_a_container(void **state)
{
    (void)state;
    struct machine machine;
    struct eco_busy *busy;
    machine_init(&machine);
    eco_temp_write(
        &machine.temp, "proc/stat",
        "cpu  90000 0 10000 100000 0 0 0 0 0 0\ncpu0 90000 0 10000 100000 0 0 0 0 0 0\nprocesses 1\n");
    eco_temp_write(&machine.temp, "sys/fs/cgroup/cpuacct/cpuacct.usage_percpu", "30000000000 \n");
    assert_int_equal(eco_busy_open(&machine.env, &busy), 0);
    assert_string_equal(eco_busy_source(busy), "stat");
    busy = eco_busy_free(busy);
    machine_finish(&machine);
}

static void test_schedstat(void **state)
{
    (void)state;
    struct machine machine;
    struct eco_busy *busy;
    struct eco_activity activity;
    machine_init(&machine);
    eco_temp_write(&machine.temp, "proc/stat", stat_text);
    eco_temp_write(&machine.temp, "proc/schedstat",
                   "version 15\ntimestamp 4\ncpu0 0 0 0 0 0 0 100 2 3\n"
                   "domain0 3 1 1\ncpu2 0 0 0 0 0 0 200 2 3\n");
    assert_int_equal(eco_busy_open(&machine.env, &busy), 0);
    assert_string_equal(eco_busy_source(busy), "schedstat");
    assert_int_equal(eco_busy_read(busy, false, &activity), 0);
    assert_int_equal(activity.cpu_count, 3);
    /* CPU 0 goes offline and comes back with a book of its own; nothing it had is lost or invented. */
    rewrite(&machine, "proc/schedstat", "version 15\ncpu0 0 0 0 0 0 0 150 2 3\ncpu2 0 0 0 0 0 0 200 2 3\n");
    assert_int_equal(eco_busy_read(busy, false, &activity), 0);
    assert_int_equal(activity.busy_ns, 50);
    rewrite(&machine, "proc/schedstat", "version 15\ncpu2 0 0 0 0 0 0 260 2 3\n");
    assert_int_equal(eco_busy_read(busy, false, &activity), 0);
    assert_int_equal(activity.busy_ns, 110);
    rewrite(&machine, "proc/schedstat", "version 15\ncpu0 0 0 0 0 0 0 9999 2 3\ncpu2 0 0 0 0 0 0 260 2 3\n");
    assert_int_equal(eco_busy_read(busy, false, &activity), 0);
    assert_int_equal(activity.busy_ns, 110);
    busy = eco_busy_free(busy);
    machine_finish(&machine);
}

static void write_idle(struct machine *machine, const char *first, const char *second)
{
    char text[512];
    (void)snprintf(text, sizeof(text), "cpu  1 0 1 1 1 0 0 0 0 0\n%s%sintr 1\nprocesses 7\n", first, second);
    rewrite(machine, "proc/stat", text);
}

/* Elapsed less idle, iowait and steal; cumulative, so that the grain does not add up. */
static void test_stat(void **state)
{
    (void)state;
    struct machine machine;
    struct eco_busy *busy;
    struct eco_activity activity;
    machine_init(&machine);
    eco_temp_write(&machine.temp, "proc/stat", "");
    write_idle(&machine, "cpu0 0 0 0 1000 10 0 0 5 0 0\n", "cpu1 0 0 0 500 0 0 0 0 0 0\n");
    assert_int_equal(eco_busy_open(&machine.env, &busy), 0);
    assert_string_equal(eco_busy_source(busy), "stat");
    assert_int_equal(eco_busy_read(busy, false, &activity), 0);
    assert_int_equal(activity.busy_ns, 0);
    assert_int_equal(activity.grain_ns, 10 * ECO_NS_PER_MS);
    assert_int_equal(eco_busy_read_forks(busy), 7);
    eco_fake_clock_advance(&machine.clock, S);
    write_idle(&machine, "cpu0 0 0 0 1050 15 0 0 10 0 0\n", "cpu1 0 0 0 600 0 0 0 0 0 0\n");
    assert_int_equal(eco_busy_read(busy, false, &activity), 0);
    assert_int_equal(activity.cpus[0].busy_ns, 400 * ECO_NS_PER_MS);
    assert_int_equal(activity.cpus[1].busy_ns, 0);
    /* iowait falls a little: no new time */
    write_idle(&machine, "cpu0 0 0 0 1050 12 0 0 10 0 0\n", "cpu1 0 0 0 600 0 0 0 0 0 0\n");
    assert_int_equal(eco_busy_read(busy, false, &activity), 0);
    assert_int_equal(activity.busy_ns, 400 * ECO_NS_PER_MS);
    /* CPU 0 goes away, and comes back with its books at zero */
    eco_fake_clock_advance(&machine.clock, S);
    write_idle(&machine, "", "cpu1 0 0 0 650 0 0 0 0 0 0\n");
    assert_int_equal(eco_busy_read(busy, false, &activity), 0);
    assert_int_equal(activity.busy_ns, 900 * ECO_NS_PER_MS);
    eco_fake_clock_advance(&machine.clock, 5 * S);
    write_idle(&machine, "cpu0 0 0 0 10 0 0 0 0 0 0\n", "cpu1 0 0 0 1150 0 0 0 0 0 0\n");
    assert_int_equal(eco_busy_read(busy, false, &activity), 0);
    assert_int_equal(activity.busy_ns, 900 * ECO_NS_PER_MS);
    eco_fake_clock_advance(&machine.clock, S);
    write_idle(&machine, "cpu0 0 0 0 60 0 0 0 0 0 0\n", "cpu1 0 0 0 1250 0 0 0 0 0 0\n");
    assert_int_equal(eco_busy_read(busy, false, &activity), 0);
    assert_int_equal(activity.busy_ns, 1400 * ECO_NS_PER_MS);
    busy = eco_busy_free(busy);
    machine_finish(&machine);
}

static void test_nothing_to_read(void **state)
{
    (void)state;
    struct machine machine;
    struct eco_busy *busy;
    struct eco_activity activity = {.busy_ns = 7};
    machine_init(&machine);
    eco_temp_fifo(&machine.temp, "proc/stat");
    eco_temp_write(&machine.temp, "proc/schedstat", "version 15\n");
    assert_int_equal(eco_busy_open(&machine.env, &busy), 0);
    assert_string_equal(eco_busy_source(busy), "none");
    assert_int_equal(eco_busy_read(busy, false, &activity), -ENODEV);
    assert_int_equal(activity.busy_ns, 7);
    busy = eco_busy_free(busy);
    assert_null(eco_busy_free(NULL));
    machine_finish(&machine);
}

/* More CPUs than the first guess, and a text longer than the first buffer. */
static void test_many_cpus(void **state)
{
    (void)state;
    struct machine machine;
    struct eco_busy *busy;
    struct eco_activity activity;
    static char text[1 << 16];
    size_t n = (size_t)snprintf(text, sizeof(text), "cpu  1 0 1 1 1 0 0 0 0 0\n");
    machine_init(&machine);
    for (int i = 0; i < 500; i++)
        n += (size_t)snprintf(text + n, sizeof(text) - n, "cpu%d 10 0 10 1000000 5 0 0 0 0 0\n", i);
    eco_temp_write(&machine.temp, "proc/stat", text);
    assert_int_equal(eco_busy_open(&machine.env, &busy), 0);
    assert_int_equal(eco_busy_read(busy, false, &activity), 0);
    assert_int_equal(activity.cpu_count, 500);
    busy = eco_busy_free(busy);
    machine_finish(&machine);
}

static int open_and_read(void *context)
{
    struct machine *machine = context;
    struct eco_busy *busy;
    struct eco_activity activity;
    int rc = eco_busy_open(&machine->env, &busy);
    if (rc < 0)
        return rc;
    rc = eco_busy_read(busy, true, &activity);
    busy = eco_busy_free(busy);
    return rc;
}

static void test_no_memory(void **state)
{
    (void)state;
    struct machine machine;
    machine_init(&machine);
    eco_temp_write(&machine.temp, "proc/stat", stat_text);
    assert_true(eco_alloc_fail_each(open_and_read, &machine) >= 6);
    machine_finish(&machine);
}

static void test_texts(void **state)
{
    (void)state;
    uint64_t values[4];
    bool present[4];
    struct eco_stat_sums sums;
    static const char *const bad[] = {"", "\n", "cpu", "cpu0", "cpu0 1 2", "cpux 1 2 3 4 5", "1 2 x", "-1"};
    for (size_t i = 0; i < ECO_COUNT(bad); i++) {
        size_t n = strlen(bad[i]);
        assert_int_equal(eco_percpu_parse(bad[i], n, values, present, 4), -EBADMSG);
        assert_int_equal(eco_schedstat_parse(bad[i], n, values, present, 4), -EBADMSG);
        assert_int_equal(eco_cpustat_parse(bad[i], n, values, present, 4), -EBADMSG);
        assert_int_equal(eco_stat_sums_parse(bad[i], n, &sums), -EBADMSG);
    }
    assert_int_equal(eco_percpu_parse("1 2 3 4 5", 9, values, present, 4), -E2BIG);
    assert_int_equal(eco_cpustat_parse("cpu4 1 2 3 4 5\n", 15, values, present, 4), -E2BIG);
    assert_int_equal(eco_cpustat_parse("cpu18446744073709551615 1 2 3 4 5\n", 34, values, present, 4),
                     -E2BIG);
    assert_int_equal(eco_percpu_parse("99999999999999999999", 20, values, present, 4), -EBADMSG);
    assert_int_equal(eco_stat_sums_parse("cpu  1 2 3 4 5\nprocesses x\n", 27, &sums), 0);
    assert_int_equal(sums.forks, 0);
    assert_int_equal(sums.busy_ticks, 6);
    assert_int_equal(sums.idle_ticks, 9);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cpuacct),         cmocka_unit_test(test_cpuacct_of_a_container),
        cmocka_unit_test(test_schedstat),       cmocka_unit_test(test_stat),
        cmocka_unit_test(test_nothing_to_read), cmocka_unit_test(test_many_cpus),
        cmocka_unit_test(test_no_memory),       cmocka_unit_test(test_texts),
    };
    return cmocka_run_group_tests_name("procs busy time", tests, NULL, NULL);
}
