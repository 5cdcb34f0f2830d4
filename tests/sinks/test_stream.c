/* SPDX-License-Identifier: MIT */
/* Numbers, times, sums over frames (missed ones too) and the boundary, as the streams use them. */
#include "base/mem.h"
#include "base/text.h"
#include "sample.h"
#include "sinks/boundary.h"
#include "sinks/number.h"
#include "sinks/tally.h"
#include "support/test.h"

#include <float.h>
#include <stdlib.h>
#include <string.h>

static struct sample_frames frames;

static void test_numbers(void **state)
{
    (void)state;
    const struct {
        double value;
        const char *text;
    } cases[] = {{0, "0"},
                 {-0.0, "0"},
                 {1, "1"},
                 {0.1, "0.1"},
                 {-2.5, "-2.5"},
                 {0.000000000001, "0.000000000001"},
                 {0.0000000000004, "0"},
                 {-0.0000000000004, "0"},
                 {999999.5, "999999.5"},
                 {999999.9999999999999, "1000000"},
                 {1e6, "1000000"},
                 {1234567.25, "1234567.25"},
                 {1e300, "1e+300"},
                 {(double)NAN, ""},
                 {(double)INFINITY, ""}};
    for (size_t i = 0; i < ECO_COUNT(cases); i++) {
        struct eco_buf out;
        eco_buf_init(&out, 64);
        eco_number_add(&out, cases[i].value);
        assert_string_equal(out.data ? out.data : "", cases[i].text);
        eco_buf_finish(&out);
    }
    struct eco_buf out;
    eco_buf_init(&out, 64);
    eco_number_add_u64(&out, UINT64_MAX);
    eco_buf_char(&out, ' ');
    eco_number_add_u64(&out, 0);
    assert_string_equal(out.data, "18446744073709551615 0");
    eco_buf_finish(&out);
}

static void test_numbers_read_back(void **state)
{
    (void)state;
    uint64_t seed = 7;
    for (int i = 0; i < 100000; i++) {
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        double value = ((double)(seed >> 11) / 9007199254740992.0 - 0.5) * pow(10, (double)(i % 14) - 4);
        struct eco_buf out;
        eco_buf_init(&out, 64);
        eco_number_add(&out, value);
        eco_assert_near(strtod(out.data, NULL), value, 0.51e-12 + 2 * fabs(value) * DBL_EPSILON);
        eco_buf_finish(&out);
    }
}

static void test_times(void **state)
{
    (void)state;
    char text[ECO_TIME_TEXT_MAX];
    eco_time_format(1795341600123999999, text);
    assert_string_equal(text, "2026-11-22T10:00:00.123Z");
    eco_time_format(0, text);
    assert_string_equal(text, "1970-01-01T00:00:00.000Z");
    eco_time_format(-1, text);
    assert_string_equal(text, "1969-12-31T23:59:59.999Z");
    eco_time_format(INT64_MAX, text);
    assert_string_equal(text, "2262-04-11T23:47:16.854Z");
    eco_time_format(INT64_MIN, text);
    assert_int_equal(text[strlen(text) - 1], 'Z');
}

static void add(struct eco_tally *tally, struct eco_interval *ret)
{
    sample_frames_next(&frames);
    eco_tally_add(tally, &frames.frame, ret);
}

/* Sum of what was handed out, as a reader of the stream makes it. */
struct seen {
    double machine_uj, job_uj;
    uint64_t covered_ns, job_cpu_ns, end_ns;
};

static void look(struct seen *seen, const struct eco_interval *interval)
{
    assert_true(interval->t0_ns == seen->end_ns);
    seen->machine_uj += interval->domains[0].machine_uj;
    seen->job_uj += interval->domains[0].split[ECO_SLOT_ACTIVE].job_uj;
    seen->covered_ns += interval->t1_ns - interval->t0_ns;
    seen->job_cpu_ns += interval->job_cpu_ns;
    seen->end_ns = interval->t1_ns;
}

