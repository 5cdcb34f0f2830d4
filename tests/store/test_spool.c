/* SPDX-License-Identifier: MIT */
/* The record of a run: when its file appears, its modes, its limit, what a full disk leaves, no memory. */
#include "record.h"
#include "store/runs.h"
#include "store/spool.h"
#include "support/alloc.h"
#include "support/tree.h"

#include <math.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char word_a[] = "sleep", word_b[] = "a\"b\n";
static char *const command[] = {word_a, word_b, NULL};

struct fixture {
    struct eco_temp temp;
    struct eco_sink_begin begin;
    struct eco_spool *spool;
    char state_dir[ECO_PATH_MAX];
};

static void open_spool(struct fixture *f, uint64_t limit_bytes)
{
    const struct eco_spool_options options = {.state_dir = f->state_dir,
                                              .hostname = "node/1 .x",
                                              .limit_bytes = limit_bytes,
                                              .run_id = "0123456789abcdef0123456789abcdef"};
    assert_int_equal(eco_spool_open(&options, &f->spool), 0);
    assert_int_equal(eco_spool_begin(f->spool, &f->begin), 0);
}

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    assert_non_null(f);
    eco_temp_init(&f->temp);
    (void)eco_temp_path(&f->temp, "deep/state", f->state_dir);
    f->begin = record_begin(command);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    f->spool = eco_spool_free(f->spool);
    eco_temp_finish(&f->temp);
    free(f);
    return 0;
}

static off_t size_of(const struct fixture *f)
{
    struct stat st;
    return stat(eco_spool_path(f->spool), &st) == 0 ? st.st_size : -1;
}

static unsigned mode_of(const char *path)
{
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    return st.st_mode & 07777;
}

static void test_nothing_before_a_second(void **state)
{
    struct fixture *f = *state;
    open_spool(f, 0);
    struct eco_frame frame = record_frame(1, 400000000);
    assert_int_equal(eco_spool_frame(f->spool, &frame), 0);
    frame = record_frame(2, 400000000);
    assert_int_equal(eco_spool_frame(f->spool, &frame), 0);
    assert_int_equal(size_of(f), -1);
    assert_int_equal(access(f->state_dir, F_OK), -1);
    frame = record_frame(3, 400000000);
    assert_int_equal(eco_spool_frame(f->spool, &frame), 0);
    assert_true(size_of(f) > 0);
    assert_int_equal(mode_of(eco_spool_path(f->spool)), 0600);
    char runs[ECO_PATH_MAX + 8];
    (void)snprintf(runs, sizeof runs, "%s/runs", f->state_dir);
    assert_int_equal(mode_of(runs), 0700);
    assert_non_null(
        strstr(eco_spool_path(f->spool), "/runs/node_1_.x-0123456789abcdef0123456789abcdef.jsonl"));
}

static void test_a_short_run_is_one_write_at_its_end(void **state)
{
    struct fixture *f = *state;
    open_spool(f, 0);
    struct eco_frame frame = record_frame(1, 5000000);
    frame.last = true;
    assert_int_equal(eco_spool_frame(f->spool, &frame), 0);
    assert_int_equal(size_of(f), -1);
    const struct eco_report report = {
        .run_id = "0123456789abcdef0123456789abcdef", .command = command, .slots = 2};
    assert_int_equal(eco_spool_report(f->spool, &report), 0);
    assert_true(size_of(f) > 0);
}

struct seen {
    unsigned count;
    struct eco_record last;
};

static int see(void *context, const struct eco_record *record)
{
    struct seen *seen = context;
    seen->count++;
    seen->last = *record;
    return 0;
}

static void test_a_run_in_progress_is_listed(void **state)
{
    struct fixture *f = *state;
    struct seen seen = {0};
    assert_int_equal(eco_runs_list(f->state_dir, true, see, &seen), 0);
    assert_int_equal(seen.count, 0);
    open_spool(f, 0);
    for (uint64_t i = 1; i <= 3; i++) {
        struct eco_frame frame = record_frame(i, 1000000000);
        assert_int_equal(eco_spool_frame(f->spool, &frame), 0);
    }
    eco_temp_write(&f->temp, "deep/state/runs/other.jsonl", "not json\n");
    eco_temp_write(&f->temp, "deep/state/runs/empty.jsonl", "");
    eco_temp_fifo(&f->temp, "deep/state/runs/fifo.jsonl");
    assert_int_equal(eco_runs_list(f->state_dir, true, see, &seen), 0);
    assert_int_equal(seen.count, 1);
    assert_true(seen.last.is_alive && !seen.last.has_ended);
    assert_int_equal(seen.last.pid, 4242);
    assert_string_equal(seen.last.command, "sleep a\"b ");
    assert_true(fabs(seen.last.job_j - 12) < 1e-6 && fabs(seen.last.machine_j - 30) < 1e-6);
    assert_true(fabs(seen.last.duration_s - 3) < 1e-6);
    assert_false(seen.last.is_estimated);
    f->spool = eco_spool_free(f->spool);
    assert_int_equal(eco_runs_list(f->state_dir, true, see, &seen), 0);
    assert_int_equal(seen.count, 1);
    assert_int_equal(eco_runs_list(f->state_dir, false, see, &seen), 0);
    assert_int_equal(seen.count, 2);
    assert_false(seen.last.is_alive);
}

