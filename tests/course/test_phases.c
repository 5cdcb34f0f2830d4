/* SPDX-License-Identifier: MIT */
/* Energy by phase: every joule in one phase, the slow counter's in the phases that it speaks for. */
#include "support/test.h"

#include "course/phases.h"

#include <stdio.h>
#include <string.h>

#define S ECO_NS_PER_S

static struct eco_course course;
static struct eco_phases phases;
static struct eco_frame frame;
static const struct eco_domain domains[] = {{.name = "package-0", .counted = true},
                                            {.name = "core-0", .counted = false},
                                            {.name = "battery", .counted = true}};

static int begin(void **state)
{
    (void)state;
    course = (struct eco_course){0};
    frame = (struct eco_frame){.slots = 2, .domain_count = 3, .domain_info = domains};
    eco_phases_init(&phases, &course, 100 * S);
    return 0;
}

static struct eco_frame_domain energy(double job_j, uint64_t span_ns)
{
    struct eco_frame_domain domain = {.state = ECO_ENERGY_OK, .machine_uj = 2e6 * job_j, .span_ns = span_ns};
    domain.split[ECO_SLOT_ACTIVE] = (struct eco_split){1e6 * job_j, 0.5e6 * job_j, 0.5e6 * job_j, 0};
    domain.split[ECO_SLOT_FULL] = (struct eco_split){1.25e6 * job_j, 0.75e6 * job_j, 0, 0};
    return domain;
}

/* From `t0` to `t1` seconds after the begin: joules of the package, half a CPU. */
static void look(double t0_s, double t1_s, double job_j)
{
    frame.t0_ns = 100 * S + (uint64_t)(t0_s * 1e9);
    frame.t1_ns = 100 * S + (uint64_t)(t1_s * 1e9);
    frame.domains[0] = energy(job_j, frame.t1_ns - frame.t0_ns);
    frame.domains[1] = energy(1000, frame.t1_ns - frame.t0_ns);
    frame.job_cpu_ns = (frame.t1_ns - frame.t0_ns) / 2;
    eco_phases_frame(&phases, &frame);
}

static void mark(const char *name, double at_s)
{
    eco_phases_mark(&phases, name, 100 * S + (uint64_t)(at_s * 1e9));
}

static double job_j(unsigned phase)
{
    return course.phases[phase].sums_uj[ECO_SLOT_ACTIVE].job_uj * 1e-6;
}

static void without_a_mark_there_are_none(void **state)
{
    (void)state;
    look(0, 1, 5);
    assert_int_equal(course.phase_count, 0);
}

static void an_interval_is_divided_by_time(void **state)
{
    (void)state;
    look(0, 1, 5);
    mark("load", 1.25);
    mark("work", 2);
    look(1, 2, 8);
    look(2, 3, 3);
    assert_int_equal(course.phase_count, 3);
    assert_string_equal(course.phases[0].name, "(start)");
    eco_assert_near(job_j(0), 5 + 2, 1e-9);
    eco_assert_near(job_j(1), 6, 1e-9);
    eco_assert_near(job_j(2), 3, 1e-9);
    eco_assert_near(course.phases[1].cpu_s, 0.375, 1e-9);
    eco_assert_near(course.phases[1].machine_uj, 12e6, 1e-3);
    eco_assert_near(course.phases[1].sums_uj[ECO_SLOT_FULL].job_uj, 7.5e6, 1e-3);
    eco_assert_near(course.phases[1].start_offset_s, 1.25, 1e-9);
    eco_assert_near(course.phases[1].end_offset_s, 2, 1e-9);
    eco_assert_near(course.phases[2].end_offset_s, 3, 1e-9);
    eco_assert_near(course.phases[0].duration_s, 1.25, 1e-9);
}

static void the_same_name_adds_up(void **state)
{
    (void)state;
    mark("a", 0);
    look(0, 1, 1);
    mark("b", 1);
    look(1, 2, 10);
    mark("a", 2);
    look(2, 3, 2);
    assert_int_equal(course.phase_count, 3);
    assert_int_equal(course.phases[1].count, 2);
    eco_assert_near(job_j(1), 3, 1e-9);
    eco_assert_near(job_j(2), 10, 1e-9);
    eco_assert_near(course.phases[1].duration_s, 2, 1e-9);
    eco_assert_near(course.phases[1].start_offset_s, 0, 1e-9);
    eco_assert_near(course.phases[1].end_offset_s, 3, 1e-9);
    eco_assert_near(job_j(0), 0, 1e-9);
}

/* What is booked stays booked: a mark that comes late begins where frames have not told yet. */
static void a_late_mark_moves_nothing(void **state)
{
    (void)state;
    look(0, 1, 5);
    mark("late", 0.5);
    look(1, 2, 3);
    eco_assert_near(job_j(0), 5, 1e-9);
    eco_assert_near(job_j(1), 3, 1e-9);
    eco_assert_near(course.phases[1].start_offset_s, 1, 1e-9);
}

/* A counter that steps every four seconds: its joules go to all phases of that time. */
static void a_slow_counter_tells_of_all_its_time(void **state)
{
    (void)state;
    mark("a", 1);
    look(0, 2, 0);
    mark("b", 3);
    frame.domains[2] = energy(40, 4 * S);
    look(2, 4, 0);
    eco_assert_near(job_j(0), 10, 1e-9);
    eco_assert_near(job_j(1), 20, 1e-9);
    eco_assert_near(job_j(2), 10, 1e-9);
}

static void nothing_is_lost_beyond_the_limits(void **state)
{
    double sum_j = 0, all_j = 0;
    (void)state;
    for (unsigned i = 0; i < 1000; i++) {
        char name[32];
        (void)snprintf(name, sizeof name, "phase %u", i % 100);
        mark(name, i * 0.01 + 0.005);
        if (i % 10 == 9) {
            look((i - 9) * 0.01, (i + 1) * 0.01, i);
            all_j += i;
        }
    }
    assert_int_equal(course.phase_count, ECO_PHASES_MAX);
    assert_string_equal(course.phases[ECO_PHASES_MAX - 1].name, "(more)");
    for (unsigned i = 0; i < course.phase_count; i++)
        sum_j += job_j(i);
    eco_assert_near(sum_j, all_j, 1e-6);
}

static void a_gap_is_no_energy(void **state)
{
    (void)state;
    mark("a", 0);
    frame.t0_ns = 100 * S;
    frame.t1_ns = 101 * S;
    frame.domains[0] = energy(5, S);
    frame.domains[0].state = ECO_ENERGY_WAITING;
    eco_phases_frame(&phases, &frame);
    assert_false(course.phases[1].has_energy);
    eco_assert_near(course.phases[1].duration_s, 1, 1e-9);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(without_a_mark_there_are_none, begin),
        cmocka_unit_test_setup(an_interval_is_divided_by_time, begin),
        cmocka_unit_test_setup(the_same_name_adds_up, begin),
        cmocka_unit_test_setup(a_late_mark_moves_nothing, begin),
        cmocka_unit_test_setup(a_slow_counter_tells_of_all_its_time, begin),
        cmocka_unit_test_setup(nothing_is_lost_beyond_the_limits, begin),
        cmocka_unit_test_setup(a_gap_is_no_energy, begin),
    };
    return cmocka_run_group_tests_name("phases", tests, NULL, NULL);
}
