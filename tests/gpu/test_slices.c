/* SPDX-License-Identifier: MIT */
/* Energy of slices between the driver's own samples: what each gets, to the microjoule. */
#include "gpu/nvml_impl.h"

#include "support/test.h"

#include <math.h>

#define MS ECO_NS_PER_MS

static struct nvml_device device;
static struct nvml_use uses[2];

static void assert_near(double got, double want)
{
    if (!(fabs(got - want) <= 1e-6 * (1 + fabs(want))))
        fail_msg("%.12g is not %.12g", got, want);
}

static int set_up(void **state)
{
    (void)state;
    device = (struct nvml_device){.uses = uses, .use_count = 2};
    uses[0] = (struct nvml_use){.pid = 1001};
    uses[1] = (struct nvml_use){.pid = 1002};
    return 0;
}

/* The counter says so much at that time. */
static void energy(uint64_t at_ms, uint64_t uj, uint32_t more_fields)
{
    device.state.fields = ECO_GPU_HAS_ENERGY | more_fields;
    device.state.energy_uj = uj;
    device.state.valid_from_ns = device.state.valid_to_ns = at_ms * MS;
    eco_nvml_slices_energy(&device);
    eco_nvml_slices_close(&device, false);
}

/* A sample of that time says who worked since the one before. */
static void used(uint64_t at_ms, uint64_t first_ms, uint64_t second_ms)
{
    uses[0].weight_ns += first_ms * MS;
    uses[1].weight_ns += second_ms * MS;
    eco_nvml_slices_used(&device, at_ms * MS);
    eco_nvml_slices_close(&device, false);
}

static void check(double first_uj, double second_uj, uint64_t divided_ms, uint64_t divided_uj)
{
    assert_near(uses[0].energy_uj, first_uj);
    assert_near(uses[1].energy_uj, second_uj);
    assert_int_equal(device.state.divided_ns, divided_ms * MS);
    assert_int_equal(device.state.divided_uj, divided_uj);
}

/* The first ran alone at 300 uW, then the second at 100 uW: by the sum of times each would get the half. */
static void test_hand_over(void **state)
{
    (void)state;
    energy(1000, 5000, 0);
    assert_false(device.state.fields & ECO_GPU_HAS_DIVIDED);
    energy(1100, 35000, 0);
    used(1100, 100, 0);
    energy(1200, 45000, 0);
    check(30000, 0, 1100, 35000);
    used(1200, 0, 100);
    check(30000, 10000, 1200, 45000);
    assert_near(uses[0].span_ns, 100.0 * (double)MS);
    assert_near(uses[1].span_ns, 100.0 * (double)MS);
}

/* A slice ends between two steps of the counter: the line between them is what is known. */
static void test_between_two_steps(void **state)
{
    (void)state;
    energy(1000, 0, 0);
    energy(1100, 10000, 0);
    used(1125, 125, 0);
    assert_near(uses[0].energy_uj, 0); /* the counter is not there yet */
    energy(1200, 30000, 0);
    check(15000, 0, 1125, 15000);
    used(1150, 0, 25); /* this one is in the past of the counter already */
    check(15000, 5000, 1150, 20000);
}

/* Samples come faster than the counter steps: they are one slice, and nobody is forgotten. */
static void test_a_slow_counter(void **state)
{
    (void)state;
    energy(1000, 0, 0);
    for (unsigned i = 1; i <= 10; i++) {
        energy(1000, 0, 0);
        used(1000 + 10 * i, 6, 3);
    }
    energy(1100, 9000, 0);
    check(6000, 3000, 1100, 9000);
}

/* At the end nothing is waited for. */
static void test_the_last_one(void **state)
{
    (void)state;
    energy(1000, 0, 0);
    energy(1100, 9000, 0);
    used(1150, 60, 30);
    assert_near(uses[0].energy_uj, 0);
    eco_nvml_slices_close(&device, true);
    check(6000, 3000, 1100, 9000);
}

static void test_nobody_worked(void **state)
{
    (void)state;
    energy(1000, 0, 0);
    energy(1100, 1000, 0);
    used(1100, 0, 0);
    check(0, 0, 1100, 1000);
    energy(1200, 4000, 0);
    used(1200, 100, 0);
    check(3000, 0, 1200, 4000);
}

/* What was used over a break, or drawn in it, is in no slice. */
static void test_a_break(void **state)
{
    (void)state;
    energy(1000, 500000, 0);
    energy(1100, 510000, 0);
    used(1100, 100, 0);
    used(1150, 50, 0);
    energy(1200, 7, ECO_GPU_REBASED);
    check(10000, 0, 1200, 7);
    used(1300, 0, 100);
    energy(1300, 1007, 0);
    check(10000, 1000, 1300, 1007);
    energy(1400, 3, 0); /* set back, though nobody says so */
    check(10000, 1000, 1400, 3);
}

/* A figure that is a mean of the last second is of half a second ago. */
static void test_a_mean(void **state)
{
    (void)state;
    energy(1000, 0, 0);
    device.state.energy_uj = 8000;
    device.state.valid_from_ns = 1100 * MS;
    device.state.valid_to_ns = 2100 * MS;
    eco_nvml_slices_energy(&device);
    used(1600, 100, 0);
    check(8000, 0, 1600, 8000);
}

/* A counter that runs on while nobody is told of: the oldest of it is forgotten, not the newest. */
static void test_many_points(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 3 * NVML_POINTS_MAX; i++)
        energy(1000 + i, (uint64_t)i * 10, 0);
    used(1000 + 3 * NVML_POINTS_MAX - 2, 5, 5);
    check(5.0 * (3 * NVML_POINTS_MAX - 2), 5.0 * (3 * NVML_POINTS_MAX - 2), 1000 + 3 * NVML_POINTS_MAX - 2,
          10 * (3 * NVML_POINTS_MAX - 2));
}

static void test_the_samples_period(void **state)
{
    (void)state;
    eco_nvml_slices_stamp(&device, 5000000);
    assert_int_equal(device.util_step_ns, 0);
    eco_nvml_slices_stamp(&device, 5400000);
    assert_int_equal(device.util_step_ns, 400 * MS);
    eco_nvml_slices_stamp(&device, 5600000);
    eco_nvml_slices_stamp(&device, 5601000); /* no driver samples so often */
    eco_nvml_slices_stamp(&device, 5500000);
    assert_int_equal(device.util_step_ns, 200 * MS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_hand_over, set_up),
        cmocka_unit_test_setup(test_between_two_steps, set_up),
        cmocka_unit_test_setup(test_a_slow_counter, set_up),
        cmocka_unit_test_setup(test_nobody_worked, set_up),
        cmocka_unit_test_setup(test_the_last_one, set_up),
        cmocka_unit_test_setup(test_a_break, set_up),
        cmocka_unit_test_setup(test_a_mean, set_up),
        cmocka_unit_test_setup(test_many_points, set_up),
        cmocka_unit_test_setup(test_the_samples_period, set_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
