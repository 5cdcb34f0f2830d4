/* SPDX-License-Identifier: MIT */
#include "platform/host.h"

#include "support/alloc.h"
#include "support/test.h"
#include "support/tree.h"

#include <string.h>
#include <unistd.h>

#define CPU "sys/devices/system/cpu/"

struct fixture {
    struct eco_temp temp;
    struct eco_root root;
    struct eco_host host;
};

static int set_up(void **state)
{
    static struct fixture fixture;
    fixture.host = (struct eco_host){0};
    eco_temp_init(&fixture.temp);
    eco_temp_roots(&fixture.temp, &fixture.root);
    *state = &fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    eco_host_finish(&f->host);
    eco_root_finish(&f->root);
    eco_temp_finish(&f->temp);
    return 0;
}

static void write_cpu(struct fixture *f, unsigned cpu, const char *package, const char *siblings)
{
    char path[ECO_PATH_MAX];
    assert_int_equal(eco_path(path, CPU "cpu%u/topology/physical_package_id", cpu), 0);
    eco_temp_printf(&f->temp, path, "%s\n", package);
    assert_int_equal(eco_path(path, CPU "cpu%u/topology/die_id", cpu), 0);
    eco_temp_printf(&f->temp, path, "%s\n", package);
    assert_int_equal(eco_path(path, CPU "cpu%u/topology/thread_siblings_list", cpu), 0);
    eco_temp_printf(&f->temp, path, "%s\n", siblings);
}

static void two_sockets_with_siblings(void **state)
{
    struct fixture *f = *state;
    eco_temp_write(&f->temp, CPU "online", "0-7\n");
    eco_temp_write(&f->temp, CPU "present", "0-7\n");
    static const char *const siblings[] = {"0,4", "1,5", "2,6", "3,7"};
    for (unsigned cpu = 0; cpu < 8; cpu++)
        write_cpu(f, cpu, cpu % 4 < 2 ? "0" : "1", siblings[cpu % 4]);
    eco_temp_write(&f->temp, CPU "cpu3/cpufreq/cpuinfo_max_freq", "3500000\n");
    assert_int_equal(eco_host_read_topology(&f->root, &f->host), 0);

    const struct eco_topology *topology = &f->host.topology;
    assert_int_equal(topology->cpu_count, 8);
    assert_int_equal(topology->online_count, 8);
    assert_int_equal(topology->core_count, 4);
    assert_int_equal(topology->package_count, 2);
    assert_true(topology->has_smt);
    assert_false(topology->is_hybrid);
    for (int cpu = 0; cpu < 8; cpu++) {
        assert_int_equal(topology->cpus[cpu].sibling, (cpu + 4) % 8);
        assert_int_equal(topology->cpus[cpu].core, cpu % 4);
        assert_int_equal(topology->cpus[cpu].package, cpu % 4 < 2 ? 0 : 1);
        assert_true(topology->cpus[cpu].online);
    }
    assert_int_equal(topology->cpus[3].max_freq_khz, 3500000);
    assert_int_equal(topology->cpus[2].max_freq_khz, 0);
}

/* Few files, however many CPUs there are. */
static void sketches(void **state)
{
    struct fixture *f = *state;
    eco_temp_write(&f->temp, CPU "online", "0-5,7\n");
    eco_temp_write(&f->temp, CPU "present", "0-7\n");
    for (unsigned cpu = 0; cpu < 8; cpu++)
        write_cpu(f, cpu, "3", "0-7");
    eco_temp_write(&f->temp, CPU "cpu0/cpufreq/cpuinfo_max_freq", "3500000\n");
    assert_int_equal(eco_host_sketch_topology(&f->root, &f->host), 0);
    const struct eco_topology *topology = &f->host.topology;
    assert_int_equal(topology->cpu_count, 8);
    assert_int_equal(topology->online_count, 7);
    assert_int_equal(topology->package_count, 1);
    assert_false(topology->has_smt);
    for (int cpu = 0; cpu < 8; cpu++) {
        assert_int_equal(topology->cpus[cpu].package, cpu == 6 ? -1 : 3);
        assert_int_equal(topology->cpus[cpu].online, cpu != 6);
        assert_int_equal(topology->cpus[cpu].sibling, -1);
    }
    assert_int_equal(topology->cpus[0].max_freq_khz, 3500000);

    write_cpu(f, 7, "4", "0-7");
    assert_int_equal(eco_host_sketch_topology(&f->root, &f->host), 0);
    assert_int_equal(topology->package_count, 2);
    assert_int_equal(topology->cpus[5].package, -1);

    eco_temp_write(&f->temp, CPU "online", "2\n");
    assert_int_equal(eco_host_sketch_topology(&f->root, &f->host), 0);
    assert_int_equal(topology->package_count, 1);
    assert_int_equal(topology->cpus[2].package, 3);
}

