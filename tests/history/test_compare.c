/* SPDX-License-Identifier: MIT */
/* Groups of runs compared: what hinders it, on which basis, and how often `check` fails unchanged code. */
#include "support/test.h"

#include "base/mem.h"
#include "history/check.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define REPETITIONS 2000

static uint64_t seed;

static double uniform(void)
{
    seed = seed * 6364136223846793005ull + 1442695040888963407ull;
    return ((double)(seed >> 11) + 0.5) / 9007199254740992.0;
}

static double normal(void)
{
    return sqrt(-2 * log(uniform())) * cos(2 * acos(-1.0) * uniform());
}

/* The n-th run since midnight: 30 J of its own and 20 J of idle power, times `factor`. */
static void add(struct eco_group *group, unsigned n, double factor)
{
    assert_int_equal(
        eco_grow((void **)&group->samples, &group->capacity, group->count + 1, 1000, sizeof *group->samples),
        0);
    struct eco_sample *sample = &group->samples[group->count++];
    *sample = (struct eco_sample){.own_j = 30 * factor,
                                  .full_j = 50 * factor,
                                  .idle_half_j = 0.3 * factor,
                                  .idle_w = 20,
                                  .duration_s = factor,
                                  .model_version = 1,
                                  .is_complete = true};
    (void)snprintf(sample->run_id, sizeof sample->run_id, "%032u", n);
    (void)snprintf(sample->started_at, sizeof sample->started_at, "2026-11-22T%02u:%02u:00.000Z", n / 60,
                   n % 60);
    (void)strcpy(sample->cpu_model, "X1");
    (void)strcpy(sample->sources, "package-0=powercap");
    (void)strcpy(sample->idle_method, "learnt");
}

static struct eco_group a, b;
static const struct eco_comparison_rule rule = {.margin = 0.02, .least_a = 2, .least_b = 2};

static void fill(unsigned count, double ratio, bool in_turn)
{
    static const double noise[] = {0.4, -0.9, 0.2, 1.1, -0.6, 0.7, -1.2, 0.1, 0.5, -0.3};
    eco_group_finish(&a);
    eco_group_finish(&b);
    for (unsigned i = 0; i < count; i++) {
        add(&a, in_turn ? 2 * i : i, 1 + 0.01 * noise[i % 10]);
        add(&b, in_turn ? 2 * i + 1 : count + i, ratio * (1 + 0.01 * noise[(i + 3) % 10]));
    }
}

static struct eco_comparison compare(void)
{
    struct eco_comparison comparison;
    assert_int_equal(eco_compare(&a, &b, &rule, &comparison), 0);
    return comparison;
}

static void test_groups_in_turn_have_a_verdict(void **state)
{
    (void)state;
    fill(6, 1.10, true);
    struct eco_comparison comparison = compare();
    assert_string_equal(comparison.obstacle, "");
    assert_true(comparison.is_in_turn && comparison.has_own);
    assert_int_equal(comparison.own.verdict, ECO_VERDICT_MORE);
    eco_assert_near(comparison.own.ratio.estimate, 1.10, 0.01);
    eco_assert_near(comparison.time_ratio, 1.10, 0.01);
    eco_assert_near(comparison.a.own.estimate, 30, 0.2);
    eco_assert_near(comparison.a.full.estimate, 50, 0.3);
    assert_true(isnan(comparison.idle_w));
    fill(6, 1.00, true);
    assert_int_equal(compare().own.verdict, ECO_VERDICT_EQUAL);
}

static void test_what_was_not_run_in_turn_has_none(void **state)
{
    (void)state;
    fill(6, 1.10, false);
    struct eco_comparison comparison = compare();
    assert_false(comparison.is_in_turn);
    assert_non_null(strstr(comparison.obstacle, "not interleaved"));
    assert_int_equal(comparison.own.verdict, ECO_VERDICT_NONE);
    assert_true(isnan(comparison.own.ratio.low));
    eco_assert_near(comparison.own.ratio.estimate, 1.10, 0.01);
    /* over three days or more nothing drifts with one of them only */
    for (unsigned i = 0; i < 6; i++) {
        a.samples[i].started_at[9] = (char)('1' + i);
        b.samples[i].started_at[9] = (char)('1' + i);
    }
    assert_string_equal(compare().obstacle, "");
}

static void test_turns(void **state)
{
    (void)state;
    static const struct {
        const char *order;
        bool is_in_turn;
    } cases[] = {{"ab", false},         {"abab", true},          {"abba", true},        {"aabb", false},
                 {"aaabbb", false},     {"aababb", true},        {"abaabb", true},      {"ababababab", true},
                 {"aaaaabbbbb", false}, {"aaabbbaaabbb", false}, {"aabbaabbaabb", true}};
    for (size_t i = 0; i < ECO_COUNT(cases); i++) {
        eco_group_finish(&a);
        eco_group_finish(&b);
        for (unsigned n = 0; cases[i].order[n]; n++)
            add(cases[i].order[n] == 'a' ? &a : &b, n, 1);
        if (eco_is_in_turn(&a, &b) != cases[i].is_in_turn)
            fail_msg("%s", cases[i].order);
    }
}

