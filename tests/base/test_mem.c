/* SPDX-License-Identifier: MIT */
#include "base/mem.h"

#include "support/alloc.h"
#include "support/test.h"

#include <string.h>

static void memory_is_zeroed(void **state)
{
    (void)state;
    char *bytes = eco_calloc(64, 1);
    assert_non_null(bytes);
    for (int i = 0; i < 64; i++)
        assert_int_equal(bytes[i], 0);
    memset(bytes, 1, 64);
    bytes = eco_reallocarray(bytes, 64, 256, 1);
    assert_non_null(bytes);
    assert_int_equal(bytes[63], 1);
    for (int i = 64; i < 256; i++)
        assert_int_equal(bytes[i], 0);
    free(bytes);
}

static void nothing_is_still_a_pointer(void **state)
{
    (void)state;
    void *none = eco_calloc(0, 8);
    assert_non_null(none);
    none = eco_reallocarray(none, 0, 0, 8);
    assert_non_null(none);
    free(none);
}

static void products_that_overflow_fail(void **state)
{
    (void)state;
    int *old = eco_calloc(1, sizeof(*old));
    assert_null(eco_calloc(SIZE_MAX / 2, 3));
    assert_null(eco_reallocarray(old, 1, SIZE_MAX / 2, 3));
    *old = 7; /* untouched */
    free(old);
}

static void strdup_copies(void **state)
{
    (void)state;
    char *copy = eco_strdup("abc");
    assert_string_equal(copy, "abc");
    free(copy);
    assert_null(eco_strdup(NULL));
}

static void grow_doubles_up_to_its_limit(void **state)
{
    (void)state;
    uint32_t *array = NULL;
    size_t capacity = 0;
    for (size_t need = 1; need <= 100; need++) {
        assert_int_equal(eco_grow((void **)&array, &capacity, need, 100, sizeof(*array)), 0);
        assert_true(capacity >= need && capacity <= 100);
        assert_int_equal(array[need - 1], 0);
        array[need - 1] = (uint32_t)need;
    }
    uint32_t *before = array;
    assert_int_equal(eco_grow((void **)&array, &capacity, 101, 100, sizeof(*array)), -E2BIG);
    assert_ptr_equal(array, before);
    assert_int_equal(capacity, 100);
    assert_int_equal(array[99], 100);
    free(array);
}

static void grow_keeps_a_small_limit(void **state)
{
    (void)state;
    char *array = NULL;
    size_t capacity = 0;
    assert_int_equal(eco_grow((void **)&array, &capacity, 0, 0, 1), 0);
    assert_int_equal(eco_grow((void **)&array, &capacity, 1, 0, 1), -E2BIG);
    assert_int_equal(eco_grow((void **)&array, &capacity, 2, 3, 1), 0);
    assert_int_equal(capacity, 3);
    free(array);
}

static void the_nth_allocation_fails_once(void **state)
{
    (void)state;
    eco_mem_fail_at(2);
    void *first = eco_calloc(1, 1), *second = eco_calloc(1, 1), *third = eco_calloc(1, 1);
    assert_non_null(first);
    assert_null(second);
    assert_non_null(third);
    free(first);
    free(third);

    eco_mem_fail_at(1);
    assert_null(eco_strdup("x"));
    eco_mem_fail_at(1);
    eco_mem_fail_at(0);
    first = eco_calloc(1, 1);
    assert_non_null(first);
    eco_mem_fail_at(1);
    assert_null(eco_reallocarray(first, 1, 2, 1));
    free(first);
}

static int allocate_three(void *context)
{
    (void)context;
    int r = -ENOMEM;
    char *a = eco_calloc(1, 1), *b = a ? eco_calloc(1, 1) : NULL, *c = b ? eco_strdup("c") : NULL;
    if (c)
        r = 0;
    free(a);
    free(b);
    free(c);
    return r;
}

static void the_loop_of_failures_sees_each(void **state)
{
    (void)state;
    assert_int_equal(eco_alloc_fail_each(allocate_three, NULL), 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_is_zeroed),
        cmocka_unit_test(nothing_is_still_a_pointer),
        cmocka_unit_test(products_that_overflow_fail),
        cmocka_unit_test(strdup_copies),
        cmocka_unit_test(grow_doubles_up_to_its_limit),
        cmocka_unit_test(grow_keeps_a_small_limit),
        cmocka_unit_test(the_nth_allocation_fails_once),
        cmocka_unit_test(the_loop_of_failures_sees_each),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
