/* SPDX-License-Identifier: MIT */
#include "base/text.h"

#include "base/why.h"
#include "support/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void check_decode(const char *text, size_t length, uint32_t code, size_t used)
{
    uint32_t ret = 0;
    assert_int_equal(eco_utf8_decode(text, length, &ret), used);
    assert_int_equal(ret, code);
}

static void decodes(void **state)
{
    (void)state;
    check_decode("a", 1, 'a', 1);
    check_decode("\0", 1, 0, 1);
    check_decode("\xC3\xBC", 2, 0xFC, 2);
    check_decode("\xE2\x82\xAC", 3, 0x20AC, 3);
    check_decode("\xF0\x9F\x94\x8B", 4, 0x1F50B, 4);
    check_decode("\xF4\x8F\xBF\xBF", 4, 0x10FFFF, 4);
}

static void refuses_what_is_no_utf8(void **state)
{
    (void)state;
    check_decode("", 0, 0xFFFD, 1);
    check_decode("\x80", 1, 0xFFFD, 1);
    check_decode("\xC3", 1, 0xFFFD, 1);
    check_decode("\xC3(", 2, 0xFFFD, 1);
    check_decode("\xE2\x82", 2, 0xFFFD, 1);
    check_decode("\xE2\x82\xAC", 2, 0xFFFD, 1); /* goes on behind the end */
    check_decode("\xC0\x80", 2, 0xFFFD, 1);
    check_decode("\xE0\x80\xAF", 3, 0xFFFD, 1);
    check_decode("\xF0\x80\x80\xAF", 4, 0xFFFD, 1);
    check_decode("\xED\xA0\x80", 3, 0xFFFD, 1);
    check_decode("\xF4\x90\x80\x80", 4, 0xFFFD, 1);
    check_decode("\xFE", 1, 0xFFFD, 1);
}

static void check_clean(const char *text, bool ascii, const char *expected)
{
    char ret[64];
    size_t length = eco_text_clean(ret, sizeof(ret), text, strlen(text), ascii);
    assert_string_equal(ret, expected);
    assert_int_equal(length, strlen(expected));
}

static void terminals_are_not_hijacked(void **state)
{
    (void)state;
    check_clean("plain text", false, "plain text");
    check_clean("\x1b]0;owned\x07", false, "?]0;owned?");
    check_clean("\x1b[2J", false, "?[2J");
    check_clean("\xC2\x9B"
                "31m",
                false, "?31m"); /* C1 control sequence introducer */
    check_clean("a\nb\rc", false, "a?b?c");
    check_clean("a\xC2\x85"
                "b\xE2\x80\xA8"
                "c\xE2\x80\xA9",
                false, "a?b?c?");
    check_clean("a\tb\xC2\xA0"
                "c\xE3\x80\x80",
                false, "a b c ");
    check_clean("\x7f\x08", false, "??");
    check_clean("\xE2\x80\xAE"
                "gpj.exe\xE2\x80\xAC",
                false, "?gpj.exe?"); /* right-to-left override */
    check_clean("\xE2\x81\xA6x\xE2\x81\xA9\xE2\x80\x8E\xE2\x80\x8F", false, "?x???");
    check_clean("a\xE2\x80\x8B"
                "b\xEF\xBB\xBF",
                false, "a?b?"); /* zero width */
    check_clean("\xFF\xC3", false, "??");
}

static void ascii_only(void **state)
{
    (void)state;
    check_clean("gr\xC3\xBC\xC3\x9F", false, "gr\xC3\xBC\xC3\x9F");
    check_clean("gr\xC3\xBC\xC3\x9F", true, "gr??");
    check_clean("\xE6\x97\xA5", true, "?");
}

