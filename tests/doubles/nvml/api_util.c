/* SPDX-License-Identifier: MIT */
/*
 * Utilisation. The driver samples once a period into a ring. Asked for what is newer than a time stamp it
 * gives one row per process that was busy since: the mean over these samples, in whole percent, stamped with
 * the last sample in which the process was busy. Asked with 0 it gives the mean over the whole ring.
 */
#include "scalar.h"

#include <math.h>
#include <string.h>

#define ROWS_MAX (NV_PROCESSES_MAX + NV_UTIL_ROWS_MAX)
/* What a driver says that its buffer holds, whatever lies in it. */
#define RING_ROWS 100

struct row {
    uint32_t pid, util[NV_ENGINES];
    uint64_t stamp_us;
};

static struct row rows[ROWS_MAX]; /* below the lock of the call */

static double percent(double ratio)
{
    return floor(100 * ratio + 0.5);
}

/* Utilisation of the last whole period. */
static double device_percent(nvmlDevice_t handle, enum nv_engine engine, double now_s)
{
    const double period_ms = nv_device_of(handle)->util_period_ms, last_s = nv_grid(now_s, period_ms);
    return percent(nv_device_busy(&nv_world, handle->device, engine, last_s - period_ms / 1000, last_s));
}

NV_EXPORT nvmlReturn_t nvmlDeviceGetUtilizationRates(nvmlDevice_t handle, nvmlUtilization_t *util)
{
    NV_PHYSICAL(handle)
    NV_REQUIRE(util != NULL, NVML_ERROR_INVALID_ARGUMENT)
    NV_REQUIRE(nv_device_of(handle)->mig <= 0, NVML_ERROR_NOT_SUPPORTED)
    util->gpu = (uint32_t)device_percent(handle, NV_SM, call.now_s);
    util->memory = (uint32_t)device_percent(handle, NV_MEM, call.now_s);
    return NVML_SUCCESS;
}

#define NV_ENGINE_UTIL(function, engine)                                                      \
    NV_EXPORT nvmlReturn_t function(nvmlDevice_t handle, unsigned *util, unsigned *period_us) \
    {                                                                                         \
        NV_PHYSICAL(handle)                                                                   \
        NV_REQUIRE(util != NULL && period_us != NULL, NVML_ERROR_INVALID_ARGUMENT)            \
        NV_REQUIRE(nv_device_of(handle)->mig <= 0, NVML_ERROR_NOT_SUPPORTED)                  \
        *util = (unsigned)device_percent(handle, engine, call.now_s);                         \
        *period_us = (unsigned)(nv_device_of(handle)->util_period_ms * 1000);                 \
        return NVML_SUCCESS;                                                                  \
    }

NV_ENGINE_UTIL(nvmlDeviceGetEncoderUtilization, NV_ENC)
NV_ENGINE_UTIL(nvmlDeviceGetDecoderUtilization, NV_DEC)
NV_ENGINE_UTIL(nvmlDeviceGetJpgUtilization, NV_JPG)
NV_ENGINE_UTIL(nvmlDeviceGetOfaUtilization, NV_OFA)

static double busy_s(const struct nv_process *process, double from_s, double to_s)
{
    double sum_s = 0;
    for (int engine = 0; engine < NV_ENGINES; engine++) {
        sum_s += nv_process_busy_s(process, (enum nv_engine)engine, from_s, to_s);
    }
    return sum_s;
}

static void add_process(size_t *count, const struct nv_process *process, double from_s, double to_s,
                        double period_s)
{
    if (busy_s(process, from_s, to_s) <= 0) {
        return;
    }
    double stamp_s = to_s;
    while (stamp_s - period_s > from_s && busy_s(process, stamp_s - period_s, stamp_s) <= 0) {
        stamp_s -= period_s;
    }
    struct row *row = &rows[(*count)++];
    const bool in_container = nv_world.pids_in_util == NV_PIDS_CONTAINER && process->now_container_pid > 0;
    row->pid = (uint32_t)(in_container ? process->now_container_pid : process->now_pid);
    row->stamp_us = nv_stamp_us(stamp_s);
    for (int engine = 0; engine < NV_ENGINES; engine++) {
        row->util[engine] = (uint32_t)percent(
            nv_process_busy_s(process, (enum nv_engine)engine, from_s, to_s) / (to_s - from_s));
    }
}

