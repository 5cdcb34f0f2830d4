/* SPDX-License-Identifier: MIT */
/* The sources of the kernel's own drivers, on trees. */
#include "gpu/kinds.h"
#include "gpu/sysfs_card.h"
#include "support/alloc.h"
#include "support/clock.h"
#include "support/test.h"
#include "support/tree.h"

#include "base/mem.h"

#include <errno.h>

#define HWMON(n) "sys/devices/pci0000:00/0000:03:00.0/hwmon/hwmon" #n

struct machine {
    struct eco_temp temp;
    struct eco_root root;
    struct eco_fake_clock fake;
    struct eco_env env;
    struct eco_gpu_source *source;
    struct eco_gpu_state states[8];
    struct eco_gpu_use uses[16];
    size_t state_count, use_count;
};

static struct machine machine;

static int open_source(const struct eco_gpu_source_ops *ops)
{
    struct eco_why why = {0};
    machine.source = eco_calloc(1, ops->size);
    if (!machine.source)
        return -ENOMEM;
    machine.source->ops = ops;
    machine.source->env = &machine.env;
    return ops->open(machine.source, &why);
}

static void close_source(void)
{
    if (machine.source) {
        machine.source->ops->close(machine.source);
        free(machine.source);
    }
    machine.source = NULL;
}

static void start(const char *fixture)
{
    eco_temp_init_fixture(&machine.temp, fixture);
    eco_temp_roots(&machine.temp, &machine.root);
    eco_fake_clock_init(&machine.fake);
    machine.env = (struct eco_env){.root = &machine.root, .clock = &machine.fake.clock};
}

static void finish(void)
{
    close_source();
    eco_root_finish(&machine.root);
    eco_temp_finish(&machine.temp);
}

static int sample(void)
{
    machine.state_count = ECO_COUNT(machine.states);
    machine.use_count = ECO_COUNT(machine.uses);
    return machine.source->ops->sample(machine.source, machine.states, &machine.state_count, machine.uses,
                                       &machine.use_count);
}

static bool is_told(int32_t pid)
{
    for (size_t i = 0; i < machine.use_count; i++)
        if (machine.uses[i].pid == pid)
            return true;
    return false;
}

static const struct eco_gpu_use *use_of(int32_t pid)
{
    size_t i = 0;
    while (i < machine.use_count && machine.uses[i].pid != pid)
        i++;
    assert_true(i < machine.use_count);
    return &machine.uses[i];
}

static void pass(uint64_t ns)
{
    eco_fake_clock_advance(&machine.fake, ns);
}

static void rdna3(void **state)
{
    struct eco_gpu_device device;
    (void)state;
    start("gpu/amd_rdna3");
    assert_int_equal(open_source(&eco_gpu_amdgpu), 0);
    assert_int_equal(machine.source->ops->devices(machine.source, &device, 1), 1);
    assert_string_equal(device.pci, "0000:03:00.0");
    assert_string_equal(device.name, "AMD GPU 0x744c");
    assert_string_equal(device.uuid, "1a2b3c4d5e6f7081");
    assert_false(device.is_integrated);
    assert_int_equal(device.memory_bytes, 25753026560);
    assert_int_equal(sample(), 0);
    assert_int_equal(machine.state_count, 1);
    const struct eco_gpu_state *now = &machine.states[0];
    assert_int_equal(now->power_uw, 55000000);
    assert_int_equal(now->temperature_mc, 48000);
    assert_int_equal(now->limit_uw, 339000000);
    assert_int_equal(now->clock_mhz, 500);
    assert_int_equal(now->memory_used_bytes, 1073741824);
    assert_int_equal(now->quality, ECO_DERIVED);
    assert_true(now->fields & ECO_GPU_REBASED);
    uint64_t before = now->energy_uj;
    pass(ECO_NS_PER_S);
    eco_temp_write(&machine.temp, HWMON(3) "/power1_input", "65000000\n");
    assert_int_equal(sample(), 0);
    assert_int_equal(now->energy_uj - before, 60000000); /* mean of both */
    assert_int_equal(now->busy_ns, 400000000);
    assert_false(now->fields & ECO_GPU_REBASED);
    pass(60 * ECO_NS_PER_S); /* too long ago to say anything of the time between */
    before = now->energy_uj;
    assert_int_equal(sample(), 0);
    assert_int_equal(now->energy_uj, before);
    assert_true(now->fields & ECO_GPU_REBASED);
    finish();
}

