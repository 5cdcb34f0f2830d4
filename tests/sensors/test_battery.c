/* SPDX-License-Identifier: MIT */
#include "machine.h"
#include "support/alloc.h"
#include "support/test.h"

static struct machine machine;
static struct eco_energy energy[ECO_DOMAINS_MAX];
static const struct eco_group_options measured = {.no_estimate = true};

static void put(const char *file, const char *text)
{
    char path[96];
    (void)snprintf(path, sizeof(path), "sys/class/power_supply/%s", file);
    eco_temp_write(&machine.temp, path, text);
}

static void make_machine(void)
{
    machine_init(&machine, NULL);
    put("AC/type", "Mains\n");
    put("AC/online", "0\n");
    put("BAT0/type", "Battery\n");
    put("BAT0/status", "Discharging\n");
    put("BAT0/power_now", "12000000\n");
    put("mouse/type", "Battery\n");
    put("mouse/scope", "Device\n");
    put("mouse/status", "Discharging\n");
    put("mouse/power_now", "1000000\n");
}

static void close_group(struct eco_group *group)
{
    eco_group_free(group);
    machine_finish(&machine);
}

static void step(struct eco_group *group, uint64_t s, bool close_all)
{
    machine_advance(&machine, s * ECO_NS_PER_S, 0);
    machine_read(&machine, group, close_all, energy);
}

static void discharging(void **state)
{
    (void)state;
    make_machine();
    struct eco_group *group = machine_open(&machine, &measured, NULL);
    const struct eco_domain *battery = machine_domain(group, "battery", NULL);
    assert_true(battery->counted); /* nothing else is known here */
    assert_false(battery->attributable);
    machine_read(&machine, group, true, energy);
    step(group, 3, false);
    assert_int_equal(energy[0].state, ECO_ENERGY_OK);
    assert_int_equal(energy[0].delta_uj, 36000000);
    assert_int_equal(energy[0].quality, ECO_DERIVED);
    close_group(group);
}

static void never_beside_a_package(void **state)
{
    (void)state;
    make_machine();
    machine_zone(&machine, "intel-rapl:0", "package-0", 1000);
    struct eco_group *group = machine_open(&machine, &measured, NULL);
    assert_false(machine_domain(group, "battery", NULL)->counted);
    close_group(group);
}

/* The embedded controller is slow: it is not asked every time. */
static void asked_seldom(void **state)
{
    (void)state;
    make_machine();
    struct eco_group *group = machine_open(&machine, &measured, NULL);
    machine_read(&machine, group, true, energy);
    put("BAT0/power_now", "24000000\n");
    step(group, 1, false);
    assert_int_equal(energy[0].state, ECO_ENERGY_WAITING);
    step(group, 1, false);
    assert_int_equal(energy[0].state, ECO_ENERGY_OK);
    assert_int_equal(energy[0].delta_uj, 36000000);
    close_group(group);
}

static void on_the_mains_it_is_a_gap(void **state)
{
    (void)state;
    make_machine();
    struct eco_group *group = machine_open(&machine, &measured, NULL);
    machine_read(&machine, group, true, energy);
    put("BAT0/status", "Charging\n");
    step(group, 3, true);
    assert_int_equal(energy[0].state, ECO_ENERGY_GAP);
    put("BAT0/status", "Discharging\n");
    step(group, 3, true);
    assert_int_equal(energy[0].state, ECO_ENERGY_GAP);
    step(group, 3, true);
    assert_int_equal(energy[0].state, ECO_ENERGY_OK);
    assert_int_equal(energy[0].delta_uj, 36000000);
    close_group(group);
}

/* Two batteries; one tells current and voltage, with a sign. */
static void two_batteries(void **state)
{
    (void)state;
    make_machine();
    put("BAT1/type", "Battery\n");
    put("BAT1/status", "Discharging\n");
    put("BAT1/current_now", "-500000\n");
    put("BAT1/voltage_now", "12000000\n");
    struct eco_group *group = machine_open(&machine, &measured, NULL);
    machine_read(&machine, group, true, energy);
    step(group, 2, true);
    assert_int_equal(energy[0].delta_uj, 36000000);
    close_group(group);
}

static void absurd_values(void **state)
{
    static const char *const texts[] = {"", "x\n", "0\n", "99999999999999999999\n", "9000000000000\n"};
    (void)state;
    make_machine();
    struct eco_group *group = machine_open(&machine, &measured, NULL);
    machine_read(&machine, group, true, energy);
    for (size_t i = 0; i < ECO_COUNT(texts); i++) {
        put("BAT0/power_now", texts[i]);
        step(group, 3, true);
        assert_int_equal(energy[0].state, ECO_ENERGY_GAP);
    }
    close_group(group);
}

static void none(void **state)
{
    struct eco_sensor *sensor = NULL;
    (void)state;
    machine_init(&machine, NULL);
    assert_int_equal(eco_sensor_open(&eco_sensor_battery, &machine.env, &sensor, NULL), -ENODEV);
    assert_null(sensor);
    put("AC/type", "Mains\n");
    assert_int_equal(eco_sensor_open(&eco_sensor_battery, &machine.env, &sensor, NULL), -ENODEV);
    machine_finish(&machine);
}

static int open_once(void *context)
{
    struct eco_sensor *sensor = NULL;
    (void)context;
    int r = eco_sensor_open(&eco_sensor_battery, &machine.env, &sensor, NULL);
    if (r == 0)
        eco_sensor_free(sensor);
    return r;
}

static void allocations_fail(void **state)
{
    (void)state;
    make_machine();
    assert_true(eco_alloc_fail_each(open_once, NULL) >= 2);
    machine_finish(&machine);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(discharging),   cmocka_unit_test(never_beside_a_package),
        cmocka_unit_test(asked_seldom),  cmocka_unit_test(on_the_mains_it_is_a_gap),
        cmocka_unit_test(two_batteries), cmocka_unit_test(absurd_values),
        cmocka_unit_test(none),          cmocka_unit_test(allocations_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
