/* SPDX-License-Identifier: MIT */
#include "machine.h"
#include "sensors/hwmon_rules.h"
#include "support/alloc.h"
#include "support/test.h"

static struct machine machine;
static struct eco_energy energy[ECO_DOMAINS_MAX];
static const struct eco_group_options measured = {.no_estimate = true};

static void put(const char *file, const char *text)
{
    char path[96];
    (void)snprintf(path, sizeof(path), "sys/class/hwmon/%s", file);
    eco_temp_write(&machine.temp, path, text);
}

static void close_group(struct eco_group *group)
{
    eco_group_free(group);
    machine_finish(&machine);
}

static void amd_energy_sockets(void **state)
{
    unsigned second = 0, count;
    (void)state;
    machine_init(&machine, NULL);
    put("hwmon1/name", "amd_energy\n");
    put("hwmon1/energy1_input", "1000\n");
    put("hwmon1/energy1_label", "Ecore000\n");
    put("hwmon1/energy2_input", "50000000000000\n");
    put("hwmon1/energy2_label", "Esocket0\n");
    put("hwmon1/energy3_input", "2000\n");
    put("hwmon1/energy3_label", "Esocket1\n");
    struct eco_group *group = machine_open(&machine, &measured, NULL);
    (void)eco_group_domains(group, &count);
    assert_int_equal(count, 2); /* cores are part of the socket */
    assert_true(machine_domain(group, "package-0", NULL)->counted);
    assert_true(machine_domain(group, "package-1", &second)->counted);
    machine_read(&machine, group, true, energy);
    machine_set(&machine, "hwmon/hwmon1/energy3_input", 9002000);
    machine_advance(&machine, ECO_NS_PER_S, 0);
    machine_read(&machine, group, true, energy);
    assert_int_equal(energy[second].delta_uj, 9000000);
    assert_int_equal(energy[second].quality, ECO_MEASURED);
    close_group(group);
}

/* mV x mA; the shunt's own voltages in4-in7 are no rails. */
static void pairs_of_a_shunt_monitor(void **state)
{
    static struct eco_finding findings[MACHINE_FINDINGS];
    unsigned system = 0, rail = 0;
    (void)state;
    machine_init(&machine, NULL);
    put("hwmon3/name", "ina3221\n");
    put("hwmon3/in1_label", "VDD_IN\n");
    put("hwmon3/in1_input", "5000\n");
    put("hwmon3/curr1_input", "2000\n");
    put("hwmon3/in2_label", "VDD_CPU_GPU_CV\n");
    put("hwmon3/in2_input", "5000\n");
    put("hwmon3/curr2_input", "400\n");
    put("hwmon3/in3_label", "VDD_SOC\n");
    put("hwmon3/in3_input", "5000\n");
    put("hwmon3/curr3_input", "100\n");
    put("hwmon3/in4_input", "3\n");
    struct eco_group *group = machine_open(&machine, &measured, NULL);
    assert_false(machine_domain(group, "system", &system)->counted);
    assert_true(machine_domain(group, "package-0", NULL)->counted);
    const struct eco_domain *soc = machine_domain(group, "vdd_soc", &rail);
    assert_false(soc->counted || soc->attributable);
    assert_int_equal(soc->within, system);
    machine_read(&machine, group, true, energy);
    machine_advance(&machine, ECO_NS_PER_S, 0);
    machine_read(&machine, group, true, energy);
    assert_int_equal(energy[system].delta_uj, 10000000);
    assert_int_equal(energy[rail].delta_uj, 500000);
    assert_int_equal(energy[rail].quality, ECO_DERIVED);
    assert_int_equal(eco_group_findings(group, findings, MACHINE_FINDINGS), 4); /* and the word of powercap */
    close_group(group);
}

static void half_a_pair(void **state)
{
    struct eco_sensor *sensor = NULL;
    (void)state;
    machine_init(&machine, NULL);
    put("hwmon3/name", "ina3221\n");
    put("hwmon3/in1_input", "5000\n");
    assert_int_equal(eco_sensor_open(&eco_sensor_hwmon, &machine.env, &sensor, NULL), -ENOENT);
    assert_int_equal(sensor->refusal_count, 1);
    eco_sensor_free(sensor);
    machine_finish(&machine);
}

static void unknown_rails_are_shown(void **state)
{
    (void)state;
    machine_init(&machine, NULL);
    put("hwmon0/name", "ltc2945\n");
    put("hwmon0/power1_input", "3000000\n");
    put("hwmon0/power1_label", "Board \033[31m12V\n");
    put("hwmon2/name", "ltc2945\n");
    put("hwmon2/power1_input", "4000000\n");
    put("hwmon10/name", "coretemp\n");
    struct eco_group *group = machine_open(&machine, &measured, NULL);
    assert_false(machine_domain(group, "board___31m12v", NULL)->counted);
    assert_false(machine_domain(group, "ltc2945-1", NULL)->counted);
    close_group(group);
}

