/* SPDX-License-Identifier: MIT */
/* The platform that measures nothing says so in every call, and touches no out-parameter. */
#include "platform/clock.h"
#include "platform/host.h"
#include "platform/perf.h"

#include "support/alloc.h"
#include "support/test.h"

static void files_are_not_supported(void **state)
{
    (void)state;
    struct eco_root root;
    uint64_t value = 7;
    char text[4] = "abc";
    assert_int_equal(eco_root_init(&root, "/proc", NULL), -ENOTSUP);
    assert_int_equal(eco_root_init(&root, NULL, NULL), 0);
    assert_false(root.is_own[ECO_PROCFS] || root.is_own[ECO_SYSFS]);
    assert_int_equal(eco_root_open(&root, ECO_PROCFS, "stat"), -ENOTSUP);
    assert_int_equal(eco_root_read(&root, ECO_PROCFS, "stat", text, sizeof(text)), -ENOTSUP);
    assert_int_equal(eco_root_read_u64(&root, ECO_PROCFS, "stat", &value), -ENOTSUP);
    assert_int_equal(eco_root_pread(&root, 0, text, sizeof(text)), -ENOTSUP);
    assert_int_equal(eco_root_pread_u64(&root, 0, &value), -ENOTSUP);
    assert_int_equal(eco_root_list(&root, ECO_PROCFS, "", NULL, NULL), -ENOTSUP);
    assert_int_equal(eco_root_link_name(&root, ECO_PROCFS, "self", text, sizeof(text)), -ENOTSUP);
    assert_int_equal(eco_root_exists(&root, ECO_PROCFS, "stat"), -ENOTSUP);
    assert_true(value == 7);
    assert_string_equal(text, "abc");
    eco_root_finish(&root);
}

static void counters_are_not_supported(void **state)
{
    (void)state;
    const struct eco_perf *perf = &eco_perf_system;
    uint64_t values[3] = {7, 7, 7};
    assert_int_equal(perf->open(perf, 1, 0, 0), -ENOTSUP);
    assert_int_equal(perf->read(perf, 0, values), -ENOTSUP);
    assert_true(values[0] == 7);
    perf->close(perf, -1);
}

static void time_still_goes_on(void **state)
{
    (void)state;
    const struct eco_clock *clock = &eco_clock_system;
    uint64_t used = 7;
    assert_true(clock->mono_ns(clock) > 0);
    assert_true(clock->boot_ns(clock) > 0);
    assert_true(clock->real_ns(clock) > 1600000000ll * (long long)ECO_NS_PER_S);
    assert_int_equal(clock->process_cpu_ns(clock, 1, &used), -ENOTSUP);
    assert_true(used == 7);
    assert_true(eco_clock_self_max_rss_bytes() == 0);
}

static int read_topology(void *context)
{
    (void)context;
    struct eco_root root;
    struct eco_host host = {0};
    assert_int_equal(eco_root_init(&root, NULL, NULL), 0);
    eco_host_read(&root, &host);
    assert_true(isnan(host.cpu_quota));
    assert_string_equal(host.cpu_model, "");
    int r = eco_host_read_topology(&root, &host);
    if (r == 0)
        assert_int_equal(host.topology.cpu_count, 1);
    eco_host_finish(&host);
    return r;
}

static void one_cpu_of_an_unknown_machine(void **state)
{
    (void)state;
    assert_int_equal(eco_alloc_fail_each(read_topology, NULL), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_are_not_supported),
        cmocka_unit_test(counters_are_not_supported),
        cmocka_unit_test(time_still_goes_on),
        cmocka_unit_test(one_cpu_of_an_unknown_machine),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
