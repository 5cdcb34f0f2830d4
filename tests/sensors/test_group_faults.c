/* SPDX-License-Identifier: MIT */
/* Counters that fail, vanish, come back; sources that replace each other. */
#include "base/mem.h"
#include "machine.h"
#include "support/test.h"

static struct machine machine;
static struct eco_energy energy[ECO_DOMAINS_MAX];

#define ZONE    "sys/class/powercap/intel-rapl:0"
#define COUNTER "powercap/intel-rapl:0/energy_uj"
#define TWIN    "powercap/intel-rapl-mmio:0/energy_uj"

static const struct eco_group_options measured = {.no_estimate = true};

static void step(struct eco_group *group, uint64_t ms, bool close_all)
{
    machine_advance(&machine, ms * ECO_NS_PER_MS, 0);
    machine_read(&machine, group, close_all, energy);
}

static void close_group(struct eco_group *group)
{
    eco_group_free(group);
    machine_finish(&machine);
}

/* A read that fails costs nothing where the same counter answers again. */
static void failed_read_loses_nothing(void **state)
{
    (void)state;
    machine_init(&machine, NULL);
    machine_zone(&machine, "intel-rapl:0", "package-0", 1000000);
    struct eco_group *group = machine_open(&machine, &measured, NULL);
    machine_read(&machine, group, true, energy);
    uint64_t start = machine.clock.mono_ns;
    machine.fault_part = "";
    machine.fault_error = -EIO;
    step(group, 1000, false);
    assert_int_equal(energy[0].state, ECO_ENERGY_WAITING);
    step(group, 1000, false);
    assert_int_equal(energy[0].state, ECO_ENERGY_WAITING);
    machine.fault_error = 0;
    machine_set(&machine, COUNTER, 61000000);
    step(group, 1000, false);
    assert_int_equal(energy[0].state, ECO_ENERGY_OK);
    assert_int_equal(energy[0].delta_uj, 60000000);
    assert_int_equal(energy[0].from_ns, start);
    assert_int_equal(energy[0].to_ns, start + 3 * ECO_NS_PER_S);
    close_group(group);
}

/* The measurement ends while the counter fails: a gap that says why, and no joule. */
static void closed_while_failing(void **state)
{
    (void)state;
    machine_init(&machine, NULL);
    machine_zone(&machine, "intel-rapl:0", "package-0", 1000000);
    struct eco_group *group = machine_open(&machine, &measured, NULL);
    machine_read(&machine, group, true, energy);
    uint64_t start = machine.clock.mono_ns;
    machine.fault_part = "";
    machine.fault_error = -EIO;
    step(group, 1000, true);
    assert_int_equal(energy[0].state, ECO_ENERGY_GAP);
    assert_int_equal(energy[0].error, -EIO);
    assert_int_equal(energy[0].from_ns, start);
    assert_int_equal(energy[0].to_ns, start + ECO_NS_PER_S);
    /* That time is spoken for: what the counter tells later begins anew. */
    machine.fault_error = 0;
    machine_set(&machine, COUNTER, 51000000);
    step(group, 1000, true);
    assert_int_equal(energy[0].state, ECO_ENERGY_GAP);
    machine_set(&machine, COUNTER, 53000000);
    step(group, 1000, true);
    assert_int_equal(energy[0].state, ECO_ENERGY_OK);
    assert_int_equal(energy[0].delta_uj, 2000000);
    close_group(group);
}

/* Nothing is said twice and nothing left out: intervals follow each other. */
static void failing_for_minutes(void **state)
{
    (void)state;
    machine_init(&machine, NULL);
    machine_zone(&machine, "intel-rapl:0", "package-0", 1000000);
    struct eco_group *group = machine_open(&machine, &measured, NULL);
    machine_read(&machine, group, true, energy);
    uint64_t at = machine.clock.mono_ns, gap_ns = 0;
    machine.fault_part = "";
    machine.fault_error = -EIO;
    for (int i = 0; i < 240; i++) {
        machine.fault_error = i < 180 ? -EIO : 0;
        machine_set(&machine, COUNTER, 1000000ull * (uint64_t)(i + 2));
        step(group, 1000, false);
        if (energy[0].state == ECO_ENERGY_WAITING)
            continue;
        assert_int_equal(energy[0].from_ns, at);
        at = energy[0].to_ns;
        if (energy[0].state == ECO_ENERGY_GAP)
            gap_ns += energy[0].to_ns - energy[0].from_ns;
        else
            assert_int_equal(energy[0].delta_uj, 1000000);
    }
    assert_int_equal(at, machine.clock.mono_ns);
    assert_in_range(gap_ns, 180 * ECO_NS_PER_S, 250 * ECO_NS_PER_S);
    close_group(group);
}

