/* SPDX-License-Identifier: MIT */
#include "gpu/nvml_impl.h"

#include "support/test.h"

static void test_inner_pid(void **state)
{
    (void)state;
    assert_int_equal(eco_nvml_pid_inner("Name:\tx\nNSpid:\t31001\t17\nNSpgid:\t3\t4\n"), 17);
    assert_int_equal(eco_nvml_pid_inner("Name:\tx\nNSpid:\t31001\t20\t1\n"), 1);
    assert_int_equal(eco_nvml_pid_inner("Name:\tx\nNSpid:\t31001\n"), 0); /* no namespace of its own */
    assert_int_equal(eco_nvml_pid_inner("Name:\tNSpid:\t1\t2\n"), 0);
    assert_int_equal(eco_nvml_pid_inner("Name:\tx\nNSpid:\t1\t99999999999\n"), 0);
    assert_int_equal(eco_nvml_pid_inner("Name:\tx\nNSpid:"), 0);
    assert_int_equal(eco_nvml_pid_inner(""), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_inner_pid)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
