/* SPDX-License-Identifier: MIT */
/* Properties of a division over random and nasty input. */
#include "attribution/share_check.h"
#include "attribution/sim.h"
#include "base/mem.h"

#include <float.h>

#define SMALL     40
#define HUGE_ROWS 100000

struct arrays {
    double *weight, *idle_weight, *chosen_weight, *rows[ECO_SLOT_COUNT], *spare;
    size_t capacity;
};

static void arrays_open(struct arrays *a, size_t capacity)
{
    double **all[] = {&a->weight,  &a->idle_weight, &a->chosen_weight, &a->rows[0],
                      &a->rows[1], &a->rows[2],     &a->spare};

    a->capacity = capacity;
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        *all[i] = eco_calloc(capacity, sizeof(double));
        assert_non_null(*all[i]);
    }
}

static void arrays_free(struct arrays *a)
{
    double *all[] = {a->weight,  a->idle_weight, a->chosen_weight, a->rows[0],
                     a->rows[1], a->rows[2],     a->spare};

    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
        free(all[i]);
}

/* Ordinary, zero, tiny, huge: weights as they come from nanoseconds and worse. */
static double wild(struct sim_random *random)
{
    double kind = sim_uniform(random);

    if (kind < 0.3)
        return 0;
    if (kind < 0.7)
        return sim_uniform(random) * 1e9;
    return pow(10, -300 + 600 * sim_uniform(random));
}

static const double nasty_values[] = {
    0,        -0.0,      -1,       1e-323,          DBL_MIN,          DBL_MAX,
    -DBL_MAX, 1,         1e308,    (double)NAN,     (double)INFINITY, -(double)INFINITY,
    1e-308,   0x1p-1074, 0x1p1023, 123456789.12345, DBL_EPSILON,      3};

static double nasty(struct sim_random *random)
{
    size_t count = sizeof(nasty_values) / sizeof(nasty_values[0]);

    return nasty_values[(size_t)(sim_uniform(random) * (double)count)];
}

static struct eco_share_input random_input(struct arrays *a, size_t count, struct sim_random *random,
                                           double (*value)(struct sim_random *))
{
    double scale = sim_uniform(random) < 0.5 ? 1.0 / (double)(count + 1) : 1;
    struct eco_share_input in = {.energy_uj = floor(pow(10, 18 * sim_uniform(random))),
                                 .dynamic_limit_uj = (double)NAN,
                                 .row_count = count,
                                 .weight = a->weight,
                                 .chosen_weight = a->chosen_weight,
                                 .rest_weight = value(random),
                                 .rest_idle_weight = scale * sim_uniform(random),
                                 .rest_chosen_weight = value(random)};

    for (size_t i = 0; i < count; i++) {
        a->weight[i] = value(random);
        a->idle_weight[i] = value(random);
        a->chosen_weight[i] = scale * sim_uniform(random);
    }
    in.idle_uj = sim_uniform(random) < 0.2 ? (double)NAN : in.energy_uj * 1.2 * sim_uniform(random);
    if (sim_uniform(random) < 0.1)
        in.energy_uj = 0;
    if (sim_uniform(random) < 0.3)
        in.dynamic_limit_uj = in.energy_uj * sim_uniform(random);
    if (sim_uniform(random) < 0.3)
        in.idle_weight = a->idle_weight;
    if (sim_uniform(random) < 0.3)
        in.lost_weight = value(random);
    in.chosen = (enum eco_policy)(sim_uniform(random) * ECO_POLICY_COUNT);
    return in;
}

static void divide(const struct eco_share_input *in, struct arrays *a, struct eco_share_output *out)
{
    for (int slot = 0; slot < ECO_SLOT_COUNT; slot++)
        out->row_uj[slot] = a->rows[slot];
    eco_share_domain(in, out);
}

static void adds_up_whatever_comes(void **state)
{
    struct sim_random random = {1};
    struct eco_share_output out;
    struct arrays a;

    (void)state;
    arrays_open(&a, SMALL);
    for (int round = 0; round < 20000; round++) {
        size_t count = (size_t)(sim_uniform(&random) * (SMALL + 1));
        struct eco_share_input in = random_input(&a, count, &random, wild);

        divide(&in, &a, &out);
        check_all(&in, &out);
    }
    arrays_free(&a);
}

