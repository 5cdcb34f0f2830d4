/* SPDX-License-Identifier: MIT */
#include "history/out_file.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char folder[] = "/tmp/eco-out-XXXXXX";
static char path[64], link_path[64];

static void read_back(const char *name, char *ret, size_t size)
{
    int fd = open(name, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd >= 0 ? read(fd, ret, size - 1) : 0;
    ret[n > 0 ? n : 0] = 0;
    if (fd >= 0)
        close(fd);
}

static void put(const char *name, const char *text, bool commits)
{
    struct eco_out_file out;
    struct eco_why why = {0};
    assert_int_equal(eco_out_open(name, &out, &why), 0);
    assert_true(fputs(text, out.file) >= 0);
    if (commits)
        assert_int_equal(eco_out_commit(&out, &why), 0);
    else
        eco_out_abandon(&out);
}

static void test_replaces_when_whole(void **state)
{
    (void)state;
    char text[32];
    put(path, "one", true);
    put(path, "half", false);
    read_back(path, text, sizeof text);
    assert_string_equal(text, "one");
    assert_int_equal(chmod(path, 0640), 0);
    put(path, "two", true);
    read_back(path, text, sizeof text);
    assert_string_equal(text, "two");
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0640);
}

static void test_a_link_stays_one(void **state)
{
    (void)state;
    char text[32];
    struct stat st;
    assert_int_equal(symlink(path, link_path), 0);
    put(link_path, "three", true);
    assert_int_equal(lstat(link_path, &st), 0);
    assert_true(S_ISLNK(st.st_mode));
    read_back(path, text, sizeof text);
    assert_string_equal(text, "three");
    assert_int_equal(unlink(link_path), 0);
    assert_int_equal(unlink(path), 0);
    /* nothing is left beside it */
    assert_int_equal(rmdir(folder), 0);
}

static void test_failures_say_why(void **state)
{
    (void)state;
    struct eco_out_file out;
    struct eco_why why = {0};
    assert_int_equal(eco_out_open("/tmp", &out, &why), -EISDIR);
    assert_non_null(strstr(why.text, "/tmp"));
    assert_int_equal(eco_out_open("/nowhere/at/all", &out, &why), -ENOENT);
    if (access("/dev/full", W_OK) != 0)
        return;
    assert_int_equal(eco_out_open("/dev/full", &out, &why), 0);
    assert_true(fputs("x", out.file) >= 0);
    assert_int_equal(eco_out_commit(&out, &why), -ENOSPC);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_replaces_when_whole),
        cmocka_unit_test(test_a_link_stays_one),
        cmocka_unit_test(test_failures_say_why),
    };
    if (!mkdtemp(folder))
        return 1;
    (void)snprintf(path, sizeof path, "%s/out", folder);
    (void)snprintf(link_path, sizeof link_path, "%s/link", folder);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
