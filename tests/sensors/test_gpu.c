/* SPDX-License-Identifier: MIT */
/* Graphics cards as channels, from what a client was told: late, lost, silent, integrated, a module. */
#include "gpu/client.h"
#include "machine.h"
#include "support/alloc.h"
#include "support/test.h"

#include <errno.h>

static struct machine machine;
static struct eco_gpu_client *client;
static struct eco_energy energy[ECO_DOMAINS_MAX];
static const struct eco_group_options measured = {.no_estimate = true};

struct told {
    struct eco_gpu_header header;
    union {
        struct eco_gpu_device devices[4];
        struct eco_gpu_state states[4];
    } records;
};

static void tell(struct told *told, uint32_t kind, uint32_t count, size_t size)
{
    told->header.magic = ECO_GPU_MAGIC;
    told->header.version = ECO_GPU_VERSION;
    told->header.kind = kind;
    told->header.count = count;
    assert_int_equal(
        eco_gpu_client_take(client, told, sizeof told->header + count * size, machine.clock.mono_ns), 0);
}

static void open_cards(const struct eco_gpu_device *devices, uint32_t count)
{
    struct told told = {.header = {.text = "nvml"}};
    for (uint32_t i = 0; i < count; i++) {
        told.records.devices[i] = devices[i];
        told.records.devices[i].index = (int32_t)i;
        told.records.devices[i].parent = ECO_GPU_NO_PARENT;
    }
    tell(&told, ECO_GPU_OPENED, count, sizeof(struct eco_gpu_device));
}

static void tell_energy(int32_t index, uint64_t uj, uint32_t fields, int error)
{
    struct told told = {0};
    uint64_t now = machine.clock.mono_ns;
    told.records.states[0] = (struct eco_gpu_state){.index = index,
                                                    .fields = fields,
                                                    .error = error,
                                                    .quality = ECO_MEASURED,
                                                    .energy_uj = uj,
                                                    .valid_from_ns = now,
                                                    .valid_to_ns = now,
                                                    .begin_ns = now,
                                                    .end_ns = now};
    tell(&told, ECO_GPU_STATES, 1, sizeof(struct eco_gpu_state));
}

static void begin(void)
{
    machine_init(&machine, NULL);
    assert_int_equal(eco_gpu_client_new(-1, &client), 0);
    machine.env.gpus = client;
}

static void end(struct eco_group *group)
{
    eco_group_free(group);
    client = eco_gpu_client_free(client);
    machine_finish(&machine);
}

static const struct eco_gpu_device plain = {
    .vendor = ECO_GPU_NVIDIA, .name = "H100", .pci = "1", .alpha = 0.05};

static void a_card_that_comes_late(void **state)
{
    unsigned index = 0;
    (void)state;
    begin();
    struct eco_group *group = machine_open(&machine, &measured, NULL);
    assert_int_equal(machine_find(group, "gpu-0"), -1);
    open_cards(&plain, 1);
    assert_int_equal(eco_group_rescan(group), 0);
    assert_int_equal(machine_find(group, "gpu-0"), -1); /* it has told nothing yet */
    tell_energy(0, 5000000, ECO_GPU_HAS_ENERGY, 0);
    assert_int_equal(eco_group_rescan(group), 0);
    const struct eco_domain *domain = machine_domain(group, "gpu-0", &index);
    assert_true(domain->counted && domain->attributable && !domain->holds_cpu);
    assert_string_equal(domain->sources[0].source, "nvml");
    machine_read(&machine, group, true, energy);
    machine_advance(&machine, ECO_NS_PER_S, 0);
    tell_energy(0, 305000000, ECO_GPU_HAS_ENERGY, 0);
    machine_read(&machine, group, true, energy);
    assert_int_equal(energy[index].state, ECO_ENERGY_OK);
    assert_int_equal(energy[index].delta_uj, 300000000);
    end(group);
}

static struct eco_group *with_card(const struct eco_gpu_device *device)
{
    begin();
    open_cards(device, 1);
    tell_energy(0, 0, ECO_GPU_HAS_ENERGY, 0);
    struct eco_group *group = machine_open(&machine, &measured, NULL);
    machine_read(&machine, group, true, energy);
    return group;
}

/* What nobody saw (driver loaded anew, source died) is a gap, never a figure. */
static void a_break_is_a_gap(void **state)
{
    unsigned index = 0;
    (void)state;
    struct eco_group *group = with_card(&plain);
    (void)machine_domain(group, "gpu-0", &index);
    machine_advance(&machine, ECO_NS_PER_S, 0);
    tell_energy(0, 100, ECO_GPU_HAS_ENERGY | ECO_GPU_REBASED, 0);
    machine_read(&machine, group, true, energy);
    assert_int_equal(energy[index].state, ECO_ENERGY_GAP);
    machine_advance(&machine, ECO_NS_PER_S, 0);
    tell_energy(0, 70000100, ECO_GPU_HAS_ENERGY, 0);
    machine_read(&machine, group, true, energy);
    assert_int_equal(energy[index].state, ECO_ENERGY_OK);
    assert_int_equal(energy[index].delta_uj, 70000000);
    end(group);
}