/* Descriptors of one file count once; copying counts less; what was before the first look is not told. */
static void users(void **state)
{
    (void)state;
    start("gpu/amd_rdna3");
    assert_int_equal(open_source(&eco_gpu_amdgpu), 0);
    assert_int_equal(sample(), 0);
    assert_int_equal(machine.use_count, 2);
    assert_int_equal(use_of(100)->busy_ns, 0);
    assert_int_equal(use_of(100)->flags, ECO_GPU_USE_CONTEXT);
    assert_int_equal(use_of(100)->memory_bytes, 102400 * 1024);
    static const char *const lines = "drm-driver:\tamdgpu\ndrm-client-id:\t%u\ndrm-pdev:\t0000:03:00.0\n"
                                     "drm-engine-gfx:\t%llu ns\ndrm-engine-dma:\t%llu ns\n";
    pass(ECO_NS_PER_S);
    eco_temp_printf(&machine.temp, "proc/100/fdinfo/7", lines, 5u, 1300000000ull, 0ull);
    eco_temp_printf(&machine.temp, "proc/100/fdinfo/8", lines, 5u, 1300000000ull, 0ull);
    eco_temp_printf(&machine.temp, "proc/200/fdinfo/4", lines, 9u, 0ull, 600000000ull);
    assert_int_equal(sample(), 0);
    assert_int_equal(use_of(100)->busy_ns, 300000000);
    assert_int_equal(use_of(100)->weight_ns, 300000000);
    assert_int_equal(use_of(200)->busy_ns, 0);
    assert_int_equal(use_of(200)->weight_ns, 30000000);
    /* figures may go back for a moment */
    eco_temp_printf(&machine.temp, "proc/100/fdinfo/7", lines, 5u, 1200000000ull, 0ull);
    eco_temp_printf(&machine.temp, "proc/100/fdinfo/8", lines, 5u, 1200000000ull, 0ull);
    pass(ECO_NS_PER_S);
    assert_int_equal(sample(), 0);
    assert_int_equal(use_of(100)->busy_ns, 300000000);
    /* a process that came later is told from its beginning; one that is gone, once */
    eco_temp_remove(&machine.temp, "proc/200");
    eco_temp_link(&machine.temp, "proc/250/fd/3", "/dev/dri/renderD128");
    eco_temp_printf(&machine.temp, "proc/250/fdinfo/3", lines, 12u, 70000000ull, 0ull);
    pass(2 * ECO_NS_PER_S);
    assert_int_equal(sample(), 0);
    assert_int_equal(use_of(250)->busy_ns, 70000000);
    assert_int_equal(use_of(200)->flags, ECO_GPU_USE_ENDED);
    assert_int_equal(use_of(200)->weight_ns, 30000000);
    pass(ECO_NS_PER_S);
    assert_int_equal(sample(), 0);
    assert_false(is_told(200));
    finish();
}

static void mi300(void **state)
{
    struct eco_gpu_device device;
    (void)state;
    start("gpu/amd_mi300");
    assert_int_equal(open_source(&eco_gpu_amdgpu), 0);
    assert_int_equal(machine.source->ops->devices(machine.source, &device, 1), 1);
    assert_int_equal(sample(), 0);
    const struct eco_gpu_state *now = &machine.states[0];
    assert_int_equal(now->quality, ECO_MEASURED);
    assert_int_equal(now->energy_uj, 1000000000); /* 65536000 x 2^-16 J */
    assert_int_equal(now->power_uw, 130000000);
    assert_int_equal(machine.use_count, 1); /* 301 has no memory there */
    assert_int_equal(use_of(300)->memory_bytes, 34359738368);
    pass(ECO_NS_PER_S);
    eco_temp_write(&machine.temp, "sys/class/kfd/kfd/proc/300/sdma_51234", "101000\n");
    assert_int_equal(sample(), 0);
    assert_int_equal(use_of(300)->busy_ns, 500000000); /* 152 of 304 units */
    assert_int_equal(use_of(300)->weight_ns, 530000000);
    assert_true(use_of(300)->flags & ECO_GPU_USE_SPLIT);
    eco_temp_write(&machine.temp, "sys/class/kfd/kfd/proc/300/stats_51234/cu_occupancy", "4294967295\n");
    pass(ECO_NS_PER_S);
    assert_int_equal(sample(), 0); /* not valid: it holds the card, and that is all */
    assert_int_equal(use_of(300)->busy_ns, 500000000);
    finish();
}

static void integrated_cards(void **state)
{
    struct eco_gpu_device devices[2];
    (void)state;
    start("gpu/amd_apu");
    assert_int_equal(open_source(&eco_gpu_amdgpu), 0);
    (void)machine.source->ops->devices(machine.source, devices, 2);
    assert_true(devices[0].is_integrated);
    finish();
    start("gpu/intel_i915");
    assert_int_equal(open_source(&eco_gpu_i915), 0);
    assert_int_equal(machine.source->ops->devices(machine.source, devices, 2), 2);
    assert_true(devices[0].is_integrated);
    assert_false(devices[1].is_integrated);
    assert_int_equal(sample(), 0);
    assert_int_equal(machine.states[0].error, 0);
    assert_false(machine.states[0].fields & ECO_GPU_HAS_ENERGY);
    assert_int_equal(machine.states[1].energy_uj, 5000000000);
    assert_int_equal(machine.states[1].quality, ECO_MEASURED);
    assert_int_equal(machine.states[1].limit_uw, 190000000);
    assert_int_equal(machine.use_count, 2);
    finish();
}

