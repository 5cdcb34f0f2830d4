/* SPDX-License-Identifier: MIT */
/* What bench does with its measurements, and the command lines it makes. */
#include "support/test.h"

#include "base/mem.h"
#include "history/bench.h"
#include "history/figures.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define BLOCKS 12u

static struct eco_settings settings;

static char **words_of(struct eco_bench_command *command, int expected)
{
    struct eco_why why = {0};
    assert_int_equal(eco_bench_words(&settings, command, &why), expected);
    return command->argv;
}

static void test_words_of_a_shell(void **state)
{
    (void)state;
    struct eco_bench_command command = {.text = "sort a | uniq", .repeats = 1};
    settings = (struct eco_settings){0};
    char **argv = words_of(&command, 0);
    assert_string_equal(argv[0], "/bin/sh");
    assert_string_equal(argv[1], "-c");
    assert_string_equal(argv[2], "sort a | uniq");
    assert_null(argv[3]);
    settings.shell = "bash -e";
    argv = words_of(&command, 0);
    assert_string_equal(argv[0], "bash");
    assert_string_equal(argv[1], "-e");
    assert_string_equal(argv[3], "sort a | uniq");
    eco_bench_words_free(&command);
    eco_bench_words_free(&command); /* twice does no harm */
}

static void test_words_without_a_shell(void **state)
{
    (void)state;
    struct eco_bench_command command = {.text = "  a 'b c' \"d \\\" e\"f\\ g '' \t", .repeats = 1};
    settings = (struct eco_settings){.no_shell = true};
    char **argv = words_of(&command, 0);
    static const char *const expected[] = {"a", "b c", "d \" ef g", ""};
    for (size_t i = 0; i < ECO_COUNT(expected); i++)
        assert_string_equal(argv[i], expected[i]);
    assert_null(argv[4]);
    command.text = "a 'b";
    words_of(&command, -EINVAL);
    command.text = " \t";
    words_of(&command, -EINVAL);
    settings.no_shell = false;
    words_of(&command, -EINVAL);
    assert_string_equal(command.argv[0], "a"); /* what was there stays */
    eco_bench_words_free(&command);
}

static void test_a_loop_runs_as_often_as_it_says(void **state)
{
    (void)state;
    struct eco_bench_command command = {.text = "false", .repeats = 37};
    settings = (struct eco_settings){0};
    char **argv = words_of(&command, 0);
    assert_string_equal(argv[4], "37");
    assert_string_equal(argv[5], "/bin/sh");
    assert_string_equal(argv[7], "false");
    assert_non_null(strstr(argv[2], "|| exit"));
    settings.ignore_failure = true;
    assert_null(strstr(words_of(&command, 0)[2], "|| exit"));
    /* the program, not what the loop's shell would do itself under that name */
    settings.no_shell = true;
    command.text = "true";
    assert_non_null(strstr(words_of(&command, 0)[5], "/true"));
    eco_bench_words_free(&command);
}

static void test_words_when_memory_is_short(void **state)
{
    (void)state;
    settings = (struct eco_settings){.no_shell = true};
    for (unsigned long n = 1; n <= 6; n++) {
        struct eco_bench_command command = {.text = "a b", .repeats = 1};
        struct eco_why why = {0};
        eco_mem_fail_at(n);
        int r = eco_bench_words(&settings, &command, &why);
        eco_mem_fail_at(0);
        assert_true(r == 0 || r == -ENOMEM);
        assert_true(n > 1 || r == -ENOMEM);
        eco_bench_words_free(&command);
    }
}

/* Two commands, the second with `ratio` times the energy; 1 % of noise that is the same in every run of this.
 */
static struct eco_bench *bench_of(double ratio, unsigned count)
{
    static const double noise[] = {0.3, -1.1, 0.8, 0.1, -0.4, 1.2, -0.7, 0.5, -0.2, 0.9, -1.3, 0.2};
    struct eco_bench *bench = eco_calloc(1, sizeof *bench);
    assert_non_null(bench);
    settings = (struct eco_settings){0};
    bench->settings = &settings;
    bench->count = count;
    bench->margin = 0.02;
    bench->level = eco_looks_level(count);
    bench->blocks = BLOCKS;
    bench->samples = eco_calloc((size_t)BLOCKS * count, sizeof *bench->samples);
    bench->outliers = eco_calloc((size_t)BLOCKS * count, sizeof *bench->outliers);
    assert_true(bench->samples && bench->outliers);
    for (unsigned block = 0; block < BLOCKS; block++)
        for (unsigned c = 0; c < count; c++) {
            double factor = (c ? ratio : 1) * (1 + 0.01 * noise[(block + 5 * c) % ECO_COUNT(noise)]);
            *eco_bench_sample(bench, block, c) = (struct eco_sample){.own_j = 30 * factor,
                                                                     .full_j = 50 * factor,
                                                                     .idle_half_j = 0.3 * factor,
                                                                     .low_ratio = 0.95,
                                                                     .high_ratio = 1.05,
                                                                     .others_ratio = 0.01,
                                                                     .duration_s = factor};
        }
    for (unsigned c = 0; c < count; c++)
        bench->commands[c] = (struct eco_bench_command){.text = "a|b", .name = "a|b", .repeats = 1};
    return bench;
}

