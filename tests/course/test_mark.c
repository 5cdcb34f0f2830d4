/* SPDX-License-Identifier: MIT */
/* The datagram of a mark, by friends and by others. */
#include "support/test.h"

#include "course/mark.h"

#include <errno.h>
#include <string.h>

static void a_mark_survives_its_datagram(void **state)
{
    const struct eco_mark marks[] = {
        {.time_ns = 0, .name = "load"},
        {.time_ns = UINT64_MAX, .done = 0, .total = 20, .name = "a name of words"},
        {.time_ns = 1, .done = 20, .total = 20, .name = "\xc3\xa9poque"}};
    (void)state;
    for (size_t i = 0; i < ECO_COUNT(marks); i++) {
        char text[ECO_MARK_TEXT_MAX];
        struct eco_mark read = {0};
        size_t length = eco_mark_format(&marks[i], text);
        assert_int_equal(eco_mark_parse(text, length, &read), 0);
        assert_true(read.time_ns == marks[i].time_ns && read.done == marks[i].done &&
                    read.total == marks[i].total);
        assert_string_equal(read.name, marks[i].name);
    }
}

static void the_longest_name_fits(void **state)
{
    struct eco_mark mark = {.time_ns = UINT64_MAX, .done = UINT64_MAX, .total = UINT64_MAX}, read;
    char text[ECO_MARK_TEXT_MAX];
    (void)state;
    memset(mark.name, 'x', ECO_PHASE_NAME_MAX - 1);
    size_t length = eco_mark_format(&mark, text);
    assert_true(length > 0);
    assert_int_equal(eco_mark_parse(text, length, &read), 0);
    assert_string_equal(read.name, mark.name);
}

static void what_is_no_mark_is_refused(void **state)
{
    static const char *const bad[] = {"",
                                      "ecocode.mark/1",
                                      "ecocode.mark/1 ",
                                      "ecocode.mark/2 0 0 0 x",
                                      "ecocode.mark/1 0 0 0 ",
                                      "ecocode.mark/1 0 0 0",
                                      "ecocode.mark/1 -1 0 0 x",
                                      "ecocode.mark/1  0 0 0 x",
                                      "ecocode.mark/1 0 3 2 x",
                                      "ecocode.mark/1 0 3 0 x",
                                      "ecocode.mark/1 99999999999999999999 0 0 x",
                                      "ecocode.mark/1 0 0 0 x\ny",
                                      "ecocode.mark/1 0 0 0 \033[31m",
                                      "ecocode.mark/1 0 0 0 (start)",
                                      "ecocode.mark/1 0 0 0 (more)"};
    char large[400];
    struct eco_mark mark;
    (void)state;
    for (size_t i = 0; i < ECO_COUNT(bad); i++)
        assert_int_equal(eco_mark_parse(bad[i], strlen(bad[i]), &mark), -EINVAL);
    assert_int_equal(eco_mark_parse("ecocode.mark/1 0 0 0 a\0b", 24, &mark), -EINVAL);
    memset(large, 'x', sizeof large);
    memcpy(large, "ecocode.mark/1 0 0 0 ", 21);
    assert_int_equal(eco_mark_parse(large, 21 + ECO_PHASE_NAME_MAX, &mark), -EINVAL);
    assert_int_equal(eco_mark_parse(large, sizeof large, &mark), -EINVAL);
}

static void progress_is_done_of_total(void **state)
{
    static const char *const bad[] = {"",      "3",   "3/",  "/20",   "3/20x", " 3/20", "3 /20",
                                      "-3/20", "3/0", "0/0", "21/20", "3//20", "1e1/20"};
    uint64_t done = 7, total = 7;
    (void)state;
    for (size_t i = 0; i < ECO_COUNT(bad); i++)
        assert_int_equal(eco_mark_parse_progress(bad[i], &done, &total), -EINVAL);
    assert_true(done == 7 && total == 7);
    assert_int_equal(eco_mark_parse_progress("0/20", &done, &total), 0);
    assert_true(done == 0 && total == 20);
    assert_int_equal(eco_mark_parse_progress("20/20", &done, &total), 0);
    assert_true(done == 20 && total == 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_mark_survives_its_datagram),
        cmocka_unit_test(the_longest_name_fits),
        cmocka_unit_test(what_is_no_mark_is_refused),
        cmocka_unit_test(progress_is_done_of_total),
    };
    return cmocka_run_group_tests_name("mark", tests, NULL, NULL);
}
