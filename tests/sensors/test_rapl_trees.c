/* SPDX-License-Identifier: MIT */
/*
 * The thirteen machines of tests/fixtures/rapl: what is counted must be what NAME.json says. Its
 * lines are scanned; it is written one member a line.
 */
#include "machine.h"
#include "support/test.h"

struct zone {
    char name[40];
    uint64_t energy_uj, range_uj;
    bool counted, readable, has_domain;
};

#define ZONES_MAX 32

static size_t read_expected(const char *tree, struct zone zones[ZONES_MAX])
{
    char path[512], line[512];
    size_t count = 0;
    (void)snprintf(path, sizeof(path), "%s/rapl/%s.json", ECO_FIXTURES_DIR, tree);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    while (fgets(line, sizeof(line), file)) {
        unsigned long long number;
        char word[40];
        if (sscanf(line, " \"zone\": \"%39[^\"]\"", word) == 1) {
            assert_true(count < ZONES_MAX);
            zones[count] = (struct zone){.has_domain = true};
            (void)snprintf(zones[count++].name, sizeof(zones->name), "%s", word);
        } else if (count == 0) {
            continue;
        } else if (sscanf(line, " \"energy_uj\": %llu", &number) == 1) {
            zones[count - 1].energy_uj = number;
        } else if (sscanf(line, " \"max_energy_range_uj\": %llu", &number) == 1) {
            zones[count - 1].range_uj = number;
        } else if (strstr(line, "\"domain\": null")) {
            zones[count - 1].has_domain = false;
        } else if (strstr(line, "\"counted\": true")) {
            zones[count - 1].counted = true;
        } else if (strstr(line, "\"readable\": true")) {
            zones[count - 1].readable = true;
        }
    }
    (void)fclose(file);
    return count;
}

static const struct eco_finding *find_label(const struct eco_finding *findings, size_t count,
                                            const char *label)
{
    for (size_t i = 0; i < count; i++) {
        if (findings[i].channel && strcmp(findings[i].channel->label, label) == 0)
            return &findings[i];
    }
    return NULL;
}

static void check_zone(const struct eco_group *group, const struct eco_finding *findings, size_t count,
                       const struct zone *zone)
{
    unsigned domain_count;
    const struct eco_domain *domains = eco_group_domains(group, &domain_count);
    const struct eco_finding *finding = find_label(findings, count, zone->name);
    if (!zone->has_domain || !zone->readable) {
        assert_null(finding);
        return;
    }
    if (!finding) {
        assert_false(zone->counted);
        return;
    }
    assert_int_equal(finding->last.state, ECO_READING_OK);
    assert_int_equal(finding->last.value, zone->energy_uj);
    assert_true(finding->channel->modulus > zone->range_uj);
    assert_true(finding->domain >= 0);
    assert_int_equal(finding->elected && domains[finding->domain].counted, zone->counted);
}

/* Besides what the fixture names nothing measured may be counted. */
static size_t count_counted(const struct eco_group *group, const struct eco_finding *findings, size_t count)
{
    unsigned domain_count;
    const struct eco_domain *domains = eco_group_domains(group, &domain_count);
    size_t counted = 0;
    for (size_t i = 0; i < count; i++) {
        counted += findings[i].channel && findings[i].channel->quality == ECO_MEASURED &&
                   findings[i].elected && domains[findings[i].domain].counted;
    }
    return counted;
}

