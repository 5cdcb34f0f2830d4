/* SPDX-License-Identifier: MIT */
/* Finding members in JSON that may be cut off anywhere. */
#include "store/json_find.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct eco_span span(const char *text)
{
    return (struct eco_span){text, strlen(text)};
}

static const char object[] = "{\"a\": 1.5, \"b\":\"x\\\"y\\u0041\\n\", \"c\":{\"a\":2,\"d\":[1,\"]\",{}]}, "
                             "\"e\":null,\"f\":[\"p\",\"q\"],\"g\":-3}";

static void test_members(void **state)
{
    (void)state;
    struct eco_span value, inner;
    double number = 0;
    char text[16];
    assert_true(eco_json_find(span(object), "a", &value) && eco_json_read_number(value, &number));
    assert_true(number > 1.49 && number < 1.51);
    assert_true(eco_json_find(span(object), "b", &value) && eco_json_read_string(value, text, sizeof text));
    assert_string_equal(text, "x\"yA ");
    assert_true(eco_json_find(span(object), "c", &inner) && eco_json_find(inner, "a", &value));
    assert_true(eco_json_read_number(value, &number) && number > 1.99 && number < 2.01);
    assert_true(eco_json_find(span(object), "g", &value) && eco_json_read_number(value, &number) &&
                number < 0);
    assert_false(eco_json_find(span(object), "d", &value));
    assert_false(eco_json_find(span(object), "x", &value));
    assert_true(eco_json_find(span(object), "e", &value));
    assert_false(eco_json_read_number(value, &number));
    assert_false(eco_json_read_string(value, text, sizeof text));
}

static void test_small_buffer(void **state)
{
    (void)state;
    char text[3] = "zz";
    assert_true(eco_json_read_string(span("\"abcdef\""), text, sizeof text));
    assert_string_equal(text, "ab");
    assert_false(eco_json_read_string(span("\"a\""), text, 0));
}

/* Every prefix, each in memory of its own size, so that ASan sees a read behind it. */
static void test_cut_off_anywhere(void **state)
{
    (void)state;
    static const char *const keys[] = {"a", "b", "c", "d", "e", "f", "g", "", "zz"};
    for (size_t n = 0; n < sizeof object; n++) {
        char *copy = malloc(n ? n : 1);
        assert_non_null(copy);
        memcpy(copy, object, n);
        for (size_t k = 0; k < sizeof keys / sizeof keys[0]; k++) {
            struct eco_span value = {0};
            double number;
            char text[8];
            if (eco_json_find((struct eco_span){copy, n}, keys[k], &value)) {
                assert_true(value.text >= copy && value.text + value.length == copy + n);
                (void)eco_json_read_number(value, &number);
                (void)eco_json_read_string(value, text, sizeof text);
            }
        }
        free(copy);
    }
}

static void test_garbage(void **state)
{
    (void)state;
    static const char *const bad[] = {"",        "{",           "}",     "[]",
                                      "{\"a\"}", "{\"a\":}",    "{a:1}", "{\"b\":1 \"a\":2}",
                                      "\"a\":1", "{\"b\":]}",   "{\"\\", "{\"b\":\"\\",
                                      "nul",     "{\"b\":{{{{{"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct eco_span value;
        double number;
        bool found = eco_json_find(span(bad[i]), "a", &value);
        assert_false(found && eco_json_read_number(value, &number));
    }
}

/* A million brackets cost no stack. */
static void test_depth(void **state)
{
    (void)state;
    size_t n = 1u << 20;
    char *text = malloc(n + 1);
    struct eco_span value;
    assert_non_null(text);
    memset(text, '[', n);
    memcpy(text, "{\"b\":", 5);
    text[n] = 0;
    assert_false(eco_json_find((struct eco_span){text, n}, "a", &value));
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_members),
        cmocka_unit_test(test_small_buffer),
        cmocka_unit_test(test_cut_off_anywhere),
        cmocka_unit_test(test_garbage),
        cmocka_unit_test(test_depth),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