/* CPU hotplug removes the zone's files and brings them back: the old descriptor is dead. */
static void vanished_and_returned(void **state)
{
    (void)state;
    machine_init(&machine, NULL);
    machine_zone(&machine, "intel-rapl:0", "package-0", 1000000);
    struct eco_group *group = machine_open(&machine, &measured, NULL);
    machine_read(&machine, group, true, energy);
    uint64_t start = machine.clock.mono_ns;
    eco_temp_remove(&machine.temp, ZONE);
    machine.fault_part = "";
    machine.fault_error = -ENODEV;
    step(group, 1000, false);
    assert_int_equal(energy[0].state, ECO_ENERGY_WAITING);
    machine.fault_error = 0;
    step(group, 1000, false);
    assert_int_equal(energy[0].state, ECO_ENERGY_WAITING);
    /* It could be the same counter, or not: plausible is not known. */
    machine_zone(&machine, "intel-rapl:0", "package-0", 4000000);
    step(group, 5000, false);
    assert_int_equal(energy[0].state, ECO_ENERGY_GAP);
    assert_int_equal(energy[0].error, -ENODEV);
    assert_int_equal(energy[0].from_ns, start);
    assert_int_equal(energy[0].to_ns, start + 7 * ECO_NS_PER_S);
    machine_set(&machine, COUNTER, 7000000);
    step(group, 1000, false);
    assert_int_equal(energy[0].state, ECO_ENERGY_OK);
    assert_int_equal(energy[0].delta_uj, 3000000);
    close_group(group);
}

/* One bad read is waited for; at the second the twin takes over, with its own baseline. */
static void failover_and_return(void **state)
{
    (void)state;
    machine_init(&machine, NULL);
    machine_zone(&machine, "intel-rapl:0", "package-0", 1000000);
    machine_zone(&machine, "intel-rapl-mmio:0", "package-0", 500000000);
    struct eco_group *group = machine_open(&machine, &measured, NULL);
    const struct eco_domain *domain = machine_domain(group, "package-0", NULL);
    machine_read(&machine, group, true, energy);
    step(group, 1000, true);
    uint64_t at = machine.clock.mono_ns;
    /* The counter holds no number: only this file fails. */
    machine_set_text(&machine, COUNTER, "x\n");
    step(group, 1000, false);
    assert_int_equal(energy[0].state, ECO_ENERGY_WAITING);
    step(group, 1000, false);
    assert_int_equal(energy[0].state, ECO_ENERGY_GAP);
    assert_int_equal(energy[0].from_ns, at);
    assert_int_equal(domain->active_source, 1);
    at = energy[0].to_ns;
    machine_set(&machine, TWIN, 510000000);
    step(group, 1000, false);
    assert_int_equal(energy[0].state, ECO_ENERGY_OK);
    assert_int_equal(energy[0].delta_uj, 10000000);
    assert_int_equal(energy[0].from_ns, at);
    /* Back again once it has answered three times; nothing is lost at the change. */
    uint64_t sum = 0;
    for (uint64_t i = 1; i <= 6; i++) {
        machine_set(&machine, COUNTER, 70000000 + i * 1000000);
        machine_set(&machine, TWIN, 510000000 + i * 1000000);
        at = energy[0].to_ns;
        step(group, 1000, false);
        assert_int_equal(energy[0].state, ECO_ENERGY_OK);
        assert_int_equal(energy[0].from_ns, at);
        sum += energy[0].delta_uj;
    }
    assert_int_equal(domain->active_source, 0);
    assert_int_equal(sum, 6000000);
    assert_true(domain->sources[0].used_ns > 0);
    assert_true(domain->sources[1].used_ns > 0);
    close_group(group);
}

