/* SPDX-License-Identifier: MIT */
#include "base/json.h"

#include "support/test.h"

#include <errno.h>

struct fixture {
    struct eco_buf buf;
    struct eco_json json;
};

static void begin(struct fixture *f)
{
    eco_buf_init(&f->buf, 4096);
    eco_json_init(&f->json, &f->buf);
}

static void check(struct fixture *f, const char *expected)
{
    assert_int_equal(eco_buf_error(&f->buf), 0);
    assert_string_equal(f->buf.data, expected);
    eco_buf_finish(&f->buf);
}

static void commas_come_by_themselves(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f);
    eco_json_open(&f.json, '{');
    eco_json_kstring(&f.json, "a", "x");
    eco_json_key(&f.json, "b");
    eco_json_open(&f.json, '[');
    eco_json_u64(&f.json, UINT64_MAX);
    eco_json_i64(&f.json, INT64_MIN);
    eco_json_open(&f.json, '{');
    eco_json_close(&f.json, '}');
    eco_json_open(&f.json, '[');
    eco_json_close(&f.json, ']');
    eco_json_string(&f.json, NULL);
    eco_json_close(&f.json, ']');
    eco_json_kdouble(&f.json, "c", 0.25);
    eco_json_kdouble(&f.json, "d", (double)NAN);
    eco_json_ku64(&f.json, "e", 1);
    eco_json_ki64(&f.json, "f", -1);
    eco_json_kbool(&f.json, "g", true);
    eco_json_kbool(&f.json, "h", false);
    eco_json_knull(&f.json, "i");
    eco_json_kstring(&f.json, "j", NULL);
    eco_json_close(&f.json, '}');
    check(&f,
          "{\"a\":\"x\",\"b\":[18446744073709551615,-9223372036854775808,{},[],null],\"c\":0.25,\"d\":null,"
          "\"e\":1,\"f\":-1,\"g\":true,\"h\":false,\"i\":null,\"j\":null}");
}

static void check_string(const char *text, const char *expected)
{
    struct fixture f;
    begin(&f);
    eco_json_string(&f.json, text);
    check(&f, expected);
}

static void strings_of_any_bytes_become_valid(void **state)
{
    (void)state;
    check_string("", "\"\"");
    check_string("a\"b\\c", "\"a\\\"b\\\\c\"");
    check_string("\n\r\t\b\x1b[0m\x7f", "\"\\n\\r\\t\\u0008\\u001b[0m\\u007f\"");
    check_string("gr\xC3\xBC\xC3\x9F \xF0\x9F\x94\x8B", "\"gr\xC3\xBC\xC3\x9F \xF0\x9F\x94\x8B\"");
    check_string("\xff", "\"\xEF\xBF\xBD\"");
    check_string("a\xC3", "\"a\xEF\xBF\xBD\"");
    check_string("\xC0\xAF", "\"\xEF\xBF\xBD\xEF\xBF\xBD\"");                 /* overlong '/' */
    check_string("\xED\xA0\x80", "\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\""); /* a surrogate */
    check_string("\xEF\xBF\xBDok", "\"\xEF\xBF\xBDok\"");
}

static void keys_are_escaped_too(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f);
    eco_json_open(&f.json, '{');
    eco_json_ku64(&f.json, "a\"\n", 1);
    eco_json_close(&f.json, '}');
    check(&f, "{\"a\\\"\\n\":1}");
}

static void several_documents_in_a_row(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f);
    for (int i = 0; i < 2; i++) {
        eco_json_open(&f.json, '[');
        eco_json_null(&f.json);
        eco_json_close(&f.json, ']');
        eco_buf_char(&f.buf, '\n');
    }
    check(&f, "[null]\n[null]\n");
}

static void deep_but_not_deeper(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f);
    for (int i = 0; i < ECO_JSON_DEPTH; i++)
        eco_json_open(&f.json, '[');
    for (int i = 0; i < ECO_JSON_DEPTH; i++)
        eco_json_close(&f.json, ']');
    assert_int_equal(f.buf.length, 2 * ECO_JSON_DEPTH);
    eco_buf_finish(&f.buf);
}

static void a_full_buffer_is_said(void **state)
{
    (void)state;
    struct fixture f;
    eco_buf_init(&f.buf, 5);
    eco_json_init(&f.json, &f.buf);
    eco_json_open(&f.json, '{');
    eco_json_kstring(&f.json, "long", "longer");
    eco_json_close(&f.json, '}');
    assert_int_equal(eco_buf_error(&f.buf), -E2BIG);
    eco_buf_finish(&f.buf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(commas_come_by_themselves), cmocka_unit_test(strings_of_any_bytes_become_valid),
        cmocka_unit_test(keys_are_escaped_too),      cmocka_unit_test(several_documents_in_a_row),
        cmocka_unit_test(deep_but_not_deeper),       cmocka_unit_test(a_full_buffer_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
