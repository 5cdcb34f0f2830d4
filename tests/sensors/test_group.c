/* SPDX-License-Identifier: MIT */
/* What counts, how counters become energy, how power becomes energy. */
#include "machine.h"
#include "support/alloc.h"
#include "support/test.h"

static struct machine machine;
static struct eco_energy energy[ECO_DOMAINS_MAX];

#define COUNTER "powercap/intel-rapl:0/energy_uj"
#define RANGE   262143328850ull

static struct eco_group *open_one_package(uint64_t start_uj)
{
    machine_init(&machine, NULL);
    machine_zone(&machine, "intel-rapl:0", "package-0", start_uj);
    return machine_open(&machine, &(struct eco_group_options){.no_estimate = true}, NULL);
}

static void close_group(struct eco_group *group)
{
    eco_group_free(group);
    machine_finish(&machine);
}

static void baseline_then_delta(void **state)
{
    (void)state;
    struct eco_group *group = open_one_package(1000000);
    uint64_t start = machine.clock.mono_ns;
    machine_read(&machine, group, true, energy);
    assert_int_equal(energy[0].state, ECO_ENERGY_WAITING);
    machine_set(&machine, COUNTER, 21000000);
    machine_advance(&machine, ECO_NS_PER_S, 0);
    machine_read(&machine, group, false, energy);
    assert_int_equal(energy[0].state, ECO_ENERGY_OK);
    assert_int_equal(energy[0].delta_uj, 20000000);
    assert_int_equal(energy[0].from_ns, start);
    assert_int_equal(energy[0].to_ns, start + ECO_NS_PER_S);
    assert_int_equal(energy[0].quality, ECO_MEASURED);
    const struct eco_domain *domain = machine_domain(group, "package-0", NULL);
    assert_int_equal(domain->sources[0].used_ns, ECO_NS_PER_S);
    assert_string_equal(domain->sources[0].source, "powercap");
    close_group(group);
}

static void wrap(void **state)
{
    (void)state;
    struct eco_group *group = open_one_package(RANGE - 400000);
    machine_read(&machine, group, true, energy);
    machine_set(&machine, COUNTER, 600000);
    machine_advance(&machine, ECO_NS_PER_S, 0);
    machine_read(&machine, group, false, energy);
    assert_int_equal(energy[0].state, ECO_ENERGY_OK);
    assert_int_equal(energy[0].delta_uj, 1000061); /* one unit of 61 uJ lies between the range and 0 */
    close_group(group);
}

/* A counter that is set back by a restart looks like a wrap of far too much energy. */
static void reset_is_a_gap(void **state)
{
    (void)state;
    struct eco_group *group = open_one_package(90000000000ull);
    uint64_t start = machine.clock.mono_ns;
    machine_read(&machine, group, true, energy);
    machine_set(&machine, COUNTER, 1000);
    machine_advance(&machine, ECO_NS_PER_S, 0);
    machine_read(&machine, group, false, energy);
    assert_int_equal(energy[0].state, ECO_ENERGY_GAP);
    assert_int_equal(energy[0].error, -ERANGE);
    assert_int_equal(energy[0].from_ns, start);
    assert_int_equal(energy[0].to_ns, start + ECO_NS_PER_S);
    assert_int_equal(energy[0].delta_uj, 0);
    machine_set(&machine, COUNTER, 5001000);
    machine_advance(&machine, ECO_NS_PER_S, 0);
    machine_read(&machine, group, false, energy);
    assert_int_equal(energy[0].state, ECO_ENERGY_OK);
    assert_int_equal(energy[0].delta_uj, 5000000);
    close_group(group);
}

static void jump_is_a_gap(void **state)
{
    (void)state;
    struct eco_group *group = open_one_package(1000);
    machine_read(&machine, group, true, energy);
    machine_set(&machine, COUNTER, 9000000000ull); /* 9 kJ in a second */
    machine_advance(&machine, ECO_NS_PER_S, 0);
    machine_read(&machine, group, true, energy);
    assert_int_equal(energy[0].state, ECO_ENERGY_GAP);
    assert_int_equal(energy[0].error, -ERANGE);
    close_group(group);
}

static void too_long_between_looks(void **state)
{
    (void)state;
    struct eco_group *group = open_one_package(1000);
    uint64_t limit = eco_group_max_interval_ns(group);
    assert_in_range(limit, 20 * ECO_NS_PER_S, 22 * ECO_NS_PER_S); /* 0.8 of 131 kJ at 5 kW */
    machine_read(&machine, group, true, energy);
    machine_set(&machine, COUNTER, 1000000);
    machine_advance(&machine, limit, 0);
    machine_read(&machine, group, false, energy);
    assert_int_equal(energy[0].state, ECO_ENERGY_OK);
    machine_set(&machine, COUNTER, 2000000);
    machine_advance(&machine, 27 * ECO_NS_PER_S, 0);
    machine_read(&machine, group, false, energy);
    assert_int_equal(energy[0].state, ECO_ENERGY_GAP);
    assert_int_equal(energy[0].error, -EOVERFLOW);
    close_group(group);
}

