/* SPDX-License-Identifier: MIT */
/* Where state is kept, by environment. */
#include "store/state_dir.h"
#include "support/tree.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static void test_environment_chooses(void **state)
{
    (void)state;
    struct eco_temp temp;
    char path[ECO_PATH_MAX], expected[ECO_PATH_MAX + 32], small[8];
    eco_temp_init(&temp);
    assert_int_equal(setenv("XDG_STATE_HOME", "/somewhere", 1), 0);
    assert_true(eco_state_dir(path, sizeof path));
    assert_string_equal(path, "/somewhere/ecocode");
    assert_false(eco_state_dir(small, sizeof small));
    assert_int_equal(setenv("XDG_STATE_HOME", "relative", 1), 0);
    assert_int_equal(setenv("HOME", temp.path, 1), 0);
    assert_true(eco_state_dir(path, sizeof path));
    (void)snprintf(expected, sizeof expected, "%s/.local/state/ecocode", temp.path);
    assert_string_equal(path, expected);
    assert_int_equal(unsetenv("XDG_STATE_HOME"), 0);
    assert_true(eco_state_dir(path, sizeof path));
    assert_string_equal(path, expected);
    eco_temp_finish(&temp);
}

/* sudo keeps HOME of the user who called it on some systems: root writes nothing there. */
static void test_a_home_of_somebody_else_is_not_used(void **state)
{
    (void)state;
    struct eco_temp temp;
    char path[ECO_PATH_MAX];
    if (geteuid() != 0)
        skip();
    eco_temp_init(&temp);
    assert_int_equal(chown(temp.path, 12345, 12345), 0);
    assert_int_equal(unsetenv("XDG_STATE_HOME"), 0);
    assert_int_equal(setenv("HOME", temp.path, 1), 0);
    if (eco_state_dir(path, sizeof path))
        assert_null(strstr(path, temp.path));
    eco_temp_finish(&temp);
}

static void test_directories(void **state)
{
    (void)state;
    struct eco_temp temp;
    char path[ECO_PATH_MAX];
    eco_temp_init(&temp);
    assert_int_equal(eco_make_directories(eco_temp_path(&temp, "a/b/c", path)), 0);
    assert_int_equal(eco_make_directories(path), 0);
    assert_int_equal(access(path, W_OK), 0);
    eco_temp_write(&temp, "file", "x");
    assert_int_equal(eco_make_directories(eco_temp_path(&temp, "file/x/y", path)), -ENOTDIR);
    assert_int_equal(eco_make_directories(""), -ENAMETOOLONG);
    eco_temp_finish(&temp);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_environment_chooses),
        cmocka_unit_test(test_a_home_of_somebody_else_is_not_used),
        cmocka_unit_test(test_directories),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