static void end(struct eco_bench *bench)
{
    free(bench->samples);
    free(bench->outliers);
    free(bench);
}

static void test_verdicts_of_known_ratios(void **state)
{
    (void)state;
    static const struct {
        double ratio;
        enum eco_verdict verdict;
    } cases[] = {{1.10, ECO_VERDICT_MORE}, {1 / 1.10, ECO_VERDICT_LESS}, {1.00, ECO_VERDICT_EQUAL}};
    for (size_t i = 0; i < ECO_COUNT(cases); i++) {
        struct eco_bench *bench = bench_of(cases[i].ratio, 2);
        assert_int_equal(eco_bench_judge(bench), 0);
        assert_true(bench->has_own);
        assert_int_equal(bench->pairs[1].own.verdict, cases[i].verdict);
        assert_int_equal(bench->pairs[1].full.verdict, cases[i].verdict);
        eco_assert_near(bench->pairs[1].own.ratio.estimate, cases[i].ratio, 0.01);
        eco_assert_near(bench->commands[0].own.chance.estimate, 30, 0.2);
        eco_assert_near(bench->commands[0].full.chance.estimate, 50, 0.3);
        /* the joules themselves are no surer than the sensor, however often they are measured */
        assert_true(bench->commands[0].own.high_j - bench->commands[0].own.low_j > 0.1 * 30);
        assert_true(bench->commands[0].own.chance.high - bench->commands[0].own.chance.low < 0.02 * 30);
        assert_true(eco_bench_is_decided(bench));
        end(bench);
    }
}

static void test_idle_power_belongs_to_the_ratio_only_where_it_differs(void **state)
{
    (void)state;
    struct eco_bench *bench = bench_of(1.10, 2);
    assert_int_equal(eco_bench_judge(bench), 0);
    double width = log(bench->pairs[1].own.ratio.high / bench->pairs[1].own.ratio.low);
    for (unsigned block = 0; block < BLOCKS;
         block++) /* B now sleeps much: 12 % of it hangs on the idle power */
        eco_bench_sample(bench, block, 1)->idle_half_j = 0.12 * eco_bench_sample(bench, block, 1)->own_j;
    assert_int_equal(eco_bench_judge(bench), 0);
    double wider = log(bench->pairs[1].own.ratio.high / bench->pairs[1].own.ratio.low);
    eco_assert_near(wider - width, 2 * (0.12 - 0.01), 0.002);
    assert_int_equal(bench->pairs[1].own.verdict, ECO_VERDICT_OPEN);
    assert_int_equal(bench->pairs[1].full.verdict, ECO_VERDICT_MORE);
    end(bench);
}

static void test_without_idle_power_the_other_figure_answers(void **state)
{
    (void)state;
    struct eco_bench *bench = bench_of(1.10, 2);
    eco_bench_sample(bench, 3, 1)->own_j = ECO_NAN;
    assert_int_equal(eco_bench_judge(bench), 0);
    assert_false(bench->has_own);
    assert_int_equal(bench->pairs[1].own.verdict, ECO_VERDICT_NONE);
    assert_int_equal(eco_bench_answer(bench, 1)->verdict, ECO_VERDICT_MORE);
    assert_true(eco_bench_is_decided(bench));
    for (size_t i = 0; i < (size_t)BLOCKS * 2; i++)
        bench->samples[i].full_j = 0; /* nothing that could be compared */
    assert_int_equal(eco_bench_judge(bench), 0);
    assert_false(eco_bench_is_decided(bench));
    end(bench);
}

static void test_one_neighbour_is_named_and_flips_nothing(void **state)
{
    (void)state;
    struct eco_bench *bench = bench_of(1.10, 2);
    eco_bench_sample(bench, 4, 0)->own_j *= 3; /* A looks three times as hungry, once */
    assert_int_equal(eco_bench_judge(bench), 0);
    /* at 99 % one block of 12 may hold the verdict back until the next look, and no more */
    assert_int_equal(bench->pairs[1].own.verdict, ECO_VERDICT_OPEN);
    eco_assert_near(bench->pairs[1].own.ratio.estimate, 1.10, 0.01);
    for (unsigned block = 0; block < BLOCKS; block++) {
        assert_int_equal(bench->outliers[block * 2], block == 4);
        assert_false(bench->outliers[block * 2 + 1]);
    }
    end(bench);
}