static void test_missed_frames(void **state)
{
    (void)state;
    static struct eco_tally tally;
    struct eco_interval interval;
    struct seen seen = {0};
    double machine_uj = 0, job_uj = 0;
    memset(&tally, 0, sizeof(tally));
    sample_frames_init(&frames, 2, 1);
    uint64_t start_ns = frames.frame.t1_ns, job_cpu_ns = 0;
    for (int i = 0; i < 12; i++) {
        bool missed = i == 4 || i == 5;
        if (!missed && i != 6) {
            add(&tally, &interval);
            look(&seen, &interval);
        } else {
            sample_frames_next(&frames);
        }
        const struct eco_frame_domain *d = &frames.frame.domains[0];
        machine_uj += d->machine_uj;
        job_uj += d->split[ECO_SLOT_ACTIVE].job_uj;
        job_cpu_ns += frames.frame.job_cpu_ns;
        if (i != 6)
            continue;
        /* In place of 4, 5 and 6 the reader gets the totals since the start. */
        static struct sample_frames key;
        key = frames;
        key.frame.keyframe = true;
        key.frame.t0_ns = start_ns;
        key.frame.job_cpu_ns = job_cpu_ns;
        key.frame.domains[0].machine_uj = machine_uj;
        key.frame.domains[0].span_ns = key.frame.t1_ns - start_ns;
        key.frame.domains[0].split[ECO_SLOT_ACTIVE].job_uj = job_uj;
        eco_tally_add(&tally, &key.frame, &interval);
        look(&seen, &interval);
        assert_true(interval.domains[0].span_ns == 3 * ECO_NS_PER_S);
    }
    eco_assert_near(seen.machine_uj, machine_uj, 1e-6);
    eco_assert_near(seen.job_uj, job_uj, 1e-6);
    eco_assert_near(tally.domains[0].machine_uj, machine_uj, 1e-6);
    assert_true(seen.covered_ns == 12 * ECO_NS_PER_S);
    assert_true(seen.job_cpu_ns == job_cpu_ns);
}

static void test_gap_and_unknown(void **state)
{
    (void)state;
    static struct eco_tally tally;
    struct eco_interval interval;
    memset(&tally, 0, sizeof(tally));
    sample_frames_init(&frames, 1, 1);
    add(&tally, &interval);
    double before = tally.domains[0].machine_uj;
    frames.frame.domains[0] =
        (struct eco_frame_domain){.state = ECO_ENERGY_GAP, .gap_ns = 7, .machine_uj = 99};
    eco_tally_add(&tally, &frames.frame, &interval);
    eco_assert_near(tally.domains[0].machine_uj, before, 0);
    assert_true(tally.domains[0].gap_ns == 7);
    /* What is unknown once is unknown as a sum. */
    sample_frames_next(&frames);
    frames.frame.domains[0].split[ECO_SLOT_ACTIVE].job_uj = (double)NAN;
    eco_tally_add(&tally, &frames.frame, &interval);
    assert_true(isnan(tally.domains[0].split[ECO_SLOT_ACTIVE].job_uj));
    assert_false(isnan(tally.domains[0].split[ECO_SLOT_FULL].job_uj));
}

static void test_policy_names(void **state)
{
    (void)state;
    assert_string_equal(eco_slot_policy_name(ECO_SLOT_ACTIVE, ECO_POLICY_EQUAL), "active");
    assert_string_equal(eco_slot_policy_name(ECO_SLOT_FULL, ECO_POLICY_EQUAL), "full");
    assert_string_equal(eco_slot_policy_name(ECO_SLOT_CHOSEN, ECO_POLICY_EQUAL), "equal");
}

static bool contains(const char *const *texts, unsigned count, const char *text)
{
    bool found = false;
    for (unsigned i = 0; i < count; i++)
        found = found || strcmp(texts[i], text) == 0;
    return found;
}

static void test_boundary(void **state)
{
    (void)state;
    static struct sample sample;
    struct eco_boundary boundary;
    sample_fill("server", &sample);
    eco_boundary_of(&sample.report, &boundary);
    assert_int_equal(boundary.included_count, 2);
    assert_true(contains(boundary.excluded, boundary.excluded_count, "gpu"));
    assert_false(contains(boundary.excluded, boundary.excluded_count, "dram"));
    sample.report.domains[1].info.kind = ECO_KIND_SYSTEM;
    eco_boundary_of(&sample.report, &boundary);
    assert_int_equal(boundary.excluded_count, 0);
    sample_fill("vm", &sample);
    eco_boundary_of(&sample.report, &boundary);
    assert_true(contains(boundary.excluded, boundary.excluded_count, "dram"));
    (void)eco_text_copy(
        sample.report.model_text, sizeof(sample.report.model_text),
        "2 vCPU at 1.0-4.2 W each (Sapphire Rapids, server and RAM included); truth within x2.5");
    eco_boundary_of(&sample.report, &boundary);
    assert_true(contains(boundary.included, boundary.included_count, "dram"));
    assert_false(contains(boundary.excluded, boundary.excluded_count, "power_supply_loss"));
    for (unsigned i = 0; i < sample.report.domain_count; i++)
        sample.report.domains[i].info.counted = false;
    eco_boundary_of(&sample.report, &boundary);
    assert_int_equal(boundary.included_count, 0);
    assert_int_equal(boundary.excluded_count, 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers),         cmocka_unit_test(test_numbers_read_back),
        cmocka_unit_test(test_times),           cmocka_unit_test(test_missed_frames),
        cmocka_unit_test(test_gap_and_unknown), cmocka_unit_test(test_policy_names),
        cmocka_unit_test(test_boundary),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
