/* SPDX-License-Identifier: MIT */
#include "support/test.h"

#include "intensity/cache.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define NOW 1763751600

static char folder[] = "/tmp/eco-cache-XXXXXX";
static char file[sizeof folder + 64];

static int make_folder(void **state)
{
    (void)state;
    if (!mkdtemp(folder))
        return -1;
    (void)snprintf(file, sizeof file, "%s/intensity-electricitymaps-___etc_FR.txt", folder);
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    (void)unlink(file);
    return rmdir(folder);
}

static int read_back(int64_t now, struct eco_live_news *ret)
{
    return eco_cache_read(folder, &eco_live_sources[0], "../etc/FR", now, ret);
}

static void write_text(const char *text)
{
    int fd = open(file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    assert_int_equal(close(fd), 0);
}

/* The zone is what somebody typed: it stays in the folder. */
static void what_is_kept_has_an_age(void **state)
{
    struct eco_live_news news = {.size = sizeof news,
                                 .g_per_kwh = 58.77,
                                 .at_real_s = 5,
                                 .is_estimated = 1,
                                 .scope = "direct"},
                         back;
    struct stat st;
    (void)state;
    assert_int_equal(read_back(NOW, &back), -ENOENT);
    eco_cache_write(folder, &eco_live_sources[0], "../etc/FR", NOW, &news);
    assert_int_equal(stat(file, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(read_back(NOW + 77, &back), 0);
    assert_int_equal(back.age_s, 77);
    eco_assert_near(back.g_per_kwh, 58.77, 1e-9);
    assert_int_equal(back.at_real_s, 5);
    assert_int_equal(back.is_estimated, 1);
    assert_string_equal(back.scope, "direct");
}

static void what_is_not_ours_is_refused(void **state)
{
    static const char *const bad[] = {"",
                                      "x",
                                      "ecocode intensity 1\n",
                                      "ecocode intensity 2\nfetched 1 at 1 g 1 estimated 0\n",
                                      "ecocode intensity 1\nfetched 1763751600\nat 0\ng -3\nestimated 0\n",
                                      "ecocode intensity 1\nfetched 1763751600\nat 0\ng nan\nestimated 0\n",
                                      "ecocode intensity 1\nfetched 1763751600\nat 0\ng 99999\nestimated 0\n",
                                      "ecocode intensity 1\nfetched 1893456000\nat 0\ng 50\nestimated 0\n"};
    struct eco_live_news back;
    (void)state;
    for (size_t i = 0; i < ECO_COUNT(bad); i++) {
        write_text(bad[i]);
        assert_int_equal(read_back(NOW, &back), -EBADMSG);
    }
    write_text("ecocode intensity 1\nfetched 1763751600\nat 0\ng 50\nestimated 0\nscope other\n");
    assert_int_equal(read_back(NOW, &back), 0);
    assert_string_equal(back.scope, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_kept_has_an_age),
        cmocka_unit_test(what_is_not_ours_is_refused),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
