/* SPDX-License-Identifier: MIT */
/*
 * Own declarations of what is used of the NVIDIA Management Library: layouts and numbers only. Every symbol
 * is looked up by name and may be missing.
 */
#pragma once

#include <stdint.h>

typedef int nvml_return;

enum {
    NVML_SUCCESS = 0,
    NVML_UNINITIALIZED = 1,
    NVML_INVALID_ARGUMENT = 2,
    NVML_NOT_SUPPORTED = 3,
    NVML_NO_PERMISSION = 4,
    NVML_NOT_FOUND = 6,
    NVML_INSUFFICIENT_SIZE = 7,
    NVML_DRIVER_NOT_LOADED = 9,
    NVML_TIMEOUT = 10,
    NVML_LIBRARY_NOT_FOUND = 12,
    NVML_FUNCTION_NOT_FOUND = 13,
    NVML_GPU_IS_LOST = 15,
    NVML_RESET_REQUIRED = 16,
    NVML_OPERATING_SYSTEM = 17,
    NVML_LIB_RM_VERSION_MISMATCH = 18,
    NVML_MEMORY = 20,
    NVML_NO_DATA = 21,
    NVML_ARGUMENT_VERSION_MISMATCH = 25,
    NVML_DEPRECATED = 26,
    NVML_NOT_READY = 27,
    NVML_GPU_NOT_FOUND = 28
};

enum {
    NVML_FI_TOTAL_ENERGY = 83,   /* mJ since the driver was loaded */
    NVML_FI_POWER_AVERAGE = 185, /* mW over the last second; Ampere and later, but not GA100 */
    NVML_FI_POWER_INSTANT = 186, /* mW */
    NVML_FI_ENERGY = 191,        /* mJ, with a scope */
    NVML_SCOPE_GPU = 0,
    NVML_SCOPE_MODULE = 1, /* GPU and CPU of Grace Hopper */
    NVML_SAMPLES_TOTAL_POWER = 0,
    NVML_SAMPLES_UTILIZATION = 1,
    NVML_SAMPLES_MODULE_POWER = 7,
    NVML_TEMPERATURE_GPU = 0,
    NVML_CLOCK_SM = 1,
    NVML_FEATURE_ENABLED = 1
};

enum { NVML_ARCH_AMPERE = 7, NVML_ARCH_ADA = 8, NVML_ARCH_HOPPER = 9 };
#define NVML_ARCH_UNKNOWN 0xffffffffu

/* Reasons for clocks below what was asked for that take work away: power cap, slow-down, heat, power brake.
 */
#define NVML_THROTTLE_BITS 0xecull

#define NVML_NO_VALUE_U64 UINT64_MAX
#define NVML_NO_INSTANCE  0xffffffffu
#define NVML_TEXT_MAX     96

struct nvml_handle; /* opaque */

struct nvml_utilization {
    uint32_t gpu, memory; /* % */
};

struct nvml_memory {
    uint64_t total, free, used;
};

struct nvml_memory_v2 {
    uint32_t version;
    uint64_t total, reserved, free, used;
};
#define NVML_MEMORY_V2 0x2000028u

union nvml_value {
    double d;
    uint32_t u32;
    uint64_t u64;
    int64_t i64;
    int32_t i32;
    uint16_t u16;
};

enum {
    NVML_TYPE_DOUBLE,
    NVML_TYPE_U32,
    NVML_TYPE_ULONG,
    NVML_TYPE_U64,
    NVML_TYPE_I64,
    NVML_TYPE_I32,
    NVML_TYPE_U16
};

struct nvml_field {
    uint32_t id, scope;
    int64_t timestamp_us, latency_us; /* since 1970 */
    uint32_t type;
    nvml_return result; /* of this field alone */
    union nvml_value value;
};

struct nvml_sample {
    uint64_t timestamp_us;
    union nvml_value value;
};

/* The common beginning of 16, 24 and 32 bytes long entries. */
struct nvml_process {
    uint32_t pid;
    uint64_t memory_bytes;
    uint32_t gpu_instance, compute_instance; /* not in 16 bytes */
};

struct nvml_process_sample {
    uint32_t pid;
    uint64_t timestamp_us;
    uint32_t sm, memory, encoder, decoder; /* % */
};

struct nvml_process_use {
    uint64_t timestamp_us;
    uint32_t pid, sm, memory, encoder, decoder, jpeg, optical_flow;
};

struct nvml_processes_use {
    uint32_t version, count;
    uint64_t last_seen_us;
    struct nvml_process_use *rows;
};
#define NVML_PROCESSES_USE_V1 0x1000018u