/* Rows beside the true ones: garbage, or what is long over. */
static void add_extra(size_t *count, size_t device, double now_s)
{
    for (size_t i = 0; i < nv_world.util_row_count; i++) {
        const struct nv_util_row *extra = &nv_world.util_row[i];
        if ((size_t)extra->device != device || now_s < extra->from_s || now_s >= extra->to_s) {
            continue;
        }
        struct row *row = &rows[(*count)++];
        *row =
            (struct row){.pid = (uint32_t)extra->pid, .stamp_us = nv_stamp_us(now_s - extra->age_ms / 1000)};
        for (int engine = 0; engine < NV_ENGINES; engine++) {
            row->util[engine] = (uint32_t)extra->util[engine];
        }
    }
}

static size_t collect(nvmlDevice_t handle, uint64_t last_seen_us, double now_s)
{
    const struct nv_device *d = nv_device_of(handle);
    const double period_s = d->util_period_ms / 1000, to_s = nv_grid(now_s, d->util_period_ms);
    double from_s = fmax(to_s - d->util_ring * period_s, 0);
    if (last_seen_us > 0 && nv_world.util_ignores_last_seen <= 0) {
        /* a hair ahead: stamps are rounded to microseconds */
        const double seen_s = now_s + ((double)last_seen_us + 2 - (double)nv_stamp_us(now_s)) / 1e6;
        from_s = fmax(from_s, nv_grid(seen_s, d->util_period_ms));
    }
    size_t count = 0;
    for (size_t i = 0; to_s - from_s > period_s / 2 && i < nv_world.process_count; i++) {
        if (nv_world.process[i].is_there && (size_t)nv_world.process[i].device == handle->device) {
            add_process(&count, &nv_world.process[i], from_s, to_s, period_s);
        }
    }
    add_extra(&count, handle->device, now_s);
    return count;
}

NV_EXPORT nvmlReturn_t nvmlDeviceGetProcessUtilization(nvmlDevice_t handle,
                                                       nvmlProcessUtilizationSample_t *samples,
                                                       unsigned *count, uint64_t last_seen_us)
{
    NV_PHYSICAL(handle)
    NV_REQUIRE(count != NULL, NVML_ERROR_INVALID_ARGUMENT)
    NV_REQUIRE(nv_device_of(handle)->mig <= 0, NVML_ERROR_NOT_SUPPORTED)
    const size_t there = collect(handle, last_seen_us, call.now_s);
    if (samples == NULL || *count == 0) {
        *count = there > RING_ROWS ? (unsigned)there : RING_ROWS;
        return NVML_ERROR_INSUFFICIENT_SIZE;
    }
    if (there == 0) {
        *count = 0;
        return NVML_ERROR_NOT_FOUND;
    }
    if (there > *count) {
        *count = (unsigned)there;
        return NVML_ERROR_INSUFFICIENT_SIZE;
    }
    for (size_t i = 0; i < there; i++) {
        samples[i] = (nvmlProcessUtilizationSample_t){rows[i].pid,          rows[i].stamp_us,
                                                      rows[i].util[NV_SM],  rows[i].util[NV_MEM],
                                                      rows[i].util[NV_ENC], rows[i].util[NV_DEC]};
    }
    *count = (unsigned)there;
    return NVML_SUCCESS;
}

NV_EXPORT nvmlReturn_t nvmlDeviceGetProcessesUtilizationInfo(nvmlDevice_t handle,
                                                             nvmlProcessesUtilizationInfo_v1_t *info)
{
    NV_PHYSICAL(handle)
    NV_REQUIRE(info != NULL, NVML_ERROR_INVALID_ARGUMENT)
    NV_REQUIRE(info->version == NVML_PROC_UTIL_V1, NVML_ERROR_ARGUMENT_VERSION_MISMATCH)
    NV_REQUIRE(nv_device_of(handle)->mig <= 0, NVML_ERROR_NOT_SUPPORTED)
    const size_t there = collect(handle, info->lastSeenTimeStamp, call.now_s);
    if (info->procUtilArray == NULL || info->processSamplesCount == 0 || there > info->processSamplesCount) {
        info->processSamplesCount = there > RING_ROWS ? (unsigned)there : RING_ROWS;
        return NVML_ERROR_INSUFFICIENT_SIZE;
    }
    info->processSamplesCount = (unsigned)there;
    for (size_t i = 0; i < there; i++) {
        info->procUtilArray[i] = (nvmlProcessUtilizationInfo_v1_t){
            rows[i].stamp_us,     rows[i].pid,          rows[i].util[NV_SM],  rows[i].util[NV_MEM],
            rows[i].util[NV_ENC], rows[i].util[NV_DEC], rows[i].util[NV_JPG], rows[i].util[NV_OFA]};
    }
    return there > 0 ? NVML_SUCCESS : NVML_ERROR_NOT_FOUND;
}
