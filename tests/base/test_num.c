/* SPDX-License-Identifier: MIT */
#include "base/num.h"

#include "base/macros.h"
#include "support/test.h"

#include <stdlib.h>

static void cells_add_up(void **state)
{
    (void)state;
    int64_t cells[3];
    const double thirds[] = {1.0 / 3, 1.0 / 3, 1.0 / 3};
    assert_int_equal(eco_round_sum(thirds, 3, 0.1, cells), 10);
    assert_int_equal(cells[0], 4); /* ties go to the earlier cell */
    assert_int_equal(cells[1], 3);
    assert_int_equal(cells[2], 3);

    const double mixed[] = {2.6, -1.6, 0.4};
    assert_int_equal(eco_round_sum(mixed, 3, 1.0, cells), 1);
    assert_int_equal(cells[0], 3);
    assert_int_equal(cells[1], -2);
    assert_int_equal(cells[2], 0);
}

static void nothing_and_little(void **state)
{
    (void)state;
    int64_t cell = 77;
    assert_int_equal(eco_round_sum(NULL, 0, 1.0, NULL), 0);
    const double half = 0.5, zero = 0.0, minus = -7.25;
    assert_int_equal(eco_round_sum(&half, 1, 1.0, &cell), 1);
    assert_int_equal(cell, 1);
    assert_int_equal(eco_round_sum(&zero, 1, 1.0, &cell), 0);
    assert_int_equal(cell, 0);
    assert_int_equal(eco_round_sum(&minus, 1, 0.1, &cell), -72);
    assert_int_equal(cell, -72);
}

static void whole_cells_stay(void **state)
{
    (void)state;
    const double values[] = {3.0, 0.0, 12.0, -4.0};
    int64_t cells[4];
    assert_int_equal(eco_round_sum(values, 4, 1.0, cells), 11);
    for (int i = 0; i < 4; i++)
        assert_int_equal(cells[i], (int64_t)values[i]);
}

static void what_is_no_number_counts_nothing(void **state)
{
    (void)state;
    const double values[] = {(double)NAN, 1.0, (double)INFINITY, 1e300};
    int64_t cells[4];
    int64_t total = eco_round_sum(values, 4, 1.0, cells);
    assert_int_equal(cells[0], 0);
    assert_int_equal(cells[1], 1);
    assert_int_equal(cells[2], 0);
    assert_int_equal(total, cells[0] + cells[1] + cells[2] + cells[3]);
}

/* Property: the sum is exact, the total nearest, and no cell is a whole step away from its value. */
static void any_cells_add_up(void **state)
{
    (void)state;
    static const double steps[] = {1.0, 0.1, 0.001, 60.0};
    srand(20261122);
    for (int round = 0; round < 4000; round++) {
        double values[64], sum = 0.0, step = steps[round % 4];
        int64_t cells[64], total = 0;
        size_t n = 1 + (size_t)(rand() % 64);
        for (size_t i = 0; i < n; i++) {
            values[i] = (rand() % 3 == 0 ? 0.01 : 1000.0) * ((double)rand() / RAND_MAX - 0.3);
            if (rand() % 5 == 0)
                values[i] = values[i > 0 ? i - 1 : 0];
            sum += values[i];
        }
        int64_t result = eco_round_sum(values, n, step, cells);
        for (size_t i = 0; i < n; i++) {
            total += cells[i];
            assert_true(fabs((double)cells[i] - values[i] / step) < 1.0 + 1e-9);
        }
        assert_true(total == result);
        assert_true(fabs((double)result - sum / step) <= 0.5 + 1e-6);
    }
}

static void the_largest_remainders_win(void **state)
{
    (void)state;
    const double values[] = {0.1, 0.9, 0.2, 0.8, 0.3, 0.7};
    static const int64_t expected[] = {0, 1, 0, 1, 0, 1};
    int64_t cells[6];
    assert_int_equal(eco_round_sum(values, 6, 1.0, cells), 3);
    for (int i = 0; i < 6; i++)
        assert_int_equal(cells[i], expected[i]);
}

static void digits_follow_the_uncertainty(void **state)
{
    (void)state;
    assert_int_equal(eco_digit_exponent(123.456, 5.0), -1);    /* 123.5 +- 5.0 */
    assert_int_equal(eco_digit_exponent(123.456, 0.001), -1);  /* four digits at most */
    assert_int_equal(eco_digit_exponent(123456.0, 5000.0), 2); /* 123500 +- 5000 */
    assert_int_equal(eco_digit_exponent(1000.0, 100.0), 1);
    assert_int_equal(eco_digit_exponent(999.0, 99.0), 0);
    assert_int_equal(eco_digit_exponent(-123.456, 5.0), -1);
    assert_int_equal(eco_digit_exponent(0.001234, 0.0001), -5);
    assert_int_equal(eco_digit_exponent(5.0, 11.0), 0);
}

static void digits_of_what_is_not_known(void **state)
{
    (void)state;
    assert_int_equal(eco_digit_exponent(12.0, 0.0), -2);
    assert_int_equal(eco_digit_exponent(12.0, (double)NAN), -2);
    assert_int_equal(eco_digit_exponent(12.0, (double)INFINITY), -2);
    assert_int_equal(eco_digit_exponent(0.0, 0.5), -2);
    assert_int_equal(eco_digit_exponent(0.0, 0.0), 0);
    assert_int_equal(eco_digit_exponent((double)NAN, (double)NAN), 0);
    assert_int_equal(eco_digit_exponent(1e-300, 1e-300), -30);
    assert_true(eco_digit_exponent(1e300, 1e300) <= 30);
}

static void powers_of_ten(void **state)
{
    (void)state;
    for (int i = -30; i <= 30; i++)
        eco_assert_near(eco_pow10(i), pow(10.0, i), pow(10.0, i) * 1e-15);
    eco_assert_near(eco_pow10(31), 1e30, 0.0);
    eco_assert_near(eco_pow10(-99), 1e-30, 0.0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cells_add_up),
        cmocka_unit_test(nothing_and_little),
        cmocka_unit_test(whole_cells_stay),
        cmocka_unit_test(what_is_no_number_counts_nothing),
        cmocka_unit_test(any_cells_add_up),
        cmocka_unit_test(the_largest_remainders_win),
        cmocka_unit_test(digits_follow_the_uncertainty),
        cmocka_unit_test(digits_of_what_is_not_known),
        cmocka_unit_test(powers_of_ten),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
