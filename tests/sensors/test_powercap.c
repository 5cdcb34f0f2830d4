/* SPDX-License-Identifier: MIT */
#include "machine.h"
#include "support/alloc.h"
#include "support/test.h"

static struct machine machine;

static struct eco_sensor *open_powercap(int expected)
{
    struct eco_sensor *sensor = NULL;
    struct eco_why why;
    assert_int_equal(eco_sensor_open(&eco_sensor_powercap, &machine.env, &sensor, &why), expected);
    return sensor;
}

static void nothing_there(void **state)
{
    (void)state;
    machine_init(&machine, NULL);
    machine.host.cpu_vendor[0] = '\0'; /* ARM, say: no word about RAPL */
    assert_null(open_powercap(-ENODEV));
    (void)snprintf(machine.host.cpu_vendor, sizeof(machine.host.cpu_vendor), "GenuineIntel");
    struct eco_sensor *sensor = open_powercap(-ENODEV);
    assert_int_equal(sensor->refusal_count, 1);
    assert_string_equal(sensor->refusals[0].why.fix, "sudo modprobe intel_rapl_msr");
    eco_sensor_free(sensor);
    machine.host.is_hypervisor_guest = true;
    sensor = open_powercap(-ENODEV);
    assert_non_null(strstr(sensor->refusals[0].why.text, "virtual machine"));
    assert_string_equal(sensor->refusals[0].why.fix, "");
    assert_false(sensor->refusals[0].mendable);
    eco_sensor_free(sensor);
    machine_finish(&machine);
}

static void hidden_by_a_container(void **state)
{
    (void)state;
    machine_init(&machine, "rapl/dangling_zone");
    machine.host.is_container = true;
    struct eco_sensor *sensor = open_powercap(-ENODEV);
    assert_non_null(strstr(sensor->refusals[0].why.text, "hidden by the container"));
    assert_non_null(strstr(sensor->refusals[0].why.fix, "systempaths=unconfined"));
    eco_sensor_free(sensor);
    machine_finish(&machine);
    machine_init(&machine, NULL);
    machine.host.is_container = true;
    sensor = open_powercap(-ENODEV);
    assert_non_null(strstr(sensor->refusals[0].why.text, "hidden by the container"));
    eco_sensor_free(sensor);
    machine_finish(&machine);
}

static void root_only(void **state)
{
    (void)state;
    machine_init(&machine, "rapl/server_2s_dram");
    machine.fault_part = "energy_uj";
    machine.fault_error = -EACCES;
    struct eco_sensor *sensor = open_powercap(-EACCES);
    assert_int_equal(sensor->channel_count, 0);
    assert_int_equal(sensor->refusal_count, 4);
    for (size_t i = 0; i < sensor->refusal_count; i++) {
        assert_int_equal(sensor->refusals[i].error, -EACCES);
        assert_true(sensor->refusals[i].mendable);
        assert_non_null(strstr(sensor->refusals[i].why.text, "only root may read it"));
        assert_non_null(strstr(sensor->refusals[i].why.fix, "sudo chmod a+r /sys/class/powercap/intel-rapl"));
    }
    assert_string_equal(sensor->refusals[0].domain, "package-0");
    eco_sensor_free(sensor);
    machine_finish(&machine);
}

/* A package without one of its dies is no package. */
static void one_die_unreadable(void **state)
{
    (void)state;
    machine_init(&machine, "rapl/server_clxap_2s_2dies");
    machine.fault_part = "intel-rapl:1/energy_uj";
    machine.fault_error = -EACCES;
    int before = open_descriptors();
    struct eco_sensor *sensor = open_powercap(0);
    assert_int_equal(sensor->channel_count, 6); /* the other package, and all DRAM */
    for (size_t i = 0; i < sensor->channel_count; i++)
        assert_string_not_equal(sensor->channels[i].name, "package-0");
    assert_int_equal(sensor->refusal_count, 2);
    eco_sensor_free(sensor);
    assert_int_equal(open_descriptors(), before);
    machine_finish(&machine);
}

/* What may lie in the place of energy_uj: refused, never a number, never a hang. */
static void absurd_counters(void **state)
{
    static const char *const texts[] = {"",        "\n",     "-5\n",  "1.5\n",
                                        "12 34\n", "0x10\n", "nan\n", "99999999999999999999999\n"};
    (void)state;
    machine_init(&machine, NULL);
    machine_zone(&machine, "intel-rapl:0", "package-0", 1);
    for (size_t i = 0; i < ECO_COUNT(texts); i++) {
        eco_temp_write(&machine.temp, "sys/class/powercap/intel-rapl:0/energy_uj", texts[i]);
        struct eco_sensor *sensor = open_powercap(-ENODEV);
        assert_int_equal(sensor->refusal_count, 1);
        eco_sensor_free(sensor);
    }
    char huge[5000];
    memset(huge, '7', sizeof(huge) - 1);
    huge[sizeof(huge) - 1] = '\0';
    eco_temp_write(&machine.temp, "sys/class/powercap/intel-rapl:0/energy_uj", huge);
    eco_sensor_free(open_powercap(-ENODEV));
    eco_temp_remove(&machine.temp, "sys/class/powercap/intel-rapl:0/energy_uj");
    eco_temp_fifo(&machine.temp, "sys/class/powercap/intel-rapl:0/energy_uj");
    eco_sensor_free(open_powercap(-ENODEV));
    eco_temp_remove(&machine.temp, "sys/class/powercap/intel-rapl:0/energy_uj");
    eco_temp_mkdir(&machine.temp, "sys/class/powercap/intel-rapl:0/energy_uj");
    eco_sensor_free(open_powercap(-ENODEV));
    machine_finish(&machine);
}

