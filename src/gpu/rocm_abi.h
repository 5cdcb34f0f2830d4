/* SPDX-License-Identifier: MIT */
/*
 * What of AMD's librocm_smi64 is used, in own words. The types stand for its enums (int-sized) by names of
 * our own, so that a test can put the real ones in their place and let the compiler compare
 * (tests/doubles/rocm/abi_real.c). Units by its manual: uW, uJ x resolution, percent, bytes, mC.
 */
#pragma once

#include <stdint.h>

#ifndef ROCM_STATUS
#define ROCM_STATUS      int /* 0 = success */
#define ROCM_MEMORY_TYPE int
#define ROCM_METRIC      int
#define ROCM_POWER_TYPE  int
#endif

enum { ROCM_SUCCESS = 0, ROCM_MEMORY_VRAM = 0, ROCM_TEMPERATURE_NOW = 0, ROCM_TEMPERATURE_EDGE = 0 };

/* member, symbol, parameters; every release has those of the first list, only newer ones that of the second
 */
#define ROCM_FUNCTIONS(X)                                                                \
    X(init, rsmi_init, (uint64_t))                                                       \
    X(count, rsmi_num_monitor_devices, (uint32_t *))                                     \
    X(pci_id, rsmi_dev_pci_id_get, (uint32_t, uint64_t *))                               \
    X(power_average, rsmi_dev_power_ave_get, (uint32_t, uint32_t, uint64_t *))           \
    X(energy, rsmi_dev_energy_count_get, (uint32_t, uint64_t *, float *, uint64_t *))    \
    X(memory_total, rsmi_dev_memory_total_get, (uint32_t, ROCM_MEMORY_TYPE, uint64_t *)) \
    X(memory_used, rsmi_dev_memory_usage_get, (uint32_t, ROCM_MEMORY_TYPE, uint64_t *))  \
    X(busy, rsmi_dev_busy_percent_get, (uint32_t, uint32_t *))                           \
    X(temperature, rsmi_dev_temp_metric_get, (uint32_t, uint32_t, ROCM_METRIC, int64_t *))
#define ROCM_NEW_FUNCTIONS(X) X(power, rsmi_dev_power_get, (uint32_t, uint64_t *, ROCM_POWER_TYPE *))

/* NOLINTNEXTLINE(bugprone-macro-parentheses): a name and a list of parameters */
#define ROCM_MEMBER(member, symbol, parameters) ROCM_STATUS(*member) parameters;
struct rocm_library {
    void *object;
    ROCM_FUNCTIONS(ROCM_MEMBER)
    ROCM_NEW_FUNCTIONS(ROCM_MEMBER)
};
