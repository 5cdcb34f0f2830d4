/* SPDX-License-Identifier: MIT */
/* What the whole takes: the arithmetic, and how often the interval holds the truth. */
#include "support/test.h"

#include "course/predict.h"

#include <math.h>
#include <stdint.h>

static struct eco_prediction predict(const struct eco_predictor *predictor, double total)
{
    struct eco_prediction prediction = {.basis = "progress"};
    eco_predict(predictor, &predictor->points[predictor->count - 1], total, false, &prediction);
    return prediction;
}

static void one_part_gives_no_interval(void **state)
{
    struct eco_predictor predictor = {0};
    (void)state;
    eco_predictor_add(&predictor, &(struct eco_point){0, 1, 10});
    assert_false(predict(&predictor, 20).is_known);
    eco_predictor_add(&predictor, &(struct eco_point){2, 5, 30});
    struct eco_prediction whole = predict(&predictor, 20);
    assert_true(whole.is_known);
    eco_assert_near(whole.energy_j, 30 + 18 * 10, 1e-9);
    eco_assert_near(whole.duration_s, 5 + 18 * 2, 1e-9);
    eco_assert_near(whole.fraction, 0.1, 1e-12);
    assert_true(isnan(whole.energy_low_j) && isnan(whole.energy_high_j) && isnan(whole.duration_high_s));
}

/* Parts of 9, 11 and 10 J: mean 10, s2 = 1; 7 to come: 4.3027 sqrt(7 + 49/3) = 20.78. */
static void the_interval_is_the_formulas(void **state)
{
    struct eco_predictor predictor = {0};
    (void)state;
    eco_predictor_add(&predictor, &(struct eco_point){0, 0, 0});
    eco_predictor_add(&predictor, &(struct eco_point){1, 1, 9});
    eco_predictor_add(&predictor, &(struct eco_point){2, 2, 20});
    eco_predictor_add(&predictor, &(struct eco_point){3, 3, 30});
    struct eco_prediction whole = predict(&predictor, 10);
    eco_assert_near(whole.energy_j, 100, 1e-9);
    eco_assert_near(whole.energy_high_j, 120.784, 0.01);
    eco_assert_near(whole.energy_low_j, 79.216, 0.01);
    eco_assert_near(whole.duration_low_s, 10, 1e-9);
    assert_int_equal(whole.samples, 3);
}

static void student_is_as_in_tables(void **state)
{
    (void)state;
    assert_true(isnan(eco_student_t(0)));
    eco_assert_near(eco_student_t(1), 12.706, 0.001);
    eco_assert_near(eco_student_t(12), 2.1788, 0.003);
    eco_assert_near(eco_student_t(30), 2.0423, 0.001);
    eco_assert_near(eco_student_t(1000), 1.9623, 0.001);
}

static void less_than_before_begins_anew(void **state)
{
    struct eco_predictor predictor = {0};
    (void)state;
    for (int i = 0; i < 5; i++)
        eco_predictor_add(&predictor, &(struct eco_point){i, i, i});
    eco_predictor_add(&predictor, &(struct eco_point){4, 9, 9});
    assert_int_equal(predictor.count, 5);
    eco_predictor_add(&predictor, &(struct eco_point){1, 9, 9});
    assert_int_equal(predictor.count, 1);
}

static void any_number_of_parts_finds_room(void **state)
{
    struct eco_predictor predictor = {0};
    (void)state;
    for (int i = 0; i <= 100000; i++)
        eco_predictor_add(&predictor, &(struct eco_point){i, i, 2.0 * i});
    assert_true(predictor.count > ECO_POINTS_MAX / 2 && predictor.count <= ECO_POINTS_MAX);
    /* All of them speak for the same length, or late ones would count for more. */
    for (unsigned i = 2; i < predictor.count; i++)
        eco_assert_near(predictor.points[i].done - predictor.points[i - 1].done,
                        predictor.points[1].done - predictor.points[0].done, 1);
    struct eco_prediction whole = predict(&predictor, 200000);
    eco_assert_near(whole.energy_j, 400000, 1e-3);
}

static void what_is_gone_is_the_least(void **state)
{
    struct eco_predictor predictor = {0};
    struct eco_prediction whole = {.basis = "expect"};
    (void)state;
    eco_predictor_add(&predictor, &(struct eco_point){0, 0, 0});
    eco_predictor_add(&predictor, &(struct eco_point){9, 9, 90});
    eco_predict(&predictor, &(struct eco_point){12, 12, 130}, 10, true, &whole);
    eco_assert_near(whole.energy_j, 130, 1e-9);
    eco_assert_near(whole.duration_s, 12, 1e-9);
}

/* Uniform in [0, 1), always the same row. */
static double next_random(uint64_t *seed)
{
    *seed = *seed * 6364136223846793005u + 1442695040888963407u;
    return (double)(*seed >> 11) / 9007199254740992.0;
}

/* Parts of 5 to 15 J, 6 of 20 seen: the truth lies in the interval in about 95 of 100. */
static void the_interval_holds_the_truth(void **state)
{
    uint64_t seed = 1;
    int held = 0;
    (void)state;
    for (int run = 0; run < 2000; run++) {
        struct eco_predictor predictor = {0};
        struct eco_prediction whole = {.basis = "progress"};
        double job_j = 0;
        eco_predictor_add(&predictor, &(struct eco_point){0, 0, 0});
        for (int i = 1; i <= 20; i++) {
            job_j += 5 + 10 * next_random(&seed);
            if (i <= 6)
                eco_predictor_add(&predictor, &(struct eco_point){i, i, job_j});
            if (i == 6)
                whole = predict(&predictor, 20);
        }
        held += job_j >= whole.energy_low_j && job_j <= whole.energy_high_j;
    }
    assert_in_range(held, 1860, 1960);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_part_gives_no_interval),     cmocka_unit_test(the_interval_is_the_formulas),
        cmocka_unit_test(student_is_as_in_tables),        cmocka_unit_test(less_than_before_begins_anew),
        cmocka_unit_test(any_number_of_parts_finds_room), cmocka_unit_test(what_is_gone_is_the_least),
        cmocka_unit_test(the_interval_holds_the_truth),
    };
    return cmocka_run_group_tests_name("predict", tests, NULL, NULL);
}
