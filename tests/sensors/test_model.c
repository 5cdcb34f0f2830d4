/* SPDX-License-Identifier: MIT */
/*
 * The estimate: its curve against 86 RAPL readings of four machines, the tables behind it, and its
 * counters.
 */
#include "machine.h"
#include "sensors/cpu_tables.h"
#include "sensors/model_curve.h"
#include "support/alloc.h"
#include "support/test.h"

static struct machine machine;
static struct eco_energy energy[ECO_DOMAINS_MAX];

struct point {
    char cpu[96];
    double tdp_w, load, mhz, watts;
    int cores, threads_used;
    bool all_cores;
};

#define POINTS_MAX 128

static int cores_of(const char *cpu)
{
    return strstr(cpu, "8024P") ? 8 : strstr(cpu, "1950X") ? 16 : strstr(cpu, "E3-1240") ? 4 : 12;
}

/* cpu,tdp_w_per_socket,sockets_assumed,mode,threads_used,load_pct,avg_mhz,rapl_watts,wall,note,source */
static bool parse_point(const char *line, struct point *ret)
{
    char mode[16], rest[16] = "";
    double sockets;
    if (sscanf(line, "%95[^,],%lf,%lf,%15[^,],%d,%lf,%lf,%lf,%*[^,],%15[^\n]", ret->cpu, &ret->tdp_w,
               &sockets, mode, &ret->threads_used, &ret->load, &ret->mhz, &ret->watts, rest) != 9)
        return false;
    ret->tdp_w *= sockets;
    ret->load /= 100;
    ret->all_cores = strcmp(mode, "all_cores") == 0;
    ret->cores = cores_of(ret->cpu);
    return rest[0] == ','; /* a note marks readings that are spoilt */
}

static size_t read_points(struct point points[POINTS_MAX])
{
    char line[1024];
    size_t count = 0;
    FILE *file = fopen(ECO_FIXTURES_DIR "/model/cpu_load_power_measured.csv", "r");
    assert_non_null(file);
    while (fgets(line, sizeof(line), file)) {
        if (count < POINTS_MAX && parse_point(line, &points[count]))
            count++;
    }
    (void)fclose(file);
    return count;
}

static double max_mhz(const struct point *points, size_t count, const char *cpu)
{
    double max = 0;
    for (size_t i = 0; i < count; i++) {
        if (strcmp(points[i].cpu, cpu) == 0 && points[i].mhz > max)
            max = points[i].mhz;
    }
    return max;
}

static double awake_of(const struct point *point)
{
    if (!point->all_cores && point->threads_used > 0)
        return 1;
    double busy[16];
    for (int c = 0; c < point->cores; c++)
        busy[c] = point->load;
    return eco_model_awake(busy, (size_t)point->cores);
}

static size_t count_covered(const struct point *points, size_t count, bool knows_frequency, double ratio)
{
    size_t covered = 0;
    for (size_t i = 0; i < count; i++) {
        double f = knows_frequency ? points[i].mhz / max_mhz(points, count, points[i].cpu) : 1;
        double watts = eco_model_power_w(points[i].tdp_w, f, points[i].load, awake_of(&points[i]));
        covered += watts / points[i].watts <= ratio && watts / points[i].watts >= 1 / ratio;
    }
    return covered;
}

/* The stated 95 % intervals hold 95 % of the clean readings. */
static void intervals_hold(void **state)
{
    static struct point points[POINTS_MAX];
    (void)state;
    size_t count = read_points(points);
    assert_int_equal(count, 86);
    size_t with = count_covered(points, count, true, ECO_MODEL_RATIO);
    size_t without = count_covered(points, count, false, ECO_MODEL_RATIO_NO_FREQ);
    print_message("# covered: %zu of %zu with frequency (x%.1f), %zu without (x%.1f)\n", with, count,
                  ECO_MODEL_RATIO, without, ECO_MODEL_RATIO_NO_FREQ);
    assert_int_equal(with, 84);
    assert_int_equal(without, 83);
    assert_true((double)without >= 0.95 * (double)count);
    /* The narrower interval would be a claim too much where the frequency is unknown. */
    assert_true((double)count_covered(points, count, false, ECO_MODEL_RATIO) < 0.95 * (double)count);
}

