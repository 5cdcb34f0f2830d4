/* SPDX-License-Identifier: MIT */
/* Output paths with %p, %h, %q{VARIABLE} and %%. */
#include "base/mem.h"
#include "sinks/sink.h"
#include "support/test.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void test_expand(void **state)
{
    (void)state;
    struct eco_why why = {0};
    char path[64] = "untouched";
    assert_int_equal(setenv("SLURM_JOB_ID", "4711", 1), 0);
    assert_int_equal(unsetenv("NOT_SET"), 0);
    const struct {
        const char *path, *expanded;
        int result;
    } cases[] = {{"a.csv", "a.csv", 0},
                 {"%h-%p-%q{SLURM_JOB_ID}%%.json", "n_1-77-4711%.json", 0},
                 {"%", NULL, -EINVAL},
                 {"%x", NULL, -EINVAL},
                 {"%q", NULL, -EINVAL},
                 {"%q{", NULL, -EINVAL},
                 {"%q{}", NULL, -EINVAL},
                 {"%q{NOT_SET}", NULL, -EINVAL},
                 {"%h%h%h%h%h%h%h%h%h%h%h%h%h%h%h%h%h%h%h%h%h%h", NULL, -ENAMETOOLONG},
                 {"", "", 0}};
    for (size_t i = 0; i < ECO_COUNT(cases); i++) {
        (void)snprintf(path, sizeof(path), "untouched");
        why.text[0] = '\0';
        assert_int_equal(eco_sink_expand_path(cases[i].path, 77, "n/1", path, sizeof(path), &why),
                         cases[i].result);
        assert_string_equal(path, cases[i].result ? "untouched" : cases[i].expanded);
        assert_int_equal(why.text[0] != '\0', cases[i].result != 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_expand)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
