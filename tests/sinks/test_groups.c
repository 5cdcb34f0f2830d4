/* SPDX-License-Identifier: MIT */
/* Sums by group: they add up to the rows whatever comes and goes, and stay bounded. */
#include "sinks/groups.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROWS_MAX 3000

static struct eco_domain domain = {.name = "package-0", .counted = true};
static struct eco_frame_row rows[ROWS_MAX];
static double energy_uj[ROWS_MAX * 2];

static void init_frame(struct eco_frame *frame, uint32_t count)
{
    memset(frame, 0, sizeof *frame);
    frame->slots = 2;
    frame->headline = ECO_SLOT_FULL;
    frame->domain_count = 1;
    frame->domain_info = &domain;
    frame->rows = rows;
    frame->row_count = count;
    frame->energy_uj = energy_uj;
    frame->domains[0].state = frame->total.state = ECO_ENERGY_OK;
}

static void add(struct eco_groups *groups, struct eco_frame *frame)
{
    struct eco_interval interval = {.domains = frame->domains, .total = &frame->total};
    assert_int_equal(eco_groups_add_frame(groups, frame, &interval), 0);
}

static double sum_uj(const struct eco_groups *groups, bool is_frame)
{
    double sum = 0;
    for (size_t i = 0; i < groups->count; i++)
        sum += is_frame ? groups->all[i].frame_uj : groups->all[i].energy_uj;
    return sum;
}

static void many_processes_stay_bounded(void **state)
{
    (void)state;
    struct eco_groups groups;
    struct eco_frame frame;
    double total = 0;
    uint32_t next = 1;
    eco_groups_init(&groups, ECO_GROUPING_PROCESS);
    for (unsigned round = 0; round < 40; round++) {
        double now = 0;
        init_frame(&frame, 1000);
        for (uint32_t i = 0; i < frame.row_count; i++) {
            /* the first ten live on */
            rows[i] = (struct eco_frame_row){
                .proc_id = i < 10 ? i + 1 : ++next + 100, .pid = (int32_t)i + 1, .cpu_ns = 5};
            eco_frame_row_energy(&frame, i, ECO_SLOT_FULL)[0] = i + 1;
            now += i + 1;
        }
        add(&groups, &frame);
        total += now;
        assert_true(groups.count <= ECO_GROUP_SUMS_MAX);
        assert_true(fabs(sum_uj(&groups, true) - now) <= 1e-9 * now);
        assert_true(fabs(sum_uj(&groups, false) - total) <= 1e-9 * total);
    }
    double of_first = 0;
    for (size_t i = 0; i < groups.count; i++)
        of_first += groups.all[i].id == 1 && !groups.all[i].is_rest ? groups.all[i].energy_uj : 0;
    assert_true(fabs(of_first - 40) < 1e-9);
    eco_groups_finish(&groups);
}

static void many_identities_share_groups(void **state)
{
    (void)state;
    static struct eco_identity identities[ROWS_MAX];
    static char names[10][16];
    struct eco_groups groups;
    struct eco_frame frame;
    char space[ECO_GROUPING_TEXT_MAX];
    eco_groups_init(&groups, ECO_GROUPING_UNIT);
    init_frame(&frame, ROWS_MAX);
    for (uint32_t i = 0; i < ROWS_MAX; i++) {
        (void)snprintf(names[i % 10], sizeof names[0], "u%u.service", i % 10);
        identities[i] = (struct eco_identity){.id = i + 1, .uid = i, .unit = i % 11 ? names[i % 10] : NULL};
        rows[i] = (struct eco_frame_row){.proc_id = i + 1, .identity = i % 7 ? &identities[i] : NULL};
        eco_frame_row_energy(&frame, i, ECO_SLOT_FULL)[0] = 1;
    }
    add(&groups, &frame);
    add(&groups, &frame);
    assert_int_equal(groups.count, 11); /* ten units, and those of none */
    assert_true(fabs(sum_uj(&groups, false) - 2.0 * ROWS_MAX) < 1e-6);
    unsigned none = 0;
    for (size_t i = 0; i < groups.count; i++)
        none += !eco_group_key(&groups, &groups.all[i], space);
    assert_int_equal(none, 1);
    /* A frame of totals takes the place of all before it. */
    frame.keyframe = true;
    add(&groups, &frame);
    assert_true(fabs(sum_uj(&groups, false) - ROWS_MAX) < 1e-6);
    eco_groups_finish(&groups);
}

static void unknown_energy_is_no_zero(void **state)
{
    (void)state;
    struct eco_groups groups;
    struct eco_frame frame;
    eco_groups_init(&groups, ECO_GROUPING_USER);
    init_frame(&frame, 1);
    rows[0] = (struct eco_frame_row){.proc_id = 1, .cpu_ns = 7};
    frame.domains[0].state = frame.total.state = ECO_ENERGY_WAITING;
    add(&groups, &frame);
    assert_true(isnan(groups.all[0].frame_uj));
    assert_int_equal(groups.all[0].cpu_ns, 7);
    eco_groups_finish(&groups);
}

/* Two users' own systemds may each have a unit of one name; the system's is a third. */
static void units_of_users_are_told_apart(void **state)
{
    (void)state;
    const struct eco_identity a = {.id = 1, .uid = 1, .unit = "x.service", .is_user_unit = true};
    const struct eco_identity b = {.id = 2, .uid = 2, .unit = "x.service", .is_user_unit = true};
    const struct eco_identity c = {.id = 3, .uid = 2, .unit = "x.service"};
    const struct eco_identity *const all[] = {&a, &b, &c};
    struct eco_groups groups;
    struct eco_frame frame;
    eco_groups_init(&groups, ECO_GROUPING_UNIT);
    init_frame(&frame, 3);
    for (uint32_t i = 0; i < 3; i++)
        rows[i] = (struct eco_frame_row){.proc_id = i + 1, .identity = all[i]};
    add(&groups, &frame);
    assert_int_equal(groups.count, 3);
    eco_groups_finish(&groups);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(many_processes_stay_bounded),
        cmocka_unit_test(many_identities_share_groups),
        cmocka_unit_test(unknown_energy_is_no_zero),
        cmocka_unit_test(units_of_users_are_told_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
