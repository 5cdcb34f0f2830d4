/* SPDX-License-Identifier: MIT */
#include "base/parse.h"

#include "support/test.h"

#include <errno.h>
#include <locale.h>
#include <string.h>

#define UNTOUCHED 4711

static void check_u64(const char *text, int expected, uint64_t value)
{
    uint64_t ret = UNTOUCHED;
    assert_int_equal(eco_parse_u64(text, &ret), expected);
    assert_true(ret == (expected == 0 ? value : UNTOUCHED));
}

static void u64(void **state)
{
    (void)state;
    check_u64("0", 0, 0);
    check_u64("262143328850\n", 0, 262143328850);
    check_u64("7 \t\r\n", 0, 7);
    check_u64("007", 0, 7);
    check_u64("18446744073709551615", 0, UINT64_MAX);
    check_u64("18446744073709551616", -ERANGE, 0);
    check_u64("99999999999999999999999999999999", -ERANGE, 0);
    check_u64("", -EINVAL, 0);
    check_u64("\n", -EINVAL, 0);
    check_u64(" 1", -EINVAL, 0);
    check_u64("+1", -EINVAL, 0);
    check_u64("-1", -EINVAL, 0);
    check_u64("1x", -EINVAL, 0);
    check_u64("1 2", -EINVAL, 0);
    check_u64("0x10", -EINVAL, 0);
    check_u64("99999999999999999999999999999999x", -EINVAL, 0);
    check_u64("\xff", -EINVAL, 0);
}

static void hex(void **state)
{
    (void)state;
    uint64_t ret = UNTOUCHED;
    assert_int_equal(eco_parse_hex("0x2b0004D0\n", &ret), 0);
    assert_true(ret == 0x2b0004d0);
    assert_int_equal(eco_parse_hex("ff", &ret), 0);
    assert_true(ret == 255);
    assert_int_equal(eco_parse_hex("ffffffffffffffff", &ret), 0);
    assert_true(ret == UINT64_MAX);
    ret = UNTOUCHED;
    assert_int_equal(eco_parse_hex("0x", &ret), -EINVAL);
    assert_int_equal(eco_parse_hex("0xg", &ret), -EINVAL);
    assert_int_equal(eco_parse_hex("0x-1", &ret), -EINVAL);
    assert_int_equal(eco_parse_hex("1ffffffffffffffff", &ret), -ERANGE);
    assert_true(ret == UNTOUCHED);
}

static void i64(void **state)
{
    (void)state;
    int64_t ret = UNTOUCHED;
    assert_int_equal(eco_parse_i64("-1\n", &ret), 0);
    assert_true(ret == -1);
    assert_int_equal(eco_parse_i64("9223372036854775807", &ret), 0);
    assert_true(ret == INT64_MAX);
    assert_int_equal(eco_parse_i64("-9223372036854775808", &ret), 0);
    assert_true(ret == INT64_MIN);
    ret = UNTOUCHED;
    assert_int_equal(eco_parse_i64("9223372036854775808", &ret), -ERANGE);
    assert_int_equal(eco_parse_i64("-9223372036854775809", &ret), -ERANGE);
    assert_int_equal(eco_parse_i64("--1", &ret), -EINVAL);
    assert_int_equal(eco_parse_i64("-", &ret), -EINVAL);
    assert_int_equal(eco_parse_i64("- 1", &ret), -EINVAL);
    assert_true(ret == UNTOUCHED);
}

static void check_double(const char *text, int expected, double value)
{
    double ret = UNTOUCHED;
    assert_int_equal(eco_parse_double(text, &ret), expected);
    eco_assert_near(ret, expected == 0 ? value : UNTOUCHED, 0.0);
}

