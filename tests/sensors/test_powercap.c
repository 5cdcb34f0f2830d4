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
    assert_non_null(strstr(sensor->refusals[0].why.fix, "-v /sys:/sys:ro"));
    eco_sensor_free(sensor);
    /* sysfs is whole, and there is none: not hidden. An empty folder of the zones is a mask over them. */
    eco_temp_write(&machine.temp, "sys/class/net/lo/ifindex", "1\n");
    eco_temp_write(&machine.temp, "sys/devices/system/cpu/online", "0\n");
    sensor = open_powercap(-ENODEV);
    assert_null(strstr(sensor->refusals[0].why.text, "hidden"));
    assert_non_null(strstr(sensor->refusals[0].why.fix, "on the host"));
    eco_sensor_free(sensor);
    eco_temp_write(&machine.temp, "sys/devices/virtual/powercap/gone", "");
    eco_temp_remove(&machine.temp, "sys/devices/virtual/powercap/gone");
    sensor = open_powercap(-ENODEV);
    assert_non_null(strstr(sensor->refusals[0].why.text, "hidden by the container"));
    assert_non_null(strstr(sensor->refusals[0].why.fix, "systempaths=unconfined"));
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
        assert_non_null(strstr(sensor->refusals[i].why.fix, "sudo ecocode doctor --fix"));
    }
    assert_string_equal(sensor->refusals[0].domain, "package-0");
    eco_sensor_free(sensor);
    machine_finish(&machine);
}

/* What this user may not read, another one tells. */
struct teller {
    struct eco_counters base;
    struct eco_counter_sample sample;
    int error;
    unsigned asked;
};

static int tell(struct eco_counters *base, struct eco_counter_sample *ret, struct eco_why *why)
{
    struct teller *self = (struct teller *)base;
    self->asked++;
    if (self->error < 0) {
        eco_why_set(why, "the helper says no");
        return self->error;
    }
    *ret = self->sample;
    return 0;
}

static struct teller teller_of(unsigned zones, const char *const *names)
{
    struct teller teller = {.base = {.name = "somebody", .period_ns = 100000000, .read = tell}};
    teller.sample.count = zones;
    teller.sample.begin_ns = 1000;
    teller.sample.end_ns = 3000;
    for (unsigned i = 0; i < zones; i++) {
        (void)snprintf(teller.sample.values[i].zone, ECO_COUNTER_NAME_MAX, "%s", names[i]);
        teller.sample.values[i].value_uj = 1000000 + i;
    }
    return teller;
}

static void told_by_another(void **state)
{
    (void)state;
    static const char *const names[] = {"intel-rapl:0", "intel-rapl:0:0", "intel-rapl:1", "intel-rapl:1:0"};
    struct teller teller = teller_of(4, names);
    struct eco_reading readings[8];
    machine_init(&machine, "rapl/server_2s_dram");
    machine.fault_part = "energy_uj";
    machine.fault_error = -EACCES;
    machine.root.is_own[ECO_SYSFS] = true;
    machine.env.counters = &teller.base;
    struct eco_sensor *sensor = open_powercap(0);
    assert_int_equal(sensor->channel_count, 4);
    assert_int_equal(sensor->refusal_count, 0);
    assert_int_equal(teller.asked, 1); /* once for all zones */
    assert_string_equal(sensor->channels[0].label, "intel-rapl:0 by somebody");
    assert_int_equal(sensor->channels[0].period_ns, 100000000);
    assert_int_equal(sensor->channels[0].quality, ECO_MEASURED);
    assert_int_equal(eco_sensor_powercap.read(sensor, NULL, readings), 0);
    for (unsigned i = 0; i < 4; i++) {
        assert_int_equal(readings[i].state, ECO_READING_OK);
        assert_int_equal(readings[i].value, 1000000 + i);
        assert_int_equal(readings[i].valid_to_ns, 2000); /* when it was really read */
        assert_int_equal(readings[i].begin_ns, 1000);
    }
    assert_int_equal(eco_sensor_powercap.read(sensor, NULL, readings), 0);
    assert_int_equal(readings[0].state, ECO_READING_STALE); /* the same again */
    teller.sample.begin_ns = teller.sample.end_ns = 5000;
    teller.sample.values[1].error = -EIO;
    assert_int_equal(eco_sensor_powercap.read(sensor, NULL, readings), 0);
    assert_int_equal(readings[0].state, ECO_READING_OK);
    assert_int_equal(readings[1].state, ECO_READING_ERROR);
    assert_int_equal(readings[1].error, -EIO);
    teller.error = -ETIMEDOUT;
    assert_int_equal(eco_sensor_powercap.read(sensor, NULL, readings), 0);
    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(readings[i].state, ECO_READING_ERROR);
    eco_sensor_free(sensor);
    machine_finish(&machine);
}

/* All zones, or those that are told; a refusal says what the other one said. */
static void not_told(void **state)
{
    (void)state;
    static const char *const names[] = {"intel-rapl:0"};
    struct teller teller = teller_of(1, names);
    machine_init(&machine, "rapl/server_2s_dram");
    machine.fault_part = "energy_uj";
    machine.fault_error = -EACCES;
    machine.root.is_own[ECO_SYSFS] = true;
    machine.env.counters = &teller.base;
    struct eco_sensor *sensor = open_powercap(0);
    assert_int_equal(sensor->channel_count, 1);
    assert_int_equal(sensor->refusal_count, 3);
    eco_sensor_free(sensor);
    teller.error = -EACCES;
    sensor = open_powercap(-EACCES);
    assert_int_equal(sensor->refusal_count, 4);
    assert_string_equal(sensor->refusals[0].why.text, "the helper says no");
    eco_sensor_free(sensor);
    teller.error = 0;
    teller.asked = 0;
    machine.root.is_own[ECO_SYSFS] = false; /* --path.sysfs: not the counters that it would tell */
    sensor = open_powercap(-EACCES);
    assert_int_equal(teller.asked, 0);
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
        cmocka_unit_test(told_by_another),     cmocka_unit_test(not_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