static void cut_at_a_characters_edge(void **state)
{
    (void)state;
    char ret[5];
    assert_int_equal(eco_text_clean(ret, 5, "abcdef", 6, false), 4);
    assert_string_equal(ret, "abcd");
    assert_int_equal(eco_text_clean(ret, 5, "abc\xC3\xBC", 5, false), 3);
    assert_string_equal(ret, "abc");
    assert_int_equal(eco_text_clean(ret, 1, "abc", 3, false), 0);
    assert_string_equal(ret, "");
    ret[0] = 'x';
    assert_int_equal(eco_text_clean(ret, 0, "abc", 3, false), 0);
    assert_int_equal(ret[0], 'x');
    assert_int_equal(eco_text_clean(ret, 5, "a\0b", 3, false), 3);
    assert_string_equal(ret, "a?b");
}

/* Property: whatever goes in, what comes out is valid, fits, and holds no control character. */
static void any_bytes_come_out_clean(void **state)
{
    (void)state;
    srand(7);
    for (int round = 0; round < 20000; round++) {
        char text[40], ret[40];
        size_t length = (size_t)(rand() % 40), size = 1 + (size_t)(rand() % 40);
        for (size_t i = 0; i < length; i++)
            text[i] = (char)(rand() % 2 ? rand() : 0x80 + rand() % 0x80);
        size_t written = eco_text_clean(ret, size, text, length, round % 2);
        assert_true(written < size && strlen(ret) == written);
        for (size_t at = 0; at < written;) {
            uint32_t code;
            at += eco_utf8_decode(ret + at, written - at, &code);
            assert_true(code >= 0x20 && code != 0x7F && !(code >= 0x80 && code < 0xA0) && code != 0xFFFD);
        }
    }
}

static void widths(void **state)
{
    (void)state;
    assert_int_equal(eco_text_width(""), 0);
    assert_int_equal(eco_text_width("abc"), 3);
    assert_int_equal(eco_text_width("gr\xC3\xBC\xC3\x9F"), 4);
    assert_int_equal(eco_text_width("\xE6\x97\xA5\xE6\x9C\xAC"), 4); /* two Han characters */
    assert_int_equal(eco_text_width("e\xCC\x81"), 1);                /* e and a combining acute */
    assert_int_equal(eco_text_width("\xF0\x9F\x94\x8B"), 2);
    assert_int_equal(eco_text_width("\xEA\xB0\x80"), 2);
    assert_int_equal(eco_text_width("\xE2\x80\xA6"), 1);
}

static void check_cut(const char *text, size_t columns, bool ascii, const char *expected)
{
    /* Exactly as much memory as the text needs: ASan sees what writes behind it. */
    char *copy = strdup(text);
    eco_text_cut(copy, columns, ascii);
    assert_string_equal(copy, expected);
    assert_true(eco_text_width(copy) <= columns);
    free(copy);
}

static void cuts_with_a_mark(void **state)
{
    (void)state;
    check_cut("abcdef", 6, true, "abcdef");
    check_cut("abcdef", 5, true, "ab...");
    check_cut("abcdef", 3, true, "...");
    check_cut("abcdef", 2, true, "..");
    check_cut("abcdef", 0, true, "");
    check_cut("", 0, true, "");
    check_cut("abcdef", 5, false, "abc\xE2\x80\xA6"); /* one less: the mark has three bytes */
    check_cut("abcdefgh", 5, false, "abcd\xE2\x80\xA6");
    check_cut("abc", 2, false, "\xE2\x80\xA6");
    check_cut("ab", 1, false, ".");
    check_cut("ab", 0, false, "");
    check_cut("\xE6\x97\xA5\xE6\x9C\xAC\xE8\xAA\x9E", 5, true, "\xE6\x97\xA5...");
    check_cut("\xE6\x97\xA5\xE6\x9C\xAC\xE8\xAA\x9E", 4, true, "...");
    check_cut("\xE6\x97\xA5\xE6\x9C\xAC\xE8\xAA\x9E", 4, false, "\xE6\x97\xA5\xE2\x80\xA6");
    check_cut("e\xCC\x81xyz", 4, true, "e\xCC\x81xyz");
    check_cut("ae\xCC\x81xyz", 4, true, "a...");
}

