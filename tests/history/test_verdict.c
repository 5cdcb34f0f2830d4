/* SPDX-License-Identifier: MIT */
/*
 * Verdicts, and how often they are wrong: benchmarks of known truth with noise of several kinds, from a
 * generator with a fixed seed, so that the figures below are the same everywhere.
 */
#include "support/test.h"

#include "history/verdict.h"

#include <string.h>

#define REPETITIONS 400

static uint64_t seed;

static double uniform(void)
{
    seed = seed * 6364136223846793005ull + 1442695040888963407ull; /* Knuth's MMIX */
    return ((double)(seed >> 11) + 0.5) / 9007199254740992.0;
}

static double normal(void)
{
    return sqrt(-2 * log(uniform())) * cos(2 * acos(-1.0) * uniform());
}

static double normal_squared(void)
{
    double z = normal();
    return z * z;
}

enum noise { NOISE_NORMAL, NOISE_HEAVY, NOISE_SKEWED, NOISE_DRIFT, NOISE_SPIKES, NOISE_KINDS };

/* One measurement of a load whose logarithm is `truth`, the `at`-th of the session. */
static double measure(enum noise kind, double truth, double sigma, size_t at)
{
    double z = normal();
    switch (kind) {
    case NOISE_HEAVY: /* Student's t of 3 degrees, to the same scale */
        z /= sqrt((normal_squared() + normal_squared() + normal_squared()) / 3);
        break;
    case NOISE_SKEWED:
        z = exp(0.8 * z) - exp(0.32);
        break;
    case NOISE_DRIFT: /* the machine warms up: 5 sigma over 20 measurements */
        z += 5 * (1 - exp(-(double)at / 20));
        break;
    case NOISE_SPIKES: /* a neighbour in one of 12 */
        z += uniform() < 1.0 / 12 ? 15 : 0;
        break;
    case NOISE_NORMAL:
    case NOISE_KINDS:
        break;
    }
    return truth + sigma * z;
}

struct outcome {
    unsigned less, more, equal, open, covered;
    double blocks;
};

/* As bench does it: blocks in both orders, looks, and the end at the first that decides. */
static void bench(enum noise kind, double ratio, double sigma, struct outcome *outcome)
{
    double differences[40];
    size_t at = 0;
    unsigned start = uniform() < 0.5;
    struct eco_judgement judgement = {0};
    for (size_t block = 0; block < eco_looks_last(); block++) {
        unsigned order[2];
        double log_energy[2];
        eco_block_order(2, block, start, order);
        for (unsigned i = 0; i < 2; i++)
            log_energy[order[i]] = measure(kind, order[i] ? log(ratio) : 0, sigma, at++);
        differences[block] = log_energy[1] - log_energy[0];
        if (!eco_looks_is_due(block + 1, 2))
            continue;
        struct eco_interval interval;
        assert_int_equal(eco_signed_rank(differences, block + 1, eco_looks_level(2), &interval), 0);
        judgement = eco_judge(&interval, 0, 0.02);
        outcome->blocks += judgement.verdict != ECO_VERDICT_OPEN || block + 1 == 40 ? (double)(block + 1) : 0;
        if (judgement.verdict != ECO_VERDICT_OPEN)
            break;
    }
    outcome->less += judgement.verdict == ECO_VERDICT_LESS;
    outcome->more += judgement.verdict == ECO_VERDICT_MORE;
    outcome->equal += judgement.verdict == ECO_VERDICT_EQUAL;
    outcome->open += judgement.verdict == ECO_VERDICT_OPEN;
    outcome->covered += judgement.ratio.low <= ratio && ratio <= judgement.ratio.high;
}

static struct outcome repeat(enum noise kind, double ratio, double sigma)
{
    struct outcome outcome = {0};
    seed = 20261122;
    for (unsigned i = 0; i < REPETITIONS; i++)
        bench(kind, ratio, sigma, &outcome);
    outcome.blocks /= REPETITIONS;
    print_message(
        "# noise %d of %.0f %%, ratio %.2f: less %.1f more %.1f equal %.1f open %.1f covered %.1f %%, "
        "%.1f blocks\n",
        (int)kind, sigma * 100, ratio, outcome.less * 100.0 / REPETITIONS, outcome.more * 100.0 / REPETITIONS,
        outcome.equal * 100.0 / REPETITIONS, outcome.open * 100.0 / REPETITIONS,
        outcome.covered * 100.0 / REPETITIONS, outcome.blocks);
    return outcome;
}

static void test_equal_loads_are_seldom_told_apart(void **state)
{
    (void)state;
    for (int kind = 0; kind < NOISE_KINDS; kind++)
        for (double sigma = 0.01; sigma < 0.035; sigma += 0.02) {
            struct outcome outcome = repeat((enum noise)kind, 1.00, sigma);
            assert_true(outcome.less + outcome.more <= REPETITIONS / 20);
            assert_true(outcome.covered >= REPETITIONS * 95 / 100);
        }
}