static void curve(void **state)
{
    (void)state;
    eco_assert_near(eco_model_power_w(100, 1, 0, 0), 7, 1e-12);
    eco_assert_near(eco_model_power_w(100, 1, 1, 1), 72, 1e-12);
    eco_assert_near(eco_model_power_w(100, 0.5, 0.5, 1), 7 + 0.5 * (29 + 18), 1e-12);
    eco_assert_near(eco_model_power_w(100, 7, -1, (double)NAN), 7,
                    1e-12); /* nonsense is brought into range */
    eco_assert_near(eco_model_awake((const double[]){0.5, 0.5}, 2), 0.75, 1e-12);
    eco_assert_near(eco_model_awake(NULL, 0), 0, 1e-12);
    eco_assert_near(eco_model_alpha(2.2), 0.40228, 1e-4);
}

/* Idle and full power known, as by a meter: the first and the last reading of each series. */
static void calibrated_interval_holds(void **state)
{
    static struct point points[POINTS_MAX];
    size_t covered = 0, tried = 0;
    (void)state;
    size_t count = read_points(points);
    for (size_t i = 0; i < count; i++) {
        const struct point *low = &points[i], *high = &points[i];
        for (size_t k = 0; k < count; k++) {
            if (strcmp(points[k].cpu, points[i].cpu) != 0)
                continue;
            low = points[k].load < low->load ? &points[k] : low;
            high = points[k].load > high->load ? &points[k] : high;
        }
        if (&points[i] == low || &points[i] == high)
            continue;
        double f = points[i].mhz / max_mhz(points, count, points[i].cpu);
        double watts = eco_model_between_w(low->watts, high->watts, f, points[i].load, awake_of(&points[i]));
        covered += watts / points[i].watts <= ECO_MODEL_RATIO_CALIBRATED &&
                   watts / points[i].watts >= 1 / ECO_MODEL_RATIO_CALIBRATED;
        tried++;
    }
    print_message("# covered: %zu of %zu with idle and full power known (x%.1f)\n", covered, tried,
                  ECO_MODEL_RATIO_CALIBRATED);
    assert_true((double)covered >= 0.95 * (double)tried);
}

static void rated_power_of_the_four(void **state)
{
    (void)state;
    eco_assert_near(eco_cpu_tdp_w("AMD EPYC 8024P 8-Core Processor"), 90, 1e-9);
    eco_assert_near(eco_cpu_tdp_w("AMD Ryzen Threadripper 1950X 16-Core Processor"), 180, 1e-9);
    eco_assert_near(eco_cpu_tdp_w("Intel(R) Xeon(R) CPU E3-1240 V2 @ 3.40GHz"), 69, 1e-9);
    eco_assert_near(eco_cpu_tdp_w("Intel(R) Xeon(R) CPU E5-2620 v3 @ 2.40GHz"), 85, 1e-9);
    eco_assert_near(eco_cpu_tdp_w("Intel(R) Core(TM)2 Duo CPU     E8400  @ 3.00GHz"), 65, 1e-9);
    eco_assert_near(eco_cpu_tdp_w("AMD Ryzen 7 5700G with Radeon Graphics"), 65, 1e-9);
    eco_assert_near(eco_cpu_tdp_w("AMD FX(tm)-8350 Eight-Core Processor"), 125, 1e-9);
}

/* Near is not the same: no answer is better than that of another CPU. */
static void unknown_names(void **state)
{
    static const char *const names[] = {
        "",
        "AMD EPYC",
        "AMD EPYC-Rome Processor",
        "Intel Xeon Processor (Skylake, IBRS)",
        "Intel(R) Xeon(R) CPU @ 2.20GHz",
        "Intel(R) Xeon(R) CPU E5-2620 v9 @ 2.40GHz",
        "QEMU Virtual CPU version 2.5+",
        "Intel(R) Xeon(R) Platinum 99999 CPU",
        "\xff\xfe",
        "@",
        "averylongnameaverylongnameaverylongnameaverylongnameaverylongnameaverylongnamea1"};
    (void)state;
    for (size_t i = 0; i < ECO_COUNT(names); i++)
        assert_true(eco_cpu_tdp_w(names[i]) < 0.5);
}