static void root_only(void **state)
{
    struct eco_sensor *sensor = NULL;
    (void)state;
    machine_init(&machine, NULL);
    put("hwmon0/name", "amd_energy\n");
    put("hwmon0/energy1_input", "1\n");
    put("hwmon0/energy1_label", "Esocket0\n");
    machine.fault_part = "energy1_input";
    machine.fault_error = -EACCES;
    assert_int_equal(eco_sensor_open(&eco_sensor_hwmon, &machine.env, &sensor, NULL), -EACCES);
    assert_string_equal(sensor->refusals[0].domain, "package-0");
    assert_non_null(
        strstr(sensor->refusals[0].why.fix, "sudo chmod a+r /sys/class/hwmon/hwmon0/energy1_input"));
    eco_sensor_free(sensor);
    machine_finish(&machine);
}

static void graphics_cards_are_refused(void **state)
{
    struct eco_sensor *sensor = NULL;
    (void)state;
    machine_init(&machine, NULL);
    put("hwmon0/name", "amdgpu\n");
    put("hwmon0/power1_average", "30000000\n");
    assert_int_equal(eco_sensor_open(&eco_sensor_hwmon, &machine.env, &sensor, NULL), -ENOTSUP);
    assert_non_null(strstr(sensor->refusals[0].why.text, "graphics card"));
    eco_sensor_free(sensor);
    machine_finish(&machine);
}

static void absurd_values(void **state)
{
    static const char *const texts[] = {"", "-3000000\n", "x\n", "18446744073709551615\n", "1e9\n"};
    (void)state;
    machine_init(&machine, NULL);
    put("hwmon0/name", "fam15h_power\n");
    put("hwmon0/power1_input", "20000000\n");
    struct eco_group *group = machine_open(&machine, &measured, NULL);
    machine_read(&machine, group, true, energy);
    for (size_t i = 0; i < ECO_COUNT(texts); i++) {
        machine_set_text(&machine, "hwmon/hwmon0/power1_input", texts[i]);
        machine_advance(&machine, ECO_NS_PER_S, 0);
        machine_read(&machine, group, true, energy);
        assert_int_equal(energy[0].state, ECO_ENERGY_GAP);
        assert_int_equal(energy[0].delta_uj, 0);
    }
    close_group(group);
}

static void meanings(void **state)
{
    struct eco_hwmon_meaning meaning;
    (void)state;
    eco_hwmon_meaning("amd_energy", ECO_HWMON_ENERGY, 65, "Esocket12", &meaning);
    assert_int_equal(meaning.key.package, 12);
    assert_string_equal(meaning.name, "package-12");
    eco_hwmon_meaning("amd_energy", ECO_HWMON_ENERGY, 65, "Esocket", &meaning);
    assert_int_equal(meaning.use, ECO_HWMON_SKIP);
    eco_hwmon_meaning("ina226", ECO_HWMON_POWER, 1, "VDDRQ", &meaning);
    assert_int_equal(meaning.key.kind, ECO_KIND_DRAM);
    eco_hwmon_meaning("ina3221", ECO_HWMON_PAIR, 4, "", &meaning);
    assert_int_equal(meaning.use, ECO_HWMON_SKIP);
    eco_hwmon_meaning("corsairpsu", ECO_HWMON_POWER, 1, "power +12v", &meaning);
    assert_int_equal(meaning.use, ECO_HWMON_SHOW);
    assert_string_equal(meaning.name, "power__12v");
}

/* A counter that is refreshed every 100 ms is found out. */
static void period_is_learnt(void **state)
{
    (void)state;
    machine_init(&machine, NULL);
    put("hwmon0/name", "amd_energy\n");
    put("hwmon0/energy1_input", "1000\n");
    put("hwmon0/energy1_label", "Esocket0\n");
    struct eco_group *group = machine_open(&machine, &measured, NULL);
    const struct eco_domain *domain = machine_domain(group, "package-0", NULL);
    assert_int_equal(domain->period_ns, 0);
    for (uint64_t i = 0; i < 40; i++) {
        machine_set(&machine, "hwmon/hwmon0/energy1_input", 1000 + i / 10 * 1000000);
        machine_advance(&machine, 10 * ECO_NS_PER_MS, 0);
        machine_read(&machine, group, false, energy);
    }
    assert_int_equal(domain->period_ns, 100 * ECO_NS_PER_MS);
    close_group(group);
}

static int open_once(void *context)
{
    struct eco_sensor *sensor = NULL;
    (void)context;
    int r = eco_sensor_open(&eco_sensor_hwmon, &machine.env, &sensor, NULL);
    if (r == 0)
        eco_sensor_free(sensor);
    return r;
}

static void allocations_fail(void **state)
{
    (void)state;
    machine_init(&machine, NULL);
    put("hwmon3/name", "ina3221\n");
    put("hwmon3/in1_input", "5000\n");
    put("hwmon3/curr1_input", "2000\n");
    put("hwmon3/in2_input", "5000\n"); /* half: a refusal */
    int before = open_descriptors();
    assert_true(eco_alloc_fail_each(open_once, NULL) >= 3);
    assert_int_equal(open_descriptors(), before);
    machine_finish(&machine);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(amd_energy_sockets), cmocka_unit_test(pairs_of_a_shunt_monitor),
        cmocka_unit_test(half_a_pair),        cmocka_unit_test(unknown_rails_are_shown),
        cmocka_unit_test(root_only),          cmocka_unit_test(graphics_cards_are_refused),
        cmocka_unit_test(absurd_values),      cmocka_unit_test(meanings),
        cmocka_unit_test(period_is_learnt),   cmocka_unit_test(allocations_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
