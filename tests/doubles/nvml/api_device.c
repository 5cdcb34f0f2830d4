/* SPDX-License-Identifier: MIT */
/* What a device is: its names, its place, its memory, its clocks. */
#include "scalar.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define MIB         1048576.0
#define MIB_PER_GIB 1024
#define VBIOS       "96.00.00.00.01"
#define PART_NUMBER "900-00000-0000-000"

NV_EXPORT nvmlReturn_t nvmlDeviceGetName(nvmlDevice_t handle, char *name, unsigned length)
{
    NV_ANY(handle)
    const struct nv_device *d = nv_device_of(handle);
    if (handle->instance < 0) {
        return nv_copy_text(name, length, d->name);
    }
    char text[NV_NAME_SIZE + 64];
    const struct nv_mig *mig = &d->instance[handle->instance];
    snprintf(text, sizeof(text), "%s MIG %.0fg.%.0fgb", d->name, mig->gi_slices,
             floor(mig->memory_mib / MIB_PER_GIB));
    return nv_copy_text(name, length, text);
}

NV_EXPORT nvmlReturn_t nvmlDeviceGetUUID(nvmlDevice_t handle, char *uuid, unsigned length)
{
    NV_ANY(handle)
    const struct nv_device *d = nv_device_of(handle);
    return nv_copy_text(uuid, length, handle->instance < 0 ? d->uuid : d->instance[handle->instance].uuid);
}

NV_EXPORT nvmlReturn_t nvmlDeviceGetSerial(nvmlDevice_t handle, char *serial, unsigned length)
{
    NV_PHYSICAL(handle)
    return nv_copy_text(serial, length, nv_device_of(handle)->serial);
}

NV_EXPORT nvmlReturn_t nvmlDeviceGetVbiosVersion(nvmlDevice_t handle, char *version, unsigned length)
{
    NV_PHYSICAL(handle)
    return nv_copy_text(version, length, VBIOS);
}

NV_EXPORT nvmlReturn_t nvmlDeviceGetBoardPartNumber(nvmlDevice_t handle, char *number, unsigned length)
{
    NV_PHYSICAL(handle)
    return nv_copy_text(number, length, PART_NUMBER);
}

NV_EXPORT nvmlReturn_t nvmlDeviceGetIndex(nvmlDevice_t handle, unsigned *index)
{
    NV_ANY(handle)
    NV_REQUIRE(index != NULL, NVML_ERROR_INVALID_ARGUMENT)
    *index = handle->instance < 0 ? (unsigned)handle->device : (unsigned)handle->instance;
    return NVML_SUCCESS;
}

/* The members before busId are those of all versions of the structure. */
static nvmlReturn_t pci_info(nvmlDevice_t handle, nvmlPciInfo_t *info, bool has_bus_id)
{
    const struct nv_device *d = nv_device_of(handle);
    unsigned domain = 0, bus = 0, device = 0;
    NV_REQUIRE(info != NULL, NVML_ERROR_INVALID_ARGUMENT)
    (void)sscanf(d->pci, "%x:%x:%x", &domain, &bus, &device); // NOLINT(cert-err34-c)
    snprintf(info->busIdLegacy, sizeof(info->busIdLegacy), "%04X:%02X:%02X.0", domain & 0xffff, bus & 0xff,
             device & 0xff);
    info->domain = domain;
    info->bus = bus;
    info->device = device;
    info->pciDeviceId = (uint32_t)d->pci_device_id;
    info->pciSubSystemId = (uint32_t)d->pci_subsystem_id;
    if (has_bus_id) {
        snprintf(info->busId, sizeof(info->busId), "%08X:%02X:%02X.0", domain, bus & 0xff, device & 0xff);
    }
    return NVML_SUCCESS;
}

NV_EXPORT nvmlReturn_t nvmlDeviceGetPciInfo(nvmlDevice_t handle, nvmlPciInfo_t *info)
{
    NV_PHYSICAL(handle)
    return pci_info(handle, info, false);
}

NV_EXPORT nvmlReturn_t nvmlDeviceGetPciInfo_v2(nvmlDevice_t handle, nvmlPciInfo_t *info)
{
    NV_PHYSICAL(handle)
    return pci_info(handle, info, false);
}

NV_EXPORT nvmlReturn_t nvmlDeviceGetPciInfo_v3(nvmlDevice_t handle, nvmlPciInfo_t *info)
{
    NV_PHYSICAL(handle)
    return pci_info(handle, info, true);
}