/* One figure for two dies: on the first, and the second is neither an error nor a half. */
static void mi250x(void **state)
{
    (void)state;
    start("gpu/amd_mi250x");
    assert_int_equal(open_source(&eco_gpu_amdgpu), 0);
    assert_int_equal(sample(), 0);
    assert_int_equal(machine.state_count, 2);
    assert_int_equal(machine.states[0].power_uw, 90000000);
    assert_int_equal(machine.states[1].error, 0);
    assert_int_equal(machine.states[1].fields & (ECO_GPU_HAS_ENERGY | ECO_GPU_HAS_POWER), 0);
    finish();
}

static void asleep(void **state)
{
    struct eco_gpu_device device;
    (void)state;
    start("gpu/amd_suspended");
    assert_int_equal(open_source(&eco_gpu_amdgpu), 0);
    assert_int_equal(sample(), 0);
    assert_int_equal(machine.states[0].fields, ECO_GPU_ASLEEP);
    eco_temp_write(&machine.temp, "sys/devices/pci0000:00/0000:03:00.0/power/runtime_status", "active\n");
    pass(ECO_NS_PER_S);
    assert_int_equal(sample(), 1); /* what it is, is known now */
    (void)machine.source->ops->devices(machine.source, &device, 1);
    assert_int_equal(device.memory_bytes, 8573157376);
    assert_int_equal(machine.states[0].power_uw, 999000000);
    assert_true(machine.states[0].fields & ECO_GPU_REBASED);
    finish();
}

static void xe_cycles(void **state)
{
    (void)state;
    start("gpu/intel_xe");
    assert_int_equal(open_source(&eco_gpu_xe), 0);
    assert_int_equal(sample(), 0);
    assert_int_equal(machine.states[0].energy_uj, 700000000);
    pass(ECO_NS_PER_S);
    eco_temp_write(&machine.temp, "proc/500/fdinfo/3",
                   "drm-driver: xe\ndrm-client-id: 11\ndrm-pdev: 0000:03:00.0\ndrm-total-cycles-rcs: 200000\n"
                   "drm-cycles-rcs: 26000\ndrm-total-cycles-ccs: 200000\ndrm-cycles-ccs: 100000\n"
                   "drm-engine-capacity-ccs: 2\n");
    assert_int_equal(sample(), 0);
    assert_int_equal(use_of(500)->busy_ns, 750000000); /* a quarter, and both of two engines half */
    finish();
}

static void broken(void **state)
{
    (void)state;
    start("gpu/intel_i915");
    assert_int_equal(open_source(&eco_gpu_xe), -ENODEV);
    close_source();
    assert_int_equal(open_source(&eco_gpu_i915), 0);
    assert_int_equal(sample(), 0);
    eco_temp_write(&machine.temp, HWMON(6) "/energy1_input", "garbage\n");
    eco_temp_write(&machine.temp, "proc/400/fdinfo/5", "drm-driver\n:::\ndrm-engine-:\n");
    assert_int_equal(sample(), 0);
    assert_int_equal(machine.states[1].error, -EINVAL);
    eco_temp_write(&machine.temp, HWMON(6) "/energy1_input", "1000\n"); /* driver loaded anew */
    assert_int_equal(sample(), 0);
    assert_true(machine.states[1].fields & ECO_GPU_REBASED);
    eco_temp_remove(&machine.temp, "sys/devices/pci0000:00/0000:03:00.0");
    assert_int_equal(sample(), 0);
    assert_int_equal(machine.states[1].error, -ENODEV);
    eco_temp_remove(&machine.temp, "sys/devices/pci0000:00/0000:00:02.0");
    assert_int_equal(sample(), -ENODEV);
    finish();
}

static int open_and_sample(void)
{
    int rc = open_source(&eco_gpu_amdgpu);
    rc = rc == 0 ? sample() : rc;
    close_source();
    return rc;
}

static void no_memory(void **state)
{
    (void)state;
    start("gpu/amd_rdna3");
    for (unsigned long n = 1; n < 64; n++) {
        eco_mem_fail_at(n);
        int rc = open_and_sample();
        eco_mem_fail_at(0);
        assert_true(rc == 0 || rc == -ENOMEM);
    }
    assert_int_equal(open_and_sample(), 0);
    finish();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rdna3),     cmocka_unit_test(users),
        cmocka_unit_test(mi300),     cmocka_unit_test(integrated_cards),
        cmocka_unit_test(mi250x),    cmocka_unit_test(asleep),
        cmocka_unit_test(xe_cycles), cmocka_unit_test(broken),
        cmocka_unit_test(no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