static void suspend_is_a_gap(void **state)
{
    (void)state;
    struct eco_group *group = open_one_package(1000);
    machine_read(&machine, group, true, energy);
    machine_set(&machine, COUNTER, 1001000);
    machine_advance(&machine, ECO_NS_PER_S, 0);
    eco_fake_clock_suspend(&machine.clock, 3600 * ECO_NS_PER_S);
    machine_read(&machine, group, false, energy);
    assert_int_equal(energy[0].state, ECO_ENERGY_GAP);
    assert_int_equal(energy[0].error, -ECANCELED);
    machine_set(&machine, COUNTER, 3001000);
    machine_advance(&machine, ECO_NS_PER_S, 0);
    machine_read(&machine, group, false, energy);
    assert_int_equal(energy[0].state, ECO_ENERGY_OK);
    assert_int_equal(energy[0].delta_uj, 2000000);
    close_group(group);
}

/* The interval stays open until the counter moves, unless it is closed. */
static void unmoved_counter_waits(void **state)
{
    (void)state;
    struct eco_group *group = open_one_package(1000);
    machine_read(&machine, group, true, energy);
    uint64_t start = machine.clock.mono_ns;
    for (int i = 0; i < 4; i++) {
        machine_advance(&machine, 500 * ECO_NS_PER_MS, 0);
        machine_read(&machine, group, false, energy);
        assert_int_equal(energy[0].state, ECO_ENERGY_WAITING);
    }
    machine_set(&machine, COUNTER, 2000);
    machine_advance(&machine, ECO_NS_PER_MS, 0);
    machine_read(&machine, group, false, energy);
    assert_int_equal(energy[0].state, ECO_ENERGY_OK);
    assert_int_equal(energy[0].from_ns, start);
    assert_int_equal(energy[0].delta_uj, 1000);
    machine_advance(&machine, ECO_NS_PER_MS, 0);
    machine_read(&machine, group, true, energy);
    assert_int_equal(energy[0].state, ECO_ENERGY_OK);
    assert_int_equal(energy[0].delta_uj, 0);
    close_group(group);
}

static void what_counts(void **state)
{
    unsigned count, index = 0;
    (void)state;
    machine_init(&machine, "rapl/laptop_1s_psys_mmio");
    machine.host.memory_bytes = 16ull << 30;
    struct eco_group *group = machine_open(&machine, NULL, NULL);
    const struct eco_domain *domains = eco_group_domains(group, &count);
    for (unsigned i = 1; i < count; i++)
        assert_true(domains[i - 1].counted || !domains[i].counted);
    const struct eco_domain *package = machine_domain(group, "package-0", &index);
    assert_true(package->counted && package->attributable);
    assert_int_equal(package->package, 0);
    assert_int_equal(package->source_count, 2); /* the MMIO twin */
    assert_string_equal(package->sources[0].detail, "intel-rapl:0");
    assert_string_equal(package->sources[1].detail, "intel-rapl-mmio:0");
    const struct eco_domain *core = machine_domain(group, "core-0", NULL);
    assert_false(core->counted);
    assert_int_equal(core->within, index);
    const struct eco_domain *psys = machine_domain(group, "psys", NULL);
    assert_false(psys->counted || psys->attributable);
    assert_int_equal(psys->package, -1);
    /* RAM is estimated where it has no counter, and says so. */
    const struct eco_domain *dram = machine_domain(group, "dram", NULL);
    assert_true(dram->counted);
    assert_int_equal(dram->quality, ECO_ESTIMATED);
    eco_assert_near(dram->model_idle_uw, 6e6, 1);
    eco_assert_near(dram->model_ratio, 2.2, 1e-9);
    assert_string_equal(eco_group_model_text(group), "RAM 16.0 GB at 0.375 W each; truth within x2.2");
    close_group(group);
}

static void measured_dram_leaves_no_estimate(void **state)
{
    (void)state;
    machine_init(&machine, "rapl/server_2s_dram");
    machine.host.memory_bytes = 16ull << 30;
    struct eco_group *group = machine_open(&machine, NULL, NULL);
    assert_int_equal(machine_find(group, "dram"), -1);
    assert_int_not_equal(machine_find(group, "dram-1"), -1);
    assert_string_equal(eco_group_model_text(group), "");
    close_group(group);
}

