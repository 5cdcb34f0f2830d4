/* SPDX-License-Identifier: MIT */
/*
 * AMD's library as a second source: the double (tests/doubles/rocm) reads a whole tree, the program is given
 * the same one without the files that have power and energy, and the kernel's own files say what is right.
 */
#include "gpu/kinds.h"
#include "support/alloc.h"
#include "support/clock.h"
#include "support/test.h"
#include "support/tree.h"

#include "base/mem.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>

struct machine {
    struct eco_temp whole, bare;
    struct eco_root whole_root, bare_root;
    struct eco_fake_clock fake;
    struct eco_env env;
};

struct looked {
    struct eco_gpu_source *source;
    struct eco_gpu_device devices[4];
    struct eco_gpu_state states[4];
    struct eco_gpu_use uses[8];
    size_t device_count, state_count, use_count;
};

static struct machine machine;

static bool has_double(void)
{
    void *object = dlopen("librocm_smi64.so.7", RTLD_NOW);
    return object && dlsym(object, "rsmi_init");
}

static int open_source(const struct eco_gpu_source_ops *ops, struct eco_root *root, struct looked *ret)
{
    struct eco_why why = {0};
    machine.env.root = root;
    *ret = (struct looked){.source = eco_calloc(1, ops->size)};
    if (!ret->source)
        return -ENOMEM;
    ret->source->ops = ops;
    ret->source->env = &machine.env;
    int r = ops->open(ret->source, &why);
    assert_string_equal(why.text, "");
    return r;
}

static void close_source(struct looked *looked)
{
    if (looked->source)
        looked->source->ops->close(looked->source);
    free(looked->source);
    looked->source = NULL;
}

static int look(struct looked *looked, struct eco_root *root)
{
    machine.env.root = root;
    looked->state_count = ECO_COUNT(looked->states);
    looked->use_count = ECO_COUNT(looked->uses);
    return looked->source->ops->sample(looked->source, looked->states, &looked->state_count, looked->uses,
                                       &looked->use_count);
}

/* Both trees; the bare one has none of the files named. */
static void start(const char *fixture, const char *const *absent)
{
    char path[ECO_PATH_MAX];
    eco_temp_init_fixture(&machine.whole, fixture);
    eco_temp_init_fixture(&machine.bare, fixture);
    eco_temp_roots(&machine.whole, &machine.whole_root);
    eco_temp_roots(&machine.bare, &machine.bare_root);
    for (; *absent; absent++)
        eco_temp_remove(&machine.bare, *absent);
    eco_fake_clock_init(&machine.fake);
    machine.env = (struct eco_env){.clock = &machine.fake.clock};
    assert_int_equal(setenv("ECO_ROCM_TREE", eco_temp_path(&machine.whole, "sys", path), 1), 0);
}

static void finish(void)
{
    eco_root_finish(&machine.whole_root);
    eco_root_finish(&machine.bare_root);
    eco_temp_finish(&machine.whole);
    eco_temp_finish(&machine.bare);
    (void)unsetenv("ECO_ROCM_FAULT");
}

#define MI300  "sys/devices/pci0000:00/0000:c1:00.0/"
#define MI250X "sys/devices/pci0000:00/0000:29:00.0/"
static const char *const no_mi300[] = {MI300 "gpu_metrics", MI300 "hwmon/hwmon5/power1_input", NULL};
static const char *const no_mi250x[] = {MI250X "hwmon/hwmon1/power1_average", NULL};
static const char *const none[] = {NULL};

static void the_same_as_the_kernels_files(void **state)
{
    struct looked by_library, by_files;
    (void)state;
    if (!has_double())
        skip();
    start("gpu/amd_mi300", no_mi300);
    assert_int_equal(open_source(&eco_gpu_rocm, &machine.bare_root, &by_library), 0);
    assert_int_equal(open_source(&eco_gpu_amdgpu, &machine.whole_root, &by_files), 0);
    struct looked *both[] = {&by_library, &by_files};
    struct eco_root *roots[] = {&machine.bare_root, &machine.whole_root};
    for (int i = 0; i < 2; i++) {
        assert_int_equal(both[i]->source->ops->devices(both[i]->source, both[i]->devices, 4), 1);
        assert_int_equal(look(both[i], roots[i]), 0);
    }
    eco_fake_clock_advance(&machine.fake, ECO_NS_PER_S);
    for (int i = 0; i < 2; i++)
        assert_int_equal(look(both[i], roots[i]), 0);
    assert_string_equal(by_library.devices[0].uuid, by_files.devices[0].uuid);
    assert_string_equal(by_library.devices[0].pci, by_files.devices[0].pci);
    assert_int_equal(by_library.devices[0].memory_bytes, by_files.devices[0].memory_bytes);
    const struct eco_gpu_state *got = &by_library.states[0], *want = &by_files.states[0];
    assert_int_equal(got->fields, want->fields & ~(uint32_t)ECO_GPU_HAS_LIMIT);
    assert_int_equal(got->quality, ECO_MEASURED);
    /* its unit of 2^-16 J is rounded to 15.259 uJ */
    eco_assert_near((double)got->energy_uj, (double)want->energy_uj, 2e-5 * (double)want->energy_uj);
    assert_int_equal(got->power_uw, want->power_uw);
    assert_int_equal(got->busy_ns, want->busy_ns);
    assert_true(got->busy_ns > 0);
    assert_int_equal(got->memory_used_bytes, want->memory_used_bytes);
    assert_int_equal(got->temperature_mc, want->temperature_mc);
    assert_int_equal(by_library.use_count, by_files.use_count);
    assert_memory_equal(by_library.uses, by_files.uses, by_files.use_count * sizeof(struct eco_gpu_use));
    close_source(&by_library);
    close_source(&by_files);
    finish();
}