/* A counter above its own range is no value. */
static void beyond_its_range(void **state)
{
    (void)state;
    machine_init(&machine, NULL);
    machine_zone(&machine, "intel-rapl:0", "package-0", 1000000);
    struct eco_group *group = machine_open(&machine, &measured, NULL);
    machine_read(&machine, group, true, energy);
    machine_set(&machine, COUNTER, 262143328850ull * 3);
    step(group, 1000, true);
    assert_int_equal(energy[0].state, ECO_ENERGY_GAP);
    assert_int_equal(energy[0].error, -EPROTO);
    close_group(group);
}

static void rescan_finds_new_zones(void **state)
{
    unsigned before, after;
    (void)state;
    machine_init(&machine, NULL);
    machine_zone(&machine, "intel-rapl:0", "package-0", 1000000);
    struct eco_group *group = machine_open(&machine, &measured, NULL);
    machine_read(&machine, group, true, energy);
    machine_set(&machine, COUNTER, 2000000);
    step(group, 1000, false);
    assert_int_equal(eco_group_rescan(group), 0);
    /* Nothing new: the baseline stands. */
    machine_set(&machine, COUNTER, 3000000);
    step(group, 1000, false);
    assert_int_equal(energy[0].state, ECO_ENERGY_OK);
    assert_int_equal(energy[0].delta_uj, 1000000);
    uint64_t at = energy[0].to_ns;
    (void)eco_group_domains(group, &before);
    machine_zone(&machine, "intel-rapl:1", "package-1", 7000000);
    assert_int_equal(eco_group_rescan(group), 0);
    const struct eco_domain *domains = eco_group_domains(group, &after);
    assert_int_equal(after, before + 1);
    assert_string_equal(domains[0].name, "package-0");
    assert_string_equal(domains[1].name, "package-1");
    machine_set(&machine, COUNTER, 4000000);
    step(group, 1000, false);
    /* The one that was there has lost nothing; the new one takes its baseline. */
    assert_int_equal(energy[0].state, ECO_ENERGY_OK);
    assert_int_equal(energy[0].from_ns, at);
    assert_int_equal(energy[0].delta_uj, 1000000);
    assert_int_equal(energy[1].state, ECO_ENERGY_WAITING);
    machine_set(&machine, COUNTER, 5000000);
    machine_set(&machine, "powercap/intel-rapl:1/energy_uj", 9000000);
    step(group, 1000, false);
    assert_int_equal(energy[0].delta_uj, 1000000);
    assert_int_equal(energy[1].delta_uj, 2000000);
    /* All gone: the domains stay, as gaps. */
    eco_temp_remove(&machine.temp, "sys/class/powercap");
    assert_int_equal(eco_group_rescan(group), 0);
    (void)eco_group_domains(group, &after);
    assert_int_equal(after, before + 1);
    step(group, 1000, true);
    assert_int_equal(energy[0].state, ECO_ENERGY_GAP);
    assert_int_equal(energy[1].state, ECO_ENERGY_GAP);
    close_group(group);
}

/* The counters that the sensor held are gone and others have their names: no joule is made of the difference.
 */
static void replaced_between_looks(void **state)
{
    (void)state;
    machine_init(&machine, NULL);
    machine_zone(&machine, "intel-rapl:0", "package-0", 1000000);
    struct eco_group *group = machine_open(&machine, &measured, NULL);
    machine_read(&machine, group, true, energy);
    uint64_t before = eco_group_fingerprint(group);
    machine.fault_part = "";
    machine.fault_error = -ENODEV;
    step(group, 1000, false);
    machine.fault_error = 0;
    eco_temp_remove(&machine.temp, ZONE);
    assert_int_not_equal(eco_group_fingerprint(group), before);
    machine_zone(&machine, "intel-rapl:0", "package-0", 9000000);
    assert_int_equal(eco_group_fingerprint(group), before);
    assert_int_equal(eco_group_rescan(group), 0);
    step(group, 1000, false);
    assert_int_equal(energy[0].state, ECO_ENERGY_GAP);
    machine_set(&machine, COUNTER, 9500000);
    step(group, 1000, false);
    assert_int_equal(energy[0].state, ECO_ENERGY_OK);
    assert_int_equal(energy[0].delta_uj, 500000);
    close_group(group);
}

