/* SPDX-License-Identifier: MIT */
/* Power, energy, their field values, and the ring of samples. */
#include "scalar.h"

#include <math.h>
#include <stdio.h>

#define MW_PER_W   1000.0
#define US_PER_S   1e6
#define LATENCY_US 10

static double rounded_mw(double watts)
{
    return floor(watts * MW_PER_W + 0.5);
}

/* As nvml.h tells: the mean of a second on Ampere and later, but for GA100; else the moment. */
static double usage_w(const struct nv_device *d, nvmlDevice_t handle, double now_s)
{
    return nv_power_mean_w(&nv_world, handle->device, now_s, d->power_mean_ms / 1000);
}

static uint64_t energy_mj(nvmlDevice_t handle, double now_s)
{
    double stamp_s;
    return nv_counter_mj(&nv_world, handle->device, now_s, &stamp_s);
}

NV_SCALAR(nvmlDeviceGetTotalEnergyConsumption, uint64_t, d->energy > 0, energy_mj(handle, call.now_s))
NV_SCALAR(nvmlDeviceGetPowerUsage, unsigned, true, rounded_mw(usage_w(d, handle, call.now_s)))
NV_SCALAR(nvmlDeviceGetEnforcedPowerLimit, unsigned, true, rounded_mw(d->limit_w))
NV_SCALAR(nvmlDeviceGetPowerManagementLimit, unsigned, true, rounded_mw(d->limit_requested_w))
NV_SCALAR(nvmlDeviceGetPowerManagementDefaultLimit, unsigned, true, rounded_mw(d->limit_default_w))
NV_SCALAR(nvmlDeviceGetPowerManagementMode, unsigned, true, 1)
NV_SCALAR(nvmlDeviceGetPowerSource, unsigned, true, 0)

NV_EXPORT nvmlReturn_t nvmlDeviceGetPowerManagementLimitConstraints(nvmlDevice_t handle, unsigned *min_mw,
                                                                    unsigned *max_mw)
{
    NV_PHYSICAL(handle)
    NV_REQUIRE(min_mw != NULL && max_mw != NULL, NVML_ERROR_INVALID_ARGUMENT)
    *min_mw = (unsigned)rounded_mw(nv_device_of(handle)->limit_min_w);
    *max_mw = (unsigned)rounded_mw(nv_device_of(handle)->limit_max_w);
    return NVML_SUCCESS;
}

/* Power of a scope; NAN where the driver does not tell it. */
static double scope_w(nvmlDevice_t handle, uint32_t scope, double now_s, double mean_s)
{
    const struct nv_device *d = nv_device_of(handle);
    const double gpu_w = nv_power_mean_w(&nv_world, handle->device, now_s, mean_s);
    switch (scope) {
    case NVML_POWER_SCOPE_GPU:
        return d->gpu_scope > 0 ? gpu_w : (double)NAN;
    case NVML_POWER_SCOPE_MODULE: /* GPU and CPU of Grace Hopper */
        return d->module_w >= 0 ? gpu_w + d->module_w : (double)NAN;
    case NVML_POWER_SCOPE_MEMORY:
        return d->memory_w >= 0 ? d->memory_w : (double)NAN;
    default:
        return (double)NAN;
    }
}

static void set_mw(nvmlFieldValue_t *field, double watts)
{
    field->valueType = NVML_VALUE_U32;
    field->nvmlReturn = isnan(watts) ? NVML_ERROR_NOT_SUPPORTED : NVML_SUCCESS;
    field->value.uiVal = isnan(watts) ? 0 : (uint32_t)rounded_mw(watts);
}

static void fill_energy(nvmlFieldValue_t *field, nvmlDevice_t handle, double now_s, double *ret_stamp_s)
{
    field->valueType = NVML_VALUE_U64;
    if (nv_device_of(handle)->energy <= 0 || field->scopeId != NVML_POWER_SCOPE_GPU) {
        field->nvmlReturn = NVML_ERROR_NOT_SUPPORTED;
        return;
    }
    field->value.ullVal = nv_counter_mj(&nv_world, handle->device, now_s, ret_stamp_s);
}

