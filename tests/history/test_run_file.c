/* SPDX-License-Identifier: MIT */
/* Records read again: whole, cut off at any byte, over several days, thinned, compressed, of a later version.
 */
#include "history/lines.h"
#include "history/run_file.h"
#include "history/run_parts.h"
#include "history/unpack.h"
#include "store/record.h"
#include "store/spool.h"
#include "support/tree.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define ID     "0123456789abcdef0123456789abcdef"
#define DAY_NS (86400ll * 1000000000ll)

static char word[] = "work";
static char *const command[] = {word, NULL};
static const struct eco_report_label label = {"kind", "test"};

struct fixture {
    struct eco_temp temp;
    char state_dir[ECO_PATH_MAX];
    char path[ECO_PATH_MAX]; /* of the first file */
    struct eco_sink_begin begin;
};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    assert_non_null(f);
    eco_temp_init(&f->temp);
    (void)eco_temp_path(&f->temp, "state", f->state_dir);
    (void)eco_temp_path(&f->temp, "state/runs/node-" ID ".jsonl", f->path);
    f->begin = record_begin(command);
    f->begin.labels = &label;
    f->begin.label_count = 1;
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    eco_temp_finish(&f->temp);
    free(f);
    return 0;
}

/* `count` intervals of a second, the first of them on day 100, `per_day` on each. */
static void record(struct fixture *f, unsigned count, unsigned per_day, uint64_t limit_bytes,
                   bool with_report)
{
    const struct eco_spool_options options = {
        .state_dir = f->state_dir, .hostname = "node", .run_id = ID, .limit_bytes = limit_bytes};
    struct eco_spool *spool;
    assert_int_equal(eco_spool_open(&options, &spool), 0);
    assert_int_equal(eco_spool_begin(spool, &f->begin), 0);
    for (unsigned i = 0; i < count; i++) {
        struct eco_frame frame = record_frame(i + 1, 1000000000);
        frame.t1_real_ns = DAY_NS * (100 + i / per_day);
        assert_int_equal(eco_spool_frame(spool, &frame), 0);
    }
    if (with_report) {
        const struct eco_report report = {.run_id = ID, .command = command, .slots = 2, .exit_code = 0};
        assert_int_equal(eco_spool_report(spool, &report), 0);
    }
    (void)eco_spool_free(spool);
}

static void assert_number(const struct eco_run_report *report, const char *path, double value)
{
    double found = eco_run_report_number(report, path);
    if (!(fabs(found - value) < 1e-6))
        fail_msg("%s is %g, not %g", path, found, value);
}

static void test_a_killed_run_is_what_it_wrote(void **state)
{
    struct fixture *f = *state;
    struct eco_run_report report;
    struct eco_why why = {.text = ""};
    record(f, 10, 1000, 0, false);
    assert_int_equal(eco_run_report_read(f->path, &report, &why), 0);
    assert_false(report.is_complete);
    assert_string_equal(report.run_id, ID);
    assert_number(&report, "duration_s", 10);
    assert_number(&report, "energy.job_j", 40);
    assert_number(&report, "energy.idle_j", 60);
    assert_number(&report, "energy.machine_j", 100);
    assert_number(&report, "energy.by_policy_j.full", 40);
    assert_string_equal(eco_run_report_text(&report, "energy.quality"), "measured");
    assert_string_equal(eco_run_report_text(&report, "labels.kind"), "test");
    assert_string_equal(eco_run_report_text(&report, "host.hostname"), "node/1");
    assert_true(isnan(eco_run_report_number(&report, "exit.code")));
    json_t *domains = json_object_get(report.root, "domains");
    assert_int_equal(json_array_size(domains), 1);
    assert_true(fabs(json_number_value(json_object_get(json_array_get(domains, 0), "job_j")) - 40) < 1e-9);
    assert_string_equal(json_string_value(json_object_get(json_array_get(domains, 0), "kind")), "cpu");
    eco_run_report_finish(&report);
    /* a list needs less, and says the same */
    assert_int_equal(eco_run_report_read_totals(f->path, &report, &why), 0);
    assert_number(&report, "energy.job_j", 40);
    assert_string_equal(eco_run_report_text(&report, "energy.quality"), "measured");
    eco_run_report_finish(&report);
}

