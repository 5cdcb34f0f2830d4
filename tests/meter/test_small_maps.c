/* SPDX-License-Identifier: MIT */
/*
 * The kernel's own accounting with maps that are far too small, through the whole meter: lost events are
 * counted and said, no CPU time is invented, everything still adds up, and what is the job's is the job's
 * wherever somebody waited for it, else nobody's. (Lost time of CPUs: test_bpf_switches.)
 */
#include "../procs/bpf_feed.h"
#include "meter/meter.h"
#include "model/report.h"

#include <math.h>
#include <signal.h>

#define STORM  300
#define TICK_S (1.0 / (double)sysconf(_SC_CLK_TCK))

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

    print_message("# machine %.6f J, job %.6f, others %.6f, idle %.6f, unattributed %.6f\n",
                  totals->machine_j, known_j, totals->others_j, totals->idle_j, totals->unattributed_j);
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

static double used_s(int whose)
{
    struct rusage usage;
    (void)getrusage(whose, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           1e-6 * (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

/* Three storms under a meter, which is told to be of this process. NULL: not permitted here. */
static struct eco_meter *measure_storms(struct eco_totals *ret)
{
    struct eco_bpf_request request = {
        .has_switch = true, .slots_per_cpu = 16, .ring_bytes = 4096, .processes_limit = 64};
    struct eco_meter_options options = {.size = sizeof options, .flags = ECO_METER_NO_LEARN};
    struct eco_meter *meter = NULL;
    char text[256] = "";
    struct eco_feed *feed = feed_try(&request, true);

    if (!feed)
        return NULL;
    if (eco_meter_open(&options, &meter, text, sizeof text) < 0)
        fail_msg("eco_meter_open: %s", text);
    assert_int_equal(eco_meter_add_root(meter, getpid()), 0);
    assert_int_equal(eco_meter_use_feed(meter, feed), 0);
    assert_int_equal(eco_meter_begin(meter), 0);
    for (unsigned i = 0; i < 3; i++) {
        storm();
        assert_int_equal(eco_meter_tick(meter), 0);
        assert_int_equal(eco_meter_totals(meter, ret), 0);
        assert_adds_up(ret);
    }
    assert_int_equal(eco_meter_end(meter), 0);
    assert_int_equal(eco_meter_totals(meter, ret), 0);
    assert_adds_up(ret);
    return meter;
}

static void assert_loss_is_told(struct eco_meter *meter)
{
    struct eco_report report;

    assert_int_equal(eco_meter_report(meter, &report), 0);
    for (size_t i = 0; i < report.warning_count; i++)
        print_message("# %s\n", report.warnings[i]);
    assert_true(is_warned(&report, "events of processes were lost"));
    assert_true(isnan(report.caught_ratio)); /* never a 1 that nobody knows */
    eco_report_finish(&report);
}

/* Nobody told of most of them, but this process waited for all: the total is whole, to the grain of ticks. */
static void test_overflow(void **state)
{
    (void)state;
    struct eco_totals totals = {.size = sizeof totals};
    double children_s = used_s(RUSAGE_CHILDREN), own_s = used_s(RUSAGE_SELF);
    struct eco_meter *meter = measure_storms(&totals);
    if (!meter)
        skip();
    children_s = used_s(RUSAGE_CHILDREN) - children_s;
    own_s = used_s(RUSAGE_SELF) - own_s;
    print_message("# job %.3f s of %.3f s of children and %.3f s of this process\n", totals.job_cpu_s,
                  children_s, own_s);
    assert_true(totals.job_cpu_s >= children_s - 3 * TICK_S);
    assert_true(totals.job_cpu_s <= children_s + own_s + TICK_S);
    assert_loss_is_told(meter);
    (void)eco_meter_free(meter);
}

/* Nobody waits for them: whose the machine's time was is not known, and it is not said to be a stranger's. */
static void test_overflow_unwaited(void **state)
{
    (void)state;
    struct eco_totals totals = {.size = sizeof totals};
    (void)signal(SIGCHLD, SIG_IGN);
    struct eco_meter *meter = measure_storms(&totals);
    (void)signal(SIGCHLD, SIG_DFL);
    if (!meter)
        skip();
    assert_true(totals.unattributed_j > 10 * totals.others_j);
    assert_loss_is_told(meter);
    (void)eco_meter_free(meter);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_overflow),
                                       cmocka_unit_test(test_overflow_unwaited)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
