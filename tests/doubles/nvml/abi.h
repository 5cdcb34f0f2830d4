/* SPDX-License-Identifier: MIT */
/*
 * The binary interface of NVIDIA's management library, in declarations of our own: only what the double
 * exports. Names are those of the interface; abi_facts.csv holds the sizes and offsets that abi_check.py
 * turns into assertions. Nothing of src/ is included, so that a mistake made there is not made here too.
 */
#pragma once

#include <stdint.h>

typedef int nvmlReturn_t;
enum {
    NVML_SUCCESS = 0,
    NVML_ERROR_UNINITIALIZED = 1,
    NVML_ERROR_INVALID_ARGUMENT = 2,
    NVML_ERROR_NOT_SUPPORTED = 3,
    NVML_ERROR_NO_PERMISSION = 4,
    NVML_ERROR_NOT_FOUND = 6,
    NVML_ERROR_INSUFFICIENT_SIZE = 7,
    NVML_ERROR_DRIVER_NOT_LOADED = 9,
    NVML_ERROR_MEMORY = 20,
    NVML_ERROR_ARGUMENT_VERSION_MISMATCH = 25,
    NVML_ERROR_UNKNOWN = 999
};

/* A device, or a MIG device: callers only pass it on. */
typedef struct nv_handle *nvmlDevice_t;
typedef struct nvml_gpm_sample_data *nvmlGpmSample_t;

#define NVML_NOT_AVAILABLE_U64 UINT64_MAX
#define NVML_NO_INSTANCE       UINT32_MAX
#define NVML_SYSTEM_BUFFER     80
#define NVML_MEMORY_V2         0x2000028U
#define NVML_PROC_UTIL_V1      0x1000018U
#define NVML_PROC_DETAIL_V1    0x1000018U
#define NVML_TEMPERATURE_V1    0x100000CU
#define NVML_PCI_INFO_EXT_V1   0x1000040U

enum { NVML_VALUE_DOUBLE = 0, NVML_VALUE_U32 = 1, NVML_VALUE_U64 = 3 };

enum {
    NVML_FI_DEV_TOTAL_ENERGY_CONSUMPTION = 83,
    NVML_FI_DEV_POWER_AVERAGE = 185,
    NVML_FI_DEV_POWER_INSTANT = 186,
    NVML_FI_DEV_POWER_MIN_LIMIT = 187,
    NVML_FI_DEV_POWER_MAX_LIMIT = 188,
    NVML_FI_DEV_POWER_DEFAULT_LIMIT = 189,
    NVML_FI_DEV_POWER_CURRENT_LIMIT = 190,
    NVML_FI_DEV_ENERGY = 191,
    NVML_FI_DEV_POWER_REQUESTED_LIMIT = 192
};
enum { NVML_POWER_SCOPE_GPU = 0, NVML_POWER_SCOPE_MODULE = 1, NVML_POWER_SCOPE_MEMORY = 2 };
enum {
    NVML_TOTAL_POWER_SAMPLES = 0,
    NVML_GPU_UTILIZATION_SAMPLES = 1,
    NVML_MEMORY_UTILIZATION_SAMPLES = 2,
    NVML_ENC_UTILIZATION_SAMPLES = 3,
    NVML_DEC_UTILIZATION_SAMPLES = 4,
    NVML_MODULE_POWER_SAMPLES = 7
};
enum { NVML_INIT_FLAG_NO_GPUS = 1, NVML_INIT_FLAG_NO_ATTACH = 2 };
enum { NVML_DEVICE_NAME_BUFFER_SIZE = 64, NVML_DEVICE_UUID_BUFFER_SIZE = 80 };
enum { NVML_GPM_GRAPHICS_UTIL = 1, NVML_GPM_SM_UTIL = 2, NVML_GPM_DRAM_BW_UTIL = 10 };

typedef struct {
    uint32_t gpu, memory;
} nvmlUtilization_t;

typedef struct {
    uint64_t total, free, used;
} nvmlMemory_t;

typedef struct {
    uint32_t version;
    uint64_t total, reserved, free, used;
} nvmlMemory_v2_t;

typedef struct {
    uint64_t total, free, used;
} nvmlBAR1Memory_t;

typedef struct {
    uint32_t pid;
    uint64_t usedGpuMemory;
} nvmlProcessInfo_v1_t;

typedef struct {
    uint32_t pid;
    uint64_t usedGpuMemory;
    uint32_t gpuInstanceId, computeInstanceId;
} nvmlProcessInfo_v2_t;

/* What drivers of the 535.54 time wrote through _v3; today nvmlProcessDetail_v1_t. */
typedef struct {
    uint32_t pid;
    uint64_t usedGpuMemory;
    uint32_t gpuInstanceId, computeInstanceId;
    uint64_t usedGpuCcProtectedMemory;
} nvmlProcessInfo_v3_t;

typedef struct {
    uint32_t version, mode, numProcArrayEntries;
    nvmlProcessInfo_v3_t *procArray;
} nvmlProcessDetailList_t;

typedef struct {
    uint32_t pid;
    uint64_t timeStamp;
    uint32_t smUtil, memUtil, encUtil, decUtil;
} nvmlProcessUtilizationSample_t;

typedef struct {
    uint64_t timeStamp;
    uint32_t pid, smUtil, memUtil, encUtil, decUtil, jpgUtil, ofaUtil;
} nvmlProcessUtilizationInfo_v1_t;

typedef struct {
    uint32_t version, processSamplesCount;
    uint64_t lastSeenTimeStamp;
    nvmlProcessUtilizationInfo_v1_t *procUtilArray;
} nvmlProcessesUtilizationInfo_v1_t;

typedef union {
    double dVal;
    uint32_t uiVal;
    uint64_t ullVal;
} nvmlValue_t;

typedef struct {
    uint32_t fieldId, scopeId;
    int64_t timestamp, latencyUsec;
    uint32_t valueType;
    nvmlReturn_t nvmlReturn;
    nvmlValue_t value;
} nvmlFieldValue_t;

typedef struct {
    uint64_t timeStamp;
    nvmlValue_t sampleValue;
} nvmlSample_t;

typedef struct {
    char busIdLegacy[16];
    uint32_t domain, bus, device, pciDeviceId, pciSubSystemId;
    char busId[32];
} nvmlPciInfo_t;

typedef struct {
    uint32_t gpuUtilization, memoryUtilization;
    uint64_t maxMemoryUsage, time, startTime;
    uint32_t isRunning;
    uint32_t reserved[5];
} nvmlAccountingStats_t;

typedef struct {
    uint32_t multiprocessorCount, sharedCopyEngineCount, sharedDecoderCount, sharedEncoderCount,
        sharedJpegCount, sharedOfaCount, gpuInstanceSliceCount, computeInstanceSliceCount;
    uint64_t memorySizeMB;
} nvmlDeviceAttributes_t;

typedef struct {
    uint32_t version, sensorType;
    int32_t temperature;
} nvmlTemperature_v1_t;

typedef struct {
    uint32_t version, isSupportedDevice;
} nvmlGpmSupport_t;

typedef struct {
    uint32_t metricId;
    nvmlReturn_t nvmlReturn;
    double value;
    const char *shortName, *longName, *unit;
} nvmlGpmMetric_t;

/* The length of `metrics` differs between headers; only the first numMetrics are touched. */
typedef struct {
    uint32_t version, numMetrics;
    nvmlGpmSample_t sample1, sample2;
    nvmlGpmMetric_t metrics[];
} nvmlGpmMetricsGet_t;