static void silence_is_a_gap(void **state)
{
    unsigned index = 0;
    (void)state;
    struct eco_group *group = with_card(&plain);
    (void)machine_domain(group, "gpu-0", &index);
    machine_advance(&machine, 3 * ECO_NS_PER_S, 0);
    machine_read(&machine, group, true, energy);
    assert_int_equal(energy[index].state, ECO_ENERGY_GAP);
    assert_int_equal(energy[index].error, -ETIMEDOUT);
    end(group);
}

static void a_lost_card_is_a_gap(void **state)
{
    unsigned index = 0;
    (void)state;
    struct eco_group *group = with_card(&plain);
    (void)machine_domain(group, "gpu-0", &index);
    machine_advance(&machine, ECO_NS_PER_S, 0);
    tell_energy(0, 0, 0, -ENODEV);
    machine_read(&machine, group, true, energy);
    assert_int_equal(energy[index].state, ECO_ENERGY_GAP);
    assert_int_equal(energy[index].error, -ENODEV);
    end(group);
}

/* Its joules are in the package's counter already. */
static void an_integrated_card_is_within_its_package(void **state)
{
    struct eco_gpu_device device = plain;
    (void)state;
    device.vendor = ECO_GPU_AMD;
    device.is_integrated = true;
    begin();
    machine_zone(&machine, "intel-rapl:0", "package-0", 1000000);
    open_cards(&device, 1);
    tell_energy(0, 0, ECO_GPU_HAS_ENERGY, 0);
    struct eco_group *group = machine_open(&machine, &measured, NULL);
    const struct eco_domain *domain = machine_domain(group, "gpu-amd0", NULL);
    assert_false(domain->counted);
    assert_int_equal(domain->within, machine_find(group, "package-0"));
    assert_true(machine_domain(group, "package-0", NULL)->counted);
    end(group);
}

/* A figure of card and CPU together: the CPU is not estimated beside it. */
static void a_module_holds_the_cpu(void **state)
{
    struct eco_gpu_device device = plain;
    static const struct eco_group_options all;
    (void)state;
    device.is_module = true;
    begin();
    open_cards(&device, 1);
    tell_energy(0, 0, ECO_GPU_HAS_ENERGY, 0);
    struct eco_group *group = machine_open(&machine, &all, NULL);
    unsigned count;
    const struct eco_domain *domains = eco_group_domains(group, &count);
    assert_true(machine_domain(group, "gpu-0", NULL)->holds_cpu);
    for (unsigned i = 0; i < count; i++)
        if (domains[i].kind == ECO_KIND_CPU)
            assert_false(domains[i].counted);
    end(group);
}

static void refused_ones_are_told(void **state)
{
    static struct eco_finding findings[MACHINE_FINDINGS];
    struct eco_gpu_device two[2] = {plain, {.vendor = ECO_GPU_NVIDIA}};
    (void)state;
    begin();
    open_cards(two, 2);
    tell_energy(0, 0, ECO_GPU_HAS_ENERGY, 0);
    tell_energy(1, 0, 0, -EACCES);
    struct eco_group *group = machine_open(&machine, &measured, NULL);
    size_t count = eco_group_findings(group, findings, MACHINE_FINDINGS);
    bool told = false;
    for (size_t i = 0; i < count; i++)
        if (findings[i].refusal && strcmp(findings[i].sensor, "gpu") == 0) {
            told = true;
            assert_string_equal(findings[i].refusal->what, "gpu-1");
            assert_true(findings[i].refusal->mendable && *findings[i].refusal->why.fix);
        }
    assert_true(told);
    end(group);
}

static int open_once(void *context)
{
    struct eco_group *group = NULL;
    (void)context;
    int r = eco_group_open(&machine.env, &measured, &group, NULL);
    eco_group_free(group);
    return r;
}

static void allocations_fail(void **state)
{
    (void)state;
    begin();
    open_cards(&plain, 1);
    tell_energy(0, 0, ECO_GPU_HAS_ENERGY, 0);
    assert_true(eco_alloc_fail_each(open_once, NULL) >= 3);
    end(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_card_that_comes_late),
        cmocka_unit_test(a_break_is_a_gap),
        cmocka_unit_test(silence_is_a_gap),
        cmocka_unit_test(a_lost_card_is_a_gap),
        cmocka_unit_test(an_integrated_card_is_within_its_package),
        cmocka_unit_test(a_module_holds_the_cpu),
        cmocka_unit_test(refused_ones_are_told),
        cmocka_unit_test(allocations_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
