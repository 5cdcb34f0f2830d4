/* SPDX-License-Identifier: MIT */
#include "procs/parse.h"

#include "support/test.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define TAIL                                                                                              \
    " -1 4194304 96 0 0 0 12 3 7 5 20 0 4 0 90241 1234 300 18446744073709551615 1 1 0 0 0 0 0 0 0 0 0 0 " \
    "17 "                                                                                                 \
    "6 0 0 0 0 0 0 0 0 140733 9 9 9 0"

static int parse_stat(const char *text, struct eco_stat_line *ret)
{
    return eco_stat_parse(text, strlen(text), ret);
}

static void test_stat_good(void **state)
{
    (void)state;
    struct eco_stat_line line;
    assert_int_equal(parse_stat("4022 (python3) R 4000 4021 4022 0" TAIL "\n", &line), 0);
    assert_int_equal(line.pid, 4022);
    assert_int_equal(line.ppid, 4000);
    assert_string_equal(line.name, "python3");
    assert_int_equal(line.state, 'R');
    assert_int_equal(line.user_ticks, 12);
    assert_int_equal(line.system_ticks, 3);
    assert_int_equal(line.children_user_ticks, 7);
    assert_int_equal(line.children_system_ticks, 5);
    assert_int_equal(line.threads, 4);
    assert_int_equal(line.start_ticks, 90241);
    assert_int_equal(line.rss_pages, 300);
    assert_int_equal(line.last_cpu, 6);
    assert_int_equal(line.arg_start, 140733);
    assert_false(line.is_kernel);
}

static void test_stat_names(void **state)
{
    (void)state;
    static const char *const names[] = {
        "", " ", "(", ")", "a) R 1 (b", ")))", "two\nlines", "\x1b[2J\xff\xfe", "a b) S 1 2"};
    for (size_t i = 0; i < ECO_COUNT(names); i++) {
        struct eco_stat_line line;
        char text[512];
        (void)snprintf(text, sizeof(text), "7 (%s) S 1 4021 4022 0%s", names[i], TAIL);
        assert_int_equal(parse_stat(text, &line), 0);
        assert_string_equal(line.name, names[i]);
        assert_int_equal(line.ppid, 1);
        assert_int_equal(line.state, 'S');
    }
}

static void test_stat_long_name_is_cut(void **state)
{
    (void)state;
    struct eco_stat_line line;
    char text[1024], name[200];
    memset(name, 'x', sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';
    (void)snprintf(text, sizeof(text), "7 (%s) S 1 4021 4022 0%s", name, TAIL);
    assert_int_equal(parse_stat(text, &line), 0);
    assert_int_equal(strlen(line.name), ECO_PROC_NAME_MAX - 1);
}

static void test_stat_bad(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "\n",
        "7",
        "7 (a",
        "7 a)",
        "(a) S 1",
        "7 (a)",
        "7 (a) ",
        "7 (a) S",
        "7 (a) S ",
        "7 (a) S 1 2 3",
        "0 (a) S 1 4021 4022 0" TAIL,
        "x (a) S 1 4021 4022 0" TAIL,
        "7 (a) S 1 4021 zwei 0" TAIL,
        "7 (a) SS 1 4021 4022 0" TAIL,
        "99999999999 (a) S 1 4021 4022 0" TAIL,
        "7x (a) S 1 4021 4022 0" TAIL,
        "7 )a( S 1 4021 4022 0" TAIL,
        "-7 (a) S 1 2 3 0" TAIL,
    };
    for (size_t i = 0; i < ECO_COUNT(bad); i++) {
        struct eco_stat_line line, before;
        memset(&line, 0x5a, sizeof(line));
        before = line;
        assert_true(parse_stat(bad[i], &line) < 0);
        assert_memory_equal(&line, &before, sizeof(line));
    }
}

/* Cut anywhere it is an error or a whole line, and reads nothing behind the cut. */
static void test_stat_truncated(void **state)
{
    (void)state;
    static const char whole[] = "7 (a) S 1 4021 4022 0" TAIL;
    for (size_t n = 0; n < sizeof(whole); n++) {
        char text[sizeof(whole)];
        struct eco_stat_line line = {.last_cpu = 99};
        memcpy(text, whole, n);
        text[n < sizeof(whole) - 1 ? n : n - 1] = '\0';
        int rc = eco_stat_parse(text, strlen(text), &line);
        assert_true(rc == 0 || rc == -EBADMSG);
        if (rc == 0)
            assert_true(line.last_cpu == -1 || (line.last_cpu >= 0 && line.last_cpu <= 6));
    }
}

static void test_stat_huge(void **state)
{
    (void)state;
    struct eco_stat_line line = {0};
    assert_int_equal(
        parse_stat("7 (a) S 1 4021 4022 0 0 -1 99999999999999999999999 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1",
                   &line),
        -ERANGE);
    assert_int_equal(parse_stat("7 (a) S 4294967297 4021 4022 0" TAIL, &line), -ERANGE);
}

