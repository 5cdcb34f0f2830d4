/* SPDX-License-Identifier: MIT */
/*
 * Energy by the time stamps of utilisation. The driver tells who used a device up to its last sample of that,
 * 1/6 to 1 s ago, and the counter stands for other moments. So energy is kept as a curve, a slice goes from
 * one sample to a later one, and what the curve says of it is divided by the weights of just that slice.
 */
#include "gpu/nvml_impl.h"

#include "base/mem.h"

#include <math.h>
#include <string.h>

#define STEP_MIN_NS  (5 * ECO_NS_PER_MS)
#define SAMPLES_READ 256u

/* ---- the curve ---- */

/* What nobody saw is in no slice: it begins anew, and what was used meanwhile is divided by none. */
static void begin_anew(struct nvml_device *device, uint64_t at_ns, uint64_t energy_uj)
{
    struct nvml_slices *slices = &device->slices;
    slices->point_count = 1;
    slices->points[0].at_ns = slices->divided_ns = at_ns;
    slices->points[0].energy_uj = slices->divided_uj = energy_uj;
    for (size_t i = 0; i < device->use_count; i++)
        device->uses[i].sliced_ns = device->uses[i].weight_ns;
}

void eco_nvml_slices_energy(struct nvml_device *device)
{
    struct nvml_slices *slices = &device->slices;
    const struct eco_gpu_state *state = &device->state;
    if (!(state->fields & ECO_GPU_HAS_ENERGY))
        return;
    /* A mean of the last second is of half a second ago. */
    uint64_t at_ns = state->valid_from_ns + (state->valid_to_ns - state->valid_from_ns) / 2;
    size_t count = slices->point_count;
    if (count == 0 || (state->fields & ECO_GPU_REBASED) ||
        state->energy_uj < slices->points[count - 1].energy_uj) {
        begin_anew(device, at_ns, state->energy_uj);
        return;
    }
    if (at_ns <= slices->points[count - 1].at_ns)
        return;
    if (count == NVML_POINTS_MAX)
        memmove(slices->points, slices->points + 1, --count * sizeof *slices->points);
    slices->points[count].at_ns = at_ns;
    slices->points[count].energy_uj = state->energy_uj;
    slices->point_count = count + 1;
}

/* Energy at a moment that is not later than the newest point. */
static uint64_t energy_at(const struct nvml_slices *slices, uint64_t at_ns)
{
    size_t i = slices->point_count - 1;
    while (i > 0 && slices->points[i - 1].at_ns >= at_ns)
        i--;
    if (i == 0 || slices->points[i].at_ns <= at_ns)
        return slices->points[i].energy_uj;
    uint64_t from_ns = slices->points[i - 1].at_ns, from_uj = slices->points[i - 1].energy_uj;
    double part = (double)(at_ns - from_ns) / (double)(slices->points[i].at_ns - from_ns);
    return from_uj + (uint64_t)(part * (double)(slices->points[i].energy_uj - from_uj));
}

static void forget_points(struct nvml_slices *slices)
{
    size_t old = 0;
    while (old + 1 < slices->point_count && slices->points[old + 1].at_ns <= slices->divided_ns)
        old++;
    memmove(slices->points, slices->points + old, (slices->point_count - old) * sizeof *slices->points);
    slices->point_count -= old;
}

/* ---- slices ---- */

void eco_nvml_slices_used(struct nvml_device *device, uint64_t used_ns)
{
    if (used_ns > device->slices.used_ns)
        device->slices.used_ns = used_ns;
}

/*
 * Uses are of the whole of what has come since the last slice: where the counter stands for a while, several
 * samples are one slice.
 */
static void close_at(struct nvml_device *device, uint64_t until_ns)
{
    struct nvml_slices *slices = &device->slices;
    uint64_t energy_uj = energy_at(slices, until_ns);
    double sum_ns = 0, slice_uj = (double)(energy_uj - slices->divided_uj);
    double slice_ns = (double)(until_ns - slices->divided_ns);
    for (size_t i = 0; i < device->use_count; i++)
        sum_ns += (double)(device->uses[i].weight_ns - device->uses[i].sliced_ns);
    for (size_t i = 0; i < device->use_count; i++) {
        struct nvml_use *use = &device->uses[i];
        double part = sum_ns > 0 ? (double)(use->weight_ns - use->sliced_ns) / sum_ns : 0;
        use->energy_uj += slice_uj * part;
        use->span_ns += slice_ns * part;
        use->sliced_ns = use->weight_ns;
    }
    slices->divided_ns = until_ns;
    slices->divided_uj = energy_uj;
    slices->is_on = true;
    forget_points(slices);
}

void eco_nvml_slices_close(struct nvml_device *device, bool is_last)
{
    struct nvml_slices *slices = &device->slices;
    struct eco_gpu_state *state = &device->state;
    if (slices->point_count == 0 || slices->used_ns == 0)
        return;
    uint64_t until_ns = slices->used_ns, newest_ns = slices->points[slices->point_count - 1].at_ns;
    if (is_last && until_ns > newest_ns)
        until_ns = newest_ns;
    if (until_ns > slices->divided_ns && until_ns <= newest_ns)
        close_at(device, until_ns);
    state->fields &= ~(uint32_t)ECO_GPU_HAS_DIVIDED;
    if (!slices->is_on || !(state->fields & ECO_GPU_HAS_ENERGY))
        return;
    state->fields |= ECO_GPU_HAS_DIVIDED;
    state->divided_ns = slices->divided_ns;
    state->divided_uj = slices->divided_uj;
}

/* ---- the samples' period ---- */

void eco_nvml_slices_stamp(struct nvml_device *device, uint64_t stamp_us)
{
    uint64_t before_us = device->util_stamp_us;
    if (stamp_us <= before_us)
        return;
    uint64_t step_ns = (stamp_us - before_us) * ECO_NS_PER_US;
    if (before_us > 0 && step_ns >= STEP_MIN_NS &&
        (device->util_step_ns == 0 || step_ns < device->util_step_ns))
        device->util_step_ns = step_ns;
    device->util_stamp_us = stamp_us;
}

/* The driver's own list of samples tells it before there is anybody to be told of. */
void eco_nvml_slices_learn(struct nvml *self, struct nvml_device *device)
{
    unsigned count = SAMPLES_READ;
    int type = NVML_TYPE_U32;
    if (!self->lib.samples ||
        eco_grow((void **)&self->samples, &self->sample_capacity, SAMPLES_READ, (size_t)NVML_ROWS_MAX * 4,
                 sizeof *self->samples) < 0 ||
        self->lib.samples(device->handle, NVML_SAMPLES_UTILIZATION, 0, &type, &count, self->samples) !=
            NVML_SUCCESS)
        return;
    for (unsigned i = 0; i < count && i < SAMPLES_READ; i++)
        eco_nvml_slices_stamp(device, self->samples[i].timestamp_us);
    device->util_stamp_us = 0; /* those of processes may lie elsewhere */
}