static void test_one_against_one(void **state)
{
    (void)state;
    fill(1, 1.10, true);
    struct eco_comparison comparison = compare();
    assert_non_null(strstr(comparison.obstacle, "one run against one"));
    assert_int_equal(comparison.own.verdict, ECO_VERDICT_NONE);
    assert_true(comparison.own.ratio.estimate > 1.05);
    assert_true(isnan(comparison.own.ratio.low));
}

static void test_differing_machines_are_named(void **state)
{
    (void)state;
    fill(6, 1.10, true);
    (void)strcpy(b.samples[3].cpu_model, "Y2");
    assert_non_null(strstr(compare().obstacle, "the CPUs differ: X1, and Y2"));
    fill(6, 1.10, true);
    (void)strcpy(a.samples[5].sources, "cpu=model");
    assert_non_null(strstr(compare().obstacle, "sources of energy differ"));
    assert_int_equal(compare().own.verdict, ECO_VERDICT_NONE);
    fill(6, 1.10, true);
    for (unsigned i = 0; i < 6; i++) {
        a.samples[i].is_estimated = b.samples[i].is_estimated = true;
        b.samples[i].model_version = 2;
    }
    assert_non_null(strstr(compare().obstacle, "versions of the model"));
    fill(6, 1.10, true);
    (void)strcpy(b.samples[2].hostname, "other");
    struct eco_comparison comparison = compare();
    assert_string_equal(comparison.obstacle, "");
    assert_non_null(strstr(comparison.notes[0], "Different machines"));
    fill(6, 1.10, true);
    a.samples[0].full_j = ECO_NAN;
    assert_non_null(strstr(compare().obstacle, "not known"));
}

/* own = full - share P T with P the power that each took out; the truth is that of one P for all. */
static void test_one_idle_power_for_all(void **state)
{
    (void)state;
    fill(6, 1.10, true);
    for (unsigned i = 0; i < 6; i++) { /* B took out 25 W in place of 20: 20 J of idle became 25 J */
        b.samples[i].idle_w = 25;
        b.samples[i].own_j = b.samples[i].full_j - (b.samples[i].full_j - b.samples[i].own_j) * 25 / 20;
    }
    assert_true(b.samples[0].own_j < a.samples[0].own_j); /* as it stands B would be the thriftier */
    struct eco_comparison comparison = compare();
    eco_assert_near(comparison.idle_w, 22.5, 1e-9);
    assert_int_equal(comparison.own.verdict, ECO_VERDICT_MORE);
    eco_assert_near(comparison.own.ratio.estimate, 1.10, 0.01);
    eco_assert_near(comparison.a.own.estimate, 50 - 22.5, 0.2);
    assert_non_null(strstr(comparison.notes[0], "20 to 25 W"));
}

static void test_without_own_energy_the_other_figure_answers(void **state)
{
    (void)state;
    fill(6, 1.10, true);
    a.samples[2].own_j = ECO_NAN;
    struct eco_comparison comparison = compare();
    assert_false(comparison.has_own);
    assert_int_equal(eco_comparison_answer(&comparison)->verdict, ECO_VERDICT_MORE);
    assert_int_equal(comparison.own.verdict, ECO_VERDICT_NONE);
    assert_non_null(strstr(comparison.notes[0], "share of idle"));
    fill(6, 1.10, true);
    a.samples[2].idle_w = ECO_NAN; /* nobody knows what was taken out, and the ways to know it differ */
    (void)strcpy(a.samples[2].idle_method, "given");
    assert_false(compare().has_own);
}

static void test_copies_of_one_run(void **state)
{
    (void)state;
    fill(6, 1.10, true);
    for (unsigned i = 1; i < 6; i++) {
        a.samples[i].own_j = a.samples[0].own_j;
        b.samples[i].own_j = b.samples[0].own_j;
    }
    assert_non_null(strstr(compare().obstacle, "copies"));
    fill(6, 1.10, true);
    for (unsigned i = 0; i < 6; i++)
        (void)strcpy(a.samples[i].run_id, "same");
    for (unsigned i = 0; i < 6; i++)
        (void)strcpy(a.samples[i].started_at, "2026-11-22T00:00:00.000Z");
    assert_int_equal(eco_group_sort(&a), 5);
    assert_int_equal(a.count, 1);
}