struct nvml_pci {
    char legacy_id[16];
    uint32_t domain, bus, device, device_id, subsystem_id;
    char id[32];
};

struct nvml_attributes {
    uint32_t multiprocessors, copy_engines, decoders, encoders, jpegs, optical_flows;
    uint32_t gpu_instance_slices, compute_instance_slices;
    uint64_t memory_mb;
};

/* GPM: activity between two samples, of a whole device or one GPU instance. Hopper and later. */
struct nvml_gpm_sample; /* opaque */
#define NVML_GPM_VERSION           1u
#define NVML_GPM_GRAPHICS_ACTIVITY 1u /* % of time that the graphics or compute engine was active */

struct nvml_gpm_metric {
    uint32_t id;
    nvml_return result;
    double value;
    const char *short_name, *long_name, *unit;
};

struct nvml_gpm_metrics {
    uint32_t version, count;
    struct nvml_gpm_sample *first, *second;
    struct nvml_gpm_metric metrics[512]; /* as many as any version may clear */
};

struct nvml_gpm_support {
    uint32_t version, is_supported;
};

_Static_assert(sizeof(struct nvml_memory) == 24, "nvmlMemory_t");
_Static_assert(sizeof(struct nvml_memory_v2) == 40, "nvmlMemory_v2_t");
_Static_assert(sizeof(struct nvml_field) == 40, "nvmlFieldValue_t");
_Static_assert(sizeof(struct nvml_sample) == 16, "nvmlSample_t");
_Static_assert(sizeof(struct nvml_process) == 24, "nvmlProcessInfo_v2_t");
_Static_assert(sizeof(struct nvml_process_sample) == 32, "nvmlProcessUtilizationSample_t");
_Static_assert(sizeof(struct nvml_process_use) == 40, "nvmlProcessUtilizationInfo_v1_t");
_Static_assert(sizeof(struct nvml_processes_use) == 24, "nvmlProcessesUtilizationInfo_v1_t");
_Static_assert(sizeof(struct nvml_pci) == 68, "nvmlPciInfo_t");
_Static_assert(sizeof(struct nvml_attributes) == 40, "nvmlDeviceAttributes_t");
_Static_assert(sizeof(struct nvml_gpm_metric) == 40, "nvmlGpmMetric_t");

