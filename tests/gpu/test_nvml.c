/* SPDX-License-Identifier: MIT */
/*
 * The NVIDIA source in this process, with the simulated driver: memory that fails, and looks in a row. What
 * it says is compared with the truth in tests/e2e/test_gpu_sensord.py.
 */
#include "gpu/kinds.h"

#include "base/mem.h"
#include "support/alloc.h"
#include "support/test.h"
#include "support/tree.h"

#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const char *const scenario = "device NVIDIA H100 80GB HBM3\narch hopper\nuuid GPU-0\n"
                                    "instance 1 0 3 3 40192 60 MIG-1\ninstance 2 0 1 1 9984 16 MIG-2\n"
                                    "device NVIDIA L40S\narch ada\nuuid GPU-1\nidle_w 40\n"
                                    "device Tesla P100\narch pascal\nuuid GPU-2\nidle_w 30\n"
                                    "process a\ndevice 0\npid 1001\ngi 1\nci 0\nwatts 100\nsm 50\n"
                                    "process b\ndevice 1\npid 1002\nwatts 100\nsm 50\nvram_mib 100\n"
                                    "process c\ndevice 2\npid 1003\ntype G\nwatts 100\nsm 20\n";

static struct eco_root root;
static char path[] = "/tmp/eco-nvml-XXXXXX";

static int set_up(void **state)
{
    (void)state;
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, scenario, strlen(scenario)), (ssize_t)strlen(scenario));
    (void)close(fd);
    assert_int_equal(setenv("ECO_NVML_SCENARIO", path, 1), 0);
    return eco_root_init(&root, NULL, NULL);
}

static int tear_down(void **state)
{
    (void)state;
    eco_root_finish(&root);
    return unlink(path);
}

static struct eco_gpu_source *fresh(const struct eco_env *env)
{
    struct eco_gpu_source *source = calloc(1, eco_gpu_nvml.size);
    assert_non_null(source);
    source->ops = &eco_gpu_nvml;
    source->env = env;
    return source;
}

static const struct eco_env env = {.root = &root, .clock = &eco_clock_system};

struct looked {
    struct eco_gpu_device devices[ECO_GPUS_MAX];
    struct eco_gpu_state states[ECO_GPUS_MAX];
    struct eco_gpu_use uses[64];
    size_t device_count, state_count, use_count;
};

static int look(struct eco_gpu_source *source, struct looked *ret)
{
    ret->state_count = ECO_GPUS_MAX;
    ret->use_count = ECO_COUNT(ret->uses);
    return eco_gpu_nvml.sample(source, ret->states, &ret->state_count, ret->uses, &ret->use_count);
}

static void test_looks(void **state)
{
    (void)state;
    static struct looked looked;
    struct eco_why why = {0};
    struct eco_gpu_source *source = fresh(&env);
    int r = eco_gpu_nvml.open(source, &why);
    if (r == -ENODEV || r == -ENOENT) {
        (void)eco_gpu_nvml.close(source);
        free(source);
        skip(); /* the simulated driver is not built here */
    }
    assert_int_equal(r, 0);
    looked.device_count = eco_gpu_nvml.devices(source, looked.devices, ECO_GPUS_MAX);
    assert_int_equal(looked.device_count, 5);
    assert_string_equal(looked.devices[3].uuid, "MIG-1");
    assert_int_equal(looked.devices[3].parent, 0);
    for (int i = 0; i < 3; i++) {
        const struct timespec span = {.tv_nsec = 300000000};
        assert_int_equal(look(source, &looked), 0);
        assert_int_equal(looked.state_count, 5);
        assert_int_equal(looked.use_count, 3);
        (void)nanosleep(&span, NULL);
    }
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(looked.states[i].error, 0);
        assert_true(looked.states[i].fields & ECO_GPU_HAS_ENERGY);
        assert_true(looked.states[i].valid_from_ns <= looked.states[i].valid_to_ns);
        assert_true(looked.states[i].valid_to_ns <= looked.states[i].end_ns);
    }
    /* no room is no reason to write past it */
    looked.state_count = 2;
    looked.use_count = 1;
    assert_int_equal(
        eco_gpu_nvml.sample(source, looked.states, &looked.state_count, looked.uses, &looked.use_count), 0);
    assert_int_equal(looked.state_count, 2);
    assert_int_equal(looked.use_count, 1);
    assert_int_equal(eco_gpu_nvml.devices(source, looked.devices, 2), 2);
    eco_gpu_nvml.close(source);
    free(source);
}

/* Suspended boards are not asked anything, until somebody else has woken them. */
static void test_asleep(void **state)
{
    (void)state;
    static const char *const status = "sys/bus/pci/drivers/nvidia/0000:01:00.0/power/runtime_status";
    static struct looked looked;
    const struct timespec span = {.tv_sec = 1, .tv_nsec = 100000000};
    struct eco_temp temp;
    struct eco_root below;
    eco_temp_init(&temp);
    eco_temp_write(&temp, status, "suspended\n");
    eco_temp_roots(&temp, &below);
    const struct eco_env other = {.root = &below, .clock = &eco_clock_system};
    struct eco_gpu_source *source = fresh(&other);
    if (eco_gpu_nvml.open(source, NULL) == 0) { /* the simulated driver is built here */
        assert_int_equal(eco_gpu_nvml.devices(source, looked.devices, ECO_GPUS_MAX), 0);
        (void)nanosleep(&span, NULL);
        assert_int_equal(look(source, &looked), 0);
        assert_int_equal(looked.state_count, 0);
        eco_temp_write(&temp, status, "active\n");
        assert_int_equal(look(source, &looked), 0); /* not looked at again so soon */
        (void)nanosleep(&span, NULL);
        assert_int_equal(look(source, &looked), 1);
        assert_int_equal(eco_gpu_nvml.devices(source, looked.devices, ECO_GPUS_MAX), 5);
        assert_int_equal(look(source, &looked), 0);
        assert_int_equal(looked.state_count, 5);
    }
    eco_gpu_nvml.close(source);
    free(source);
    eco_root_finish(&below);
    eco_temp_finish(&temp);
}

/* Less is told then, but nothing wrong, and nothing is left behind. */
static int attempt(void *context)
{
    static struct looked looked;
    (void)context;
    struct eco_gpu_source *source = fresh(&env);
    int r = eco_gpu_nvml.open(source, NULL);
    if (r == 0) {
        r = look(source, &looked);
        assert_true(r == 0 && looked.state_count == 5 && looked.use_count <= 3);
    }
    eco_gpu_nvml.close(source);
    free(source);
    return r == -ENODEV || r == -ENOENT ? 0 : r;
}

static void test_no_memory(void **state)
{
    (void)state;
    (void)eco_alloc_fail_each(attempt, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_looks), cmocka_unit_test(test_asleep),
                                       cmocka_unit_test(test_no_memory)};
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