/* A package that uses nothing for seconds is a counter that does not count: unknown, and never 0 J. */
static void still_counter_is_a_gap(void **state)
{
    (void)state;
    machine_init(&machine, NULL);
    machine_zone(&machine, "intel-rapl:0", "package-0", 1000000);
    struct eco_group *group = machine_open(&machine, &measured, NULL);
    machine_read(&machine, group, true, energy);
    uint64_t start = machine.clock.mono_ns;
    step(group, 1000, false);
    assert_int_equal(energy[0].state, ECO_ENERGY_WAITING);
    step(group, 1500, false);
    assert_int_equal(energy[0].state, ECO_ENERGY_GAP);
    assert_int_equal(energy[0].error, -ETIMEDOUT);
    assert_int_equal(energy[0].from_ns, start);
    assert_int_equal(energy[0].to_ns, start + 2500 * ECO_NS_PER_MS);
    /* However soon after it the measurement ends. */
    step(group, 10, true);
    assert_int_equal(energy[0].state, ECO_ENERGY_GAP);
    assert_int_equal(energy[0].error, -ETIMEDOUT);
    /* It counts again. */
    machine_set(&machine, COUNTER, 3000000);
    step(group, 1000, false);
    assert_int_equal(energy[0].state, ECO_ENERGY_OK);
    assert_int_equal(energy[0].delta_uj, 2000000);
    step(group, 10, true);
    assert_int_equal(energy[0].state, ECO_ENERGY_OK);
    assert_int_equal(energy[0].delta_uj, 0);
    /* At the end nothing is waited for: 200 updates without a step are enough. */
    step(group, 200, true);
    assert_int_equal(energy[0].state, ECO_ENERGY_GAP);
    assert_int_equal(energy[0].error, -ETIMEDOUT);
    close_group(group);
}

/* Parts may be switched off: 0 J is a figure then. */
static void still_part_uses_nothing(void **state)
{
    (void)state;
    machine_init(&machine, NULL);
    machine_zone(&machine, "intel-rapl:0", "package-0", 1000000);
    machine_zone(&machine, "intel-rapl:0:0", "uncore", 500000);
    struct eco_group *group = machine_open(&machine, &measured, NULL);
    unsigned uncore = 0;
    assert_non_null(machine_domain(group, "uncore-0", &uncore));
    machine_read(&machine, group, true, energy);
    machine_set(&machine, COUNTER, 2000000);
    step(group, 3000, false);
    assert_int_equal(energy[uncore].state, ECO_ENERGY_OK);
    assert_int_equal(energy[uncore].delta_uj, 0);
    close_group(group);
}

/* What stands still and does not count is asked ever more seldom; it is found when it counts again. */
static void still_envelope_rests(void **state)
{
    (void)state;
    machine_init(&machine, NULL);
    machine_zone(&machine, "intel-rapl:0", "package-0", 1000000);
    machine_zone(&machine, "intel-rapl:1", "psys", 7000000);
    struct eco_group *group = machine_open(&machine, &measured, NULL);
    unsigned psys = 0;
    assert_false(machine_domain(group, "psys", &psys)->counted);
    machine_read(&machine, group, true, energy);
    uint64_t seconds[2] = {0, 0}, gaps = 0;
    for (uint64_t i = 1; i <= 60; i++) {
        machine_set(&machine, COUNTER, 1000000 + 1000000 * i);
        step(group, 1000, false);
        assert_int_equal(energy[0].state, ECO_ENERGY_OK);
        if (energy[psys].state != ECO_ENERGY_GAP) {
            assert_int_equal(energy[psys].state, ECO_ENERGY_WAITING);
            continue;
        }
        assert_int_equal(energy[psys].error, -ETIMEDOUT);
        seconds[0] = seconds[1];
        seconds[1] = i;
        gaps++;
    }
    /* After 1 s; then 4, 8, 16 ... s of rest, and a look each. */
    assert_in_range(gaps, 3, 5);
    assert_in_range(seconds[1] - seconds[0], 16, 24);
    step(group, 1000, true);
    assert_int_equal(energy[psys].state, ECO_ENERGY_GAP);
    uint64_t until = 0;
    for (uint64_t i = 1; i <= 64 && until == 0; i++) {
        machine_set(&machine, COUNTER, 62000000 + 1000000 * i);
        machine_set(&machine, "powercap/intel-rapl:1/energy_uj", 7000000 + 2000000 * i);
        step(group, 1000, false);
        until = energy[psys].state == ECO_ENERGY_OK ? i : 0;
    }
    assert_in_range(until, 1, 40);
    machine_set(&machine, "powercap/intel-rapl:1/energy_uj", 7000000 + 2000000 * until + 1500000);
    step(group, 1000, false);
    assert_int_equal(energy[psys].state, ECO_ENERGY_OK);
    assert_int_equal(energy[psys].delta_uj, 1500000);
    close_group(group);
}

