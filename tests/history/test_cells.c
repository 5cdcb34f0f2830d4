/* SPDX-License-Identifier: MIT */
/* Figures of lists, and the times that people type. */
#include "history/history.h"

#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void test_energy(void **state)
{
    (void)state;
    static const struct {
        double joules;
        bool is_estimated;
        const char *text;
    } cases[] = {{0, false, "0 J"},         {4.1, false, "4.10 J"},        {999.4, false, "999 J"},
                 {999.6, false, "1.00 kJ"}, {211.9e3, true, "~212 kJ"},    {0.035, false, "35.0 mJ"},
                 {9.996, false, "10.0 J"},  {-2.5, false, "-2.50 J"},      {3.6e6, false, "3.60 MJ"},
                 {1e-9, false, "0.00 uJ"},  {1e20, false, "100000000 TJ"}, {(double)NAN, false, "-"}};
    char cell[ECO_CELL_MAX];
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        eco_cell_energy(cases[i].joules, cases[i].is_estimated, cell);
        assert_string_equal(cell, cases[i].text);
    }
}

static void test_duration_mass_bytes(void **state)
{
    (void)state;
    static const struct {
        double seconds;
        const char *text;
    } cases[] = {{0, "0 ms"},         {0.9994, "999 ms"},  {0.9996, "1.0 s"}, {99.94, "99.9 s"},
                 {99.96, "1:40 min"}, {3599, "59:59 min"}, {3600, "1:00 h"},  {359999, "99:59 h"},
                 {360000, "4 d 4 h"}, {(double)NAN, "-"},  {-1, "-"},         {1e300, "-"}};
    char cell[ECO_CELL_MAX];
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        eco_cell_duration(cases[i].seconds, cell);
        assert_string_equal(cell, cases[i].text);
    }
    eco_cell_mass(1234, cell);
    assert_string_equal(cell, "1.23 kg");
    eco_cell_bytes(64.0 * 1024 * 1024, cell);
    assert_string_equal(cell, "64.0 MiB");
}

static void test_times(void **state)
{
    (void)state;
    static const struct {
        const char *text, *time; /* NULL: none */
    } cases[] = {{"2026", "2026"},
                 {"2026-11-22", "2026-11-22"},
                 {"2026-11-22 10:00", "2026-11-22T10:00"},
                 {"2026-11-22T10:00:00.000Z", "2026-11-22T10:00:00.000Z"},
                 {"today", "2023-11-14"},
                 {"yesterday", "2023-11-13"},
                 {"7d", "2023-11-07T22:13:20"},
                 {"1w", "2023-11-07T22:13:20"},
                 {"36h", "2023-11-13T10:13:20"},
                 {"", NULL},
                 {"22.11.2026", NULL},
                 {"202", NULL},
                 {"2026-11-22T10:00:00.000Z0", NULL},
                 {"7x", NULL},
                 {"-7d", NULL},
                 {"99999999999d", NULL},
                 {"2026-1'; DROP", NULL}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char time[32] = "untouched";
        struct eco_why why = {.text = ""};
        int r = eco_time_parse(cases[i].text, 1700000000, time, &why);
        assert_int_equal(r, cases[i].time ? 0 : -EINVAL);
        assert_string_equal(time, cases[i].time ? cases[i].time : "untouched");
        assert_int_equal(*why.text != 0, cases[i].time == NULL);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_energy),
        cmocka_unit_test(test_duration_mass_bytes),
        cmocka_unit_test(test_times),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