/* Every name of the table finds itself: the program's normaliser and the generator's agree. */
static void table_finds_itself(void **state)
{
    char line[512];
    size_t found = 0, missing = 0;
    (void)state;
    FILE *file = fopen(ECO_DATA_DIR "/cpu_tdp.csv", "r");
    assert_non_null(file);
    while (fgets(line, sizeof(line), file)) {
        char *comma = strrchr(line, ',');
        assert_non_null(comma);
        *comma = '\0';
        double tdp_w = strtod(comma + 1, NULL), got = eco_cpu_tdp_w(line[0] == '"' ? line + 1 : line);
        if (!(tdp_w > 0) || line[0] == '"')
            continue;
        found += got > tdp_w / 1.21 && got < tdp_w * 1.21;
        missing += !(got > 0);
        assert_true(!(got > 0) || (got > tdp_w / 1.21 && got < tdp_w * 1.21));
    }
    (void)fclose(file);
    assert_true(found > 4800);
    assert_true(missing < 40); /* not ASCII, no digit, contradictory */
}

static void names_and_cores(void **state)
{
    char name[96], cut[8];
    (void)state;
    eco_cpu_name_normalise("12th Gen Intel(R) Core(TM) i7-1260P", name, sizeof(name));
    assert_string_equal(name, "core i7-1260p");
    eco_cpu_name_normalise("AMD EPYC 7763 64-Core Processor", name, sizeof(name));
    assert_string_equal(name, "epyc 7763");
    eco_cpu_name_normalise("AMD EPYC 7763 64-Core Processor", cut, sizeof(cut));
    assert_string_equal(cut, "epyc");
    assert_int_equal(eco_cpu_name_cores("AMD EPYC 7763 64-Core Processor"), 64);
    assert_int_equal(eco_cpu_name_cores("AMD EPYC 7763 99999999999-Core"), 0);
    assert_int_equal(eco_cpu_name_cores("Intel(R) Xeon(R) CPU"), 0);
}

static void microarchitectures(void **state)
{
    static struct eco_host host;
    (void)state;
    (void)snprintf(host.cpu_vendor, sizeof(host.cpu_vendor), "AuthenticAMD");
    host.cpu_family = 26;
    host.cpu_model_number = 2;
    assert_string_equal(eco_cpu_microarchitecture(&host), "EPYC 4th Gen");
    eco_assert_near(eco_cpu_vcpu_watts("EPYC 4th Gen", "aws")->max_w, 2.2822, 1e-9);
    eco_assert_near(eco_cpu_vcpu_watts("EPYC 4th Gen", "gcp")->max_w, 2.1959, 1e-9);
    eco_assert_near(eco_cpu_vcpu_watts("EPYC 4th Gen", "azure")->max_w, 2.2822, 1e-9); /* of any */
    eco_assert_near(eco_cpu_vcpu_watts("", "gcp")->max_w, 4.26, 1e-9);
    eco_assert_near(eco_cpu_vcpu_watts("", "elsewhere")->min_w, 0.74, 1e-9);
    eco_assert_near(eco_cpu_vcpu_watts("EPYC 5th Gen", "aws")->max_w, 3.5, 1e-9); /* left out on purpose */
    (void)snprintf(host.cpu_vendor, sizeof(host.cpu_vendor), "GenuineIntel");
    host.cpu_family = 6;
    host.cpu_model_number = 85;
    host.cpu_stepping = 4;
    assert_string_equal(eco_cpu_microarchitecture(&host), "Skylake");
    host.cpu_stepping = 7;
    assert_string_equal(eco_cpu_microarchitecture(&host), "Cascade Lake");
    host.cpu_model_number = 200;
    assert_string_equal(eco_cpu_microarchitecture(&host), "");
}

static void make_machine(const char *cpu, bool is_guest)
{
    machine_init(&machine, NULL);
    (void)snprintf(machine.host.cpu_model, sizeof(machine.host.cpu_model), "%s", cpu);
    machine.host.is_hypervisor_guest = is_guest;
    machine.host.memory_bytes = 8ull << 30;
}

static void close_group(struct eco_group *group)
{
    eco_group_free(group);
    machine_finish(&machine);
}