/* Two dies, one sensor: the library's order is another, and the second die has no figure of its own. */
static void two_dies(void **state)
{
    struct looked looked;
    (void)state;
    if (!has_double())
        skip();
    for (int is_old = 0; is_old < 2; is_old++) {
        start("gpu/amd_mi250x", no_mi250x);
        assert_int_equal(setenv("ECO_ROCM_FAULT", is_old ? "old" : "", 1), 0);
        assert_int_equal(open_source(&eco_gpu_rocm, &machine.bare_root, &looked), 0);
        assert_int_equal(look(&looked, &machine.bare_root), 0);
        assert_int_equal(looked.state_count, 2);
        assert_int_equal(looked.states[0].power_uw, 90000000);
        assert_int_equal(looked.states[0].quality, ECO_DERIVED);
        assert_int_equal(looked.states[1].error, 0);
        assert_int_equal(looked.states[1].fields & (ECO_GPU_HAS_ENERGY | ECO_GPU_HAS_POWER), 0);
        eco_fake_clock_advance(&machine.fake, ECO_NS_PER_S);
        assert_int_equal(look(&looked, &machine.bare_root), 0);
        assert_int_equal(looked.states[0].energy_uj, 90000000);
        close_source(&looked);
        finish();
    }
}

/* It is not even loaded where the kernel's files do, or where it would wake a card: it would abort here. */
static void not_wanted(void **state)
{
    struct looked looked;
    (void)state;
    start("gpu/amd_mi300", none);
    assert_int_equal(setenv("ECO_ROCM_FAULT", "init", 1), 0);
    assert_int_equal(open_source(&eco_gpu_rocm, &machine.bare_root, &looked), -ENODEV);
    close_source(&looked);
    eco_temp_remove(&machine.bare, MI300 "gpu_metrics");
    eco_temp_remove(&machine.bare, MI300 "hwmon/hwmon5/power1_input");
    eco_temp_write(&machine.bare, MI300 "power/runtime_status", "suspended\n");
    assert_int_equal(open_source(&eco_gpu_rocm, &machine.bare_root, &looked), -ENODEV);
    close_source(&looked);
    finish();
}

/* No card for the library, or none with a figure. */
static void nothing_to_tell(void **state)
{
    struct looked looked;
    (void)state;
    if (!has_double())
        skip();
    start("gpu/amd_mi300", no_mi300);
    assert_int_equal(setenv("ECO_ROCM_TREE", "/nowhere", 1), 0);
    assert_int_equal(open_source(&eco_gpu_rocm, &machine.bare_root, &looked), -ENODEV);
    close_source(&looked);
    finish();
    start("gpu/amd_mi300", no_mi300);
    eco_temp_remove(&machine.whole, MI300 "gpu_metrics");
    eco_temp_write(&machine.whole, MI300 "hwmon/hwmon5/power1_input", "0\n");
    assert_int_equal(open_source(&eco_gpu_rocm, &machine.bare_root, &looked), -ENODEV);
    close_source(&looked);
    finish();
}

/* What cannot be is no figure; one that it had and has no more is an error. */
static void figures_that_cannot_be(void **state)
{
    struct looked looked;
    (void)state;
    if (!has_double())
        skip();
    start("gpu/amd_mi300", no_mi300);
    assert_int_equal(open_source(&eco_gpu_rocm, &machine.bare_root, &looked), 0);
    eco_temp_write(&machine.whole, MI300 "gpu_metrics",
                   "xxxxxxxxxxxxxxxxxxxxxxxx\xff\xff\xff\xff\xff\xff\xff\xff");
    eco_temp_write(&machine.whole, MI300 "hwmon/hwmon5/power1_input", "18446744073709551615\n");
    eco_temp_write(&machine.whole, MI300 "gpu_busy_percent", "37100\n");
    assert_int_equal(look(&looked, &machine.bare_root), 0);
    assert_int_equal(looked.states[0].error, -ENODATA);
    assert_int_equal(looked.states[0].fields & (ECO_GPU_HAS_ENERGY | ECO_GPU_HAS_POWER | ECO_GPU_HAS_BUSY),
                     0);
    close_source(&looked);
    finish();
}

static int attempt(void *context)
{
    struct looked looked;
    (void)context;
    int r = open_source(&eco_gpu_rocm, &machine.bare_root, &looked);
    if (r == 0)
        r = look(&looked, &machine.bare_root);
    close_source(&looked);
    return r;
}

static void no_memory(void **state)
{
    (void)state;
    if (!has_double())
        skip();
    start("gpu/amd_mi300", no_mi300);
    assert_true(eco_alloc_fail_each(attempt, NULL) >= 2);
    finish();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_as_the_kernels_files),
        cmocka_unit_test(two_dies),
        cmocka_unit_test(not_wanted),
        cmocka_unit_test(nothing_to_tell),
        cmocka_unit_test(figures_that_cannot_be),
        cmocka_unit_test(no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