/* Wherever the writer was ended: all but the last interval is there, or nothing where not even one line is.
 */
static void test_cut_off_at_any_byte(void **state)
{
    struct fixture *f = *state;
    static char text[65536];
    struct eco_why why = {.text = ""};
    record(f, 4, 1000, 0, true);
    int fd = open(f->path, O_RDONLY);
    ssize_t length = read(fd, text, sizeof text);
    assert_true(length > 1000 && length < (ssize_t)sizeof text);
    (void)close(fd);
    for (ssize_t n = length; n >= 0; n--) {
        struct eco_run_report report;
        unsigned lines = 0;
        for (ssize_t i = 0; i < n; i++)
            lines += text[i] == '\n';
        assert_int_equal(truncate(f->path, n), 0);
        int r = eco_run_report_read(f->path, &report, &why);
        assert_int_equal(r, lines == 0 ? -EBADMSG : 0);
        if (r < 0)
            continue;
        assert_int_equal(report.is_complete, lines == 6);
        if (lines >= 2 && lines < 6)
            assert_number(&report, "energy.job_j", 4.0 * (lines - 1));
        eco_run_report_finish(&report);
    }
}

static void test_each_day_has_its_file(void **state)
{
    struct fixture *f = *state;
    struct eco_run_parts parts;
    struct eco_run_report report;
    record(f, 25, 10, 0, false);
    assert_int_equal(eco_run_parts_of(f->path, &parts), 0);
    assert_int_equal(parts.count, 3);
    assert_string_equal(parts.paths[0], f->path);
    assert_non_null(strstr(parts.paths[1], "node-" ID ".1970-04-12.jsonl"));
    assert_non_null(strstr(parts.paths[2], "node-" ID ".1970-04-13.jsonl"));
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(eco_run_report_read(parts.paths[i], &report, NULL), 0);
        assert_number(&report, "energy.job_j", 100);
        assert_number(&report, "duration_s", 25);
        json_t *domain = json_array_get(json_object_get(report.root, "domains"), 0);
        assert_true(fabs(json_number_value(json_object_get(domain, "machine_j")) - 250) < 1e-9);
        eco_run_report_finish(&report);
    }
    eco_run_parts_finish(&parts);
}

static void test_the_report_of_days_is_in_the_last(void **state)
{
    struct fixture *f = *state;
    struct eco_run_report report;
    record(f, 25, 10, 0, true);
    assert_int_equal(eco_run_report_read(f->path, &report, NULL), 0);
    assert_true(report.is_complete);
    eco_run_report_finish(&report);
}

/* Beyond the limit few lines are kept, and no energy is lost. */
static void test_a_thinned_record_adds_up(void **state)
{
    struct fixture *f = *state;
    struct eco_run_report report;
    struct stat st;
    record(f, 1000, 10000, 20000, false);
    assert_int_equal(stat(f->path, &st), 0);
    assert_true(st.st_size > 20000 && st.st_size < 40000);
    assert_int_equal(eco_run_report_read(f->path, &report, NULL), 0);
    double duration_s = eco_run_report_number(&report, "duration_s");
    assert_true(duration_s > 1000 - 61);
    assert_number(&report, "energy.job_j", 4 * duration_s);
    assert_number(&report, "energy.machine_j", 10 * duration_s);
    double rows_j = 0;
    size_t index;
    json_t *row;
    json_array_foreach(json_object_get(report.root, "processes"), index, row) rows_j +=
        json_number_value(json_object_get(row, "energy_j"));
    assert_true(fabs(rows_j - 4 * duration_s) < 1e-6);
    eco_run_report_finish(&report);
}