static double watts_of(struct eco_group *group, unsigned domain, double share)
{
    machine_read(&machine, group, true, energy);
    machine_advance(&machine, ECO_NS_PER_S, share);
    machine_read(&machine, group, true, energy);
    assert_int_equal(energy[domain].state, ECO_ENERGY_OK);
    assert_int_equal(energy[domain].quality, ECO_ESTIMATED);
    return (double)energy[domain].delta_uj * 1e-6;
}

static void by_rated_power(void **state)
{
    unsigned package = 0, dram = 0;
    (void)state;
    make_machine("Intel(R) Xeon(R) CPU E3-1240 V2 @ 3.40GHz", false);
    struct eco_group *group = machine_open(&machine, NULL, NULL);
    const struct eco_domain *domain = machine_domain(group, "package-0", &package);
    assert_true(domain->counted && domain->attributable);
    eco_assert_near(domain->model_ratio, ECO_MODEL_RATIO_NO_FREQ, 1e-9);
    eco_assert_near(domain->model_idle_uw, 69e6 * 0.07, 1);
    (void)machine_domain(group, "dram", &dram);
    eco_assert_near(watts_of(group, package, 0), 69 * 0.07, 1e-3);
    eco_assert_near(watts_of(group, package, 1), 69 * 0.72, 1e-3);
    /* Four cores, each half of the time: A = 1 - 0.5^4. */
    eco_assert_near(watts_of(group, package, 0.5), 69 * (0.07 + 0.29 * 0.9375 + 0.18), 1e-3);
    eco_assert_near(watts_of(group, dram, 0.5), 3, 1e-3);
    assert_non_null(strstr(eco_group_model_text(group), "69 W rated"));
    close_group(group);
}

/* Whatever the CPU: what the meter said, and all that hangs on it, so no RAM is added. */
static void by_a_wall_meter(void **state)
{
    unsigned package = 0;
    (void)state;
    make_machine("Intel(R) Xeon(R) CPU E3-1240 V2 @ 3.40GHz", false);
    machine.host.wall_idle_w = 45;
    machine.host.wall_busy_w = 120;
    struct eco_group *group = machine_open(&machine, NULL, NULL);
    const struct eco_domain *domain = machine_domain(group, "package-0", &package);
    assert_true(domain->counted && domain->attributable);
    eco_assert_near(domain->model_ratio, ECO_MODEL_RATIO_CALIBRATED, 1e-9);
    eco_assert_near(domain->model_idle_uw, 45e6, 1);
    unsigned count;
    (void)eco_group_domains(group, &count);
    assert_int_equal(count, 1);
    eco_assert_near(watts_of(group, package, 0), 45, 1e-3);
    eco_assert_near(watts_of(group, package, 1), 120, 1e-3);
    assert_non_null(strstr(eco_group_model_text(group), "at the wall"));
    close_group(group);
}

static void frequency_counts_where_known(void **state)
{
    (void)state;
    make_machine("Intel(R) Xeon(R) CPU E3-1240 V2 @ 3.40GHz", false);
    for (int cpu = 0; cpu < MACHINE_CPUS; cpu++) {
        machine.places[cpu].max_freq_khz = 3800000;
        machine.busy[cpu].freq_khz = 1900000;
    }
    struct eco_group *group = machine_open(&machine, NULL, NULL);
    eco_assert_near(machine_domain(group, "package-0", NULL)->model_ratio, ECO_MODEL_RATIO, 1e-9);
    eco_assert_near(watts_of(group, 0, 1), 69 * (0.07 + 0.5 * 0.65), 1e-3);
    close_group(group);
}

static void two_sockets(void **state)
{
    unsigned first = 0, second = 0;
    (void)state;
    make_machine("Intel(R) Xeon(R) CPU E5-2620 v3 @ 2.40GHz", false);
    machine.host.topology.package_count = 2;
    for (int cpu = 2; cpu < 8; cpu += 1)
        machine.places[cpu].package = cpu % 4 >= 2;
    struct eco_group *group = machine_open(&machine, NULL, NULL);
    (void)machine_domain(group, "package-0", &first);
    (void)machine_domain(group, "package-1", &second);
    machine_read(&machine, group, true, energy);
    eco_fake_clock_advance(&machine.clock, ECO_NS_PER_S);
    for (int cpu = 0; cpu < MACHINE_CPUS; cpu++)
        machine.busy[cpu].busy_ns += machine.places[cpu].package == 1 ? ECO_NS_PER_S : 0;
    machine_read(&machine, group, true, energy);
    eco_assert_near((double)energy[first].delta_uj, 85e6 * 0.07, 1e3);
    eco_assert_near((double)energy[second].delta_uj, 85e6 * 0.72, 1e3);
    close_group(group);
}

