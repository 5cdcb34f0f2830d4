/* SPDX-License-Identifier: MIT */
/* Lists of processes, in all the sizes of rows that drivers have written, and accounting. */
#include "call.h"

#include <math.h>
#include <string.h>

#define MIB 1048576.0

static unsigned long lists_given[NV_DEVICES_MAX];

static uint32_t id_of(double id)
{
    return id < 0 ? NVML_NO_INSTANCE : (uint32_t)id;
}

static uint32_t pid_of(const struct nv_process *process, enum nv_pid_view view)
{
    return (uint32_t)(view == NV_PIDS_CONTAINER && process->now_container_pid > 0 ? process->now_container_pid
                                                                                  : process->now_pid);
}

static bool belongs(const struct nv_process *process, nvmlDevice_t handle, const char *kinds, double now_s)
{
    if ((size_t)process->device != handle->device || strchr(kinds, process->kind) == NULL ||
        !nv_process_is_open(process, now_s) ||
        lists_given[handle->device] < (unsigned long)process->after_lists) {
        return false;
    }
    if (handle->instance < 0) {
        return true;
    }
    const struct nv_mig *mig = &nv_device_of(handle)->instance[handle->instance];
    return fabs(process->gi - mig->gi) < 0.5 && fabs(process->ci - mig->ci) < 0.5;
}

static nvmlProcessInfo_v3_t row_of(const struct nv_process *process)
{
    return (nvmlProcessInfo_v3_t){
        .pid = pid_of(process, nv_world.pids_in_lists),
        .usedGpuMemory = process->vram_mib < 0 ? NVML_NOT_AVAILABLE_U64 : (uint64_t)(process->vram_mib * MIB),
        .gpuInstanceId = id_of(process->gi),
        .computeInstanceId = id_of(process->ci),
        .usedGpuCcProtectedMemory = 0,
    };
}

/* Rows of `stride` bytes are the first so many of the widest one, whatever the caller's header says. */
static nvmlReturn_t list(const struct nv_call *call, nvmlDevice_t handle, const char *kinds, int version,
                         unsigned *count, void *ret)
{
    NV_REQUIRE(count != NULL, NVML_ERROR_INVALID_ARGUMENT)
    const size_t stride = (size_t)nv_world.stride[version];
    const size_t used = stride < sizeof(nvmlProcessInfo_v3_t) ? stride : sizeof(nvmlProcessInfo_v3_t);
    unsigned there = 0;
    for (size_t i = 0; i < nv_world.process_count; i++) {
        const struct nv_process *process = &nv_world.process[i];
        if (!belongs(process, handle, kinds, call->now_s)) {
            continue;
        }
        if (ret != NULL && there < *count) {
            const nvmlProcessInfo_v3_t row = row_of(process);
            memcpy((char *)ret + there * stride, &row, used);
        }
        there++;
    }
    const bool fits = there == 0 || (ret != NULL && there <= *count);
    *count = there;
    lists_given[handle->device]++;
    return fits ? NVML_SUCCESS : NVML_ERROR_INSUFFICIENT_SIZE;
}

#define NV_LIST(function, kinds, version)                                             \
    NV_EXPORT nvmlReturn_t function(nvmlDevice_t handle, unsigned *count, void *rows) \
    {                                                                                 \
        NV_ANY(handle)                                                                \
        return list(&call, handle, kinds, version, count, rows);                      \
    }

NV_LIST(nvmlDeviceGetComputeRunningProcesses, "C", 1)
NV_LIST(nvmlDeviceGetComputeRunningProcesses_v2, "C", 2)
NV_LIST(nvmlDeviceGetComputeRunningProcesses_v3, "C", 3)
NV_LIST(nvmlDeviceGetGraphicsRunningProcesses, "G", 1)
NV_LIST(nvmlDeviceGetGraphicsRunningProcesses_v2, "G", 2)
NV_LIST(nvmlDeviceGetGraphicsRunningProcesses_v3, "G", 3)
NV_LIST(nvmlDeviceGetMPSComputeRunningProcesses, "M", 1)
NV_LIST(nvmlDeviceGetMPSComputeRunningProcesses_v2, "M", 2)
NV_LIST(nvmlDeviceGetMPSComputeRunningProcesses_v3, "M", 3)