static void test_compressed(void **state)
{
    struct fixture *f = *state;
    struct eco_run_report report;
    char packed[ECO_PATH_MAX + 8];
    record(f, 10, 1000, 0, false);
    (void)snprintf(packed, sizeof packed, "%s.zst", f->path);
    int from = open(f->path, O_RDONLY), to = open(packed, O_WRONLY | O_CREAT, 0600);
    int r = eco_pack_file(from, to);
    (void)close(from);
    (void)close(to);
    if (r == -ENOTSUP)
        skip();
    assert_int_equal(r, 0);
    assert_int_equal(unlink(f->path), 0);
    assert_int_equal(eco_run_report_read(packed, &report, NULL), 0);
    assert_number(&report, "energy.job_j", 40);
    eco_run_report_finish(&report);
    /* cut off in the middle: what can be unpacked counts */
    struct stat st;
    assert_int_equal(stat(packed, &st), 0);
    for (off_t n = st.st_size; n >= 0; n -= 7) {
        assert_int_equal(truncate(packed, n), 0);
        r = eco_run_report_read(packed, &report, NULL);
        assert_true(r == 0 || r == -EBADMSG);
        if (r == 0)
            eco_run_report_finish(&report);
    }
}

static void test_what_is_not_ours(void **state)
{
    struct fixture *f = *state;
    struct eco_run_report report = {.run_id = "x"};
    struct eco_why why = {.text = ""};
    static const char *const texts[] = {"",      "\n",       "{}", "null\n", "{\"schema\":\"x/1\"}\n",
                                        "[1,2]", "a\nb\nc\n"};
    char path[ECO_PATH_MAX];
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        eco_temp_write(&f->temp, "file.json", texts[i]);
        assert_int_equal(eco_run_report_read(eco_temp_path(&f->temp, "file.json", path), &report, &why),
                         -EBADMSG);
        assert_non_null(strstr(why.text, "file.json: not a report or record of ecocode"));
    }
    eco_temp_write(&f->temp, "file.json", "{\"schema\":\"ecocode.run/2\",\"run_id\":\"x\"}\n");
    assert_int_equal(eco_run_report_read(path, &report, &why), -ENOTSUP);
    assert_non_null(strstr(why.text, "later version"));
    eco_temp_write(&f->temp, "file.json",
                   "{\"schema\":\"ecocode.frame/7\",\"type\":\"begin\",\"run_id\":\"x\"}\n");
    assert_int_equal(eco_run_report_read(path, &report, &why), -ENOTSUP);
    assert_int_equal(eco_run_report_read(f->state_dir, &report, &why), -ENOENT);
    assert_string_equal(report.run_id, "x");
    /* over several lines, as an editor leaves it */
    eco_temp_write(&f->temp, "file.json", "{\n \"schema\": \"ecocode.run/1\",\n \"run_id\": \"abc\"\n}\n");
    assert_int_equal(eco_run_report_read(path, &report, &why), 0);
    assert_string_equal(report.run_id, "abc");
    eco_run_report_finish(&report);
}

static void test_names(void **state)
{
    (void)state;
    struct eco_run_part_name part;
    assert_true(eco_run_part_parse("h-1.jsonl", &part) && part.stem_length == 3 && !*part.day &&
                !part.is_packed);
    assert_true(eco_run_part_parse("h-1.2026-11-23.jsonl.zst", &part) && part.stem_length == 3 &&
                part.is_packed);
    assert_string_equal(part.day, "2026-11-23");
    assert_true(eco_run_part_parse("h.x-1.jsonl", &part) && part.stem_length == 5);
    assert_false(eco_run_part_parse("h-1.json", &part));
    assert_false(eco_run_part_parse(".h-1.jsonl", &part));
    assert_false(eco_run_part_parse(".jsonl", &part));
    assert_false(eco_run_part_parse("h-1.costs.jsonl", &part));
    assert_true(eco_run_part_compare("h.jsonl", "h.2026-11-23.jsonl") < 0);
    assert_true(eco_run_part_compare("h.2026-11-23.jsonl", "h.2026-11-24.jsonl.zst") < 0);
    assert_true(eco_run_part_compare("h.2026-11-23.jsonl", "h.2026-11-23.jsonl.zst") < 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_killed_run_is_what_it_wrote, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_cut_off_at_any_byte, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_each_day_has_its_file, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_the_report_of_days_is_in_the_last, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_thinned_record_adds_up, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_compressed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_what_is_not_ours, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_names, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