/* A guest's share of the rated power, where the name tells how many threads the CPU has. */
static void share_of_a_named_cpu(void **state)
{
    (void)state;
    make_machine("AMD EPYC 7763 64-Core Processor", true);
    struct eco_group *group = machine_open(&machine, NULL, NULL);
    eco_assert_near(watts_of(group, 0, 1), 280.0 * 8 / 128 * 0.72, 1e-3);
    close_group(group);
}

static void watts_per_vcpu(void **state)
{
    (void)state;
    make_machine("AMD EPYC", true);
    (void)snprintf(machine.host.cpu_vendor, sizeof(machine.host.cpu_vendor), "AuthenticAMD");
    machine.host.cpu_family = 25;
    machine.host.cpu_model_number = 1;
    struct eco_group *group = machine_open(&machine, NULL, NULL);
    assert_int_equal(machine_find(group, "dram"), -1); /* these watts hold the RAM */
    eco_assert_near(watts_of(group, 0, 0), 8 * 0.4556, 1e-3);
    eco_assert_near(watts_of(group, 0, 1), 8 * 1.9573, 1e-3);
    assert_non_null(strstr(eco_group_model_text(group), "8 vCPU at 0.46-1.96 W each (EPYC 3rd Gen"));
    close_group(group);
}

/* Virtual sockets are none. */
static void guest_with_sockets(void **state)
{
    (void)state;
    make_machine("AMD EPYC", true);
    machine.host.topology.package_count = 8;
    for (int cpu = 0; cpu < MACHINE_CPUS; cpu++)
        machine.places[cpu].package = cpu;
    struct eco_group *group = machine_open(&machine, NULL, NULL);
    assert_int_equal(machine_domain(group, "cpu", NULL)->package, -1);
    assert_int_equal(machine_find(group, "package-0"), -1);
    eco_assert_near(watts_of(group, 0, 0), 8 * 0.74, 1e-3);
    close_group(group);
}

static void unknown_cpu(void **state)
{
    (void)state;
    make_machine("Frobnicator 9000", false);
    struct eco_group *group = machine_open(&machine, NULL, NULL);
    eco_assert_near(watts_of(group, 0, 1), 4 * 4 * 0.72, 1e-3); /* four cores */
    eco_assert_near(machine_domain(group, "package-0", NULL)->model_ratio, ECO_MODEL_RATIO_UNKNOWN, 1e-9);
    assert_non_null(strstr(eco_group_model_text(group), "not in the table: 16 W by 4 W a core"));
    close_group(group);
}

/* No topology, no memory, nothing known: still an answer, and no crash. */
static void nothing_known(void **state)
{
    (void)state;
    make_machine("", false);
    machine.host.topology = (struct eco_topology){.cpus = NULL};
    machine.host.memory_bytes = 0;
    struct eco_group *group = machine_open(&machine, NULL, NULL);
    assert_int_equal(machine_domain(group, "cpu", NULL)->package, -1);
    (void)watts_of(group, 0, 1);
    close_group(group);
}

/* Busy time that comes in ticks of 10 ms is not lost in looks of 1 ms. */
static void ticks_in_short_looks(void **state)
{
    uint64_t sum = 0;
    (void)state;
    make_machine("Intel(R) Xeon(R) CPU E3-1240 V2 @ 3.40GHz", false);
    machine.activity.grain_ns = 10 * ECO_NS_PER_MS;
    struct eco_group *group = machine_open(&machine, NULL, NULL);
    machine_read(&machine, group, true, energy);
    for (int i = 1; i <= 2000; i++) {
        eco_fake_clock_advance(&machine.clock, ECO_NS_PER_MS);
        for (int cpu = 0; cpu < MACHINE_CPUS && i % 10 == 0; cpu++) {
            machine.busy[cpu].busy_ns += 10 * ECO_NS_PER_MS;
            machine.activity.busy_ns += 10 * ECO_NS_PER_MS;
        }
        machine_read(&machine, group, true, energy);
        sum += energy[0].delta_uj;
    }
    eco_assert_near((double)sum, 2 * 69e6 * 0.72, 2 * 69e6 * 0.72 * 0.03);
    close_group(group);
}

