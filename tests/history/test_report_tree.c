/* SPDX-License-Identifier: MIT */
/* The processes as a tree, whatever their parents are said to be. */
#include "support/test.h"

#include "history/report_tree.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* Exactly: the figures are whole numbers. */
static bool same(double a, double b)
{
    return !(a < b) && !(a > b);
}

static json_t *report_of(const int (*rows)[3], size_t count)
{
    json_t *processes = json_array();
    for (size_t i = 0; i < count; i++)
        assert_int_equal(
            json_array_append_new(processes, json_pack("{s:i,s:i,s:s,s:i,s:f,s:f}", "pid", rows[i][0], "ppid",
                                                       rows[i][1], "name", "x", "count", 1, "energy_j",
                                                       (double)rows[i][2], "cpu_s", 1.0)),
            0);
    return json_pack("{s:o}", "processes", processes);
}

static double shown_energy_j(const struct eco_family *tree)
{
    double sum = 0;
    for (size_t i = 0; i < tree->count; i++)
        sum += tree->rows[i].energy_j;
    return sum;
}

static uint64_t shown_processes(const struct eco_family *tree)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < tree->count; i++)
        sum += tree->rows[i].processes;
    return sum;
}

static void test_children_stand_below_their_parent_the_largest_first(void **state)
{
    static const int rows[][3] = {{10, 1, 1}, {11, 10, 2}, {12, 10, 5}, {13, 12, 3}, {0, 0, 4}};
    struct eco_family tree;
    (void)state;
    json_t *report = report_of(rows, ECO_COUNT(rows));
    assert_int_equal(eco_family_make(report, 100, &tree), 0);
    assert_int_equal(tree.count, 5);
    static const struct {
        unsigned depth;
        double own, sum, offset;
        int parent;
    } expected[] = {{0, 1, 11, 0, -1},
                    {1, 5, 8, 0, 0},
                    {2, 3, 3, 0, 1},
                    {1, 2, 2, 8.0 / 15, 0},
                    {0, 4, 4, 11.0 / 15, -1}};
    for (size_t i = 0; i < tree.count; i++) {
        assert_int_equal(tree.rows[i].depth, expected[i].depth);
        assert_int_equal(tree.rows[i].parent, expected[i].parent);
        assert_true(same(tree.rows[i].own, expected[i].own) && same(tree.rows[i].sum, expected[i].sum));
        assert_true(fabs(tree.rows[i].offset - expected[i].offset) < 1e-12);
    }
    eco_family_finish(&tree);
    json_decref(report);
}

static void test_circles_and_missing_parents_are_roots(void **state)
{
    /* 20 -> 21 -> 22 -> 20; 30 its own parent; 40's is not there; two rows of one pid */
    static const int rows[][3] = {{20, 22, 1},  {21, 20, 1}, {22, 21, 1}, {30, 30, 1},
                                  {40, 999, 1}, {50, 40, 1}, {50, 40, 1}, {51, 50, 1}};
    struct eco_family tree;
    (void)state;
    json_t *report = report_of(rows, ECO_COUNT(rows));
    assert_int_equal(eco_family_make(report, 100, &tree), 0);
    assert_int_equal(tree.count, ECO_COUNT(rows));
    assert_true(same(shown_energy_j(&tree), 8));
    for (size_t i = 0; i < tree.count; i++) {
        assert_true(tree.rows[i].parent < (int32_t)i);
        assert_true(tree.rows[i].sum <= 8 && tree.rows[i].offset + tree.rows[i].sum / 8 <= 1 + 1e-12);
    }
    eco_family_finish(&tree);
    json_decref(report);
}

