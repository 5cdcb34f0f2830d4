/* SPDX-License-Identifier: MIT */
#include "attribution/share_check.h"

#define ROWS 4

static double rows[ECO_SLOT_COUNT][ROWS];
static struct eco_share_output out;

static struct eco_share_input begin(const double *weight, size_t count)
{
    struct eco_share_input in = {.energy_uj = 100,
                                 .idle_uj = 40,
                                 .dynamic_limit_uj = (double)NAN,
                                 .row_count = count,
                                 .weight = weight};

    for (int slot = 0; slot < ECO_SLOT_COUNT; slot++)
        out.row_uj[slot] = rows[slot];
    return in;
}

static void finish(const struct eco_share_input *in)
{
    eco_share_domain(in, &out);
    check_all(in, &out);
}

static void check_split(enum eco_slot slot, double job, double others, double idle, double unattributed)
{
    assert_near(out.split[slot].job_uj, job, 1e-10);
    assert_near(out.split[slot].others_uj, others, 1e-10);
    assert_near(out.split[slot].idle_uj, idle, 1e-10);
    assert_near(out.split[slot].unattributed_uj, unattributed, 1e-10);
}

static void active_and_full(void **state)
{
    const double weight[] = {1, 2};
    struct eco_share_input in = begin(weight, 2);

    (void)state;
    in.rest_weight = 1;
    finish(&in);
    check_split(ECO_SLOT_ACTIVE, 45, 15, 40, 0);
    check_split(ECO_SLOT_FULL, 75, 25, 0, 0);
    assert_near(rows[ECO_SLOT_ACTIVE][1], 30, 1e-10);
    assert_near(rows[ECO_SLOT_FULL][1], 50, 1e-10);
}

static void lost_weight_is_nobodys(void **state)
{
    const double weight[] = {3};
    struct eco_share_input in = begin(weight, 1);

    (void)state;
    in.lost_weight = 1;
    finish(&in);
    check_split(ECO_SLOT_ACTIVE, 45, 0, 40, 15);
    check_split(ECO_SLOT_FULL, 75, 0, 0, 25);
}

static void excess_of_the_limit_is_nobodys(void **state)
{
    const double weight[] = {1};
    struct eco_share_input in = begin(weight, 1);

    (void)state;
    in.dynamic_limit_uj = 20;
    finish(&in);
    check_split(ECO_SLOT_ACTIVE, 20, 0, 40, 40);
    check_split(ECO_SLOT_FULL, 60, 0, 0, 40);
    in.dynamic_limit_uj = 0;
    finish(&in);
    check_split(ECO_SLOT_ACTIVE, 0, 0, 40, 60);
}

static void unknown_idle_leaves_only_full(void **state)
{
    const double weight[] = {1, 1}, idle_weight[] = {0.5, 0};
    struct eco_share_input in = begin(weight, 2);

    (void)state;
    in.idle_uj = (double)NAN;
    in.rest_weight = 2;
    in.dynamic_limit_uj = 1; /* says nothing of a whole with idle power in it */
    in.idle_weight = idle_weight;
    in.chosen = ECO_POLICY_EQUAL;
    finish(&in);
    check_split(ECO_SLOT_FULL, 50, 50, 0, 0);
    in.rest_weight = 0;
    in.weight = NULL;
    finish(&in);
    check_split(ECO_SLOT_FULL, 0, 0, 0, 100);
}

static void nobody_ran(void **state)
{
    const double weight[] = {0, 0}, half[] = {0.5, 0.5};
    struct eco_share_input in = begin(weight, 2);

    (void)state;
    in.chosen = ECO_POLICY_RESERVED;
    in.chosen_weight = half;
    in.idle_weight = half;
    finish(&in);
    check_split(ECO_SLOT_ACTIVE, 0, 0, 40, 60);
    check_split(ECO_SLOT_FULL, 0, 0, 40, 60);
    check_split(ECO_SLOT_CHOSEN, 0, 0, 40, 60);
    in.row_count = 0;
    finish(&in);
    check_split(ECO_SLOT_FULL, 0, 0, 40, 60);
}

static void chosen_gives_idle_by_fractions(void **state)
{
    const double weight[] = {1, 2}, fraction[] = {0.25, 0};
    struct eco_share_input in = begin(weight, 2);

    (void)state;
    in.rest_weight = 1;
    in.chosen = ECO_POLICY_RESERVED;
    in.chosen_weight = fraction;
    in.rest_chosen_weight = 0.5;
    finish(&in);
    check_split(ECO_SLOT_CHOSEN, 55, 35, 10, 0);
    in.rest_chosen_weight = 1.75; /* reserved twice over: scaled to 1 */
    finish(&in);
    check_split(ECO_SLOT_CHOSEN, 50, 50, 0, 0);
}

static void dram_idle_by_residence(void **state)
{
    const double weight[] = {1, 0}, resident[] = {0.1, 0.3};
    struct eco_share_input in = begin(weight, 2);

    (void)state;
    in.idle_weight = resident;
    in.rest_idle_weight = 0.1;
    finish(&in);
    check_split(ECO_SLOT_FULL, 76, 4, 20, 0);
    assert_near(rows[ECO_SLOT_FULL][1], 12, 1e-10);
    in.rest_idle_weight = 3.6;
    finish(&in);
    check_split(ECO_SLOT_FULL, 64, 36, 0, 0);
}

static void idle_beyond_energy_is_all_of_it(void **state)
{
    const double weight[] = {1};
    struct eco_share_input in = begin(weight, 1);

    (void)state;
    in.idle_uj = 1e9;
    finish(&in);
    check_split(ECO_SLOT_ACTIVE, 0, 0, 100, 0);
    in.idle_uj = -5;
    finish(&in);
    check_split(ECO_SLOT_ACTIVE, 100, 0, 0, 0);
    in.energy_uj = 0;
    finish(&in);
    check_split(ECO_SLOT_FULL, 0, 0, 0, 0);
}

static void unknown_energy_is_unknown(void **state)
{
    const double weight[] = {1}, odd[] = {(double)NAN, -1, (double)INFINITY};
    struct eco_share_input in = begin(weight, 1);

    (void)state;
    in.chosen = ECO_POLICY_EQUAL;
    for (size_t i = 0; i < 3; i++) {
        in.energy_uj = odd[i];
        eco_share_domain(&in, &out);
        for (int slot = 0; slot < ECO_SLOT_COUNT; slot++)
            check_unknown(&in, &out, (enum eco_slot)slot);
    }
}

static void rows_of_a_slot_may_be_left_out(void **state)
{
    const double weight[] = {1, 1};
    struct eco_share_input in = begin(weight, 2);

    (void)state;
    in.chosen = ECO_POLICY_EQUAL;
    in.chosen_weight = weight;
    out.row_uj[ECO_SLOT_CHOSEN] = NULL;
    finish(&in);
    check_split(ECO_SLOT_CHOSEN, 100, 0, 0, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(active_and_full),
        cmocka_unit_test(lost_weight_is_nobodys),
        cmocka_unit_test(excess_of_the_limit_is_nobodys),
        cmocka_unit_test(unknown_idle_leaves_only_full),
        cmocka_unit_test(nobody_ran),
        cmocka_unit_test(chosen_gives_idle_by_fractions),
        cmocka_unit_test(dram_idle_by_residence),
        cmocka_unit_test(idle_beyond_energy_is_all_of_it),
        cmocka_unit_test(unknown_energy_is_unknown),
        cmocka_unit_test(rows_of_a_slot_may_be_left_out),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
