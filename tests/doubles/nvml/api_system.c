/* SPDX-License-Identifier: MIT */
/* Beginning, ending, versions, and how a device is found. */
#include "call.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static nvmlReturn_t init(struct nv_call *call, unsigned flags)
{
    if (!call->holds_lock) {
        return nv_world.path[0] != '\0' ? NVML_ERROR_UNKNOWN : NVML_ERROR_DRIVER_NOT_LOADED;
    }
    if (nv_world.device_count == 0 && (flags & NVML_INIT_FLAG_NO_GPUS) == 0) {
        return NVML_ERROR_DRIVER_NOT_LOADED;
    }
    __atomic_fetch_add(&nv_init_count, 1, __ATOMIC_RELEASE);
    return NVML_SUCCESS;
}

NV_EXPORT nvmlReturn_t nvmlInit(void)
{
    NV_BEGIN(NV_NEEDS_NOTHING, NULL)
    return init(&call, 0);
}

NV_EXPORT nvmlReturn_t nvmlInit_v2(void)
{
    NV_BEGIN(NV_NEEDS_NOTHING, NULL)
    return init(&call, 0);
}

NV_EXPORT nvmlReturn_t nvmlInitWithFlags(unsigned flags)
{
    NV_BEGIN(NV_NEEDS_NOTHING, NULL)
    return init(&call, flags);
}

NV_EXPORT nvmlReturn_t nvmlShutdown(void)
{
    NV_BEGIN(NV_NEEDS_INIT, NULL)
    __atomic_fetch_sub(&nv_init_count, 1, __ATOMIC_RELEASE);
    return NVML_SUCCESS;
}

NV_EXPORT const char *nvmlErrorString(nvmlReturn_t code)
{
    static const char *const text[] = {"Success",
                                       "Uninitialized",
                                       "Invalid Argument",
                                       "Not Supported",
                                       "Insufficient Permissions",
                                       "Already Initialized",
                                       "Not Found",
                                       "Insufficient Size",
                                       "Insufficient External Power",
                                       "Driver Not Loaded",
                                       "Timeout",
                                       "Interrupt Request Issue",
                                       "NVML Shared Library Not Found",
                                       "Function Not Found",
                                       "Corrupted infoROM",
                                       "GPU is lost",
                                       "GPU requires reset",
                                       "GPU access blocked by the operating system",
                                       "Driver/library version mismatch",
                                       "In use by another client",
                                       "Insufficient Memory",
                                       "No data",
                                       "vGPU operation not supported with ECC",
                                       "Insufficient Resources",
                                       "Frequency Not Supported",
                                       "Argument version mismatch",
                                       "Deprecated",
                                       "Not ready",
                                       "GPU not found",
                                       "Invalid state",
                                       "Reset type not supported"};
    const size_t count = sizeof(text) / sizeof(*text);
    return code >= 0 && (size_t)code < count ? text[code] : "Unknown Error";
}

NV_EXPORT nvmlReturn_t nvmlSystemGetDriverVersion(char *version, unsigned length)
{
    NV_BEGIN(NV_NEEDS_INIT, NULL)
    return nv_copy_text(version, length, nv_world.driver);
}

NV_EXPORT nvmlReturn_t nvmlSystemGetNVMLVersion(char *version, unsigned length)
{
    NV_BEGIN(NV_NEEDS_NOTHING, NULL)
    return nv_copy_text(version, length, nv_world.nvml);
}

static nvmlReturn_t cuda_version(int *version)
{
    NV_REQUIRE(version != NULL, NVML_ERROR_INVALID_ARGUMENT)
    *version = (int)nv_world.cuda;
    return NVML_SUCCESS;
}

NV_EXPORT nvmlReturn_t nvmlSystemGetCudaDriverVersion(int *version)
{
    NV_BEGIN(NV_NEEDS_NOTHING, NULL)
    return cuda_version(version);
}

NV_EXPORT nvmlReturn_t nvmlSystemGetCudaDriverVersion_v2(int *version)
{
    NV_BEGIN(NV_NEEDS_NOTHING, NULL)
    return cuda_version(version);
}

NV_EXPORT nvmlReturn_t nvmlSystemGetProcessName(unsigned pid, char *name, unsigned length)
{
    NV_BEGIN(NV_NEEDS_INIT, NULL)
    char path[64], text[4096] = "";
    snprintf(path, sizeof(path), "/proc/%u/cmdline", pid);
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        return NVML_ERROR_NOT_FOUND;
    }
    const size_t size = fread(text, 1, sizeof(text) - 1, file);
    fclose(file);
    return size > 0 ? nv_copy_text(name, length, text) : NVML_ERROR_NOT_FOUND;
}