NV_EXPORT nvmlReturn_t nvmlDeviceGetCudaComputeCapability(nvmlDevice_t handle, int *major, int *minor)
{
    NV_ANY(handle)
    NV_REQUIRE(major != NULL && minor != NULL, NVML_ERROR_INVALID_ARGUMENT)
    *major = (int)nv_device_of(handle)->cuda_major;
    *minor = (int)nv_device_of(handle)->cuda_minor;
    return NVML_SUCCESS;
}

/* Bytes in use: what is always taken, and what the open processes hold. */
static double used_mib(const struct nv_call *call, nvmlDevice_t handle, double *ret_total_mib)
{
    const struct nv_device *d = nv_device_of(handle);
    const struct nv_mig *mig = handle->instance < 0 ? NULL : &d->instance[handle->instance];
    double sum = mig == NULL ? d->memory_used_mib : 0;
    for (size_t i = 0; i < nv_world.process_count; i++) {
        const struct nv_process *process = &nv_world.process[i];
        const bool is_mine = mig == NULL || fabs(process->gi - mig->gi) < 0.5;
        if ((size_t)process->device == handle->device && is_mine &&
            nv_process_is_open(process, call->now_s)) {
            sum += fmax(process->vram_mib, 0);
        }
    }
    *ret_total_mib = mig == NULL ? d->memory_mib : mig->memory_mib;
    return fmin(sum, *ret_total_mib);
}

NV_EXPORT nvmlReturn_t nvmlDeviceGetMemoryInfo(nvmlDevice_t handle, nvmlMemory_t *memory)
{
    NV_ANY(handle)
    NV_REQUIRE(memory != NULL, NVML_ERROR_INVALID_ARGUMENT)
    double total_mib;
    /* the old structure has no member for what is reserved: there it counts as used */
    const double used = used_mib(&call, handle, &total_mib) + nv_device_of(handle)->memory_reserved_mib;
    memory->total = (uint64_t)(total_mib * MIB);
    memory->used = (uint64_t)(fmin(used, total_mib) * MIB);
    memory->free = memory->total - memory->used;
    return NVML_SUCCESS;
}

NV_EXPORT nvmlReturn_t nvmlDeviceGetMemoryInfo_v2(nvmlDevice_t handle, nvmlMemory_v2_t *memory)
{
    NV_ANY(handle)
    NV_REQUIRE(memory != NULL, NVML_ERROR_INVALID_ARGUMENT)
    NV_REQUIRE(memory->version == NVML_MEMORY_V2, NVML_ERROR_ARGUMENT_VERSION_MISMATCH)
    double total_mib;
    const double used = used_mib(&call, handle, &total_mib),
                 reserved = nv_device_of(handle)->memory_reserved_mib;
    memory->total = (uint64_t)(total_mib * MIB);
    memory->reserved = (uint64_t)(reserved * MIB);
    memory->used = (uint64_t)(fmin(used, total_mib - reserved) * MIB);
    memory->free = memory->total - memory->used - memory->reserved;
    return NVML_SUCCESS;
}

NV_EXPORT nvmlReturn_t nvmlDeviceGetBAR1MemoryInfo(nvmlDevice_t handle, nvmlBAR1Memory_t *memory)
{
    NV_PHYSICAL(handle)
    NV_REQUIRE(memory != NULL, NVML_ERROR_INVALID_ARGUMENT)
    *memory = (nvmlBAR1Memory_t){.total = 128ULL << 30, .free = (128ULL << 30) - (1 << 20), .used = 1 << 20};
    return NVML_SUCCESS;
}

