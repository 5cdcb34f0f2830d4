/* SPDX-License-Identifier: MIT */
#include "machine.h"
#include "support/alloc.h"
#include "support/test.h"

static struct machine machine;
static struct eco_energy energy[ECO_DOMAINS_MAX];

#define PMU    "sys/bus/event_source/devices/power/"
#define CORES  "sys/bus/event_source/devices/power_core/"
#define SCALE  "2.3283064365386962890625e-10\n"
#define JOULE  4294967296ull /* counts of 2^-32 J */
#define CONFIG 2u

static const struct eco_group_options measured = {.no_estimate = true};

static void write_event(const char *folder, const char *event, const char *config)
{
    char path[160];
    (void)snprintf(path, sizeof(path), "%sevents/%s", folder, event);
    eco_temp_write(&machine.temp, path, config);
    (void)snprintf(path, sizeof(path), "%sevents/%s.scale", folder, event);
    eco_temp_write(&machine.temp, path, SCALE);
}

/* The PMU `power` with the package's event on CPUs 0 and 4, which are two packages when `split`. */
static void make_machine(bool split)
{
    machine_init(&machine, NULL);
    for (int cpu = 4; cpu < 8; cpu++)
        machine.places[cpu].package = split ? 1 : 0;
    eco_temp_write(&machine.temp, PMU "type", "22\n");
    eco_temp_write(&machine.temp, PMU "cpumask", "0,4\n");
    write_event(PMU, "energy-pkg", "event=0x02\n");
    eco_fake_perf_add(&machine.perf, 22, CONFIG, 0, 1000);
    eco_fake_perf_add(&machine.perf, 22, CONFIG, 4, 2000);
}

static void close_group(struct eco_group *group)
{
    eco_group_free(group);
    assert_int_equal(machine.perf.open_count, 0);
    machine_finish(&machine);
}

static void one_channel_a_package(void **state)
{
    unsigned first = 0, second = 0;
    (void)state;
    make_machine(true);
    struct eco_group *group = machine_open(&machine, &measured, NULL);
    assert_string_equal(machine_domain(group, "package-0", &first)->sources[0].source, "perf");
    (void)machine_domain(group, "package-1", &second);
    machine_read(&machine, group, true, energy);
    machine.perf.events[0].value += 5 * JOULE;
    machine.perf.events[1].value += 7 * JOULE + 1;
    machine_advance(&machine, ECO_NS_PER_S, 0);
    machine_read(&machine, group, true, energy);
    assert_int_equal(energy[first].delta_uj, 5000000);
    assert_int_equal(energy[second].delta_uj, 7000000);
    assert_int_equal(energy[first].quality, ECO_MEASURED);
    close_group(group);
}

/* The dies of one package are summed before they become microjoules. */
static void dies_are_summed(void **state)
{
    (void)state;
    make_machine(false);
    struct eco_group *group = machine_open(&machine, &measured, NULL);
    machine_read(&machine, group, true, energy);
    machine.perf.events[0].value += 5 * JOULE;
    machine.perf.events[1].value += 7 * JOULE;
    machine_advance(&machine, ECO_NS_PER_S, 0);
    machine_read(&machine, group, true, energy);
    assert_int_equal(energy[0].delta_uj, 12000000);
    close_group(group);
}

/* After years of joules a microjoule is still told. */
static void exact_at_large_counts(void **state)
{
    (void)state;
    make_machine(true);
    machine.perf.events[0].value = UINT64_MAX - 10 * JOULE;
    struct eco_group *group = machine_open(&machine, &measured, NULL);
    machine_read(&machine, group, true, energy);
    machine.perf.events[0].value += 3 * JOULE + JOULE / 1000000 + 1;
    machine_advance(&machine, ECO_NS_PER_S, 0);
    machine_read(&machine, group, true, energy);
    assert_in_range(energy[0].delta_uj, 3000000, 3000002);
    close_group(group);
}