static void test_beyond_the_limit_little_is_kept(void **state)
{
    struct fixture *f = *state;
    open_spool(f, 4000);
    for (uint64_t i = 1; i <= 100; i++) {
        struct eco_frame frame = record_frame(i, 1000000000);
        assert_int_equal(eco_spool_frame(f->spool, &frame), 0);
    }
    /* after the limit one in 60 s: here one line of less than 1000 bytes */
    off_t before = size_of(f);
    assert_true(before > 1000 && before <= 5000);
    const struct eco_report report = {
        .run_id = "0123456789abcdef0123456789abcdef", .command = command, .slots = 2};
    assert_int_equal(eco_spool_report(f->spool, &report), 0);
    struct seen seen = {0};
    assert_true(size_of(f) > before);
    assert_int_equal(eco_runs_list(f->state_dir, false, see, &seen), 0);
    assert_true(seen.count == 1 && seen.last.has_ended);
}

/* RLIMIT_FSIZE cuts a write short as a full disk does. */
static void test_a_full_disk_leaves_whole_lines(void **state)
{
    struct fixture *f = *state;
    struct rlimit found;
    open_spool(f, 0);
    struct eco_frame frame = record_frame(1, 1000000000);
    assert_int_equal(eco_spool_frame(f->spool, &frame), 0);
    off_t whole = size_of(f);
    assert_true(whole > 0);
    (void)signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &found), 0);
    struct rlimit tight = {.rlim_cur = (rlim_t)whole + 10, .rlim_max = found.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &tight), 0);
    frame = record_frame(2, 1000000000);
    int r = eco_spool_frame(f->spool, &frame);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &found), 0);
    assert_int_equal(r, -EFBIG);
    assert_int_equal(size_of(f), whole);
    /* The first error ends the record. */
    frame = record_frame(3, 1000000000);
    assert_int_equal(eco_spool_frame(f->spool, &frame), -EFBIG);
    assert_int_equal(size_of(f), whole);
}

static void test_no_directory(void **state)
{
    struct fixture *f = *state;
    eco_temp_write(&f->temp, "deep", "a file where a directory should be");
    open_spool(f, 0);
    struct eco_frame frame = record_frame(1, 1000000000);
    assert_int_equal(eco_spool_frame(f->spool, &frame), -ENOTDIR);
    assert_int_equal(size_of(f), -1);
}

/* An existing file, or a link put there by somebody, is never written to. */
static void test_an_existing_file_stays(void **state)
{
    struct fixture *f = *state;
    open_spool(f, 0);
    eco_temp_link(&f->temp, "deep/state/runs/node_1_.x-0123456789abcdef0123456789abcdef.jsonl",
                  "../../../victim");
    struct eco_frame frame = record_frame(1, 1000000000);
    assert_int_equal(eco_spool_frame(f->spool, &frame), -EEXIST);
    char victim[ECO_PATH_MAX];
    assert_int_equal(access(eco_temp_path(&f->temp, "victim", victim), F_OK), -1);
}

static int attempt(void *context)
{
    struct fixture *f = context;
    const struct eco_spool_options options = {.state_dir = f->state_dir, .hostname = "h", .run_id = "r"};
    struct eco_spool *spool;
    int r = eco_spool_open(&options, &spool);
    if (r < 0)
        return r;
    struct eco_frame frame = record_frame(1, 1000000000);
    r = eco_spool_begin(spool, &f->begin);
    if (r == 0)
        r = eco_spool_frame(spool, &frame);
    (void)unlink(eco_spool_path(spool));
    (void)eco_spool_free(spool);
    return r;
}

static void test_no_memory(void **state)
{
    struct fixture *f = *state;
    assert_true(eco_alloc_fail_each(attempt, f) >= 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_nothing_before_a_second, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_short_run_is_one_write_at_its_end, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_run_in_progress_is_listed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_beyond_the_limit_little_is_kept, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_full_disk_leaves_whole_lines, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_no_directory, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_an_existing_file_stays, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_no_memory, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
