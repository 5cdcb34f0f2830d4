/* SPDX-License-Identifier: MIT */
/* Parts of a device (MIG), and the activity counters of Hopper and later (GPM). */
#include "call.h"

#include <math.h>
#include <stdlib.h>

struct nvml_gpm_sample_data {
    double t_s;
    size_t device;
    double gi; /* negative: the whole device */
    bool is_set;
};

NV_EXPORT nvmlReturn_t nvmlDeviceGetMigMode(nvmlDevice_t handle, unsigned *current, unsigned *pending)
{
    NV_PHYSICAL(handle)
    NV_REQUIRE(current != NULL && pending != NULL, NVML_ERROR_INVALID_ARGUMENT)
    const struct nv_device *d = nv_device_of(handle);
    NV_REQUIRE(d->is_ga100 || d->arch_number >= 9, NVML_ERROR_NOT_SUPPORTED)
    *current = *pending = d->mig > 0;
    return NVML_SUCCESS;
}

NV_EXPORT nvmlReturn_t nvmlDeviceGetMaxMigDeviceCount(nvmlDevice_t handle, unsigned *count)
{
    NV_PHYSICAL(handle)
    NV_REQUIRE(count != NULL, NVML_ERROR_INVALID_ARGUMENT)
    *count = nv_device_of(handle)->is_ga100 || nv_device_of(handle)->arch_number >= 9 ? 7 : 0;
    return NVML_SUCCESS;
}

NV_EXPORT nvmlReturn_t nvmlDeviceGetMigDeviceHandleByIndex(nvmlDevice_t handle, unsigned index,
                                                           nvmlDevice_t *ret)
{
    NV_PHYSICAL(handle)
    NV_REQUIRE(ret != NULL && index < NV_MIG_MAX, NVML_ERROR_INVALID_ARGUMENT)
    NV_REQUIRE(index < nv_device_of(handle)->instance_count, NVML_ERROR_NOT_FOUND)
    *ret = &nv_mig_handle[handle->device][index];
    return NVML_SUCCESS;
}

NV_EXPORT nvmlReturn_t nvmlDeviceGetDeviceHandleFromMigDeviceHandle(nvmlDevice_t handle, nvmlDevice_t *ret)
{
    NV_ANY(handle)
    NV_REQUIRE(ret != NULL && handle->instance >= 0, NVML_ERROR_INVALID_ARGUMENT)
    *ret = &nv_device_handle[handle->device];
    return NVML_SUCCESS;
}

NV_EXPORT nvmlReturn_t nvmlDeviceIsMigDeviceHandle(nvmlDevice_t handle, unsigned *is_mig)
{
    NV_ANY(handle)
    NV_REQUIRE(is_mig != NULL, NVML_ERROR_INVALID_ARGUMENT)
    *is_mig = handle->instance >= 0;
    return NVML_SUCCESS;
}

NV_EXPORT nvmlReturn_t nvmlDeviceGetGpuInstanceId(nvmlDevice_t handle, unsigned *id)
{
    NV_ANY(handle)
    NV_REQUIRE(id != NULL, NVML_ERROR_INVALID_ARGUMENT)
    NV_REQUIRE(handle->instance >= 0, NVML_ERROR_NOT_SUPPORTED)
    *id = (unsigned)nv_device_of(handle)->instance[handle->instance].gi;
    return NVML_SUCCESS;
}

NV_EXPORT nvmlReturn_t nvmlDeviceGetComputeInstanceId(nvmlDevice_t handle, unsigned *id)
{
    NV_ANY(handle)
    NV_REQUIRE(id != NULL, NVML_ERROR_INVALID_ARGUMENT)
    NV_REQUIRE(handle->instance >= 0, NVML_ERROR_NOT_SUPPORTED)
    *id = (unsigned)nv_device_of(handle)->instance[handle->instance].ci;
    return NVML_SUCCESS;
}

static nvmlReturn_t attributes(nvmlDevice_t handle, nvmlDeviceAttributes_t *ret)
{
    NV_REQUIRE(ret != NULL, NVML_ERROR_INVALID_ARGUMENT)
    NV_REQUIRE(handle->instance >= 0, NVML_ERROR_NOT_SUPPORTED)
    const struct nv_mig *mig = &nv_device_of(handle)->instance[handle->instance];
    *ret = (nvmlDeviceAttributes_t){.multiprocessorCount = (uint32_t)mig->multiprocessors,
                                    .sharedCopyEngineCount = 1,
                                    .gpuInstanceSliceCount = (uint32_t)mig->gi_slices,
                                    .computeInstanceSliceCount = (uint32_t)mig->ci_slices,
                                    .memorySizeMB = (uint64_t)mig->memory_mib};
    return NVML_SUCCESS;
}

NV_EXPORT nvmlReturn_t nvmlDeviceGetAttributes(nvmlDevice_t handle, nvmlDeviceAttributes_t *ret)
{
    NV_ANY(handle)
    return attributes(handle, ret);
}

NV_EXPORT nvmlReturn_t nvmlDeviceGetAttributes_v2(nvmlDevice_t handle, nvmlDeviceAttributes_t *ret)
{
    NV_ANY(handle)
    return attributes(handle, ret);
}