static void test_three_commands_against_the_first(void **state)
{
    (void)state;
    struct eco_bench *bench = bench_of(0.8, 3);
    assert_int_equal(eco_bench_judge(bench), 0);
    for (unsigned c = 1; c < 3; c++)
        assert_int_equal(bench->pairs[c].own.verdict, ECO_VERDICT_LESS);
    assert_true(bench->pairs[1].own.ratio.level >= 0.995);
    end(bench);
}

static void test_few_measurements_and_none(void **state)
{
    (void)state;
    struct eco_bench *bench = bench_of(1, 1);
    bench->blocks = 3;
    assert_int_equal(eco_bench_judge(bench), 0);
    assert_true(isnan(bench->commands[0].own.chance.low));
    eco_assert_near(bench->commands[0].own.low_j / bench->commands[0].own.chance.estimate, 0.95, 1e-9);
    bench->blocks = 0; /* Ctrl-C during the first */
    assert_int_equal(eco_bench_judge(bench), 0);
    assert_true(isnan(bench->commands[0].own.chance.estimate));
    assert_false(bench->has_own);
    end(bench);
}

static void test_judge_when_memory_is_short(void **state)
{
    (void)state;
    for (unsigned long n = 1; n <= 2; n++) {
        struct eco_bench *bench = bench_of(1, 2);
        eco_mem_fail_at(n);
        assert_int_equal(eco_bench_judge(bench), -ENOMEM);
        eco_mem_fail_at(0);
        end(bench);
    }
}

static void test_page_and_table(void **state)
{
    (void)state;
    struct eco_bench *bench = bench_of(1.10, 2);
    struct eco_buf out;
    eco_buf_init(&out, 1u << 20);
    assert_int_equal(eco_bench_judge(bench), 0);
    eco_bench_text(&out, bench, false);
    assert_non_null(strstr(out.data, "B uses 10."));
    for (const char *line = out.data; *line; line += strcspn(line, "\n") + 1)
        assert_true(strcspn(line, "\n") <= 79);
    eco_buf_reset(&out);
    eco_bench_markdown(&out, bench);
    assert_non_null(strstr(out.data, "`a\\|b`")); /* a bar in a command ends no cell */
    assert_non_null(strstr(out.data, "| more |\n"));
    eco_buf_finish(&out);
    end(bench);
}

static void test_figures(void **state)
{
    (void)state;
    char text[ECO_FIGURE_TEXT_MAX];
    eco_format_change(1.104, text);
    assert_string_equal(text, "+10.4 %");
    eco_format_change(0.9, text);
    assert_string_equal(text, "-10.0 %");
    eco_format_change(3.214, text);
    assert_string_equal(text, "x3.21");
    eco_format_change(ECO_NAN, text);
    assert_string_equal(text, "-");
    eco_format_level(0.995, text);
    assert_string_equal(text, "99.5 %");
    eco_format_level(0.99, text);
    assert_string_equal(text, "99 %");
    eco_format_level(0.9999, text); /* what is less than certain never reads 100 % */
    assert_string_equal(text, "99.9 %");
    eco_format_energy(12.3456, 12.2, 12.5, text);
    assert_string_equal(text, "12.35 J");
    eco_format_energy(ECO_NAN, 0, 1, text);
    assert_string_equal(text, "-");
    eco_format_spread(100, 95, 105, false, text);
    assert_string_equal(text, "+-5 %");
    eco_format_spread(100, 45, 220, false, text);
    assert_string_equal(text, "(45 to 220 J)");
    eco_format_spread(100, ECO_NAN, ECO_NAN, false, text);
    assert_string_equal(text, "");
    struct eco_interval range = {1.1, 1.05, 1.2, 0.95};
    eco_format_range(&range, text);
    assert_string_equal(text, "+5.0 to +20.0 %");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_words_of_a_shell),
        cmocka_unit_test(test_words_without_a_shell),
        cmocka_unit_test(test_a_loop_runs_as_often_as_it_says),
        cmocka_unit_test(test_words_when_memory_is_short),
        cmocka_unit_test(test_verdicts_of_known_ratios),
        cmocka_unit_test(test_idle_power_belongs_to_the_ratio_only_where_it_differs),
        cmocka_unit_test(test_without_idle_power_the_other_figure_answers),
        cmocka_unit_test(test_one_neighbour_is_named_and_flips_nothing),
        cmocka_unit_test(test_three_commands_against_the_first),
        cmocka_unit_test(test_few_measurements_and_none),
        cmocka_unit_test(test_judge_when_memory_is_short),
        cmocka_unit_test(test_page_and_table),
        cmocka_unit_test(test_figures)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
