/* SPDX-License-Identifier: MIT */
/* Configuration files: good, empty, garbage, huge, of the wrong kind; every message says file and line. */
#include "cli/config.h"
#include "support/alloc.h"
#include "support/tree.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

struct fixture {
    struct eco_temp temp;
    struct eco_config *config;
    struct eco_call call;
    struct eco_why why;
    char path[ECO_PATH_MAX];
};

static int set_up(void **state)
{
    if (!eco_config_is_built())
        return 0;
    struct fixture *f = calloc(1, sizeof *f);
    assert_non_null(f);
    eco_temp_init(&f->temp);
    f->config = eco_config_new();
    f->call.command = &eco_command_run;
    eco_option_set_init(&f->call.set, eco_command_run.options, &f->call.settings);
    (void)eco_temp_path(&f->temp, "ecocode.conf", f->path);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    if (!f)
        return 0;
    f->config = eco_config_free(f->config);
    eco_temp_finish(&f->temp);
    free(f);
    return 0;
}

static struct fixture *fixture_or_skip(void **state)
{
    if (!eco_config_is_built())
        skip();
    return *state;
}

static int apply(struct fixture *f, const char *text)
{
    eco_temp_write(&f->temp, "ecocode.conf", text);
    return eco_config_apply(f->config, &f->call, ECO_LAYER_USER, f->path, &f->why);
}

static void assert_told(struct fixture *f, unsigned line, const char *part)
{
    char place[ECO_PATH_MAX + 16];
    (void)snprintf(place, sizeof place, "%s:%u: ", f->path, line);
    if (strncmp(f->why.text, place, strlen(place)) != 0 || !strstr(f->why.text, part))
        fail_msg("'%s' is not '%s' with '%s'", f->why.text, place, part);
}

static void test_good(void **state)
{
    struct fixture *f = fixture_or_skip(state);
    assert_int_equal(apply(f, "# comment\ninterval = 250ms\nno-cgroup = yes\nlabel = a=b\nlabel = c=d\n"
                              "pid = 1 ; of monitor\n\n[run]\ninterval = 2s\n[monitor]\ninterval = 3s\n"),
                     1);
    assert_int_equal(f->call.settings.interval_ns, 2000000000);
    assert_true(f->call.settings.no_cgroup);
    assert_int_equal(f->call.settings.labels.count, 2);
    assert_string_equal(f->call.settings.labels.items[1], "c=d");
    assert_int_equal(f->call.settings.pids.count, 0);
}

static void test_not_there_or_empty(void **state)
{
    struct fixture *f = fixture_or_skip(state);
    assert_int_equal(eco_config_apply(f->config, &f->call, ECO_LAYER_USER, f->path, &f->why), 0);
    assert_int_equal(apply(f, ""), 1);
    assert_int_equal(f->call.settings.interval_ns, 0);
}

static void test_errors_name_file_and_line(void **state)
{
    struct fixture *f = fixture_or_skip(state);
    assert_int_equal(apply(f, "\n\ninterval = 0\n"), -EINVAL);
    assert_told(f, 3, "interval: '0' is not a duration");
    assert_int_equal(apply(f, "intervall = 1\n"), -EINVAL);
    assert_told(f, 1, "unknown key 'intervall'; did you mean 'interval'?");
    assert_int_equal(apply(f, "interval = 1\n[rum]\nquiet = yes\n"), -EINVAL);
    assert_told(f, 3, "[rum]");
    assert_int_equal(apply(f, "interval = 1\nwhat is this\n"), -EINVAL);
    assert_told(f, 2, "key = value");
    assert_int_equal(apply(f, "help = yes\n"), -EINVAL);
    assert_told(f, 1, "unknown key 'help'");
    assert_int_equal(apply(f, "quiet = yes\nlabel = nothing\n"), -EINVAL);
    assert_told(f, 2, "KEY=VALUE");
}

static void test_garbage_and_long_lines(void **state)
{
    struct fixture *f = fixture_or_skip(state);
    char text[1200];
    memset(text, 'x', sizeof text);
    memcpy(text, "quiet = yes\noutput = ", 21);
    text[sizeof text - 2] = '\n';
    text[sizeof text - 1] = 0;
    assert_int_equal(apply(f, text), -EINVAL);
    assert_told(f, 2, "longer");
    assert_true(apply(f, "\x01\x02\xff\xfe=\xff\n") < 0);
    assert_true(apply(f, "[run\n") < 0);
}

static void test_other_kinds_of_file(void **state)
{
    struct fixture *f = fixture_or_skip(state);
    eco_temp_fifo(&f->temp, "ecocode.conf");
    assert_int_equal(eco_config_apply(f->config, &f->call, ECO_LAYER_USER, f->path, &f->why), -EINVAL);
    assert_non_null(strstr(f->why.text, "not a regular file"));
    eco_temp_remove(&f->temp, "ecocode.conf");
    eco_temp_mkdir(&f->temp, "ecocode.conf");
    assert_true(eco_config_apply(f->config, &f->call, ECO_LAYER_USER, f->path, &f->why) < 0);
}

/* More values than are kept: said, not overrun. */
static void test_too_many_values(void **state)
{
    struct fixture *f = fixture_or_skip(state);
    char text[16384] = "";
    for (size_t used = 0; used + 16 < sizeof text; used = strlen(text))
        (void)snprintf(text + used, sizeof text - used, "quiet = yes\n");
    assert_true(apply(f, text) < 0);
    assert_non_null(strstr(f->why.text, "too many"));
}

static int attempt(void *context)
{
    struct fixture *f = context;
    struct eco_config *config = eco_config_new();
    if (!config)
        return -ENOMEM;
    int r = eco_config_apply(config, &f->call, ECO_LAYER_USER, f->path, &f->why);
    (void)eco_config_free(config);
    return r < 0 ? r : 0;
}

static void test_no_memory(void **state)
{
    struct fixture *f = fixture_or_skip(state);
    eco_temp_write(&f->temp, "ecocode.conf", "interval = 1\nlabel = a=b\nquiet = yes\n");
    assert_true(eco_alloc_fail_each(attempt, f) >= 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_good, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_not_there_or_empty, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_errors_name_file_and_line, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_garbage_and_long_lines, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_other_kinds_of_file, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_too_many_values, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_no_memory, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
