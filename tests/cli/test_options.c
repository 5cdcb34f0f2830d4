/* SPDX-License-Identifier: MIT */
/* The option engine: every kind of value, good and bad, and which layer wins. */
#include "cli/command.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct call {
    struct eco_settings settings;
    struct eco_option_set set;
    struct eco_why why;
    size_t used;
};

static int parse_as(struct call *call, const struct eco_command *command, const char *const *words)
{
    *call = (struct call){.used = 99};
    eco_option_set_init(&call->set, command->options, &call->settings);
    return eco_options_parse(&call->set, (char *const *)(uintptr_t)words, &call->used, &call->why);
}

#define PARSE(call, ...) parse_as(call, &eco_command_run, (const char *const[]){__VA_ARGS__, NULL})

static void test_options_end_at_the_first_word(void **state)
{
    (void)state;
    struct call call;
    assert_int_equal(PARSE(&call, "-q", "--interval", "250ms", "make", "-j8", "--wait-all"), 0);
    assert_int_equal(call.used, 3);
    assert_true(call.settings.quiet);
    assert_int_equal(call.settings.interval_ns, 250000000);
    assert_false(call.settings.wait_all);
    assert_int_equal(PARSE(&call, "--", "-q"), 0);
    assert_int_equal(call.used, 1);
    assert_false(call.settings.quiet);
    assert_int_equal(PARSE(&call, "-"), 0);
    assert_int_equal(call.used, 0);
}

static void test_short_and_long_forms(void **state)
{
    (void)state;
    struct call call;
    assert_int_equal(PARSE(&call, "-qo", "a.json", "-ob.csv", "--output=c.txt", "--output", "d.prom"), 0);
    assert_int_equal(call.settings.outputs.count, 4);
    assert_string_equal(call.settings.outputs.items[0], "a.json");
    assert_string_equal(call.settings.outputs.items[1], "b.csv");
    assert_string_equal(call.settings.outputs.items[2], "c.txt");
    assert_string_equal(call.settings.outputs.items[3], "d.prom");
    assert_int_equal(PARSE(&call, "--no-cgroup=no"), 0);
    assert_false(call.settings.no_cgroup);
    assert_int_equal(PARSE(&call, "--no-cgroup=yes"), 0);
    assert_true(call.settings.no_cgroup);
}

static void test_bad_values_are_told(void **state)
{
    (void)state;
    static const struct {
        const char *words[3];
        const char *part; /* of the reason */
    } cases[] = {
        {{"--interval", "0"}, "--interval: '0'"},
        {{"--interval", "-1"}, "'-1'"},
        {{"--interval", "nan"}, "'nan'"},
        {{"--interval", "1e30"}, "from 1ms to 1h"},
        {{"--interval", "2h"}, "from 1ms to 1h"},
        {{"--interval", "1us"}, "from 1ms to 1h"},
        {{"--interval", ""}, "''"},
        {{"--interval"}, "needs a value: TIME"},
        {{"-o"}, "needs a value: FILE"},
        {{"-o", ""}, "a name"},
        {{"--top", "0"}, "from 1 to 100000"},
        {{"--top", "99999999999999999999"}, "from 1 to 100000"},
        {{"--policy", "activ"}, "one of active, full, equal, reserved"},
        {{"--label", "x"}, "KEY=VALUE"},
        {{"--label", "=x"}, "KEY=VALUE"},
        {{"--idle-power", "20"}, NULL},
        {{"--idle-power", "20W,3W"}, "a power"},
        {{"--idle-power", "package-0=20W,dram-0=2W"}, NULL},
        {{"--idle-power", "package-0=,dram-0=2W"}, "a power"},
        {{"--idle-power", "=20W"}, "a power"},
        {{"--idle-power", "-20W"}, "a power"},
        {{"--no-cgroup=perhaps"}, "yes or no"},
        {{"--path.procfs", ""}, "a name"},
        {{"-Z"}, "unknown option '-Z'"},
        {{"--\x1b[2J"}, "unknown option '--?[2J'"},
        {{"--intervall", "1"}, "did you mean '--interval'?"},
        {{"--qiuet"}, "did you mean '--quiet'?"},
        {{"--xyzzy"}, "unknown option '--xyzzy'"},
    };
    for (size_t i = 0; i < ECO_COUNT(cases); i++) {
        struct call call;
        int r = parse_as(&call, &eco_command_run, cases[i].words);
        if (!cases[i].part) {
            assert_int_equal(r, 0);
            continue;
        }
        assert_int_equal(r, -EINVAL);
        if (!strstr(call.why.text, cases[i].part))
            fail_msg("'%s' does not hold '%s'", call.why.text, cases[i].part);
        assert_int_equal(call.used, 99);
    }
}

static void test_a_huge_value_is_cut_in_the_message(void **state)
{
    (void)state;
    struct call call;
    size_t size = 1u << 20;
    char *huge = malloc(size);
    assert_non_null(huge);
    memset(huge, 'x', size - 1);
    huge[size - 1] = 0;
    assert_int_equal(PARSE(&call, "--interval", huge), -EINVAL);
    assert_true(strlen(call.why.text) < 250);
    assert_non_null(strstr(call.why.text, "...'"));
    huge[0] = huge[1] = '-';
    assert_int_equal(PARSE(&call, huge), -EINVAL);
    assert_non_null(strstr(call.why.text, "unknown option"));
    free(huge);
}