static void check_tree(const char *tree, const char *vendor)
{
    static struct machine machine;
    struct zone zones[ZONES_MAX];
    struct eco_finding findings[64];
    struct eco_energy energy[ECO_DOMAINS_MAX];
    struct eco_why why;
    size_t zone_count = read_expected(tree, zones), wanted = 0;
    char name[80];
    (void)snprintf(name, sizeof(name), "rapl/%s", tree);
    machine_init(&machine, name);
    (void)snprintf(machine.host.cpu_vendor, sizeof(machine.host.cpu_vendor), "%s", vendor);
    bool is_unreadable = zone_count > 0 && zones[0].range_uj > 0 && !zones[0].readable;
    /* Root reads what has mode 0400: the refusal comes from the double. */
    machine.fault_part = "energy_uj";
    machine.fault_error = is_unreadable ? -EACCES : 0;
    struct eco_group *group = machine_open(&machine, &(struct eco_group_options){.read_all = true}, &why);
    machine_read(&machine, group, true, energy);
    size_t count = eco_group_findings(group, findings, ECO_COUNT(findings));
    for (size_t i = 0; i < zone_count; i++) {
        check_zone(group, findings, count, &zones[i]);
        wanted += zones[i].counted && zones[i].readable;
    }
    assert_int_equal(count_counted(group, findings, count), wanted);
    assert_int_equal(why.text[0] == '\0', wanted > 0);
    eco_group_free(group);
    machine_finish(&machine);
}

static void intel_trees(void **state)
{
    static const char *const trees[] = {
        "dangling_zone",         "laptop_1s_psys_mmio", "laptop_kabylake_dram_psys_root_only",
        "other_control_types",   "server_2s_dram",      "server_2s_spr_psys_between",
        "server_clxap_2s_2dies", "socket10_hex",        "vm_empty",
        "wrap_pair_after",       "wrap_pair_before"};
    (void)state;
    for (size_t i = 0; i < ECO_COUNT(trees); i++)
        check_tree(trees[i], "GenuineIntel");
}

static void amd_trees(void **state)
{
    (void)state;
    check_tree("amd_epyc_2s", "AuthenticAMD");
    check_tree("threadripper_old_kernel_dup_dies", "AuthenticAMD");
    /* The vendor unknown, the unit tells. */
    check_tree("threadripper_old_kernel_dup_dies", "");
}

/* From wrap_pair_before to wrap_pair_after: 3 J and the one unit that the range leaves out. */
static void wrap_pair(void **state)
{
    static struct machine machine;
    struct zone before[ZONES_MAX], after[ZONES_MAX];
    struct eco_energy energy[ECO_DOMAINS_MAX];
    struct eco_why why;
    unsigned index = 0;
    (void)state;
    assert_int_equal(read_expected("wrap_pair_before", before), 1);
    assert_int_equal(read_expected("wrap_pair_after", after), 1);
    machine_init(&machine, "rapl/wrap_pair_before");
    struct eco_group *group = machine_open(&machine, NULL, &why);
    machine_read(&machine, group, true, energy);
    machine_set(&machine, "powercap/intel-rapl:0/energy_uj", after[0].energy_uj);
    machine_advance(&machine, ECO_NS_PER_S, 0);
    machine_read(&machine, group, true, energy);
    (void)machine_domain(group, "package-0", &index);
    assert_int_equal(energy[index].state, ECO_ENERGY_OK);
    assert_in_range(energy[index].delta_uj, 3000000, 3000062);
    eco_group_free(group);
    machine_finish(&machine);
}

/* The dies of a package are one domain with the energy of both. */
static void dies_are_summed(void **state)
{
    static struct machine machine;
    struct eco_energy energy[ECO_DOMAINS_MAX];
    struct eco_why why;
    unsigned index = 0;
    (void)state;
    machine_init(&machine, "rapl/server_clxap_2s_2dies");
    struct eco_group *group = machine_open(&machine, NULL, &why);
    machine_read(&machine, group, true, energy);
    machine_set(&machine, "powercap/intel-rapl:2/energy_uj", 100000000002ull + 5000000);
    machine_set(&machine, "powercap/intel-rapl:3/energy_uj", 100000000003ull + 7000000);
    machine_advance(&machine, ECO_NS_PER_S, 0);
    machine_read(&machine, group, true, energy);
    (void)machine_domain(group, "package-1", &index);
    assert_int_equal(energy[index].delta_uj, 12000000);
    (void)machine_domain(group, "package-0", &index);
    assert_int_equal(energy[index].delta_uj, 0);
    eco_group_free(group);
    machine_finish(&machine);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(intel_trees), cmocka_unit_test(amd_trees),
                                       cmocka_unit_test(wrap_pair), cmocka_unit_test(dies_are_summed)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