/* psys counts only where nothing else is known, not even an estimate. */
static void envelope_alone(void **state)
{
    (void)state;
    machine_init(&machine, NULL);
    machine_zone(&machine, "intel-rapl:0", "psys", 5000);
    struct eco_group *group = machine_open(&machine, &(struct eco_group_options){.no_estimate = true}, NULL);
    assert_true(machine_domain(group, "psys", NULL)->counted);
    eco_group_free(group);
    struct eco_why why;
    group = machine_open(&machine, NULL, &why);
    assert_false(machine_domain(group, "psys", NULL)->counted);
    assert_int_equal(machine_domain(group, "package-0", NULL)->quality, ECO_ESTIMATED);
    assert_string_not_equal(why.text, "");
    close_group(group);
}

static void nothing_at_all(void **state)
{
    unsigned count = 99;
    struct eco_why why;
    (void)state;
    machine_init(&machine, NULL);
    struct eco_group *group = machine_open(&machine, &(struct eco_group_options){.no_estimate = true}, &why);
    (void)eco_group_domains(group, &count);
    assert_int_equal(count, 0);
    assert_string_not_equal(why.text, "");
    machine_read(&machine, group, true, energy);
    assert_int_equal(eco_group_max_interval_ns(group), UINT64_MAX);
    close_group(group);
}

static void only_some_kinds(void **state)
{
    (void)state;
    machine_init(&machine, "rapl/laptop_1s_psys_mmio");
    struct eco_group *group =
        machine_open(&machine, &(struct eco_group_options){.only = "hwmon,model"}, NULL);
    assert_int_equal(machine_domain(group, "package-0", NULL)->quality, ECO_ESTIMATED);
    eco_group_free(group);
    group = machine_open(&machine, &(struct eco_group_options){.only = "powercap"}, NULL);
    assert_int_equal(machine_domain(group, "package-0", NULL)->quality, ECO_MEASURED);
    close_group(group);
}

static void power_is_integrated(void **state)
{
    unsigned index = 0;
    (void)state;
    machine_init(&machine, NULL);
    eco_temp_write(&machine.temp, "sys/class/hwmon/hwmon0/name", "fam15h_power\n");
    eco_temp_write(&machine.temp, "sys/class/hwmon/hwmon0/power1_input", "20000000\n");
    struct eco_group *group = machine_open(&machine, &(struct eco_group_options){.no_estimate = true}, NULL);
    assert_true(machine_domain(group, "package-0", &index)->counted);
    machine_read(&machine, group, true, energy);
    assert_int_equal(energy[index].state, ECO_ENERGY_WAITING);
    machine_set(&machine, "hwmon/hwmon0/power1_input", 40000000);
    machine_advance(&machine, 2 * ECO_NS_PER_S, 0);
    machine_read(&machine, group, false, energy);
    assert_int_equal(energy[index].state, ECO_ENERGY_OK);
    assert_int_equal(energy[index].delta_uj, 60000000); /* a line from 20 W to 40 W over 2 s */
    assert_int_equal(energy[index].quality, ECO_DERIVED);
    /* Failing for long: no line over the time without a reading. */
    machine.fault_part = "";
    machine.fault_error = -EIO;
    for (int i = 0; i < 5; i++) {
        machine_advance(&machine, 10 * ECO_NS_PER_S, 0);
        machine_read(&machine, group, false, energy);
    }
    machine.fault_error = 0;
    machine_advance(&machine, ECO_NS_PER_S, 0);
    machine_read(&machine, group, false, energy);
    assert_int_equal(energy[index].state, ECO_ENERGY_GAP);
    machine_advance(&machine, ECO_NS_PER_S, 0);
    machine_read(&machine, group, false, energy);
    assert_int_equal(energy[index].state, ECO_ENERGY_OK);
    assert_int_equal(energy[index].delta_uj, 40000000);
    close_group(group);
}

/* A kilowatt for as long as a line may be: no sum runs over, and looks are asked for in time. */
static void much_power_for_long(void **state)
{
    uint64_t sum = 0;
    (void)state;
    machine_init(&machine, NULL);
    eco_temp_write(&machine.temp, "sys/class/hwmon/hwmon0/name", "fam15h_power\n");
    eco_temp_write(&machine.temp, "sys/class/hwmon/hwmon0/power1_input", "50000000000\n");
    struct eco_group *group = machine_open(&machine, &(struct eco_group_options){.no_estimate = true}, NULL);
    assert_in_range(eco_group_max_interval_ns(group), 7 * ECO_NS_PER_S, 9 * ECO_NS_PER_S);
    machine_read(&machine, group, true, energy);
    for (int i = 0; i < 50; i++) {
        machine_advance(&machine, 8 * ECO_NS_PER_S, 0);
        machine_read(&machine, group, false, energy);
        assert_int_equal(energy[0].state, ECO_ENERGY_OK);
        sum += energy[0].delta_uj;
    }
    assert_int_equal(sum, 50ull * 8 * 50000000000);
    close_group(group);
}