static void test_lists_have_a_limit(void **state)
{
    (void)state;
    const char *words[2 * ECO_TEXTS_MAX + 3];
    struct call call;
    for (size_t i = 0; i < ECO_TEXTS_MAX + 1; i++) {
        words[2 * i] = "--label";
        words[2 * i + 1] = "a=b";
    }
    words[2 * ECO_TEXTS_MAX] = NULL;
    assert_int_equal(parse_as(&call, &eco_command_run, words), 0);
    assert_int_equal(call.settings.labels.count, ECO_TEXTS_MAX);
    words[2 * ECO_TEXTS_MAX] = "--label";
    words[2 * ECO_TEXTS_MAX + 2] = NULL;
    assert_int_equal(parse_as(&call, &eco_command_run, words), -E2BIG);
}

static void test_pids(void **state)
{
    (void)state;
    struct eco_why why;
    static const char *const bad[] = {"",     "0",   "-1",          "1,",  ",1", "1 2",
                                      "1,,2", "abc", "99999999999", "1;2", " 1"};
    assert_int_equal(eco_check_pids("1234", &why), 0);
    assert_int_equal(eco_check_pids("1,2147483647", &why), 0);
    for (size_t i = 0; i < ECO_COUNT(bad); i++)
        assert_int_equal(eco_check_pids(bad[i], &why), -EINVAL);
}

static void test_the_stronger_layer_wins(void **state)
{
    (void)state;
    struct call call;
    struct eco_origin user = {.layer = ECO_LAYER_USER, .file = "f", .line = 3};
    char interval[] = "ECOCODE_INTERVAL=2s", output[] = "ECOCODE_OUTPUT=env.json",
         other[] = "ECOCODE_RUN=abc", cgroup[] = "ECOCODE_NO_CGROUP=1",
         empty[] = "ECOCODE_TOP=", procfs[] = "ECOCODE_PATH_PROCFS=/p";
    char *const environment[] = {interval, output, other, cgroup, empty, procfs, NULL};
    assert_int_equal(PARSE(&call, "--interval", "1s"), 0);
    assert_int_equal(eco_options_environment(&call.set, environment, &call.why), 0);
    assert_int_equal(call.settings.interval_ns, 1000000000);
    assert_true(call.settings.no_cgroup);
    assert_string_equal(call.settings.procfs, "/p");
    assert_int_equal(call.settings.top, 0);
    int index = eco_option_find(&call.set, "output", 6);
    assert_true(index >= 0);
    assert_int_equal(eco_option_assign(&call.set, (unsigned)index, "file.json", &user, &call.why), 0);
    assert_int_equal(call.settings.outputs.count, 1);
    assert_string_equal(call.settings.outputs.items[0], "env.json");
    index = eco_option_find(&call.set, "policy", 6);
    assert_int_equal(eco_option_assign(&call.set, (unsigned)index, "full", &user, &call.why), 0);
    assert_string_equal(call.settings.policy, "full");
    assert_int_equal(call.set.origins[index].line, 3);
}

static void test_a_bad_variable_names_itself(void **state)
{
    (void)state;
    struct call call;
    char interval[] = "ECOCODE_INTERVAL=never";
    char *const environment[] = {interval, NULL};
    assert_int_equal(PARSE(&call, "true"), 0);
    assert_int_equal(eco_options_environment(&call.set, environment, &call.why), -EINVAL);
    assert_ptr_equal(strstr(call.why.text, "ECOCODE_INTERVAL: 'never'"), call.why.text);
}

static void test_tables_are_sound(void **state)
{
    (void)state;
    for (size_t i = 0; eco_commands[i]; i++) {
        struct eco_settings settings = {0};
        struct eco_option_set set;
        eco_option_set_init(&set, eco_commands[i]->options, &settings);
        assert_true(set.count < ECO_OPTIONS_MAX);
        assert_non_null(eco_commands[i]->run);
        for (unsigned k = 0; k < set.count; k++) {
            const struct eco_option *option = set.options[k];
            bool is_flag = option->kind == ECO_OPTION_FLAG;
            assert_true(option->kind != ECO_OPTION_NONE && option->help && *option->help);
            assert_true(is_flag == !option->value);
            assert_true((option->kind == ECO_OPTION_CHOICE) == (option->choices != NULL));
            for (unsigned j = 0; j < k; j++)
                assert_false(option->letter && option->letter == set.options[j]->letter);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_options_end_at_the_first_word),
        cmocka_unit_test(test_short_and_long_forms),
        cmocka_unit_test(test_bad_values_are_told),
        cmocka_unit_test(test_a_huge_value_is_cut_in_the_message),
        cmocka_unit_test(test_lists_have_a_limit),
        cmocka_unit_test(test_pids),
        cmocka_unit_test(test_the_stronger_layer_wins),
        cmocka_unit_test(test_a_bad_variable_names_itself),
        cmocka_unit_test(test_tables_are_sound),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
