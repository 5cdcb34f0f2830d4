/* SPDX-License-Identifier: MIT */
#include "base/counter.h"

#include "support/test.h"

static void moves_forward(void **state)
{
    (void)state;
    assert_int_equal(eco_counter_delta(5, 5, 100), 0);
    assert_int_equal(eco_counter_delta(5, 9, 100), 4);
    assert_int_equal(eco_counter_delta(0, 99, 100), 99);
}

static void wraps(void **state)
{
    (void)state;
    assert_int_equal(eco_counter_delta(99, 0, 100), 1);
    assert_int_equal(eco_counter_delta(99, 98, 100), 99);
    /* A powercap zone: max_energy_range_uj + 1. */
    assert_int_equal(eco_counter_delta(262143328000, 1000, 262143328851), 1851);
    assert_int_equal(eco_counter_delta(0, 0, 1), 0);
}

static void wraps_at_64_bits(void **state)
{
    (void)state;
    assert_true(eco_counter_delta(UINT64_MAX, 0, 0) == 1);
    assert_true(eco_counter_delta(UINT64_MAX - 1, 3, 0) == 5);
    assert_true(eco_counter_delta(1, 0, 0) == UINT64_MAX);
    assert_true(eco_counter_delta(UINT64_MAX - 2, 0, UINT64_MAX) == 2);
}

static void stays_below_the_modulus_whatever_is_read(void **state)
{
    (void)state;
    static const uint64_t values[] = {0, 1, 99, 100, 101, 12345, UINT64_MAX};
    for (size_t i = 0; i < 7; i++) {
        for (size_t j = 0; j < 7; j++)
            assert_true(eco_counter_delta(values[i], values[j], 100) < 100);
    }
}

static void saturates(void **state)
{
    (void)state;
    assert_true(eco_add_sat(1, 2) == 3);
    assert_true(eco_add_sat(UINT64_MAX, 0) == UINT64_MAX);
    assert_true(eco_add_sat(UINT64_MAX - 1, 1) == UINT64_MAX);
    assert_true(eco_add_sat(UINT64_MAX, UINT64_MAX) == UINT64_MAX);
    assert_true(eco_sub_sat(3, 1) == 2);
    assert_true(eco_sub_sat(3, 3) == 0);
    assert_true(eco_sub_sat(1, 3) == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(moves_forward),    cmocka_unit_test(wraps),
        cmocka_unit_test(wraps_at_64_bits), cmocka_unit_test(stays_below_the_modulus_whatever_is_read),
        cmocka_unit_test(saturates),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
