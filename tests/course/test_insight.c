/* SPDX-License-Identifier: MIT */
/* Every rule speaks where it should, and is silent on the other side of each of its thresholds. */
#include "support/test.h"

#include "course/insight.h"

#include <stdio.h>
#include <string.h>

#define GIB (1ull << 30)

static struct eco_report report;
static struct eco_host host;
static struct eco_report_domain domains[2];
static struct eco_report_process processes[3];
static struct eco_insight_facts facts;
static struct eco_course course;

static const char *find(void)
{
    eco_insights_find(&report, &facts, &course);
    return course.insight_count ? course.insights[0].id : "";
}

/* A run of 100 s on 32 CPUs of which nothing is to be said: 4 CPUs busy, all measured. */
static int begin(void **state)
{
    (void)state;
    memset(processes, 0, sizeof processes);
    memset(domains, 0, sizeof domains);
    host = (struct eco_host){.cpu_quota = ECO_NAN};
    host.topology.online_count = 32;
    facts = (struct eco_insight_facts){0};
    report = (struct eco_report){.duration_s = 100,
                                 .has_energy = true,
                                 .host = &host,
                                 .cpu_s = 400,
                                 .max_rss_bytes = 4 * GIB,
                                 .domains = domains,
                                 .domain_count = 2,
                                 .processes = processes,
                                 .process_count = 3};
    report.quality_j[ECO_MEASURED] = 100;
    for (int i = 0; i < 3; i++)
        processes[i] = (struct eco_report_process){.count = 1, .cpu_s = 133, .gpu_busy_s = ECO_NAN};
    return 0;
}

static void of_an_ordinary_run_nothing_is_said(void **state)
{
    (void)state;
    assert_string_equal(find(), "");
    report.host = NULL;
    report.duration_s = 0;
    assert_string_equal(find(), "");
}

static void add_card(double busy)
{
    (void)snprintf(domains[1].info.name, sizeof domains[1].info.name, "gpu-0");
    domains[1].device = (struct eco_report_device){
        .is_there = true, .utilization_mean_ratio = busy, .machine_mean_w = 300, .power_limit_w = 700};
    processes[0].gpu_busy_s = busy * 100;
}

static void a_card_waits_for_workers(void **state)
{
    (void)state;
    add_card(0.75);
    assert_string_equal(find(), "gpu_waits");
    eco_assert_near(course.insights[0].value, 0.25, 1e-12);
    assert_non_null(
        strstr(course.insights[0].text, "gpu-0 did nothing for 25 % of the time, while 2 other processes"));
    add_card(0.81);
    assert_string_equal(find(), "");
    add_card(0.01); /* hardly used */
    assert_string_equal(find(), "");
    add_card(ECO_NAN);
    assert_string_equal(find(), "");
}

static void a_card_waits_for_nobody(void **state)
{
    (void)state;
    add_card(0.5);
    processes[1].cpu_s = processes[2].cpu_s = 24; /* each below a quarter of a CPU */
    assert_string_equal(find(), "");
    processes[1].cpu_s = processes[2].cpu_s = 26;
    assert_string_equal(find(), "gpu_waits");
    processes[0].gpu_busy_s = ECO_NAN; /* the card is another's */
    assert_string_equal(find(), "");
    processes[0].gpu_busy_s = 50;
    report.duration_s = 29;
    assert_string_equal(find(), "");
}

static void set_one_core(double used_s, double first_s)
{
    report.cpu_s = used_s;
    processes[0].cpu_s = first_s;
    processes[1].cpu_s = processes[2].cpu_s = (used_s - first_s) / 2;
}

static void one_core_of_many(void **state)
{
    (void)state;
    set_one_core(100, 98);
    assert_string_equal(find(), "one_core");
    eco_assert_near(course.insights[0].value, 32, 1e-12);
    set_one_core(94, 93);
    assert_string_equal(find(), "");
    set_one_core(106, 105);
    assert_string_equal(find(), "");
    set_one_core(100, 94);
    assert_string_equal(find(), "");
}

static void one_core_where_there_are_few(void **state)
{
    (void)state;
    set_one_core(100, 98);
    host.topology.online_count = 8;
    assert_string_equal(find(), "one_core");
    host.topology.online_count = 7;
    assert_string_equal(find(), "");
    host.topology.online_count = 32;
    host.cpu_quota = 4;
    assert_string_equal(find(), "");
    host.cpu_quota = ECO_NAN;
    (void)snprintf(host.cpuset, sizeof host.cpuset, "0-6");
    assert_string_equal(find(), "");
    (void)snprintf(host.cpuset, sizeof host.cpuset, "0-7");
    assert_string_equal(find(), "one_core");
    processes[0].gpu_busy_s = 95; /* its work is elsewhere */
    assert_string_equal(find(), "");
    processes[0].gpu_busy_s = ECO_NAN;
    report.duration_s = 29;
    set_one_core(29, 29);
    assert_string_equal(find(), "");
}