/* Clocks that stand still and counters that go back do not invent energy. */
static void absurd_activity(void **state)
{
    (void)state;
    make_machine("Intel(R) Xeon(R) CPU E3-1240 V2 @ 3.40GHz", false);
    struct eco_group *group = machine_open(&machine, NULL, NULL);
    machine_read(&machine, group, true, energy);
    machine.activity.busy_ns = UINT64_MAX / 2;
    for (int cpu = 0; cpu < MACHINE_CPUS; cpu++)
        machine.busy[cpu].busy_ns = UINT64_MAX / 2;
    machine_read(&machine, group, true, energy);
    assert_int_equal(energy[0].delta_uj, 0); /* no time has passed */
    machine_advance(&machine, ECO_NS_PER_S, 1);
    machine_read(&machine, group, true, energy);
    assert_true(energy[0].delta_uj <= 69000000);
    machine.activity.busy_ns = 0;
    for (int cpu = 0; cpu < MACHINE_CPUS; cpu++)
        machine.busy[cpu].busy_ns = 0;
    machine_advance(&machine, ECO_NS_PER_S, 0);
    machine_read(&machine, group, true, energy);
    assert_true(energy[0].delta_uj <= 69000000);
    eco_group_read(group, NULL, true, energy);
    assert_int_not_equal(energy[0].state, ECO_ENERGY_OK);
    close_group(group);
}

/* CPUs that came after the description, and siblings that are not there. */
static void more_cpus_than_described(void **state)
{
    (void)state;
    make_machine("Intel(R) Xeon(R) CPU E3-1240 V2 @ 3.40GHz", false);
    struct eco_cpu_place *places = calloc(4, sizeof(*places));
    assert_non_null(places);
    for (int cpu = 0; cpu < 4; cpu++)
        places[cpu] =
            (struct eco_cpu_place){.core = cpu, .sibling = cpu + 4, .max_freq_khz = 1, .online = true};
    machine.host.topology.cpus = places;
    machine.host.topology.cpu_count = machine.host.topology.online_count = 4;
    struct eco_group *group = machine_open(&machine, NULL, NULL);
    eco_assert_near(watts_of(group, 0, 0.5), 69 * (0.07 + 0.29 * 0.9375 + 0.36), 2);
    /* Described anew behind its back, larger. */
    machine.host.topology.cpus = machine.places;
    machine.host.topology.cpu_count = machine.host.topology.online_count = MACHINE_CPUS;
    free(places);
    (void)watts_of(group, 0, 0.5);
    close_group(group);
}

static int open_once(void *context)
{
    struct eco_sensor *sensor = NULL;
    (void)context;
    int r = eco_sensor_open(&eco_sensor_model, &machine.env, &sensor, NULL);
    if (r == 0)
        eco_sensor_free(sensor);
    return r;
}

static void allocations_fail(void **state)
{
    (void)state;
    make_machine("Frobnicator 9000", false);
    assert_true(eco_alloc_fail_each(open_once, NULL) >= 4);
    machine_finish(&machine);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(intervals_hold),
        cmocka_unit_test(curve),
        cmocka_unit_test(calibrated_interval_holds),
        cmocka_unit_test(rated_power_of_the_four),
        cmocka_unit_test(by_a_wall_meter),
        cmocka_unit_test(unknown_names),
        cmocka_unit_test(table_finds_itself),
        cmocka_unit_test(names_and_cores),
        cmocka_unit_test(microarchitectures),
        cmocka_unit_test(by_rated_power),
        cmocka_unit_test(frequency_counts_where_known),
        cmocka_unit_test(two_sockets),
        cmocka_unit_test(share_of_a_named_cpu),
        cmocka_unit_test(watts_per_vcpu),
        cmocka_unit_test(guest_with_sockets),
        cmocka_unit_test(unknown_cpu),
        cmocka_unit_test(nothing_known),
        cmocka_unit_test(ticks_in_short_looks),
        cmocka_unit_test(absurd_activity),
        cmocka_unit_test(more_cpus_than_described),
        cmocka_unit_test(allocations_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