static void doubles(void **state)
{
    (void)state;
    check_double("0.1", 0, 0.1);
    check_double("-2.5e-3\n", 0, -2.5e-3);
    check_double("1E6", 0, 1e6);
    check_double(".5", 0, 0.5);
    check_double("3.", 0, 3.0);
    check_double("1.7976931348623157e308", 0, 1.7976931348623157e308);
    check_double("1e-400", 0, 0.0);
    check_double("1e309", -ERANGE, 0);
    check_double("nan", -EINVAL, 0);
    check_double("inf", -EINVAL, 0);
    check_double("0x10", -EINVAL, 0);
    check_double("1e", -EINVAL, 0);
    check_double("1e+", -EINVAL, 0);
    check_double("1,5", -EINVAL, 0);
    check_double(".", -EINVAL, 0);
    check_double("", -EINVAL, 0);
    check_double("+1", -EINVAL, 0);
    check_double("1.2.3", -EINVAL, 0);

    char many[400];
    memset(many, '1', sizeof(many) - 1);
    many[sizeof(many) - 1] = '\0';
    check_double(many, -ERANGE, 0);
}

static void check_duration(const char *text, int expected, uint64_t value)
{
    uint64_t ret = UNTOUCHED;
    assert_int_equal(eco_parse_duration(text, &ret), expected);
    assert_true(ret == (expected == 0 ? value : UNTOUCHED));
}

static void durations(void **state)
{
    (void)state;
    check_duration("250ms", 0, 250000000);
    check_duration("5s", 0, 5000000000);
    check_duration("1.5m", 0, 90000000000);
    check_duration("1h", 0, 3600000000000);
    check_duration("100us", 0, 100000);
    check_duration("2", 0, 2000000000);
    check_duration("0.1", 0, 100000000);
    check_duration("0", -EINVAL, 0);
    check_duration("0ms", -EINVAL, 0);
    check_duration("1e-12s", -EINVAL, 0);
    check_duration("-1s", -EINVAL, 0);
    check_duration("5 s", -EINVAL, 0);
    check_duration("5d", -EINVAL, 0);
    check_duration("s", -EINVAL, 0);
    check_duration("5ss", -EINVAL, 0);
    check_duration("1e300h", -ERANGE, 0);
    check_duration("9223372037", -ERANGE, 0);
}

static void powers(void **state)
{
    (void)state;
    double ret = UNTOUCHED;
    assert_int_equal(eco_parse_power("20W", &ret), 0);
    eco_assert_near(ret, 20.0, 0.0);
    assert_int_equal(eco_parse_power("500mW", &ret), 0);
    eco_assert_near(ret, 0.5, 1e-15);
    assert_int_equal(eco_parse_power("1.5kW", &ret), 0);
    eco_assert_near(ret, 1500.0, 1e-9);
    assert_int_equal(eco_parse_power("7", &ret), 0);
    eco_assert_near(ret, 7.0, 0.0);
    assert_int_equal(eco_parse_power("0", &ret), 0);
    ret = UNTOUCHED;
    assert_int_equal(eco_parse_power("-1W", &ret), -EINVAL);
    assert_int_equal(eco_parse_power("20MW", &ret), -EINVAL);
    assert_int_equal(eco_parse_power("W", &ret), -EINVAL);
    assert_int_equal(eco_parse_power("", &ret), -EINVAL);
    assert_int_equal(eco_parse_power("1.7e308kW", &ret), -ERANGE);
    eco_assert_near(ret, UNTOUCHED, 0.0);
}

static void percents(void **state)
{
    (void)state;
    double ret = UNTOUCHED;
    assert_int_equal(eco_parse_percent("5%", &ret), 0);
    eco_assert_near(ret, 0.05, 1e-15);
    assert_int_equal(eco_parse_percent("2.5 %", &ret), 0);
    eco_assert_near(ret, 0.025, 1e-15);
    assert_int_equal(eco_parse_percent("0%", &ret), 0);
    eco_assert_near(ret, 0.0, 0.0);
    ret = UNTOUCHED;
    static const char *const none[] = {"5", "0.05", "-1%", "%", "", "5%%", "five%", "5 percent"};
    for (size_t i = 0; i < ECO_COUNT(none); i++)
        assert_int_equal(eco_parse_percent(none[i], &ret), -EINVAL);
    eco_assert_near(ret, UNTOUCHED, 0.0);
}