static void nothing_to_sketch(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(eco_host_sketch_topology(&f->root, &f->host), 0);
    assert_true(f->host.topology.online_count > 0);
    assert_int_equal(f->host.topology.package_count, 1);
    assert_int_equal(f->host.topology.cpus[0].package, -1);
}

static void four_threads_go_round(void **state)
{
    struct fixture *f = *state;
    eco_temp_write(&f->temp, CPU "online", "0-3");
    for (unsigned cpu = 0; cpu < 4; cpu++)
        write_cpu(f, cpu, "0", "0-3");
    assert_int_equal(eco_host_read_topology(&f->root, &f->host), 0);
    assert_int_equal(f->host.topology.core_count, 1);
    for (int cpu = 0; cpu < 4; cpu++)
        assert_int_equal(f->host.topology.cpus[cpu].sibling, (cpu + 1) % 4);
}

static void cpus_that_are_off(void **state)
{
    struct fixture *f = *state;
    eco_temp_write(&f->temp, CPU "online", "0,2-3\n");
    eco_temp_write(&f->temp, CPU "present", "0-5\n");
    write_cpu(f, 0, "0", "0-1"); /* an old kernel may still name the one that is off */
    write_cpu(f, 2, "0", "2-3");
    write_cpu(f, 3, "0", "2-3");
    assert_int_equal(eco_host_read_topology(&f->root, &f->host), 0);
    const struct eco_topology *topology = &f->host.topology;
    assert_int_equal(topology->cpu_count, 6);
    assert_int_equal(topology->online_count, 3);
    assert_int_equal(topology->core_count, 2);
    assert_int_equal(topology->package_count, 1);
    assert_false(topology->cpus[1].online);
    assert_int_equal(topology->cpus[1].core, -1);
    assert_int_equal(topology->cpus[1].package, -1);
    assert_int_equal(topology->cpus[0].sibling, -1);
    assert_int_equal(topology->cpus[2].sibling, 3);
}

static void hybrids(void **state)
{
    struct fixture *f = *state;
    eco_temp_write(&f->temp, CPU "online", "0-1");
    write_cpu(f, 0, "0", "0");
    write_cpu(f, 1, "0", "1");
    assert_int_equal(eco_host_read_topology(&f->root, &f->host), 0);
    assert_false(f->host.topology.is_hybrid);
    eco_temp_write(&f->temp, "sys/devices/cpu_core/cpus", "0\n");
    assert_int_equal(eco_host_read_topology(&f->root, &f->host), 0);
    assert_false(f->host.topology.is_hybrid);
    eco_temp_write(&f->temp, "sys/devices/cpu_atom/cpus", "1\n");
    assert_int_equal(eco_host_read_topology(&f->root, &f->host), 0);
    assert_true(f->host.topology.is_hybrid);
    eco_temp_remove(&f->temp, "sys/devices/cpu_atom");
    eco_temp_write(&f->temp, CPU "cpu0/cpu_capacity", "1024\n");
    eco_temp_write(&f->temp, CPU "cpu1/cpu_capacity", "446\n");
    assert_int_equal(eco_host_read_topology(&f->root, &f->host), 0);
    assert_true(f->host.topology.is_hybrid);
    assert_int_equal(f->host.topology.cpus[1].capacity, 446);
}

static void absurd_input_is_bounded(void **state)
{
    struct fixture *f = *state;
    eco_temp_write(&f->temp, CPU "online", "0-3");
    eco_temp_write(&f->temp, CPU "present", "0-1000000000");
    write_cpu(f, 0, "-1", "0-1000000000");
    write_cpu(f, 1, "99999999999999999999", "2"); /* not itself */
    write_cpu(f, 2, "2147483648", "");
    write_cpu(f, 3, "garbage", "a,b");
    eco_temp_write(&f->temp, CPU "cpu0/cpu_capacity", "99999999999\n");
    assert_int_equal(eco_host_read_topology(&f->root, &f->host), 0);
    const struct eco_topology *topology = &f->host.topology;
    assert_int_equal(topology->cpu_count, 4);
    assert_int_equal(topology->core_count, 4);
    assert_int_equal(topology->package_count, 1);
    for (int cpu = 0; cpu < 4; cpu++) {
        assert_int_equal(topology->cpus[cpu].package, -1);
        assert_int_equal(topology->cpus[cpu].sibling, -1);
        assert_int_equal(topology->cpus[cpu].core, cpu);
    }
    assert_int_equal(topology->cpus[0].capacity, 0);

    /* More CPUs than we take: as if nothing were known. */
    eco_temp_printf(&f->temp, CPU "online", "0-%d", ECO_CPUS_MAX);
    assert_int_equal(eco_host_read_topology(&f->root, &f->host), 0);
    assert_true(f->host.topology.cpu_count >= 1 && f->host.topology.cpu_count <= ECO_CPUS_MAX);
    eco_temp_printf(&f->temp, CPU "online", "%d", ECO_CPUS_MAX - 1);
    assert_int_equal(eco_host_read_topology(&f->root, &f->host), 0);
    assert_int_equal(f->host.topology.cpu_count, ECO_CPUS_MAX);
    assert_int_equal(f->host.topology.online_count, 1);
}

