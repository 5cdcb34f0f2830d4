/* SPDX-License-Identifier: MIT */
#include "priv/limit.h"
#include "support/test.h"
#include "support/tree.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MS         1000000ull
#define START      (1000 * 1000 * MS)
#define BOOT       "0f6f2c8a-0000-4000-8000-000000000001"
#define OTHER_BOOT "0f6f2c8a-0000-4000-8000-000000000002"

static struct eco_temp temp;
static struct eco_limit limit;

static void make_file(void)
{
    static const struct eco_limit_state nothing;
    char path[512];
    (void)snprintf(path, sizeof path, "%s/" ECO_LIMIT_NAME, temp.path);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(fd >= 0 && fchmod(fd, 0600) == 0);
    assert_int_equal(write(fd, &nothing, sizeof nothing), sizeof nothing);
    assert_int_equal(close(fd), 0);
}

static int set_up(void **state)
{
    (void)state;
    if (geteuid() != 0)
        return 0;
    eco_temp_init(&temp);
    assert_int_equal(chmod(temp.path, 0755), 0);
    make_file();
    assert_int_equal(eco_limit_open(&limit, temp.path, BOOT, NULL), 0);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    if (geteuid() != 0)
        return 0;
    eco_limit_close(&limit);
    eco_temp_finish(&temp);
    return 0;
}

static void need_root(void)
{
    if (geteuid() != 0)
        skip(); /* the file has to be root's */
}

static struct eco_counter_sample sample_at(uint64_t ns, uint64_t value)
{
    struct eco_counter_sample sample = {.begin_ns = ns, .end_ns = ns + 1000, .count = 1};
    (void)snprintf(sample.values[0].zone, sizeof sample.values[0].zone, "intel-rapl:0");
    sample.values[0].value_uj = value;
    return sample;
}

static bool claim(uint64_t ns, bool is_edge)
{
    uint64_t own = 0;
    bool may = eco_limit_claim(&limit, ns, is_edge, &own);
    assert_true(!may || own == ns);
    return may;
}

static void once_in_a_period(void **state)
{
    (void)state;
    need_root();
    unsigned granted = 0;
    for (uint64_t t = 0; t < 10000; t++)
        granted += claim(START + t * MS, false);
    assert_int_equal(granted, 100);
    assert_int_equal(eco_limit_next_ns(&limit), START + 10000 * MS);
}

static void two_instances_share(void **state)
{
    (void)state;
    need_root();
    struct eco_limit other;
    uint64_t own;
    assert_int_equal(eco_limit_open(&other, temp.path, BOOT, NULL), 0);
    assert_true(claim(START, false));
    assert_false(eco_limit_claim(&other, START + 99 * MS, false, &own));
    assert_true(eco_limit_claim(&other, START + 100 * MS, false, &own));
    assert_false(claim(START + 150 * MS, false));
    const struct eco_counter_sample sample = sample_at(START + 100 * MS, 77);
    assert_true(eco_limit_publish(&other, START + 100 * MS, &sample));
    struct eco_counter_sample got;
    assert_int_equal(eco_limit_newest(&limit, START + 150 * MS, &got), 0);
    assert_memory_equal(&got, &sample, sizeof got);
    eco_limit_close(&other);
}

static void one_more_for_an_end(void **state)
{
    (void)state;
    need_root();
    assert_true(claim(START, true));
    assert_false(claim(START + 19 * MS, true));
    assert_false(claim(START + 30 * MS, false));
    assert_true(claim(START + 30 * MS, true));
    assert_false(claim(START + 60 * MS, true)); /* the extra one is used up */
    assert_false(claim(START + 129 * MS, true));
    assert_true(claim(START + 130 * MS, true)); /* an ordinary one */
    assert_true(claim(START + 10004 * MS, false));
    assert_false(claim(START + 10029 * MS, true)); /* the next extra one is due 10 s after the last */
    assert_true(claim(START + 10200 * MS, false));
    assert_true(claim(START + 10230 * MS, true));
}

/* Claims cannot be saved up and used together later. */
static void stopped_between_claim_and_read(void **state)
{
    (void)state;
    need_root();
    assert_true(claim(START, false));
    const struct eco_counter_sample late = sample_at(START + 50 * MS, 5);
    assert_false(eco_limit_publish(&limit, START, &late));
    const struct eco_counter_sample before = sample_at(START - 50 * MS, 5);
    assert_false(eco_limit_publish(&limit, START, &before));
    struct eco_counter_sample got;
    assert_int_equal(eco_limit_newest(&limit, START + 60 * MS, &got), -EAGAIN);
}