static void a_long_wait_at_the_end(void **state)
{
    (void)state;
    facts.idle_tail_s = 25;
    assert_string_equal(find(), "idle_tail");
    facts.idle_tail_s = 19;
    assert_string_equal(find(), "");
    facts.idle_tail_s = 96;
    assert_string_equal(find(), "");
    report.duration_s = 40;
    facts.idle_tail_s = 9.9;
    assert_string_equal(find(), "");
    facts.idle_tail_s = 10;
    assert_string_equal(find(), "idle_tail");
    report.duration_s = 29.9;
    assert_string_equal(find(), "");
}

static void memory_that_is_kept_and_not_used(void **state)
{
    (void)state;
    assert_string_equal(find(), ""); /* no reservation is known */
    facts.reserved_bytes = 10 * GIB;
    assert_string_equal(find(), "memory_unused");
    eco_assert_near(course.insights[0].value, 6.0 * GIB, 1);
    facts.reserved_bytes = 9 * GIB;
    assert_string_equal(find(), "");
    facts.reserved_bytes = 10 * GIB;
    report.duration_s = 59;
    assert_string_equal(find(), "");
    report.duration_s = 60;
    report.max_rss_bytes = 0; /* not known */
    assert_string_equal(find(), "");
    facts.reserved_bytes = 3 * GIB;
    report.max_rss_bytes = GIB + GIB / 10; /* less than 2 GiB would be won */
    assert_string_equal(find(), "");
}

static void a_card_at_its_limit(void **state)
{
    (void)state;
    add_card(0.95);
    domains[1].device.machine_mean_w = 640;
    assert_string_equal(find(), "power_limit");
    eco_assert_near(course.insights[0].value, 700, 1e-12);
    domains[1].device.machine_mean_w = 620;
    assert_string_equal(find(), "");
    domains[1].device.machine_mean_w = 640;
    domains[1].device.power_limit_w = ECO_NAN;
    assert_string_equal(find(), "");
    domains[1].device.power_limit_w = 700;
    domains[1].device.utilization_mean_ratio = 0.89;
    assert_string_equal(find(), "");
    domains[1].device.utilization_mean_ratio = 0.95;
    report.duration_s = 59;
    processes[1].cpu_s = processes[2].cpu_s = 0;
    assert_string_equal(find(), "");
}

static void an_estimate_that_can_be_mended(void **state)
{
    (void)state;
    report.quality_j[ECO_ESTIMATED] = 300;
    assert_string_equal(find(), "");
    (void)snprintf(report.sensor_fix, sizeof report.sensor_fix, "sudo ecocode doctor --fix");
    assert_string_equal(find(), "estimated");
    assert_string_equal(course.insights[0].what_to_do, "sudo ecocode doctor --fix");
    eco_assert_near(course.insights[0].value, 0.75, 1e-12);
    report.quality_j[ECO_ESTIMATED] = 99;
    assert_string_equal(find(), "");
    report.quality_j[ECO_ESTIMATED] = 300;
    report.has_energy = false;
    assert_string_equal(find(), "");
}

static void at_most_three_and_all_of_them_whole(void **state)
{
    (void)state;
    set_one_core(100, 98);
    facts = (struct eco_insight_facts){.idle_tail_s = 25, .reserved_bytes = 100 * GIB};
    report.quality_j[ECO_ESTIMATED] = 300;
    (void)snprintf(report.sensor_fix, sizeof report.sensor_fix, "sudo ecocode doctor --fix");
    assert_string_equal(find(), "one_core");
    assert_int_equal(course.insight_count, 3);
    assert_string_equal(course.insights[1].id, "idle_tail");
    assert_string_equal(course.insights[2].id, "memory_unused");
    for (unsigned i = 0; i < 3; i++) {
        const struct eco_insight *insight = &course.insights[i];
        assert_true(*insight->text && *insight->unit && *insight->what_to_do && *insight->reason);
        assert_true(strlen(insight->text) + 1 < sizeof insight->text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(of_an_ordinary_run_nothing_is_said, begin),
        cmocka_unit_test_setup(a_card_waits_for_workers, begin),
        cmocka_unit_test_setup(a_card_waits_for_nobody, begin),
        cmocka_unit_test_setup(one_core_of_many, begin),
        cmocka_unit_test_setup(one_core_where_there_are_few, begin),
        cmocka_unit_test_setup(a_long_wait_at_the_end, begin),
        cmocka_unit_test_setup(memory_that_is_kept_and_not_used, begin),
        cmocka_unit_test_setup(a_card_at_its_limit, begin),
        cmocka_unit_test_setup(an_estimate_that_can_be_mended, begin),
        cmocka_unit_test_setup(at_most_three_and_all_of_them_whole, begin),
    };
    return cmocka_run_group_tests_name("insight", tests, NULL, NULL);
}
