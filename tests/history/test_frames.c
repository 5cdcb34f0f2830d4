/* SPDX-License-Identifier: MIT */
/* What a line of a record says, as text: every key, any order, cut anywhere, and nothing that is no number.
 */
#include "history/run_frames.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define DOMAIN                                                                                  \
    "{\"name\":\"package-0\",\"counted\":true,\"job_j\":4.5,\"others_j\":null,\"idle_j\":-6e0," \
    "\"unattributed_j\":0,\"machine_j\":10,\"quality\":\"measured\",\"span_s\":1,\"gap_s\":0}"
#define TOTAL                                                                             \
    "{\"job_j\":4.5,\"others_j\":0,\"idle_j\":5.5,\"unattributed_j\":0,\"machine_j\":10," \
    "\"quality\":\"derived\",\"span_s\":1,\"gap_s\":0,\"by_policy_j\":{\"active\":4.5,\"full\":7}}"
#define FRAME                                                                                           \
    "{\"schema\":\"ecocode.frame/1\",\"type\":\"frame\",\"seq\":7,\"t_s\":8.25,\"time\":\"T\","         \
    "\"interval_s\":1,\"suspended_s\":0,\"keyframe\":true,\"policy\":\"active\",\"domains\":[" DOMAIN   \
    "],\"total\":" TOTAL ",\"job_cpu_s\":0.5,\"new\":{\"a\":[1,{\"b\":\"]}\\\"\"}]},"                   \
    "\"processes\":[{\"pid\":12,\"name\":\"a\\\"b\",\"cpu_s\":0.5,\"energy_j\":4.5,\"rss_bytes\":null," \
    "\"job\":true,\"ended\":false}, 5, {\"pid\":13,\"name\":null,\"ended\":true}],"                     \
    "\"cumulative\":{\"job_j\":1}}"

static struct eco_span span(const char *text)
{
    return (struct eco_span){text, strlen(text)};
}

static void assert_span(struct eco_span found, const char *text)
{
    assert_int_equal(found.length, strlen(text));
    assert_true(found.length == 0 || memcmp(found.text, text, found.length) == 0);
}

static void test_everything_is_found(void **state)
{
    (void)state;
    struct eco_frame_text frame;
    assert_true(eco_frame_text_read(span(FRAME), &frame));
    assert_span(frame.seq, "7");
    assert_span(frame.t_s, "8.25");
    assert_span(frame.policy, "active");
    assert_true(frame.keyframe);
    assert_int_equal(frame.domain_count, 1);
    assert_span(frame.domains[0].name, "package-0");
    assert_true(frame.domains[0].counted);
    assert_span(frame.domains[0].energy.job_j, "4.5");
    assert_span(frame.domains[0].energy.others_j, "");
    assert_span(frame.domains[0].energy.idle_j, "-6e0");
    assert_span(frame.total.quality, "derived");
    assert_span(frame.full_j, "7");
    assert_span(frame.job_cpu_s, "0.5");
    assert_span(frame.cumulative, "{\"job_j\":1}");
    assert_true(fabs(eco_scan_double(frame.domains[0].energy.idle_j) + 6) < 1e-12);
    assert_true(isnan(eco_scan_double(frame.domains[0].energy.others_j)));
}

static void test_processes_one_after_another(void **state)
{
    (void)state;
    struct eco_frame_text frame;
    struct eco_process_text process;
    assert_true(eco_frame_text_read(span(FRAME), &frame));
    struct eco_span cursor = frame.processes;
    assert_true(eco_process_text_next(&cursor, &process));
    assert_span(process.pid, "12");
    assert_span(process.name, "a\\\"b");
    assert_span(process.rss_bytes, "");
    assert_true(process.job && !process.ended);
    assert_true(eco_process_text_next(&cursor, &process));
    assert_span(process.pid, "13");
    assert_span(process.name, "");
    assert_true(!process.job && process.ended);
    assert_false(eco_process_text_next(&cursor, &process));
}

static void test_cut_anywhere_is_no_frame(void **state)
{
    (void)state;
    struct eco_frame_text frame;
    size_t length = strlen(FRAME);
    for (size_t n = 0; n < length; n++) {
        char *copy = malloc(n + 1); /* so long and no longer: a sanitizer sees what is read behind it */
        assert_non_null(copy);
        memcpy(copy, FRAME, n);
        assert_false(eco_frame_text_read((struct eco_span){copy, n}, &frame));
        free(copy);
    }
}

static void test_what_is_no_number_is_unknown(void **state)
{
    (void)state;
    static const char *const no[] = {"null", "true", "\"4\"", "=cmd", "+1",
                                     "[1]",  "1;2",  "0x10",  "NaN",  ".5"};
    static const char *const yes[] = {"0", "-1", "1.5e-7", "12345678901234567890"};
    for (size_t i = 0; i < sizeof no / sizeof no[0]; i++)
        assert_span(eco_scan_number(span(no[i])), "");
    for (size_t i = 0; i < sizeof yes / sizeof yes[0]; i++)
        assert_span(eco_scan_number(span(yes[i])), yes[i]);
}

static void test_kinds_of_lines(void **state)
{
    (void)state;
    assert_int_equal(eco_line_kind_of(span(FRAME)), ECO_LINE_FRAME);
    assert_int_equal(eco_line_kind_of(span("{\"schema\":\"ecocode.frame/1\",\"type\":\"begin\",\"x\":1}")),
                     ECO_LINE_BEGIN);
    assert_int_equal(eco_line_kind_of(span("{\"schema\":\"ecocode.run/1\",\"type\":\"end\",\"x\":1}")),
                     ECO_LINE_END);
    assert_int_equal(eco_line_kind_of(span("{\"schema\":\"ecocode.run/1\",\"run_id\":\"x\"}")), ECO_LINE_END);
    assert_int_equal(eco_line_kind_of(span("{\"schema\":\"ecocode.frame/2\",\"type\":\"frame\",\"x\":1}")),
                     ECO_LINE_OTHER);
    assert_int_equal(eco_line_kind_of(span("[]")), ECO_LINE_OTHER);
    assert_int_equal(eco_line_kind_of(span("")), ECO_LINE_OTHER);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_everything_is_found),      cmocka_unit_test(test_processes_one_after_another),
        cmocka_unit_test(test_cut_anywhere_is_no_frame), cmocka_unit_test(test_what_is_no_number_is_unknown),
        cmocka_unit_test(test_kinds_of_lines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