static void the_newest_that_is_whole(void **state)
{
    (void)state;
    need_root();
    struct eco_counter_sample got, samples[6];
    for (unsigned i = 0; i < 6; i++) {
        assert_true(claim(START + i * 100 * MS, false));
        samples[i] = sample_at(START + i * 100 * MS, 100 + i);
        assert_true(eco_limit_publish(&limit, START + i * 100 * MS, &samples[i]));
    }
    assert_int_equal(eco_limit_newest(&limit, START + 900 * MS, &got), 0);
    assert_int_equal(got.values[0].value_uj, 105);
    limit.state->slots[1].sample.values[0].value_uj ^= 1; /* the newest one, half written */
    assert_int_equal(eco_limit_newest(&limit, START + 900 * MS, &got), 0);
    assert_int_equal(got.values[0].value_uj, 104);
    assert_int_equal(eco_limit_newest(&limit, START + 300 * MS, &got), 0); /* nothing from the future */
    assert_int_equal(got.values[0].value_uj, 102);
}

static void a_new_boot_begins_anew(void **state)
{
    (void)state;
    need_root();
    struct eco_counter_sample got, sample = sample_at(START, 9);
    assert_true(claim(START, false));
    assert_true(eco_limit_publish(&limit, START, &sample));
    eco_limit_close(&limit);
    assert_int_equal(eco_limit_open(&limit, temp.path, OTHER_BOOT, NULL), 0);
    assert_int_equal(eco_limit_newest(&limit, START + 10 * MS, &got), -EAGAIN);
    assert_true(claim(START + 10 * MS, false));
    assert_int_equal(eco_limit_newest(&limit, START + 10 * MS, &got), -EAGAIN);
}

static void a_claim_from_the_future_is_damage(void **state)
{
    (void)state;
    need_root();
    assert_true(claim(START, false));
    atomic_store(&limit.state->claimed_ns, UINT64_MAX);
    assert_true(claim(START + 1 * MS, false));
    assert_false(claim(START + 2 * MS, false));
}

static int try_open(void)
{
    struct eco_limit other = {0};
    struct eco_why why = {0};
    int r = eco_limit_open(&other, temp.path, BOOT, &why);
    assert_true(r == 0 || (*why.text && *why.fix));
    eco_limit_close(&other);
    return r;
}

static void only_its_own_file(void **state)
{
    (void)state;
    need_root();
    char path[512], twin[512];
    (void)snprintf(path, sizeof path, "%s/" ECO_LIMIT_NAME, temp.path);
    (void)snprintf(twin, sizeof twin, "%s/twin", temp.path);
    assert_int_equal(try_open(), 0);
    assert_int_equal(chmod(path, 0640), 0);
    assert_int_equal(try_open(), -EPERM);
    assert_int_equal(chmod(path, 0600), 0);
    assert_int_equal(link(path, twin), 0);
    assert_int_equal(try_open(), -EPERM);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(symlink(twin, path), 0);
    assert_int_equal(try_open(), -ELOOP);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rename(twin, path), 0);
    assert_int_equal(chown(path, 65534, 0), 0);
    assert_int_equal(try_open(), -EPERM);
    assert_int_equal(chown(path, 0, 0), 0);
    assert_int_equal(chmod(temp.path, 0775), 0);
    assert_int_equal(try_open(), -EPERM);
    assert_int_equal(chmod(temp.path, 0755), 0);
    assert_int_equal(try_open(), 0);
    assert_int_equal(truncate(path, 4096), 0);
    assert_int_equal(try_open(), -EPERM);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(once_in_a_period, set_up, tear_down),
        cmocka_unit_test_setup_teardown(two_instances_share, set_up, tear_down),
        cmocka_unit_test_setup_teardown(one_more_for_an_end, set_up, tear_down),
        cmocka_unit_test_setup_teardown(stopped_between_claim_and_read, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_newest_that_is_whole, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_new_boot_begins_anew, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_claim_from_the_future_is_damage, set_up, tear_down),
        cmocka_unit_test_setup_teardown(only_its_own_file, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