/* Without memory nothing is lost, and it is told that there is more to see. */
static void rescan_without_memory(void **state)
{
    unsigned count = 0;
    (void)state;
    machine_init(&machine, NULL);
    machine_zone(&machine, "intel-rapl:0", "package-0", 1000000);
    struct eco_group *group = machine_open(&machine, &measured, NULL);
    machine_read(&machine, group, true, energy);
    machine_zone(&machine, "intel-rapl:1", "package-1", 7000000);
    int r = -ENOMEM;
    for (unsigned long n = 1; r == -ENOMEM && n < 100; n++) {
        machine_set(&machine, COUNTER, 1000000 + n * 1000);
        eco_mem_fail_at(n);
        r = eco_group_rescan(group);
        eco_mem_fail_at(0);
        step(group, 1000, false);
        assert_int_equal(energy[0].state, ECO_ENERGY_OK);
        assert_int_equal(energy[0].delta_uj, 1000);
    }
    assert_int_equal(r, 0);
    (void)eco_group_domains(group, &count);
    assert_int_equal(count, 2);
    close_group(group);
}

/* What counted goes on counting: a counter that comes beside an estimate is never counted with it. */
static void counter_relieves_estimate(void **state)
{
    (void)state;
    machine_init(&machine, NULL);
    machine.host.memory_bytes = 16ull << 30;
    struct eco_group *group = machine_open(&machine, NULL, NULL);
    assert_true(machine_domain(group, "dram", NULL)->counted);
    machine_read(&machine, group, true, energy);
    machine_zone(&machine, "intel-rapl:0", "package-0", 1000000);
    machine_zone(&machine, "intel-rapl:0:0", "dram", 1000000);
    assert_int_equal(eco_group_rescan(group), 0);
    assert_false(machine_domain(group, "dram-0", NULL)->counted);
    assert_true(machine_domain(group, "dram", NULL)->counted);
    for (uint64_t i = 1; i < 8; i++) {
        machine_set(&machine, COUNTER, 1000000 * i);
        step(group, 1000, false);
    }
    assert_string_equal(machine_domain(group, "package-0", NULL)->sources[0].source, "powercap");
    assert_int_equal(machine_domain(group, "package-0", NULL)->active_source, 0);
    assert_int_equal(machine_domain(group, "package-0", NULL)->quality, ECO_ESTIMATED);
    close_group(group);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(failed_read_loses_nothing), cmocka_unit_test(closed_while_failing),
        cmocka_unit_test(failing_for_minutes),       cmocka_unit_test(vanished_and_returned),
        cmocka_unit_test(failover_and_return),       cmocka_unit_test(beyond_its_range),
        cmocka_unit_test(rescan_finds_new_zones),    cmocka_unit_test(replaced_between_looks),
        cmocka_unit_test(rescan_without_memory),     cmocka_unit_test(counter_relieves_estimate),
        cmocka_unit_test(still_counter_is_a_gap),    cmocka_unit_test(still_part_uses_nothing),
        cmocka_unit_test(still_envelope_rests),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
