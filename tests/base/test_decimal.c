/* SPDX-License-Identifier: MIT */
/* Decimals against printf and strtod: the same text, digit by digit. */
#include "base/decimal.h"
#include "support/test.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool by_printf(double value, char *ret, size_t size)
{
    for (int precision = 15; precision <= 17; precision++) {
        (void)snprintf(ret, size, "%.*g", precision, value);
        double back = strtod(ret, NULL);
        if (!(back < value) && !(back > value))
            return true;
    }
    return false;
}

/* Whether it was in the range. */
static bool check(double value)
{
    char got[ECO_DECIMAL_MAX + 1], want[64];
    size_t length = eco_decimal(value, got);
    assert_true(length <= ECO_DECIMAL_MAX);
    if (length == 0)
        return false;
    got[length] = '\0';
    assert_true(by_printf(value, want, sizeof want));
    if (strcmp(got, want) != 0)
        fail_msg("%a: \"%s\", printf says \"%s\"", value, got, want);
    return true;
}

static uint64_t next(uint64_t *state)
{
    /* xorshift64* (Vigna, "An experimental exploration of Marsaglia's xorshift generators") */
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return *state * 2685821657736338717ull;
}

static void edges(void **state)
{
    (void)state;
    static const double hard[] = {0.0,
                                  -0.0,
                                  1e-4,
                                  0.1,
                                  0.3,
                                  1,
                                  -1,
                                  3,
                                  9.5,
                                  10,
                                  99999999999999.9,
                                  999999999999999.9,
                                  999999999999999,
                                  100000000000000,
                                  123456789012345.6,
                                  0.00099999999999999998,
                                  9.9999999999999999e-4,
                                  0.30000000000000004,
                                  2.5,
                                  1.0000000000000002,
                                  0.99999999999999989,
                                  4503599627370497.5,
                                  562949953421312.125,
                                  562949953421311.9375};
    for (size_t i = 0; i < sizeof hard / sizeof *hard; i++)
        for (int way = -1; way <= 1; way++)
            (void)check(way == 0 ? hard[i] : nextafter(hard[i], way * (double)INFINITY));
    for (int power = -13; power < 50; power++) /* the doubles below are nearer than those above */
        for (int way = -1; way <= 1; way++)
            assert_true(
                check(way == 0 ? ldexp(1, power) : nextafter(ldexp(1, power), way * (double)INFINITY)));
    char text[ECO_DECIMAL_MAX];
    static const double beyond[] = {1e-5, 1e15, 1e300, 5e-324, (double)INFINITY, (double)NAN};
    for (size_t i = 0; i < sizeof beyond / sizeof *beyond; i++)
        assert_int_equal(eco_decimal(beyond[i], text), 0);
    assert_int_equal(eco_decimal(0, text), 1);
    assert_true(check(0.1) && check(-1234.5678) && check(999999999999999.0));
}

static void any_bits(void **state)
{
    (void)state;
    uint64_t seed = 20261130, taken = 0;
    for (unsigned i = 0; i < 300000; i++) {
        /* Exponents of the range and one beyond on either side. */
        uint64_t bits = next(&seed) >> 12 | (1023 - 15 + next(&seed) % 66) << 52 | next(&seed) << 63;
        double value;
        memcpy(&value, &bits, sizeof value);
        taken += check(value);
    }
    assert_true(taken > 280000);
}

/* What measurements are: so many digits before and behind the point. */
static void typed_decimals(void **state)
{
    (void)state;
    uint64_t seed = 7;
    char typed[64];
    for (unsigned i = 0; i < 200000; i++) {
        uint64_t digits = next(&seed) % 1000000000000000000ull;
        for (uint64_t cut = next(&seed) % 18; cut > 0; cut--)
            digits /= 10;
        (void)snprintf(typed, sizeof typed, "%llue-%u", (unsigned long long)digits,
                       (unsigned)(next(&seed) % 20));
        (void)check(strtod(typed, NULL));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(edges), cmocka_unit_test(any_bits),
                                       cmocka_unit_test(typed_decimals)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