static void fill_field(nvmlFieldValue_t *field, nvmlDevice_t handle, double now_s)
{
    const struct nv_device *d = nv_device_of(handle);
    double stamp_s = nv_grid(now_s, d->power_period_ms);
    char name[32];
    snprintf(name, sizeof(name), "field:%u", field->fieldId);
    field->value.ullVal = 0;
    field->latencyUsec = LATENCY_US;
    field->nvmlReturn = nv_fault(name, (int)handle->device, true, now_s);
    if (field->nvmlReturn == NVML_SUCCESS) {
        switch (field->fieldId) {
        case NVML_FI_DEV_TOTAL_ENERGY_CONSUMPTION:
        case NVML_FI_DEV_ENERGY:
            fill_energy(field, handle, now_s, &stamp_s);
            break;
        case NVML_FI_DEV_POWER_AVERAGE:
            set_mw(field, d->power_mean_ms > 0 ? scope_w(handle, field->scopeId, now_s, 1) : (double)NAN);
            break;
        case NVML_FI_DEV_POWER_INSTANT:
            set_mw(field, scope_w(handle, field->scopeId, now_s, 0));
            break;
        case NVML_FI_DEV_POWER_MIN_LIMIT:
            set_mw(field, d->limit_min_w);
            break;
        case NVML_FI_DEV_POWER_MAX_LIMIT:
            set_mw(field, d->limit_max_w);
            break;
        case NVML_FI_DEV_POWER_DEFAULT_LIMIT:
            set_mw(field, d->limit_default_w);
            break;
        case NVML_FI_DEV_POWER_CURRENT_LIMIT:
            set_mw(field, d->limit_w);
            break;
        case NVML_FI_DEV_POWER_REQUESTED_LIMIT:
            set_mw(field, d->limit_requested_w);
            break;
        default:
            field->nvmlReturn = NVML_ERROR_NOT_SUPPORTED;
        }
    }
    field->timestamp = (int64_t)nv_stamp_us(d->field_stamp_query > 0 ? now_s : stamp_s);
}

NV_EXPORT nvmlReturn_t nvmlDeviceGetFieldValues(nvmlDevice_t handle, int count, nvmlFieldValue_t *fields)
{
    NV_PHYSICAL(handle)
    NV_REQUIRE(fields != NULL && count > 0, NVML_ERROR_INVALID_ARGUMENT)
    for (int i = 0; i < count; i++) {
        fill_field(&fields[i], handle, call.now_s);
    }
    return NVML_SUCCESS;
}

/* One sample of a type at a moment; NAN where the type is not there. Utilisation is that of its own period.
 */
static double sample_at(nvmlDevice_t handle, unsigned type, double t_s, double period_s)
{
    const struct nv_device *d = nv_device_of(handle);
    switch (type) {
    case NVML_TOTAL_POWER_SAMPLES:
        return rounded_mw(nv_power_instant_w(&nv_world, handle->device, t_s));
    case NVML_MODULE_POWER_SAMPLES:
        return d->module_w >= 0 ? rounded_mw(scope_w(handle, NVML_POWER_SCOPE_MODULE, t_s, 0)) : (double)NAN;
    case NVML_GPU_UTILIZATION_SAMPLES:
    case NVML_MEMORY_UTILIZATION_SAMPLES:
    case NVML_ENC_UTILIZATION_SAMPLES:
    case NVML_DEC_UTILIZATION_SAMPLES:
        return d->mig > 0 ? (double)NAN
                          : floor(100 * nv_device_busy(&nv_world, handle->device,
                                                       (enum nv_engine)(type - NVML_GPU_UTILIZATION_SAMPLES),
                                                       t_s - period_s, t_s) +
                                  0.5);
    default:
        return (double)NAN;
    }
}

NV_EXPORT nvmlReturn_t nvmlDeviceGetSamples(nvmlDevice_t handle, unsigned type, uint64_t last_seen_us,
                                            unsigned *value_type, unsigned *count, nvmlSample_t *samples)
{
    NV_PHYSICAL(handle)
    NV_REQUIRE(value_type != NULL && count != NULL, NVML_ERROR_INVALID_ARGUMENT)
    const struct nv_device *d = nv_device_of(handle);
    const bool is_power = type == NVML_TOTAL_POWER_SAMPLES || type == NVML_MODULE_POWER_SAMPLES;
    const double period_ms = is_power ? d->sample_period_ms : d->util_period_ms;
    const double last_s = nv_grid(call.now_s, period_ms);
    const unsigned ring = (unsigned)(is_power ? d->sample_ring : d->util_ring);
    NV_REQUIRE(!isnan(sample_at(handle, type, last_s, period_ms / 1000)), NVML_ERROR_NOT_SUPPORTED)
    *value_type = NVML_VALUE_U32;
    if (samples == NULL) {
        *count = ring;
        return NVML_SUCCESS;
    }
    unsigned given = 0;
    for (unsigned i = ring; i-- > 0 && given < *count;) {
        const double t_s = last_s - i * period_ms / 1000;
        const uint64_t stamp_us = nv_stamp_us(t_s);
        if (t_s > 0 && stamp_us > last_seen_us + 1) { /* + 1: stamps are rounded */
            samples[given].timeStamp = stamp_us;
            samples[given].sampleValue.ullVal = 0;
            samples[given++].sampleValue.uiVal = (uint32_t)sample_at(handle, type, t_s, period_ms / 1000);
        }
    }
    *count = given;
    return given > 0 ? NVML_SUCCESS : NVML_ERROR_NOT_FOUND;
}