static void test_groups(void **state)
{
    (void)state;
    fill(6, 1.10, true);
    (void)strcpy(a.samples[2].run_id, b.samples[4].run_id);
    assert_int_equal(eco_group_remove_common(&a, &b), 1);
    assert_int_equal(a.count, 5);
    b.samples[0].exit_code = 3;
    b.samples[1].exit_signal = 9;
    b.samples[2].is_complete = false;
    b.samples[3].exit_code = -1; /* monitor: nothing that could fail */
    assert_int_equal(eco_group_remove_failed(&b), 3);
    assert_int_equal(b.count, 3);
}

static void test_compare_when_memory_is_short(void **state)
{
    (void)state;
    struct eco_comparison comparison;
    fill(6, 1, true);
    for (unsigned long n = 1; n <= 2; n++) {
        eco_mem_fail_at(n);
        assert_int_equal(eco_compare(&a, &b, &rule, &comparison), -ENOMEM);
        eco_mem_fail_at(0);
    }
}

/* Of 100 checks of code whose energy is `ratio` times the baseline's, so many fail. */
static double fails_of(size_t baseline, size_t candidates, double ratio, double sigma, double tolerance)
{
    static const struct eco_comparison_rule check = {
        .margin = 0.05, .any_order = true, .least_a = 2, .least_b = 2};
    unsigned fails = 0;
    seed = 42;
    for (unsigned r = 0; r < REPETITIONS; r++) {
        struct eco_comparison comparison;
        eco_group_finish(&a);
        eco_group_finish(&b);
        for (unsigned i = 0; i < baseline; i++)
            add(&a, i, exp(sigma * normal()));
        for (unsigned i = 0; i < candidates; i++)
            add(&b, 100 + i, ratio * exp(sigma * normal()));
        assert_int_equal(eco_compare(&a, &b, &check, &comparison), 0);
        fails += eco_check_judge(&comparison.own, tolerance) == ECO_CHECK_REGRESSION;
    }
    print_message("# %zu against %zu, noise %.0f %%, ratio %.2f: %.1f of 100 fail\n", baseline, candidates,
                  sigma * 100, ratio, fails * 100.0 / REPETITIONS);
    return fails * 100.0 / REPETITIONS;
}

static void test_check_seldom_fails_unchanged_code(void **state)
{
    (void)state;
    for (double sigma = 0.01; sigma < 0.06; sigma += 0.02)
        assert_true(fails_of(ECO_CHECK_BASELINE, ECO_CHECK_CANDIDATES, 1.00, sigma, 0.05) <= 5);
    assert_true(fails_of(20, 3, 1.00, 0.03, 0.05) <= 5);
}

static void test_check_finds_a_regression(void **state)
{
    (void)state;
    assert_true(fails_of(ECO_CHECK_BASELINE, ECO_CHECK_CANDIDATES, 1.10, 0.01, 0.05) >= 99);
    assert_true(fails_of(ECO_CHECK_BASELINE, ECO_CHECK_CANDIDATES, 1.10, 0.03, 0.05) >= 70);
    assert_true(fails_of(10, 10, 1.10, 0.03, 0.05) >= 97);
}

static void test_states_of_a_check(void **state)
{
    (void)state;
    static const struct {
        double estimate, low, high;
        const char *name;
    } cases[] = {{1.08, 1.02, 1.14, "regression"}, {1.08, 0.99, 1.18, "uncertain"},
                 {1.05, 1.03, 1.07, "within"},     {1.00, 0.98, 1.02, "within"},
                 {0.90, 0.85, 0.95, "improved"},   {0.90, 0.70, 1.10, "within"}};
    for (size_t i = 0; i < ECO_COUNT(cases); i++) {
        struct eco_judgement answer = {.ratio = {cases[i].estimate, cases[i].low, cases[i].high, 0.95}};
        assert_string_equal(eco_check_state_name(eco_check_judge(&answer, 0.05)), cases[i].name);
    }
}

static int finish(void **state)
{
    (void)state;
    eco_group_finish(&a);
    eco_group_finish(&b);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_groups_in_turn_have_a_verdict),
                                       cmocka_unit_test(test_what_was_not_run_in_turn_has_none),
                                       cmocka_unit_test(test_turns),
                                       cmocka_unit_test(test_one_against_one),
                                       cmocka_unit_test(test_differing_machines_are_named),
                                       cmocka_unit_test(test_one_idle_power_for_all),
                                       cmocka_unit_test(test_without_own_energy_the_other_figure_answers),
                                       cmocka_unit_test(test_copies_of_one_run),
                                       cmocka_unit_test(test_groups),
                                       cmocka_unit_test(test_compare_when_memory_is_short),
                                       cmocka_unit_test(test_check_seldom_fails_unchanged_code),
                                       cmocka_unit_test(test_check_finds_a_regression),
                                       cmocka_unit_test(test_states_of_a_check)};
    return cmocka_run_group_tests(tests, NULL, finish);
}