static void preferred_to_powercap(void **state)
{
    (void)state;
    make_machine(false);
    machine_zone(&machine, "intel-rapl:0", "package-0", 1000000);
    struct eco_group *group = machine_open(&machine, &measured, NULL);
    const struct eco_domain *domain = machine_domain(group, "package-0", NULL);
    assert_int_equal(domain->source_count, 2);
    assert_string_equal(domain->sources[0].source, "perf");
    assert_string_equal(domain->sources[1].source, "powercap");
    machine_read(&machine, group, true, energy);
    /* perf fails: powercap takes over at the second look. */
    machine.perf.events[0].read_error = -EIO;
    for (int i = 0; i < 2; i++) {
        machine_advance(&machine, ECO_NS_PER_S, 0);
        machine_read(&machine, group, false, energy);
    }
    assert_int_equal(energy[0].state, ECO_ENERGY_GAP);
    assert_int_equal(domain->active_source, 1);
    eco_group_free(group);
    group = machine_open(&machine, &(struct eco_group_options){.no_estimate = true, .no_perf = true}, NULL);
    assert_string_equal(machine_domain(group, "package-0", NULL)->sources[0].source, "powercap");
    close_group(group);
}

static void not_permitted(void **state)
{
    struct eco_why why;
    (void)state;
    make_machine(false);
    machine.perf.open_error = -EACCES;
    struct eco_group *group = machine_open(&machine, &measured, &why);
    assert_int_equal(machine_find(group, "package-0"), -1);
    assert_non_null(strstr(why.fix, "kernel.perf_event_paranoid=0"));
    close_group(group);
}

/* One die that cannot be opened: no sum without it, and nothing left open. */
static void part_of_a_package(void **state)
{
    struct eco_sensor *sensor = NULL;
    (void)state;
    make_machine(false);
    machine.perf.events[1].open_error = -ENODEV;
    assert_int_equal(eco_sensor_open(&eco_sensor_perf, &machine.env, &sensor, NULL), -ENODEV);
    assert_int_equal(sensor->refusal_count, 1);
    eco_sensor_free(sensor);
    /* What was opened before it failed must not slip into the next sum. */
    write_event(PMU, "energy-ram", "event=0x03\n");
    eco_fake_perf_add(&machine.perf, 22, 3, 0, 2 * JOULE);
    eco_fake_perf_add(&machine.perf, 22, 3, 4, 3 * JOULE);
    machine.perf.events[0].value = 50 * JOULE;
    assert_int_equal(eco_sensor_open(&eco_sensor_perf, &machine.env, &sensor, NULL), 0);
    assert_int_equal(sensor->channel_count, 1);
    struct eco_reading reading;
    assert_int_equal(eco_sensor_perf.read(sensor, NULL, &reading), 0);
    assert_int_equal(reading.value, 5000000);
    eco_sensor_free(sensor);
    assert_int_equal(machine.perf.open_count, 0);
    machine_finish(&machine);
}

static void never_scheduled(void **state)
{
    (void)state;
    make_machine(false);
    struct eco_group *group = machine_open(&machine, &measured, NULL);
    machine_read(&machine, group, true, energy);
    machine.perf.events[0].running_ns = 0;
    machine_advance(&machine, ECO_NS_PER_S, 0);
    machine_read(&machine, group, true, energy);
    assert_int_equal(energy[0].state, ECO_ENERGY_GAP);
    assert_int_equal(energy[0].error, -EIO);
    close_group(group);
}

/* AMD since 6.14: an event a core; the sum is part of the package. */
static void cores_of_amd(void **state)
{
    unsigned core = 0, package = 0;
    (void)state;
    make_machine(false);
    eco_temp_write(&machine.temp, CORES "type", "23\n");
    eco_temp_write(&machine.temp, CORES "cpumask", "0-3\n");
    write_event(CORES, "energy-core", "event=0x01\n");
    for (int cpu = 0; cpu < 4; cpu++)
        eco_fake_perf_add(&machine.perf, 23, 1, cpu, 0);
    struct eco_group *group = machine_open(&machine, &measured, NULL);
    (void)machine_domain(group, "package-0", &package);
    const struct eco_domain *domain = machine_domain(group, "core-0", &core);
    assert_false(domain->counted);
    assert_int_equal(domain->within, package);
    machine_read(&machine, group, true, energy);
    for (int i = 2; i < 6; i++)
        machine.perf.events[i].value += 2 * JOULE;
    unsigned long reads = machine.perf.reads;
    machine_advance(&machine, ECO_NS_PER_MS, 0);
    machine_read(&machine, group, false, energy);
    assert_int_equal(machine.perf.reads, reads + 2); /* many descriptors: not read that often */
    assert_int_equal(energy[core].state, ECO_ENERGY_WAITING);
    machine_advance(&machine, 200 * ECO_NS_PER_MS, 0);
    machine_read(&machine, group, false, energy);
    assert_int_equal(energy[core].delta_uj, 8000000);
    close_group(group);
}