/* A mean over a second speaks for that second. */
static void mean_power_speaks_for_its_time(void **state)
{
    unsigned index = 0;
    (void)state;
    machine_init(&machine, NULL);
    eco_temp_write(&machine.temp, "sys/class/hwmon/hwmon0/name", "power_meter\n");
    eco_temp_write(&machine.temp, "sys/class/hwmon/hwmon0/power1_average", "100000000\n");
    eco_temp_write(&machine.temp, "sys/class/hwmon/hwmon0/power1_average_interval", "1000\n");
    struct eco_group *group = machine_open(&machine, &(struct eco_group_options){.no_estimate = true}, NULL);
    const struct eco_domain *system = machine_domain(group, "system", &index);
    assert_true(system->counted);
    assert_false(system->attributable);
    machine_read(&machine, group, true, energy);
    machine_set(&machine, "hwmon/hwmon0/power1_average", 200000000);
    machine_advance(&machine, ECO_NS_PER_S, 0);
    machine_read(&machine, group, false, energy);
    assert_int_equal(energy[index].delta_uj, 200000000);
    close_group(group);
}

static void findings_tell_all(void **state)
{
    static struct eco_finding findings[MACHINE_FINDINGS];
    (void)state;
    machine_init(&machine, "rapl/laptop_1s_psys_mmio");
    struct eco_group *group = machine_open(&machine, &(struct eco_group_options){.read_all = true}, NULL);
    machine_read(&machine, group, true, energy);
    machine_set(&machine, COUNTER, 51234567890ull + 30000000);
    machine_advance(&machine, ECO_NS_PER_S, 0);
    machine_read(&machine, group, true, energy);
    size_t count = eco_group_findings(group, findings, MACHINE_FINDINGS);
    unsigned elected = 0, twins = 0;
    for (size_t i = 0; i < count; i++) {
        if (!findings[i].channel || strcmp(findings[i].channel->name, "package-0") != 0)
            continue;
        elected += findings[i].elected;
        twins += !findings[i].elected;
        assert_int_equal(findings[i].last.state, ECO_READING_OK);
        if (findings[i].elected)
            eco_assert_near(findings[i].power_w, 30, 1e-9);
    }
    assert_int_equal(elected, 1);
    assert_int_equal(twins, 1);
    assert_int_equal(eco_group_findings(group, findings, 2), 2);
    close_group(group);
}

/* Sources that stand by are not read. */
static void standby_costs_nothing(void **state)
{
    static struct eco_finding findings[MACHINE_FINDINGS];
    (void)state;
    machine_init(&machine, "rapl/laptop_1s_psys_mmio");
    struct eco_group *group = machine_open(&machine, NULL, NULL);
    machine_read(&machine, group, true, energy);
    machine_read(&machine, group, true, energy);
    size_t count = eco_group_findings(group, findings, MACHINE_FINDINGS);
    for (size_t i = 0; i < count; i++) {
        if (findings[i].channel && strcmp(findings[i].channel->label, "intel-rapl-mmio:0") == 0)
            assert_int_equal(findings[i].last.state, ECO_READING_NONE);
    }
    close_group(group);
}

static int open_once(void *context)
{
    struct eco_group *group = NULL;
    (void)context;
    int r = eco_group_open(&machine.env, NULL, &group, NULL);
    if (r == 0)
        eco_group_free(group);
    return r;
}

static void allocations_fail(void **state)
{
    (void)state;
    machine_init(&machine, "rapl/laptop_1s_psys_mmio");
    machine.host.memory_bytes = 16ull << 30;
    int before = open_descriptors();
    assert_true(eco_alloc_fail_each(open_once, NULL) >= 8);
    assert_int_equal(open_descriptors(), before);
    machine_finish(&machine);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(baseline_then_delta),
        cmocka_unit_test(wrap),
        cmocka_unit_test(reset_is_a_gap),
        cmocka_unit_test(jump_is_a_gap),
        cmocka_unit_test(too_long_between_looks),
        cmocka_unit_test(suspend_is_a_gap),
        cmocka_unit_test(unmoved_counter_waits),
        cmocka_unit_test(what_counts),
        cmocka_unit_test(measured_dram_leaves_no_estimate),
        cmocka_unit_test(envelope_alone),
        cmocka_unit_test(nothing_at_all),
        cmocka_unit_test(only_some_kinds),
        cmocka_unit_test(power_is_integrated),
        cmocka_unit_test(much_power_for_long),
        cmocka_unit_test(mean_power_speaks_for_its_time),
        cmocka_unit_test(findings_tell_all),
        cmocka_unit_test(standby_costs_nothing),
        cmocka_unit_test(allocations_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