static void test_pids_of_two_machines_are_two(void **state)
{
    struct eco_family tree;
    (void)state;
    json_t *report =
        json_pack("{s:[{s:i,s:i,s:s,s:f},{s:i,s:i,s:s,s:f},{s:i,s:i,s:s,s:f},{s:i,s:i,s:s,s:f}]}",
                  "processes", "pid", 5, "ppid", 1, "hostname", "a", "energy_j", 4.0, /* a's */
                  "pid", 5, "ppid", 1, "hostname", "b", "energy_j", 3.0,              /* b's */
                  "pid", 6, "ppid", 5, "hostname", "b", "energy_j", 2.0,              /* below that */
                  "pid", 7, "ppid", 6, "hostname", "a", "energy_j", 1.0); /* its parent is not there */
    assert_non_null(report);
    assert_int_equal(eco_family_make(report, 100, &tree), 0);
    assert_int_equal(tree.count, 4);
    assert_true(same(tree.rows[0].own, 3) && tree.rows[0].parent == -1);
    assert_true(same(tree.rows[1].own, 2) && tree.rows[1].parent == 0);
    assert_true(same(tree.rows[2].own, 4) && tree.rows[2].parent == -1);
    assert_true(same(tree.rows[3].own, 1) && tree.rows[3].parent == -1);
    eco_family_finish(&tree);
    json_decref(report);
}

static void test_what_is_cut_off_is_summed_up(void **state)
{
    static int rows[10000][3];
    struct eco_family tree;
    double sum_j = 0;
    (void)state;
    for (int i = 0; i < 10000; i++) {
        rows[i][0] = i + 2;
        /* below the first, in pairs, or without a parent that is known */
        rows[i][1] = i == 0 || i % 10 == 9 ? 1 : i % 3 == 0 ? i + 1 : 2;
        rows[i][2] = i % 97;
        sum_j += i % 97;
    }
    json_t *report = report_of((const int(*)[3])rows, 10000);
    assert_int_equal(eco_family_make(report, ECO_FAMILY_SHOWN, &tree), 0);
    assert_in_range(tree.count, 12, 2 * ECO_FAMILY_SHOWN + 2);
    assert_true(same(shown_energy_j(&tree), sum_j));
    assert_int_equal(shown_processes(&tree), 10000);
    assert_in_range(tree.cut_rows, 9000, 10000);
    eco_family_finish(&tree);
    json_decref(report);
}

static void test_a_chain_of_any_length(void **state)
{
    static int rows[100000][3];
    struct eco_family tree;
    (void)state;
    for (int i = 0; i < 100000; i++) {
        rows[i][0] = 100001 - i; /* children before parents, so that each walk is a new one */
        rows[i][1] = 100000 - i;
        rows[i][2] = 1;
    }
    json_t *report = report_of((const int(*)[3])rows, 100000);
    assert_int_equal(eco_family_make(report, ECO_FAMILY_SHOWN, &tree), 0);
    assert_true(same(shown_energy_j(&tree), 100000));
    assert_in_range(tree.count, ECO_FAMILY_SHOWN, 2 * ECO_FAMILY_SHOWN + 2);
    eco_family_finish(&tree);
    json_decref(report);
}

static void test_without_energy_it_is_cpu_time(void **state)
{
    struct eco_family tree;
    (void)state;
    json_t *report = json_pack("{s:[{s:i,s:n,s:f},{s:i,s:s,s:f}, i]}", "processes", "pid", 5, "energy_j",
                               "cpu_s", 3.0, "pid", 6, "energy_j", "much", "cpu_s", 1.0, 7);
    assert_non_null(report);
    assert_int_equal(eco_family_make(report, 100, &tree), 0);
    assert_false(tree.is_by_energy);
    assert_true(same(tree.total, 4));
    assert_string_equal(eco_family_name(&tree.rows[0]), "?");
    eco_family_finish(&tree);
    json_decref(report);
    assert_int_equal(eco_family_make(NULL, 100, &tree), 0);
    assert_int_equal(tree.count, 0);
    eco_family_finish(&tree);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_children_stand_below_their_parent_the_largest_first),
        cmocka_unit_test(test_circles_and_missing_parents_are_roots),
        cmocka_unit_test(test_pids_of_two_machines_are_two),
        cmocka_unit_test(test_what_is_cut_off_is_summed_up),
        cmocka_unit_test(test_a_chain_of_any_length),
        cmocka_unit_test(test_without_energy_it_is_cpu_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