static void absurd_files(void **state)
{
    static const char *const scales[] = {"", "x\n", "0\n", "-1\n", "5\n", "nan\n"};
    (void)state;
    make_machine(false);
    for (size_t i = 0; i < ECO_COUNT(scales); i++) {
        eco_temp_write(&machine.temp, PMU "events/energy-pkg.scale", scales[i]);
        struct eco_group *group = machine_open(&machine, &measured, NULL);
        assert_int_equal(machine_find(group, "package-0"), -1);
        eco_group_free(group);
    }
    eco_temp_write(&machine.temp, PMU "events/energy-pkg.scale", SCALE);
    static const char *const masks[] = {"", "x\n", "0-\n", "99999\n", "5-1\n"};
    for (size_t i = 0; i < ECO_COUNT(masks); i++) {
        eco_temp_write(&machine.temp, PMU "cpumask", masks[i]);
        struct eco_group *group = machine_open(&machine, &measured, NULL);
        assert_int_equal(machine_find(group, "package-0"), -1);
        eco_group_free(group);
    }
    eco_temp_write(&machine.temp, PMU "type", "99999999999\n");
    struct eco_group *group = machine_open(&machine, &measured, NULL);
    assert_int_equal(machine_find(group, "package-0"), -1);
    close_group(group);
}

static int open_once(void *context)
{
    struct eco_sensor *sensor = NULL;
    (void)context;
    int r = eco_sensor_open(&eco_sensor_perf, &machine.env, &sensor, NULL);
    if (r == 0)
        eco_sensor_free(sensor);
    return r;
}

static void allocations_fail(void **state)
{
    (void)state;
    make_machine(true);
    assert_true(eco_alloc_fail_each(open_once, NULL) >= 3);
    assert_int_equal(machine.perf.open_count, 0);
    machine_finish(&machine);
}

/* A guest's psys, which the kernel lists without having read it, is no counter; beside a package's it is one.
 */
static void phantom_of_a_guest(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 4; i++) {
        bool is_guest = i & 1, has_package = i & 2, has_psys = !is_guest || has_package;
        make_machine(false);
        machine.host.is_hypervisor_guest = is_guest;
        write_event(PMU, "energy-psys", "event=0x05\n");
        eco_fake_perf_add(&machine.perf, 22, 5, 0, 0);
        eco_fake_perf_add(&machine.perf, 22, 5, 4, 0);
        if (!has_package)
            eco_temp_remove(&machine.temp, PMU "events/energy-pkg");
        struct eco_group *group = machine_open(&machine, NULL, NULL);
        struct eco_finding findings[16];
        size_t count = eco_group_findings(group, findings, ECO_COUNT(findings)), refused = 0, found = 0;
        for (size_t f = 0; f < count; f++) {
            if (findings[f].refusal && strcmp(findings[f].refusal->what, "power/energy-psys") == 0)
                refused++;
            found += findings[f].channel && findings[f].channel->key.kind == ECO_KIND_PSYS;
        }
        assert_int_equal(found, has_psys);
        assert_int_equal(refused, !has_psys);
        close_group(group);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_channel_a_package), cmocka_unit_test(dies_are_summed),
        cmocka_unit_test(exact_at_large_counts), cmocka_unit_test(preferred_to_powercap),
        cmocka_unit_test(not_permitted),         cmocka_unit_test(part_of_a_package),
        cmocka_unit_test(never_scheduled),       cmocka_unit_test(cores_of_amd),
        cmocka_unit_test(absurd_files),          cmocka_unit_test(allocations_fail),
        cmocka_unit_test(phantom_of_a_guest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