static void bools(void **state)
{
    (void)state;
    static const char *const yes[] = {"yes", "true", "on", "1", "1\n"};
    static const char *const no[] = {"no", "false", "off", "0"};
    static const char *const neither[] = {"", "y", "yess", "2", "-1", "ye", " on"};
    bool ret = false;
    for (size_t i = 0; i < ECO_COUNT(yes); i++, ret = false) {
        assert_int_equal(eco_parse_bool(yes[i], &ret), 0);
        assert_true(ret);
    }
    ret = true;
    for (size_t i = 0; i < ECO_COUNT(no); i++, ret = true) {
        assert_int_equal(eco_parse_bool(no[i], &ret), 0);
        assert_false(ret);
    }
    for (size_t i = 0; i < ECO_COUNT(neither); i++) {
        assert_int_equal(eco_parse_bool(neither[i], &ret), -EINVAL);
        assert_true(ret);
    }
}

static void scanning(void **state)
{
    (void)state;
    const char *text = "cpu  10 \t20x 99999999999999999999 3", *p = text + 3;
    uint64_t ret = UNTOUCHED;
    assert_int_equal(eco_scan_u64(&p, &ret), 0);
    assert_true(ret == 10);
    assert_int_equal(eco_scan_u64(&p, &ret), 0);
    assert_true(ret == 20);
    assert_int_equal(*p, 'x');
    assert_int_equal(eco_scan_u64(&p, &ret), -EINVAL);
    assert_int_equal(*p, 'x');
    p++;
    const char *before = p;
    assert_int_equal(eco_scan_u64(&p, &ret), -ERANGE);
    assert_ptr_equal(p, before);
    assert_true(ret == 20);
    p = "\n5";
    assert_int_equal(eco_scan_u64(&p, &ret), -EINVAL); /* a line's end is no blank */
}

static void cpulists(void **state)
{
    (void)state;
    bool set[16];
    assert_int_equal(eco_parse_cpulist("0-3,8,10-11\n", set, 16), 7);
    for (unsigned i = 0; i < 16; i++)
        assert_int_equal(set[i], i <= 3 || i == 8 || i == 10 || i == 11);
    assert_int_equal(eco_parse_cpulist("5", set, 16), 1);
    assert_true(set[5] && !set[0]);
    assert_int_equal(eco_parse_cpulist("1,1-2,2", set, 16), 2); /* named twice, there once */
    assert_int_equal(eco_parse_cpulist("15", set, 16), 1);
    assert_int_equal(eco_parse_cpulist("", set, 16), 0);
    assert_false(set[15]);

    static const char *const garbage[] = {",", "1,",   "1-",      "-1", "3-1", "1;2",
                                          "a", "1,,2", "0-3:1/2", " 1", "1 2"};
    memset(set, 1, sizeof(set));
    for (size_t i = 0; i < ECO_COUNT(garbage); i++)
        assert_int_equal(eco_parse_cpulist(garbage[i], set, 16), -EINVAL);
    assert_int_equal(eco_parse_cpulist("16", set, 16), -ERANGE);
    assert_int_equal(eco_parse_cpulist("0-1000000000", set, 16), -ERANGE);
    assert_int_equal(eco_parse_cpulist("0-99999999999999999999999", set, 16), -ERANGE);
    for (unsigned i = 0; i < 16; i++)
        assert_true(set[i]);
}

/* A locale whose decimal point is a comma, if the machine has one. */
static void locale_plays_no_part(void **state)
{
    (void)state;
    static const char *const names[] = {"de_DE.UTF-8", "fr_FR.UTF-8", "de_DE", "fr_FR"};
    bool found = false;
    for (size_t i = 0; i < ECO_COUNT(names) && !found; i++)
        found = setlocale(LC_ALL, names[i]) != NULL;
    if (!found)
        return; /* cmocka writes a skipped test as a failed one in TAP */
    check_double("1.5", 0, 1.5);
    check_double("1,5", -EINVAL, 0);
    (void)setlocale(LC_ALL, "C");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(u64),
        cmocka_unit_test(hex),
        cmocka_unit_test(i64),
        cmocka_unit_test(doubles),
        cmocka_unit_test(durations),
        cmocka_unit_test(powers),
        cmocka_unit_test(percents),
        cmocka_unit_test(bools),
        cmocka_unit_test(scanning),
        cmocka_unit_test(cpulists),
        cmocka_unit_test(locale_plays_no_part),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
