/* SPDX-License-Identifier: MIT */
/*
 * The kernel's own accounting with maps that are far too small, through the whole meter: lost events are
 * counted and said, no CPU time is invented, and everything still adds up. (Lost time of CPUs:
 * test_bpf_switches.)
 */
#include "../procs/bpf_feed.h"
#include "meter/meter.h"
#include "model/report.h"

#include <math.h>

#define STORM 300

/* Short-lived ones faster than anybody reads, and more at once than a CPU has slots. */
static void storm(void)
{
    for (unsigned i = 0; i < STORM; i++) {
        pid_t pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
            for (unsigned k = 0; k < 4; k++) {
                spin_ms(1);
                (void)usleep(100);
            }
            _exit(0);
        }
        if (i % 24 == 23)
            while (waitpid(-1, NULL, 0) > 0)
                continue;
    }
    while (waitpid(-1, NULL, 0) > 0)
        continue;
}

static void assert_adds_up(const struct eco_totals *totals)
{
    double known_j = isnan(totals->job_active_j) ? totals->job_full_j : totals->job_active_j;
    double sum_j = known_j + totals->others_j + totals->idle_j + totals->unattributed_j;

    print_message("machine %.6f J, job %.6f, others %.6f, idle %.6f, unattributed %.6f\n", totals->machine_j,
                  known_j, totals->others_j, totals->idle_j, totals->unattributed_j);
    assert_true(totals->machine_j > 0);
    assert_true(fabs(sum_j - totals->machine_j) <= 1e-9 * totals->machine_j);
}

static bool is_warned(const struct eco_report *report, const char *words)
{
    for (size_t i = 0; i < report->warning_count; i++)
        if (strstr(report->warnings[i], words))
            return true;
    return false;
}

static void test_overflow(void **state)
{
    (void)state;
    struct eco_bpf_request request = {
        .has_switch = true, .slots_per_cpu = 16, .ring_bytes = 4096, .processes_limit = 64};
    struct eco_meter_options options = {.size = sizeof options, .flags = ECO_METER_NO_LEARN};
    struct eco_totals totals = {.size = sizeof totals};
    struct eco_meter *meter = NULL;
    struct eco_report report;
    char text[256] = "";
    struct rusage before, after;
    FEED_OR_SKIP(feed, &request);

    if (eco_meter_open(&options, &meter, text, sizeof text) < 0)
        fail_msg("eco_meter_open: %s", text);
    assert_int_equal(eco_meter_add_root(meter, getpid()), 0);
    assert_int_equal(eco_meter_use_feed(meter, feed), 0);
    assert_int_equal(eco_meter_begin(meter), 0);
    (void)getrusage(RUSAGE_CHILDREN, &before);
    for (unsigned i = 0; i < 3; i++) {
        storm();
        assert_int_equal(eco_meter_tick(meter), 0);
        assert_int_equal(eco_meter_totals(meter, &totals), 0);
        assert_adds_up(&totals);
    }
    (void)getrusage(RUSAGE_CHILDREN, &after);
    assert_int_equal(eco_meter_end(meter), 0);
    assert_int_equal(eco_meter_totals(meter, &totals), 0);
    assert_adds_up(&totals);
    assert_int_equal(eco_meter_report(meter, &report), 0);
    for (size_t i = 0; i < report.warning_count; i++)
        print_message("%s\n", report.warnings[i]);
    assert_true(is_warned(&report, "events of processes were lost"));
    double truth_s = (double)(after.ru_utime.tv_sec - before.ru_utime.tv_sec) +
                     (double)(after.ru_stime.tv_sec - before.ru_stime.tv_sec) +
                     1e-6 * (double)(after.ru_utime.tv_usec - before.ru_utime.tv_usec) +
                     1e-6 * (double)(after.ru_stime.tv_usec - before.ru_stime.tv_usec);
    assert_true(totals.job_cpu_s <= truth_s);
    assert_true(isnan(report.caught_ratio)); /* never a 1 that nobody knows */
    print_message("job %.3f s of %.3f s of children, caught_ratio %.4f\n", totals.job_cpu_s, truth_s,
                  report.caught_ratio);
    eco_report_finish(&report);
    (void)eco_meter_free(meter);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_overflow)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