static void any_cut_fits(void **state)
{
    (void)state;
    static const char *const pieces[] = {"a", "\xC3\xBC", "\xE6\x97\xA5", "\xCC\x81", "\xF0\x9F\x94\x8B"};
    srand(11);
    for (int round = 0; round < 20000; round++) {
        char text[64] = "";
        size_t length = 0;
        for (int n = rand() % 12; n > 0; n--)
            length += (size_t)snprintf(text + length, sizeof(text) - length, "%s", pieces[rand() % 5]);
        char *copy = strdup(text);
        size_t columns = (size_t)(rand() % 12);
        bool fits = eco_text_width(text) <= columns;
        eco_text_cut(copy, columns, round % 2);
        assert_true(eco_text_width(copy) <= columns);
        if (fits)
            assert_string_equal(copy, text);
        free(copy);
    }
}

static void copies(void **state)
{
    (void)state;
    char ret[4] = "zzz";
    assert_int_equal(eco_text_copy(ret, 4, "abcdef"), 6);
    assert_string_equal(ret, "abc");
    assert_int_equal(eco_text_copy(ret, 4, "x"), 1);
    assert_string_equal(ret, "x");
    assert_int_equal(eco_text_copy(ret, 0, "abc"), 3);
    assert_string_equal(ret, "x");
}

static void distances(void **state)
{
    (void)state;
    assert_int_equal(eco_text_distance("run", "run"), 0);
    assert_int_equal(eco_text_distance("rnu", "run"), 1);
    assert_int_equal(eco_text_distance("rum", "run"), 1);
    assert_int_equal(eco_text_distance("", "run"), 3);
    assert_int_equal(eco_text_distance("run", ""), 3);
    assert_int_equal(eco_text_distance("", ""), 0);
    assert_int_equal(eco_text_distance("sensor", "sensors"), 1);
    assert_int_equal(eco_text_distance("kitten", "sitting"), 3);
    assert_int_equal(eco_text_distance("monitro", "monitor"), 1);
    char longest[33], too_long[34];
    memset(longest, 'a', 32);
    longest[32] = '\0';
    memset(too_long, 'a', 33);
    too_long[33] = '\0';
    assert_int_equal(eco_text_distance(longest, longest), 0);
    assert_int_equal(eco_text_distance(longest, "b"), 32);
    assert_int_equal(eco_text_distance(too_long, too_long), 99);
}

static void why_is_one_sentence(void **state)
{
    (void)state;
    struct eco_why why = {0};
    eco_why_set(NULL, "nobody asks %d", 1);
    eco_why_fix(NULL, "nobody asks");
    eco_why_set(&why, "%s: permission denied", "energy_uj");
    eco_why_fix(&why, "sudo chmod a+r %s", "energy_uj");
    assert_string_equal(why.text, "energy_uj: permission denied");
    assert_string_equal(why.fix, "sudo chmod a+r energy_uj");
    char longer[ECO_WHY_MAX * 2];
    memset(longer, 'x', sizeof(longer) - 1);
    longer[sizeof(longer) - 1] = '\0';
    eco_why_set(&why, "%s", longer);
    assert_int_equal(strlen(why.text), ECO_WHY_MAX - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(decodes),
        cmocka_unit_test(refuses_what_is_no_utf8),
        cmocka_unit_test(terminals_are_not_hijacked),
        cmocka_unit_test(ascii_only),
        cmocka_unit_test(cut_at_a_characters_edge),
        cmocka_unit_test(any_bytes_come_out_clean),
        cmocka_unit_test(widths),
        cmocka_unit_test(cuts_with_a_mark),
        cmocka_unit_test(any_cut_fits),
        cmocka_unit_test(copies),
        cmocka_unit_test(distances),
        cmocka_unit_test(why_is_one_sentence),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