NV_SCALAR(nvmlDeviceGetMinorNumber, unsigned, true, d->minor)
NV_SCALAR(nvmlDeviceGetBrand, unsigned, true, d->brand)
NV_SCALAR(nvmlDeviceGetArchitecture, unsigned, true, d->arch_number)
NV_SCALAR(nvmlDeviceGetBoardId, unsigned, true, 0x100U * (unsigned)(handle->device + 1))
NV_SCALAR(nvmlDeviceGetMultiGpuBoard, unsigned, true, 0)
NV_SCALAR(nvmlDeviceGetBusType, unsigned, true, 2)
NV_SCALAR(nvmlDeviceGetNumGpuCores, unsigned, true, d->multiprocessors * 64)
NV_SCALAR(nvmlDeviceGetMemoryBusWidth, unsigned, true, 5120)
NV_SCALAR(nvmlDeviceGetPersistenceMode, unsigned, true, d->persistence)
NV_SCALAR(nvmlDeviceGetComputeMode, unsigned, true, 0)
NV_SCALAR(nvmlDeviceGetDisplayMode, unsigned, true, 0)
NV_SCALAR(nvmlDeviceGetDisplayActive, unsigned, true, 0)
NV_SCALAR(nvmlDeviceGetPerformanceState, unsigned, true, d->pstate)
NV_SCALAR(nvmlDeviceGetPowerState, unsigned, true, d->pstate)
NV_SCALAR(nvmlDeviceGetMaxPcieLinkGeneration, unsigned, true, d->pcie_gen_max)
NV_SCALAR(nvmlDeviceGetMaxPcieLinkWidth, unsigned, true, d->pcie_width_max)
NV_SCALAR(nvmlDeviceGetCurrPcieLinkGeneration, unsigned, true, d->pcie_gen)
NV_SCALAR(nvmlDeviceGetCurrPcieLinkWidth, unsigned, true, d->pcie_width)
NV_SCALAR(nvmlDeviceGetPcieReplayCounter, unsigned, true, 0)
NV_SCALAR(nvmlDeviceGetFanSpeed, unsigned, d->fan >= 0, d->fan)
NV_SCALAR(nvmlDeviceGetNumFans, unsigned, true, d->fan >= 0)
NV_SCALAR(nvmlDeviceGetCurrentClocksThrottleReasons, uint64_t, true, nv_curve_at(&d->throttle, call.now_s))
NV_SCALAR(nvmlDeviceGetCurrentClocksEventReasons, uint64_t, true, nv_curve_at(&d->throttle, call.now_s))
NV_SCALAR(nvmlDeviceGetSupportedClocksThrottleReasons, uint64_t, true, 0x1ff)
NV_SCALAR(nvmlDeviceGetSupportedClocksEventReasons, uint64_t, true, 0x1ff)

NV_EXPORT nvmlReturn_t nvmlDeviceGetFanSpeed_v2(nvmlDevice_t handle, unsigned fan, unsigned *speed)
{
    NV_PHYSICAL(handle)
    NV_REQUIRE(speed != NULL && fan == 0, NVML_ERROR_INVALID_ARGUMENT)
    NV_REQUIRE(nv_device_of(handle)->fan >= 0, NVML_ERROR_NOT_SUPPORTED)
    *speed = (unsigned)nv_device_of(handle)->fan;
    return NVML_SUCCESS;
}

NV_EXPORT nvmlReturn_t nvmlDeviceGetTemperature(nvmlDevice_t handle, unsigned sensor, unsigned *celsius)
{
    NV_PHYSICAL(handle)
    NV_REQUIRE(celsius != NULL && sensor == 0, NVML_ERROR_INVALID_ARGUMENT)
    *celsius = (unsigned)nv_curve_at(&nv_device_of(handle)->temperature, call.now_s);
    return NVML_SUCCESS;
}

NV_EXPORT nvmlReturn_t nvmlDeviceGetTemperatureV(nvmlDevice_t handle, nvmlTemperature_v1_t *temperature)
{
    NV_PHYSICAL(handle)
    NV_REQUIRE(temperature != NULL, NVML_ERROR_INVALID_ARGUMENT)
    NV_REQUIRE(temperature->version == NVML_TEMPERATURE_V1, NVML_ERROR_ARGUMENT_VERSION_MISMATCH)
    NV_REQUIRE(temperature->sensorType == 0, NVML_ERROR_INVALID_ARGUMENT)
    temperature->temperature = (int32_t)nv_curve_at(&nv_device_of(handle)->temperature, call.now_s);
    return NVML_SUCCESS;
}

/* Shutdown, slowdown, memory, GPU; the acoustic ones are not of these boards. */
NV_EXPORT nvmlReturn_t nvmlDeviceGetTemperatureThreshold(nvmlDevice_t handle, unsigned which,
                                                         unsigned *celsius)
{
    NV_PHYSICAL(handle)
    static const unsigned threshold_c[] = {92, 89, 95, 85};
    NV_REQUIRE(celsius != NULL, NVML_ERROR_INVALID_ARGUMENT)
    NV_REQUIRE(which < sizeof(threshold_c) / sizeof(*threshold_c), NVML_ERROR_NOT_SUPPORTED)
    *celsius = threshold_c[which];
    return NVML_SUCCESS;
}

/* 0 graphics, 1 SM, 2 memory, 3 video */
static nvmlReturn_t clock_mhz(const struct nv_call *call, nvmlDevice_t handle, unsigned type, unsigned *mhz)
{
    const struct nv_device *d = nv_device_of(handle);
    NV_REQUIRE(mhz != NULL && type <= 3, NVML_ERROR_INVALID_ARGUMENT)
    const double sm_mhz = nv_curve_at(&d->clock_sm, call->now_s);
    *mhz = (unsigned)(type == 2   ? nv_curve_at(&d->clock_mem, call->now_s)
                      : type == 3 ? sm_mhz * d->clock_max_video / d->clock_max_sm
                                  : sm_mhz);
    return NVML_SUCCESS;
}