/* The versioned successor: its rows are always the wide ones. Modes: 0 compute, 1 graphics, 2 MPS. */
NV_EXPORT nvmlReturn_t nvmlDeviceGetRunningProcessDetailList(nvmlDevice_t handle,
                                                             nvmlProcessDetailList_t *detail)
{
    NV_ANY(handle)
    static const char *const kinds[] = {"C", "G", "M"};
    NV_REQUIRE(detail != NULL, NVML_ERROR_INVALID_ARGUMENT)
    NV_REQUIRE(detail->version == NVML_PROC_DETAIL_V1, NVML_ERROR_ARGUMENT_VERSION_MISMATCH)
    NV_REQUIRE(detail->mode < 3, NVML_ERROR_INVALID_ARGUMENT)
    const double stride = nv_world.stride[0];
    nv_world.stride[0] = sizeof(nvmlProcessInfo_v3_t);
    const nvmlReturn_t code =
        list(&call, handle, kinds[detail->mode], 0, &detail->numProcArrayEntries, detail->procArray);
    nv_world.stride[0] = stride;
    return code;
}

/* Accounting: what processes used over their lives, also after their end. */
static bool accounts(nvmlDevice_t handle)
{
    return nv_device_of(handle)->accounting > 0 && nv_device_of(handle)->mig <= 0;
}

NV_EXPORT nvmlReturn_t nvmlDeviceGetAccountingMode(nvmlDevice_t handle, unsigned *mode)
{
    NV_ANY(handle)
    NV_REQUIRE(mode != NULL, NVML_ERROR_INVALID_ARGUMENT)
    NV_REQUIRE(nv_device_of(handle)->mig <= 0, NVML_ERROR_NOT_SUPPORTED)
    *mode = accounts(handle);
    return NVML_SUCCESS;
}

NV_EXPORT nvmlReturn_t nvmlDeviceGetAccountingBufferSize(nvmlDevice_t handle, unsigned *size)
{
    NV_ANY(handle)
    NV_REQUIRE(size != NULL, NVML_ERROR_INVALID_ARGUMENT)
    NV_REQUIRE(nv_device_of(handle)->mig <= 0, NVML_ERROR_NOT_SUPPORTED)
    *size = 4000;
    return NVML_SUCCESS;
}

NV_EXPORT nvmlReturn_t nvmlDeviceGetAccountingPids(nvmlDevice_t handle, unsigned *count, unsigned *pids)
{
    NV_ANY(handle)
    NV_REQUIRE(count != NULL, NVML_ERROR_INVALID_ARGUMENT)
    NV_REQUIRE(accounts(handle), NVML_ERROR_NOT_SUPPORTED)
    unsigned there = 0;
    for (size_t i = 0; i < nv_world.process_count; i++) {
        const struct nv_process *process = &nv_world.process[i];
        if ((size_t)process->device != handle->device || !process->is_there ||
            process->now_start_s > call.now_s) {
            continue;
        }
        if (pids != NULL && there < *count) {
            pids[there] = pid_of(process, NV_PIDS_HOST);
        }
        there++;
    }
    const bool fits = pids != NULL && there <= *count;
    *count = there;
    return fits ? NVML_SUCCESS : NVML_ERROR_INSUFFICIENT_SIZE;
}

NV_EXPORT nvmlReturn_t nvmlDeviceGetAccountingStats(nvmlDevice_t handle, unsigned pid,
                                                    nvmlAccountingStats_t *stats)
{
    NV_ANY(handle)
    NV_REQUIRE(stats != NULL, NVML_ERROR_INVALID_ARGUMENT)
    NV_REQUIRE(accounts(handle), NVML_ERROR_NOT_SUPPORTED)
    for (size_t i = 0; i < nv_world.process_count; i++) {
        const struct nv_process *process = &nv_world.process[i];
        if ((size_t)process->device != handle->device || !process->is_there ||
            process->now_start_s > call.now_s || pid_of(process, NV_PIDS_HOST) != pid) {
            continue;
        }
        const double from_s = process->now_start_s, to_s = fmin(call.now_s, process->now_end_s);
        const double life_s = fmax(to_s - from_s, 1e-6);
        *stats = (nvmlAccountingStats_t){
            .gpuUtilization =
                (uint32_t)(100 * nv_process_busy_s(process, NV_SM, from_s, to_s) / life_s + 0.5),
            .memoryUtilization =
                (uint32_t)(100 * nv_process_busy_s(process, NV_MEM, from_s, to_s) / life_s + 0.5),
            .maxMemoryUsage = (uint64_t)(fmax(process->vram_mib, 0) * MIB),
            .time = call.now_s < process->now_end_s ? 0 : (uint64_t)(life_s * 1000),
            .startTime = nv_stamp_us(from_s),
            .isRunning = call.now_s < process->now_end_s,
        };
        return NVML_SUCCESS;
    }
    return NVML_ERROR_NOT_FOUND;
}