static void test_status(void **state)
{
    (void)state;
    struct eco_status_file file;
    static const char good[] =
        "Name:\tUid: 7\nUid:\t1000\t1001\t1001\t1001\nVmHWM:\t    1024 kB\nVmRSS:\t     512 kB\n";
    assert_int_equal(eco_status_parse(good, strlen(good), &file), 0);
    assert_int_equal(file.uid, 1001);
    assert_int_equal(file.max_rss_bytes, 1024 * 1024);
    assert_int_equal(file.rss_bytes, 512 * 1024);
    static const char kernel[] = "Uid:\t0\t0\t0\t0";
    assert_int_equal(eco_status_parse(kernel, strlen(kernel), &file), 0);
    assert_int_equal(file.max_rss_bytes, 0);
    static const char *const bad[] = {
        "", "Uid:", "Uid:\t1", "Uid:\t1\nUid:x", "Name:\tx\n", "Uid:\t1\t99999999999\t1\t1\n"};
    for (size_t i = 0; i < ECO_COUNT(bad); i++)
        assert_int_equal(eco_status_parse(bad[i], strlen(bad[i]), &file), -EBADMSG);
}

static void test_cgroup(void **state)
{
    (void)state;
    char path[64];
    static const char text[] =
        "12:cpu,cpuacct:/docker/1f:2\n1:name=systemd:/init.scope\n0::/user.slice/a b (deleted)\n";
    assert_int_equal(eco_cgroup_parse(text, strlen(text), "", path, sizeof(path)), 15);
    assert_string_equal(path, "/user.slice/a b");
    assert_true(eco_cgroup_parse(text, strlen(text), "cpuacct", path, sizeof(path)) > 0);
    assert_string_equal(path, "/docker/1f:2");
    assert_true(eco_cgroup_parse(text, strlen(text), "name=systemd", path, sizeof(path)) > 0);
    assert_int_equal(eco_cgroup_parse(text, strlen(text), "memory", path, sizeof(path)), -ENOENT);
    assert_int_equal(eco_cgroup_parse(text, strlen(text), "acct", path, sizeof(path)), -ENOENT);
    assert_int_equal(eco_cgroup_parse(text, strlen(text), "", path, 5), -E2BIG);
    assert_string_equal(path, "/init.scope");
    assert_int_equal(eco_cgroup_parse("", 0, "", path, sizeof(path)), -ENOENT);
    assert_int_equal(eco_cgroup_parse("0::x", 4, "", path, sizeof(path)), -EBADMSG);
    assert_int_equal(eco_cgroup_parse("0::", 3, "", path, sizeof(path)), -EBADMSG);
    assert_int_equal(eco_cgroup_parse("0:", 2, "", path, sizeof(path)), -EBADMSG);
}

static void test_cgroup_cpu(void **state)
{
    (void)state;
    struct eco_cgroup_cpu cpu;
    static const char good[] =
        "usage_usec 300\nuser_usec 200\nsystem_usec 100\nnr_periods 0\nuser_usec_more 7\n";
    assert_int_equal(eco_cgroup_cpu_parse(good, strlen(good), &cpu), 0);
    assert_int_equal(cpu.usage_us, 300);
    assert_int_equal(cpu.user_us, 200);
    assert_int_equal(cpu.system_us, 100);
    static const char *const bad[] = {"",
                                      "usage_usec 1\n",
                                      "usage_usec x\nuser_usec 1\nsystem_usec 1\n",
                                      "usage_usec 1\nusage_usec 1\nuser_usec 1\nsystem_usec 1\n",
                                      "usage_usec 1\nuser_usec 1\nsystem_usec",
                                      "usage_usec 1\nuser_usec 1\nsystem_usec ",
                                      "usage_usec 99999999999999999999\nuser_usec 1\nsystem_usec 1"};
    for (size_t i = 0; i < ECO_COUNT(bad); i++)
        assert_int_equal(eco_cgroup_cpu_parse(bad[i], strlen(bad[i]), &cpu), -EBADMSG);
    assert_int_equal(cpu.usage_us, 300);
}

static void test_cmdline_and_pid(void **state)
{
    (void)state;
    char text[8];
    assert_int_equal(eco_cmdline_parse("a\0b\0\0", 5, text, sizeof(text)), 3);
    assert_string_equal(text, "a b");
    assert_int_equal(eco_cmdline_parse("0123456789", 10, text, sizeof(text)), 7);
    assert_string_equal(text, "0123456");
    assert_int_equal(eco_cmdline_parse("\0\0", 2, text, sizeof(text)), 0);
    assert_int_equal(eco_cmdline_parse("", 0, text, sizeof(text)), 0);
    assert_int_equal(eco_pid_parse("1"), 1);
    assert_int_equal(eco_pid_parse("2147483647"), INT32_MAX);
    assert_int_equal(eco_pid_parse("2147483648"), 0);
    assert_int_equal(eco_pid_parse("99999999999999999999999"), 0);
    assert_int_equal(eco_pid_parse("0"), 0);
    assert_int_equal(eco_pid_parse(""), 0);
    assert_int_equal(eco_pid_parse("1a"), 0);
    assert_int_equal(eco_pid_parse("self"), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_stat_good),
        cmocka_unit_test(test_stat_names),
        cmocka_unit_test(test_stat_long_name_is_cut),
        cmocka_unit_test(test_stat_bad),
        cmocka_unit_test(test_stat_truncated),
        cmocka_unit_test(test_stat_huge),
        cmocka_unit_test(test_status),
        cmocka_unit_test(test_cgroup),
        cmocka_unit_test(test_cgroup_cpu),
        cmocka_unit_test(test_cmdline_and_pid),
    };
    return cmocka_run_group_tests_name("procs parsers", tests, NULL, NULL);
}