/* X(member, symbol, parameters) */
#define NVML_FUNCTIONS(X)                                                                                    \
    X(init, "nvmlInit_v2", (void))                                                                           \
    X(init_v1, "nvmlInit", (void))                                                                           \
    X(driver_version, "nvmlSystemGetDriverVersion", (char *text, unsigned size))                             \
    X(count, "nvmlDeviceGetCount_v2", (unsigned *count))                                                     \
    X(count_v1, "nvmlDeviceGetCount", (unsigned *count))                                                     \
    X(handle, "nvmlDeviceGetHandleByIndex_v2", (unsigned index, struct nvml_handle **handle))                \
    X(handle_v1, "nvmlDeviceGetHandleByIndex", (unsigned index, struct nvml_handle **handle))                \
    X(name, "nvmlDeviceGetName", (struct nvml_handle *, char *text, unsigned size))                          \
    X(uuid, "nvmlDeviceGetUUID", (struct nvml_handle *, char *text, unsigned size))                          \
    X(pci, "nvmlDeviceGetPciInfo_v3", (struct nvml_handle *, struct nvml_pci *))                             \
    X(pci_v2, "nvmlDeviceGetPciInfo_v2", (struct nvml_handle *, struct nvml_pci *))                          \
    X(architecture, "nvmlDeviceGetArchitecture", (struct nvml_handle *, unsigned *))                         \
    X(energy, "nvmlDeviceGetTotalEnergyConsumption", (struct nvml_handle *, unsigned long long *mj))         \
    X(power, "nvmlDeviceGetPowerUsage", (struct nvml_handle *, unsigned *mw))                                \
    X(fields, "nvmlDeviceGetFieldValues", (struct nvml_handle *, int count, struct nvml_field *))            \
    X(samples, "nvmlDeviceGetSamples",                                                                       \
      (struct nvml_handle *, int type, unsigned long long last_seen_us, int *value_type, unsigned *count,    \
       struct nvml_sample *))                                                                                \
    X(limit, "nvmlDeviceGetEnforcedPowerLimit", (struct nvml_handle *, unsigned *mw))                        \
    X(memory, "nvmlDeviceGetMemoryInfo", (struct nvml_handle *, struct nvml_memory *))                       \
    X(memory_v2, "nvmlDeviceGetMemoryInfo_v2", (struct nvml_handle *, struct nvml_memory_v2 *))              \
    X(utilization, "nvmlDeviceGetUtilizationRates", (struct nvml_handle *, struct nvml_utilization *))       \
    X(temperature, "nvmlDeviceGetTemperature", (struct nvml_handle *, int sensor, unsigned *celsius))        \
    X(clock, "nvmlDeviceGetClockInfo", (struct nvml_handle *, int type, unsigned *mhz))                      \
    X(event_reasons, "nvmlDeviceGetCurrentClocksEventReasons", (struct nvml_handle *, unsigned long long *)) \
    X(throttle_reasons, "nvmlDeviceGetCurrentClocksThrottleReasons",                                         \
      (struct nvml_handle *, unsigned long long *))                                                          \
    X(compute_v3, "nvmlDeviceGetComputeRunningProcesses_v3",                                                 \
      (struct nvml_handle *, unsigned *count, void *))                                                       \
    X(compute_v2, "nvmlDeviceGetComputeRunningProcesses_v2",                                                 \
      (struct nvml_handle *, unsigned *count, void *))                                                       \
    X(compute_v1, "nvmlDeviceGetComputeRunningProcesses", (struct nvml_handle *, unsigned *count, void *))   \
    X(graphics_v3, "nvmlDeviceGetGraphicsRunningProcesses_v3",                                               \
      (struct nvml_handle *, unsigned *count, void *))                                                       \
    X(graphics_v2, "nvmlDeviceGetGraphicsRunningProcesses_v2",                                               \
      (struct nvml_handle *, unsigned *count, void *))                                                       \
    X(graphics_v1, "nvmlDeviceGetGraphicsRunningProcesses", (struct nvml_handle *, unsigned *count, void *)) \
    X(mps_v3, "nvmlDeviceGetMPSComputeRunningProcesses_v3", (struct nvml_handle *, unsigned *count, void *)) \
    X(mps_v2, "nvmlDeviceGetMPSComputeRunningProcesses_v2", (struct nvml_handle *, unsigned *count, void *)) \
    X(mps_v1, "nvmlDeviceGetMPSComputeRunningProcesses", (struct nvml_handle *, unsigned *count, void *))    \
    X(process_utilization, "nvmlDeviceGetProcessUtilization",                                                \
      (struct nvml_handle *, struct nvml_process_sample *, unsigned *count,                                  \
       unsigned long long last_seen_us))                                                                     \
    X(processes_utilization, "nvmlDeviceGetProcessesUtilizationInfo",                                        \
      (struct nvml_handle *, struct nvml_processes_use *))                                                   \
    X(mig_mode, "nvmlDeviceGetMigMode", (struct nvml_handle *, unsigned *current, unsigned *pending))        \
    X(mig_count, "nvmlDeviceGetMaxMigDeviceCount", (struct nvml_handle *, unsigned *count))                  \
    X(mig_handle, "nvmlDeviceGetMigDeviceHandleByIndex",                                                     \
      (struct nvml_handle *, unsigned index, struct nvml_handle **))                                         \
    X(gpu_instance, "nvmlDeviceGetGpuInstanceId", (struct nvml_handle *, unsigned *id))                      \
    X(compute_instance, "nvmlDeviceGetComputeInstanceId", (struct nvml_handle *, unsigned *id))              \
    X(attributes, "nvmlDeviceGetAttributes_v2", (struct nvml_handle *, struct nvml_attributes *))            \
    X(gpm_support, "nvmlGpmQueryDeviceSupport", (struct nvml_handle *, struct nvml_gpm_support *))           \
    X(gpm_alloc, "nvmlGpmSampleAlloc", (struct nvml_gpm_sample **))                                          \
    X(gpm_free, "nvmlGpmSampleFree", (struct nvml_gpm_sample *))                                             \
    X(gpm_mig_sample, "nvmlGpmMigSampleGet",                                                                 \
      (struct nvml_handle *, unsigned gpu_instance, struct nvml_gpm_sample *))                               \
    X(gpm_metrics, "nvmlGpmMetricsGet", (struct nvml_gpm_metrics *))

/* NOLINTNEXTLINE(bugprone-macro-parentheses): a name and a list of parameters */
#define NVML_MEMBER(member, symbol, parameters) nvml_return(*member) parameters;
struct nvml_library {
    void *object;
    NVML_FUNCTIONS(NVML_MEMBER)
};