static void nasty_floats_give_no_nan(void **state)
{
    struct sim_random random = {2};
    struct eco_share_output out;
    struct arrays a;

    (void)state;
    arrays_open(&a, SMALL);
    for (int round = 0; round < 20000; round++) {
        size_t count = (size_t)(sim_uniform(&random) * 6);
        struct eco_share_input in = random_input(&a, count, &random, nasty);

        in.rest_idle_weight = nasty(&random);
        in.dynamic_limit_uj = nasty(&random);
        in.idle_uj = nasty(&random);
        divide(&in, &a, &out);
        check_all(&in, &out);
    }
    arrays_free(&a);
}

static void adds_up_over_a_hundred_thousand_rows(void **state)
{
    struct sim_random random = {3};
    struct eco_share_output out;
    struct arrays a;

    (void)state;
    arrays_open(&a, HUGE_ROWS);
    for (int round = 0; round < 6; round++) {
        struct eco_share_input in = random_input(&a, HUGE_ROWS, &random, wild);

        if (round % 2 == 0) { /* even weights: where naive sums lose most */
            for (size_t i = 0; i < HUGE_ROWS; i++)
                a.weight[i] = 0.1 + sim_uniform(&random);
            in.rest_weight = 1;
            in.lost_weight = 0;
        }
        divide(&in, &a, &out);
        check_all(&in, &out);
    }
    arrays_free(&a);
}

static void order_does_not_matter(void **state)
{
    struct sim_random random = {4};
    struct eco_share_output out;
    struct arrays a;

    (void)state;
    arrays_open(&a, SMALL);
    for (int round = 0; round < 2000; round++) {
        struct eco_share_input in = random_input(&a, SMALL, &random, wild);

        divide(&in, &a, &out);
        memcpy(a.spare, a.rows[ECO_SLOT_FULL], SMALL * sizeof(double));
        struct eco_split before = out.split[ECO_SLOT_FULL];

        for (size_t i = 0; i < SMALL / 2; i++) {
            double *each[] = {a.weight, a.idle_weight, a.chosen_weight};

            for (size_t j = 0; j < 3; j++) {
                double other = each[j][i];

                each[j][i] = each[j][SMALL - 1 - i];
                each[j][SMALL - 1 - i] = other;
            }
        }
        divide(&in, &a, &out);
        for (size_t i = 0; i < SMALL; i++)
            assert_true(fabs(a.rows[ECO_SLOT_FULL][SMALL - 1 - i] - a.spare[i]) <= 1e-15 * in.energy_uj);
        assert_true(fabs(before.job_uj - out.split[ECO_SLOT_FULL].job_uj) <= 1e-14 * in.energy_uj);
    }
    arrays_free(&a);
}

/* The unit of the weights plays no part, nor does splitting a row in two. */
static void only_proportions_count(void **state)
{
    const double one[] = {3, 5}, scaled[] = {3e-9, 5e-9}, split[] = {1, 2, 5};
    double rows[3];
    struct eco_share_output out = {.row_uj = {rows, NULL, NULL}};
    struct eco_share_input in = {
        .energy_uj = 80, .idle_uj = 0, .dynamic_limit_uj = (double)NAN, .row_count = 2};

    (void)state;
    in.weight = one;
    eco_share_domain(&in, &out);
    assert_near(rows[0], 30, 1e-12);
    in.weight = scaled;
    eco_share_domain(&in, &out);
    assert_near(rows[0], 30, 1e-12);
    in.weight = split;
    in.row_count = 3;
    eco_share_domain(&in, &out);
    assert_near(rows[0] + rows[1], 30, 1e-12);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(adds_up_whatever_comes),
        cmocka_unit_test(nasty_floats_give_no_nan),
        cmocka_unit_test(adds_up_over_a_hundred_thousand_rows),
        cmocka_unit_test(order_does_not_matter),
        cmocka_unit_test(only_proportions_count),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
