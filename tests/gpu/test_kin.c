/* SPDX-License-Identifier: MIT */
/* From whom a process descends: names that are meant to mislead, ends of the line, and what is read only
 * once. */
#include "gpu/kin.h"
#include "support/test.h"
#include "support/tree.h"

static struct eco_temp temp;
static struct eco_root root;

static int set_up(void **state)
{
    (void)state;
    eco_temp_init(&temp);
    eco_temp_roots(&temp, &root);
    eco_temp_write(&temp, "proc/700/stat", "700 (train) S 600 700 700 0 -1\n");
    eco_temp_write(&temp, "proc/600/stat", "600 (a ) S 1 (b) R 500 600 600 0 -1\n");
    eco_temp_write(&temp, "proc/500/stat", "500 (sh) S 1 500 500 0 -1\n");
    eco_temp_write(&temp, "proc/1/stat", "1 (init) S 0 1 1 0 -1\n");
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    eco_root_finish(&root);
    eco_temp_finish(&temp);
    return 0;
}

static void check(int32_t pid, const int32_t *want)
{
    int32_t parents[ECO_GPU_PARENTS] = {9, 9, 9, 9, 9};
    eco_gpu_kin_read(&root, pid, parents);
    for (size_t i = 0; i < ECO_GPU_PARENTS; i++)
        assert_int_equal(parents[i], want[i]);
}

static void test_line(void **state)
{
    (void)state;
    check(700, (const int32_t[]){600, 500, 1, 0, 0});
    check(1, (const int32_t[]){0, 0, 0, 0, 0});
    check(4711, (const int32_t[]){0, 0, 0, 0, 0});
    check(0, (const int32_t[]){0, 0, 0, 0, 0});
}

static void test_what_is_no_line(void **state)
{
    static const char *const texts[] = {
        "",          "800",        "800 (x",           "800 (x)",
        "800 (x) S", "800 (x) S ", "800 (x) S -5 1\n", "800 (x) S 99999999999 1\n"};
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        eco_temp_write(&temp, "proc/800/stat", texts[i]);
        check(800, (const int32_t[]){0, 0, 0, 0, 0});
    }
}

/* Who is known is not read again, wherever it stands now; the end of one with that number was another's. */
static void test_read_once(void **state)
{
    struct eco_gpu_use known[] = {{.index = 0, .pid = 700, .parents = {42}},
                                  {.index = 1, .pid = 700, .parents = {43}},
                                  {.index = 0, .pid = 600, .flags = ECO_GPU_USE_ENDED, .parents = {44}}};
    struct eco_gpu_use uses[] = {
        {.index = 1, .pid = 700}, {.index = 0, .pid = 700}, {.index = 0, .pid = 600}, {.index = 0, .pid = 0}};
    (void)state;
    eco_gpu_kin_fill(&root, uses, 4, known, 3);
    assert_int_equal(uses[0].parents[0], 43);
    assert_int_equal(uses[1].parents[0], 42);
    assert_int_equal(uses[2].parents[0], 500);
    assert_int_equal(uses[3].parents[0], 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_line), cmocka_unit_test(test_what_is_no_line),
                                       cmocka_unit_test(test_read_once)};
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