/* Without a usable range a wrap cannot be told, but the zone is used. */
static void absurd_ranges(void **state)
{
    static const char *const texts[] = {"", "0\n", "999\n", "-1\n", "18446744073709551615\n", "x\n"};
    (void)state;
    machine_init(&machine, NULL);
    machine_zone(&machine, "intel-rapl:0", "package-0", 5000);
    for (size_t i = 0; i < ECO_COUNT(texts); i++) {
        eco_temp_write(&machine.temp, "sys/class/powercap/intel-rapl:0/max_energy_range_uj", texts[i]);
        struct eco_sensor *sensor = open_powercap(0);
        assert_int_equal(sensor->channels[0].modulus, 0);
        assert_int_equal(sensor->channels[0].quantum_uj, 1);
        eco_sensor_free(sensor);
    }
    machine_finish(&machine);
}

static void names_that_are_none(void **state)
{
    static const char *const texts[] = {"", "soc package\n", "package-\n", "dram\n", "\xff\xfe\n"};
    (void)state;
    machine_init(&machine, NULL);
    machine_zone(&machine, "intel-rapl:0", "package-0", 5000);
    for (size_t i = 0; i < ECO_COUNT(texts); i++) {
        struct eco_sensor *sensor = NULL;
        eco_temp_write(&machine.temp, "sys/class/powercap/intel-rapl:0/name", texts[i]);
        assert_int_equal(eco_sensor_open(&eco_sensor_powercap, &machine.env, &sensor, NULL), -ENODEV);
        eco_sensor_free(sensor);
    }
    machine_finish(&machine);
}

static void limits_tell_what_is_too_much(void **state)
{
    (void)state;
    machine_init(&machine, NULL);
    machine_zone(&machine, "intel-rapl:0", "package-0", 5000);
    struct eco_sensor *sensor = open_powercap(0);
    assert_int_equal(sensor->channels[0].max_uw, 5000000000ull);
    eco_sensor_free(sensor);
    eco_temp_write(&machine.temp, "sys/class/powercap/intel-rapl:0/constraint_0_max_power_uw", "150000000\n");
    eco_temp_write(&machine.temp, "sys/class/powercap/intel-rapl:0/constraint_1_power_limit_uw",
                   "180000000\n");
    sensor = open_powercap(0);
    assert_int_equal(sensor->channels[0].max_uw, 360000000ull);
    eco_sensor_free(sensor);
    eco_temp_write(&machine.temp, "sys/class/powercap/intel-rapl:0/constraint_1_power_limit_uw",
                   "4095875000000\n");
    sensor = open_powercap(0);
    assert_int_equal(sensor->channels[0].max_uw, 5000000000ull);
    eco_sensor_free(sensor);
    machine_finish(&machine);
}

static void more_zones_than_fit(void **state)
{
    char zone[40], name[40];
    (void)state;
    machine_init(&machine, NULL);
    for (unsigned i = 0; i < 600; i++) {
        (void)snprintf(zone, sizeof(zone), "intel-rapl:%x", i);
        (void)snprintf(name, sizeof(name), "package-%u", i);
        machine_zone(&machine, zone, name, 5000);
    }
    int before = open_descriptors();
    struct eco_sensor *sensor = open_powercap(0);
    assert_true(sensor->channel_count <= ECO_CHANNELS_MAX);
    assert_true(sensor->channel_count > 400);
    assert_int_equal(sensor->refusals[sensor->refusal_count - 1].error, -E2BIG);
    eco_sensor_free(sensor);
    struct eco_energy energy[ECO_DOMAINS_MAX];
    struct eco_group *group = machine_open(&machine, NULL, NULL);
    unsigned count;
    (void)eco_group_domains(group, &count);
    assert_int_equal(count, ECO_DOMAINS_MAX);
    machine_read(&machine, group, true, energy);
    eco_group_free(group);
    assert_int_equal(open_descriptors(), before);
    machine_finish(&machine);
}

static int open_once(void *context)
{
    struct eco_sensor *sensor = NULL;
    int r = eco_sensor_open(context, &machine.env, &sensor, NULL);
    if (r == 0)
        eco_sensor_free(sensor);
    return r;
}

static void allocations_fail(void **state)
{
    (void)state;
    machine_init(&machine, "rapl/laptop_1s_psys_mmio");
    int before = open_descriptors();
    const struct eco_sensor_ops *ops = &eco_sensor_powercap;
    assert_true(eco_alloc_fail_each(open_once, (void *)(uintptr_t)ops) >= 4);
    assert_int_equal(open_descriptors(), before);
    machine_finish(&machine);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_there),       cmocka_unit_test(hidden_by_a_container),
        cmocka_unit_test(root_only),           cmocka_unit_test(one_die_unreadable),
        cmocka_unit_test(absurd_counters),     cmocka_unit_test(absurd_ranges),
        cmocka_unit_test(names_that_are_none), cmocka_unit_test(limits_tell_what_is_too_much),
        cmocka_unit_test(more_zones_than_fit), cmocka_unit_test(allocations_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