static void test_ratios_are_found_and_covered(void **state)
{
    (void)state;
    struct outcome same = repeat(NOISE_NORMAL, 1.00, 0.01);
    struct outcome two = repeat(NOISE_NORMAL, 1.02, 0.01);
    struct outcome ten = repeat(NOISE_NORMAL, 1.10, 0.01);
    assert_true(same.equal >= REPETITIONS * 95 / 100);
    assert_true(same.blocks < 14);
    assert_true(two.more >= REPETITIONS * 95 / 100);
    assert_true(two.blocks < 13);
    assert_int_equal(ten.more, REPETITIONS);
    eco_assert_near(ten.blocks, 8, 1e-9);
    assert_true(two.covered >= REPETITIONS * 90 / 100);
    assert_true(ten.covered >= REPETITIONS * 90 / 100);
    /* with a noise of 3 % a difference of 2 % is mostly open, and open is the right word */
    struct outcome noisy = repeat(NOISE_NORMAL, 1.02, 0.03);
    assert_int_equal(noisy.less, 0);
    assert_true(noisy.covered >= REPETITIONS * 90 / 100);
}

static void test_a_noisy_neighbour_flips_nothing(void **state)
{
    (void)state;
    for (int kind = NOISE_DRIFT; kind <= NOISE_SPIKES; kind++) {
        struct outcome more = repeat((enum noise)kind, 1.10, 0.01);
        struct outcome less = repeat((enum noise)kind, 1 / 1.10, 0.01);
        assert_int_equal(more.less, 0);
        assert_int_equal(less.more, 0);
        assert_true(more.more >= REPETITIONS * 98 / 100);
        assert_true(less.less >= REPETITIONS * 98 / 100);
    }
}

static struct eco_judgement judge(double low, double high, double widen)
{
    struct eco_interval interval = {(low + high) / 2, low, high, 0.99};
    return eco_judge(&interval, widen, 0.02);
}

static void test_verdicts(void **state)
{
    (void)state;
    assert_string_equal(eco_verdict_name(judge(0.03, 0.05, 0).verdict), "more");
    assert_string_equal(eco_verdict_name(judge(-0.05, -0.03, 0).verdict), "less");
    assert_string_equal(eco_verdict_name(judge(-0.01, 0.015, 0).verdict), "equivalent");
    assert_string_equal(eco_verdict_name(judge(-0.01, 0.025, 0).verdict), "undecided");
    assert_null(eco_verdict_name(eco_judge_nothing(0.1).verdict));
    struct eco_judgement little = judge(0.005, 0.015, 0);
    assert_int_equal(little.verdict, ECO_VERDICT_MORE);
    assert_true(little.is_within_margin);
    assert_false(judge(0.005, 0.025, 0).is_within_margin);
    /* what the idle power may be wrong by belongs to the interval, nan is no reason for one */
    assert_int_equal(judge(0.005, 0.015, 0.006).verdict, ECO_VERDICT_OPEN);
    assert_int_equal(judge(0.005, 0.015, ECO_NAN).verdict, ECO_VERDICT_MORE);
    eco_assert_near(judge(0.03, 0.05, 0.01).ratio.high, exp(0.06), 1e-12);
    /* 1.02 and 1/1.02 are equally far */
    assert_true(judge(-log(1.02) + 1e-9, log(1.02) - 1e-9, 0).is_within_margin);
}

static void test_looks(void **state)
{
    (void)state;
    eco_assert_near(eco_looks_level(1), 0.99, 1e-12);
    eco_assert_near(eco_looks_level(2), 0.99, 1e-12);
    eco_assert_near(eco_looks_level(3), 0.995, 1e-12);
    unsigned due = 0;
    for (size_t n = 0; n <= 60; n++)
        due += eco_looks_is_due(n, 2);
    assert_int_equal(due, 5);
    assert_true(eco_looks_is_due(8, 2));
    assert_false(eco_looks_is_due(8, 3)); /* 8 blocks cannot give 99.5 % */
    assert_true(eco_looks_is_due(12, 3));
    assert_true(eco_looks_is_due(40, 3));
}

static void test_order_of_two_alternates(void **state)
{
    (void)state;
    unsigned order[2];
    for (size_t block = 0; block < 6; block++)
        for (unsigned start = 0; start < 2; start++) {
            eco_block_order(2, block, start, order);
            assert_int_equal(order[0], (block + start) % 2);
            assert_int_equal(order[1], 1 - order[0]);
        }
}

static void test_each_command_follows_each_other_equally_often(void **state)
{
    (void)state;
    for (unsigned commands = 3; commands <= 8; commands++) {
        unsigned follows[8][8] = {{0}}, at[8][8] = {{0}};
        unsigned rows = commands % 2 ? 2 * commands : commands;
        for (size_t block = 0; block < rows; block++) {
            unsigned order[8], seen = 0;
            eco_block_order(commands, block, 5, order);
            for (unsigned place = 0; place < commands; place++) {
                seen |= 1u << order[place];
                at[order[place]][place]++;
                if (place > 0)
                    follows[order[place - 1]][order[place]]++;
            }
            assert_int_equal(seen, (1u << commands) - 1);
        }
        for (unsigned a = 0; a < commands; a++)
            for (unsigned b = 0; b < commands; b++) {
                assert_int_equal(follows[a][b], a == b ? 0 : rows / commands);
                assert_int_equal(at[a][b], rows / commands);
            }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_verdicts),
                                       cmocka_unit_test(test_looks),
                                       cmocka_unit_test(test_order_of_two_alternates),
                                       cmocka_unit_test(test_each_command_follows_each_other_equally_often),
                                       cmocka_unit_test(test_ratios_are_found_and_covered),
                                       cmocka_unit_test(test_equal_loads_are_seldom_told_apart),
                                       cmocka_unit_test(test_a_noisy_neighbour_flips_nothing)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
