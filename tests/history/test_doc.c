/* SPDX-License-Identifier: MIT */
/* Text from anywhere is text in HTML, in Markdown and in a script's data. */
#include "support/test.h"

#include "history/doc.h"

#include <stdio.h>
#include <string.h>

static const char *html(struct eco_buf *out, const char *text, size_t max)
{
    eco_buf_reset(out);
    eco_html_text(out, text, max);
    eco_buf_text(out, "");
    return out->data;
}

static void test_html(void **state)
{
    struct eco_buf out;
    (void)state;
    eco_buf_init(&out, 1 << 16);
    assert_string_equal(html(&out, "</script><img src=x onerror='a'>\"&", 100),
                        "&lt;/script&gt;&lt;img src=x onerror=&#39;a&#39;&gt;&quot;&amp;");
    assert_string_equal(html(&out, "a\nb\tc\x1b[31m", 100), "a b c?[31m");
    assert_string_equal(html(&out,
                             "\xE2\x80\xAE"
                             "gpj.exe \xE2\x80\xA8 \xFF",
                             100),
                        "?gpj.exe ? ?"); /* RTL mark, U+2028 */
    char long_name[10001];
    memset(long_name, 'a', sizeof long_name - 1);
    long_name[sizeof long_name - 1] = 0;
    assert_in_range(strlen(html(&out, long_name, 100)), 95, 103);
    assert_in_range(strlen(html(&out, long_name, 1 << 20)), 1000, 2100);
    eco_buf_finish(&out);
}

static void test_markdown(void **state)
{
    struct eco_buf out;
    (void)state;
    eco_buf_init(&out, 1 << 16);
    eco_markdown_text(&out, "a|b *c* _d_ [e](f) `g` <h> & #1 @all \\", 200);
    assert_string_equal(out.data, "a\\|b \\*c\\* \\_d\\_ \\[e\\](f) \\`g\\` &lt;h> &amp; \\#1 \\@all \\\\");
    eco_buf_reset(&out);
    eco_markdown_text(&out, "see http://x", 200);
    assert_null(strstr(out.data, "http://"));
    eco_buf_finish(&out);
}

static void test_json_for_a_script(void **state)
{
    static const char text[] = "{\"a\":\"</script><!--&\xE2\x80\xA8\xE2\x80\xA9\xE2\x80\xAA\"}";
    struct eco_buf out;
    (void)state;
    eco_buf_init(&out, 1 << 16);
    eco_html_json(&out, text, sizeof text - 1);
    assert_string_equal(out.data,
                        "{\"a\":\"\\u003c/script\\u003e\\u003c!--\\u0026\\u2028\\u2029\xE2\x80\xAA\"}");
    eco_buf_finish(&out);
}

static void test_tables_in_both(void **state)
{
    static const struct eco_doc_column columns[] = {{"name", false}, {"J", true}};
    struct eco_buf out;
    (void)state;
    eco_buf_init(&out, 1 << 16);
    for (int is_html = 0; is_html <= 1; is_html++) {
        struct eco_doc doc = {.out = &out, .is_html = is_html};
        eco_buf_reset(&out);
        eco_doc_table(&doc, columns, 2);
        eco_doc_cell_indented(&doc, 1, "a|<b>");
        eco_doc_cell(&doc, "%d", 5);
        eco_doc_table_end(&doc);
        const char *expected =
            is_html ? "<tr><td class=\"d1\"><bdi>a|&lt;b&gt;</bdi></td><td class=\"n\">5</td></tr>\n"
                    : "| name | J |\n| --- | ---: |\n| &nbsp;&nbsp;a\\|&lt;b> | 5 |\n\n";
        assert_non_null(strstr(out.data, expected));
    }
    eco_buf_finish(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_html),
        cmocka_unit_test(test_markdown),
        cmocka_unit_test(test_json_for_a_script),
        cmocka_unit_test(test_tables_in_both),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