static nvmlReturn_t device_count(unsigned *count)
{
    NV_REQUIRE(count != NULL, NVML_ERROR_INVALID_ARGUMENT)
    *count = (unsigned)nv_world.device_count;
    return NVML_SUCCESS;
}

NV_EXPORT nvmlReturn_t nvmlDeviceGetCount(unsigned *count)
{
    NV_BEGIN(NV_NEEDS_INIT, NULL)
    return device_count(count);
}

NV_EXPORT nvmlReturn_t nvmlDeviceGetCount_v2(unsigned *count)
{
    NV_BEGIN(NV_NEEDS_INIT, NULL)
    return device_count(count);
}

/* A device that is known: what the scenario has against it, else its handle. */
static nvmlReturn_t give(const struct nv_call *call, const char *function, size_t index, nvmlDevice_t *ret)
{
    NV_REQUIRE(ret != NULL, NVML_ERROR_INVALID_ARGUMENT)
    const nvmlReturn_t code = nv_fault(function, (int)index, false, call->now_s);
    if (code == NVML_SUCCESS) {
        *ret = &nv_device_handle[index];
    }
    return code;
}

NV_EXPORT nvmlReturn_t nvmlDeviceGetHandleByIndex(unsigned index, nvmlDevice_t *ret)
{
    NV_BEGIN(NV_NEEDS_INIT, NULL)
    NV_REQUIRE(index < nv_world.device_count, NVML_ERROR_INVALID_ARGUMENT)
    return give(&call, __func__, index, ret);
}

NV_EXPORT nvmlReturn_t nvmlDeviceGetHandleByIndex_v2(unsigned index, nvmlDevice_t *ret)
{
    NV_BEGIN(NV_NEEDS_INIT, NULL)
    NV_REQUIRE(index < nv_world.device_count, NVML_ERROR_INVALID_ARGUMENT)
    return give(&call, __func__, index, ret);
}

NV_EXPORT nvmlReturn_t nvmlDeviceGetHandleByUUID(const char *uuid, nvmlDevice_t *ret)
{
    NV_BEGIN(NV_NEEDS_INIT, NULL)
    NV_REQUIRE(uuid != NULL && ret != NULL, NVML_ERROR_INVALID_ARGUMENT)
    for (size_t d = 0; d < nv_world.device_count; d++) {
        if (strcmp(nv_world.device[d].uuid, uuid) == 0) {
            return give(&call, __func__, d, ret);
        }
        for (size_t i = 0; i < nv_world.device[d].instance_count; i++) {
            if (strcmp(nv_world.device[d].instance[i].uuid, uuid) == 0) {
                *ret = &nv_mig_handle[d][i];
                return NVML_SUCCESS;
            }
        }
    }
    return NVML_ERROR_NOT_FOUND;
}

NV_EXPORT nvmlReturn_t nvmlDeviceGetHandleBySerial(const char *serial, nvmlDevice_t *ret)
{
    NV_BEGIN(NV_NEEDS_INIT, NULL)
    for (size_t d = 0; serial != NULL && d < nv_world.device_count; d++) {
        if (strcmp(nv_world.device[d].serial, serial) == 0) {
            return give(&call, __func__, d, ret);
        }
    }
    return serial != NULL ? NVML_ERROR_NOT_FOUND : NVML_ERROR_INVALID_ARGUMENT;
}

/* "0000:01:00.0" and "00000000:01:00.0" are the same place. */
static nvmlReturn_t by_pci(const struct nv_call *call, const char *function, const char *bus_id,
                           nvmlDevice_t *ret)
{
    unsigned want[4], have[4];
    if (bus_id == NULL ||
        sscanf(bus_id, "%x:%x:%x.%x", &want[0], &want[1], &want[2], &want[3]) != 4) { // NOLINT(cert-err34-c)
        return NVML_ERROR_INVALID_ARGUMENT;
    }
    for (size_t d = 0; d < nv_world.device_count; d++) {
        const char *pci = nv_world.device[d].pci;
        if (sscanf(pci, "%x:%x:%x.%x", &have[0], &have[1], &have[2], &have[3]) == 4 && // NOLINT(cert-err34-c)
            memcmp(want, have, sizeof(want)) == 0) {
            return give(call, function, d, ret);
        }
    }
    return NVML_ERROR_NOT_FOUND;
}

NV_EXPORT nvmlReturn_t nvmlDeviceGetHandleByPciBusId(const char *bus_id, nvmlDevice_t *ret)
{
    NV_BEGIN(NV_NEEDS_INIT, NULL)
    return by_pci(&call, __func__, bus_id, ret);
}

NV_EXPORT nvmlReturn_t nvmlDeviceGetHandleByPciBusId_v2(const char *bus_id, nvmlDevice_t *ret)
{
    NV_BEGIN(NV_NEEDS_INIT, NULL)
    return by_pci(&call, __func__, bus_id, ret);
}