NV_EXPORT nvmlReturn_t nvmlDeviceGetClockInfo(nvmlDevice_t handle, unsigned type, unsigned *mhz)
{
    NV_PHYSICAL(handle)
    return clock_mhz(&call, handle, type, mhz);
}

NV_EXPORT nvmlReturn_t nvmlDeviceGetClock(nvmlDevice_t handle, unsigned type, unsigned which, unsigned *mhz)
{
    NV_PHYSICAL(handle)
    NV_REQUIRE(which == 0, NVML_ERROR_NOT_SUPPORTED) /* the current one */
    return clock_mhz(&call, handle, type, mhz);
}

NV_EXPORT nvmlReturn_t nvmlDeviceGetMaxClockInfo(nvmlDevice_t handle, unsigned type, unsigned *mhz)
{
    NV_PHYSICAL(handle)
    const struct nv_device *d = nv_device_of(handle);
    NV_REQUIRE(mhz != NULL && type <= 3, NVML_ERROR_INVALID_ARGUMENT)
    *mhz = (unsigned)(type == 2 ? d->clock_max_mem : type == 3 ? d->clock_max_video : d->clock_max_sm);
    return NVML_SUCCESS;
}

NV_EXPORT nvmlReturn_t nvmlDeviceGetPcieThroughput(nvmlDevice_t handle, unsigned counter, unsigned *kib_per_s)
{
    NV_PHYSICAL(handle)
    NV_REQUIRE(kib_per_s != NULL && counter <= 1, NVML_ERROR_INVALID_ARGUMENT)
    *kib_per_s =
        (unsigned)(counter == 0 ? nv_device_of(handle)->pcie_tx_kib : nv_device_of(handle)->pcie_rx_kib);
    return NVML_SUCCESS;
}

NV_EXPORT nvmlReturn_t nvmlDeviceGetEccMode(nvmlDevice_t handle, unsigned *current, unsigned *pending)
{
    NV_PHYSICAL(handle)
    NV_REQUIRE(current != NULL && pending != NULL, NVML_ERROR_INVALID_ARGUMENT)
    NV_REQUIRE(nv_device_of(handle)->ecc >= 0, NVML_ERROR_NOT_SUPPORTED)
    *current = *pending = nv_device_of(handle)->ecc > 0;
    return NVML_SUCCESS;
}

NV_EXPORT nvmlReturn_t nvmlDeviceGetTotalEccErrors(nvmlDevice_t handle, unsigned type, unsigned counter,
                                                   uint64_t *count)
{
    NV_PHYSICAL(handle)
    NV_REQUIRE(count != NULL && type <= 1 && counter <= 1, NVML_ERROR_INVALID_ARGUMENT)
    NV_REQUIRE(nv_device_of(handle)->ecc > 0, NVML_ERROR_NOT_SUPPORTED)
    *count =
        (uint64_t)(type == 0 ? nv_device_of(handle)->ecc_corrected : nv_device_of(handle)->ecc_uncorrected);
    return NVML_SUCCESS;
}

/* Kibibytes, protected and not. That drivers of the 535.54 time have it and no list of process details is
 * what tells some clients how wide the rows of _v3 are. */
NV_EXPORT nvmlReturn_t nvmlDeviceGetConfComputeMemSizeInfo(nvmlDevice_t handle, uint64_t ret_kib[2])
{
    NV_PHYSICAL(handle)
    NV_REQUIRE(ret_kib != NULL, NVML_ERROR_INVALID_ARGUMENT)
    ret_kib[0] = 0;
    ret_kib[1] = (uint64_t)(nv_device_of(handle)->memory_mib * 1024);
    return NVML_SUCCESS;
}

/* Driver models are Windows's. */
NV_EXPORT nvmlReturn_t nvmlDeviceGetDriverModel(nvmlDevice_t handle, unsigned *current, unsigned *pending)
{
    NV_ANY(handle)
    (void)current;
    (void)pending;
    return NVML_ERROR_NOT_SUPPORTED;
}

NV_EXPORT nvmlReturn_t nvmlDeviceGetDriverModel_v2(nvmlDevice_t handle, unsigned *current, unsigned *pending)
{
    NV_ANY(handle)
    (void)current;
    (void)pending;
    return NVML_ERROR_NOT_SUPPORTED;
}