static void without_sysfs_the_kernels_stat_counts(void **state)
{
    struct fixture *f = *state;
    eco_temp_write(&f->temp, "proc/stat",
                   "cpu  9 9 9\ncpu0 1 2 3\ncpu2 1 2 3\ncpuinfo 7\nintr 1 2\ncpu9 1\n");
    assert_int_equal(eco_host_read_topology(&f->root, &f->host), 0);
    assert_int_equal(f->host.topology.cpu_count, 3);
    assert_int_equal(f->host.topology.online_count, 2);
    assert_int_equal(f->host.topology.core_count, 2);
    assert_int_equal(f->host.topology.package_count, 1);
    assert_false(f->host.topology.has_smt);

    eco_temp_remove(&f->temp, "proc/stat");
    assert_int_equal(eco_host_read_topology(&f->root, &f->host), 0);
    assert_true(f->host.topology.cpu_count >= 1);
    assert_int_equal(f->host.topology.core_count, f->host.topology.cpu_count);
}

static int read_once(void *context)
{
    struct fixture *f = context;
    struct eco_host host = {0};
    int r = eco_host_read_topology(&f->root, &host);
    if (r < 0)
        assert_null(host.topology.cpus);
    eco_host_finish(&host);
    return r;
}

static void every_allocation_may_fail(void **state)
{
    struct fixture *f = *state;
    eco_temp_write(&f->temp, CPU "online", "0-1");
    assert_int_equal(eco_alloc_fail_each(read_once, f), 1);
}

static void a_failed_read_keeps_the_old_one(void **state)
{
    struct fixture *f = *state;
    eco_temp_write(&f->temp, CPU "online", "0-1");
    assert_int_equal(eco_host_read_topology(&f->root, &f->host), 0);
    const struct eco_cpu_place *before = f->host.topology.cpus;
    eco_mem_fail_at(1);
    assert_int_equal(eco_host_read_topology(&f->root, &f->host), -ENOMEM);
    eco_mem_fail_at(0);
    assert_ptr_equal(f->host.topology.cpus, before);
    eco_host_read(&f->root, &f->host); /* names may be read again without losing it */
    assert_ptr_equal(f->host.topology.cpus, before);
}

static void this_machine(void **state)
{
    (void)state;
    struct eco_root root;
    struct eco_host host = {0};
    assert_int_equal(eco_root_init(&root, NULL, NULL), 0);
    assert_int_equal(eco_host_read_topology(&root, &host), 0);
    assert_int_equal(host.topology.online_count, sysconf(_SC_NPROCESSORS_ONLN));
    assert_true(host.topology.core_count <= host.topology.online_count);
    assert_true(host.topology.package_count >= 1);
    eco_host_finish(&host);
    eco_root_finish(&root);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(two_sockets_with_siblings, set_up, tear_down),
        cmocka_unit_test_setup_teardown(sketches, set_up, tear_down),
        cmocka_unit_test_setup_teardown(nothing_to_sketch, set_up, tear_down),
        cmocka_unit_test_setup_teardown(four_threads_go_round, set_up, tear_down),
        cmocka_unit_test_setup_teardown(cpus_that_are_off, set_up, tear_down),
        cmocka_unit_test_setup_teardown(hybrids, set_up, tear_down),
        cmocka_unit_test_setup_teardown(absurd_input_is_bounded, set_up, tear_down),
        cmocka_unit_test_setup_teardown(without_sysfs_the_kernels_stat_counts, set_up, tear_down),
        cmocka_unit_test_setup_teardown(every_allocation_may_fail, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_failed_read_keeps_the_old_one, set_up, tear_down),
        cmocka_unit_test(this_machine),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