NV_EXPORT nvmlReturn_t nvmlGpmQueryDeviceSupport(nvmlDevice_t handle, nvmlGpmSupport_t *support)
{
    NV_ANY(handle)
    NV_REQUIRE(support != NULL, NVML_ERROR_INVALID_ARGUMENT)
    NV_REQUIRE(support->version == 1, NVML_ERROR_ARGUMENT_VERSION_MISMATCH)
    support->isSupportedDevice = nv_device_of(handle)->gpm > 0;
    return NVML_SUCCESS;
}

NV_EXPORT nvmlReturn_t nvmlGpmSampleAlloc(struct nvml_gpm_sample_data **ret)
{
    NV_BEGIN(NV_NEEDS_INIT, NULL)
    NV_REQUIRE(ret != NULL, NVML_ERROR_INVALID_ARGUMENT)
    *ret = calloc(1, sizeof(**ret));
    return *ret != NULL ? NVML_SUCCESS : NVML_ERROR_MEMORY;
}

NV_EXPORT nvmlReturn_t nvmlGpmSampleFree(struct nvml_gpm_sample_data *sample)
{
    NV_BEGIN(NV_NEEDS_NOTHING, NULL)
    NV_REQUIRE(sample != NULL, NVML_ERROR_INVALID_ARGUMENT)
    free(sample);
    return NVML_SUCCESS;
}

static nvmlReturn_t take(const struct nv_call *call, nvmlDevice_t handle, double gi,
                         struct nvml_gpm_sample_data *sample)
{
    NV_REQUIRE(sample != NULL, NVML_ERROR_INVALID_ARGUMENT)
    NV_REQUIRE(nv_device_of(handle)->gpm > 0, NVML_ERROR_NOT_SUPPORTED)
    *sample =
        (struct nvml_gpm_sample_data){.t_s = call->now_s, .device = handle->device, .gi = gi, .is_set = true};
    return NVML_SUCCESS;
}

NV_EXPORT nvmlReturn_t nvmlGpmSampleGet(nvmlDevice_t handle, struct nvml_gpm_sample_data *sample)
{
    NV_PHYSICAL(handle)
    return take(&call, handle, -1, sample);
}

NV_EXPORT nvmlReturn_t nvmlGpmMigSampleGet(nvmlDevice_t handle, unsigned gi,
                                           struct nvml_gpm_sample_data *sample)
{
    NV_PHYSICAL(handle)
    const struct nv_device *d = nv_device_of(handle);
    for (size_t i = 0; i < d->instance_count; i++) {
        if (fabs(d->instance[i].gi - gi) < 0.5) {
            return take(&call, handle, gi, sample);
        }
    }
    return NVML_ERROR_NOT_FOUND;
}

/* Mean utilisation between two samples: of the device, or of one GPU instance as a share of that instance. */
static double activity(const struct nvml_gpm_sample_data *a, const struct nvml_gpm_sample_data *b,
                       enum nv_engine engine)
{
    double sum_s = 0;
    for (size_t i = 0; i < nv_world.process_count; i++) {
        const struct nv_process *process = &nv_world.process[i];
        if ((size_t)process->device == a->device && (a->gi < 0 || fabs(process->gi - a->gi) < 0.5)) {
            sum_s += nv_process_busy_s(process, engine, a->t_s, b->t_s);
        }
    }
    return fmin(sum_s / (b->t_s - a->t_s), 1);
}

static void set_metric(nvmlGpmMetric_t *metric, const struct nvml_gpm_sample_data *a,
                       const struct nvml_gpm_sample_data *b)
{
    metric->nvmlReturn = NVML_SUCCESS;
    metric->unit = "%";
    switch (metric->metricId) {
    case NVML_GPM_GRAPHICS_UTIL:
        metric->shortName = metric->longName = "Graphics Engine Utilization";
        metric->value = 100 * activity(a, b, NV_SM);
        break;
    case NVML_GPM_SM_UTIL:
        metric->shortName = metric->longName = "SM Utilization";
        metric->value = 100 * activity(a, b, NV_SM);
        break;
    case NVML_GPM_DRAM_BW_UTIL:
        metric->shortName = metric->longName = "DRAM Bandwidth Utilization";
        metric->value = 100 * activity(a, b, NV_MEM);
        break;
    default:
        metric->nvmlReturn = NVML_ERROR_NOT_SUPPORTED;
    }
}

NV_EXPORT nvmlReturn_t nvmlGpmMetricsGet(nvmlGpmMetricsGet_t *get)
{
    NV_BEGIN(NV_NEEDS_INIT, NULL)
    NV_REQUIRE(get != NULL, NVML_ERROR_INVALID_ARGUMENT)
    NV_REQUIRE(get->version == 1, NVML_ERROR_ARGUMENT_VERSION_MISMATCH)
    const struct nvml_gpm_sample_data *a = (void *)get->sample1, *b = (void *)get->sample2;
    NV_REQUIRE(a != NULL && b != NULL && a->is_set && b->is_set && b->t_s > a->t_s && a->device == b->device,
               NVML_ERROR_INVALID_ARGUMENT)
    for (uint32_t i = 0; i < get->numMetrics; i++) {
        set_metric(&get->metrics[i], a, b);
    }
    return NVML_SUCCESS;
}
