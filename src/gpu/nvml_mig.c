/* SPDX-License-Identifier: MIT */
/*
 * MIG: one board cut into instances. Energy is the board's alone, and utilisation per process does not exist.
 * A process weighs what its instance weighs: its activity where the driver has it (GPM, Hopper and later)
 * times its slices; those in one instance share equally. Always marked as split.
 */
#include "gpu/nvml_impl.h"

#include "base/mem.h"
#include "base/text.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define SLICES_DEFAULT 7u /* of a whole device; A30: 4 */
#define SLICES_A30     4u
#define SCAN_MAX       16u
#define GPM_GAP_NS     NVML_ASKED_GAP_NS

static int32_t index_of(const struct nvml_device *device, const struct nvml_instance *instance)
{
    return (device->facts.index + 1) * 256 + (int32_t)(instance->gpu_instance % 32 * 8) +
           (int32_t)(instance->compute_instance % 8);
}

int32_t eco_nvml_mig_index(const struct nvml_device *device, uint32_t gpu_instance, uint32_t compute_instance)
{
    const struct nvml_instance *found = NULL;
    for (size_t i = 0; i < device->instance_count; i++) {
        const struct nvml_instance *instance = &device->instances[i];
        if (instance->gpu_instance != gpu_instance)
            continue;
        if (!found || instance->compute_instance == compute_instance)
            found = instance;
    }
    return found ? found->facts.index : device->facts.index;
}

static void free_samples(struct nvml *self, struct nvml_instance *instance)
{
    for (size_t i = 0; i < ECO_COUNT(instance->samples); i++) {
        if (instance->samples[i] && self->lib.gpm_free)
            (void)self->lib.gpm_free(instance->samples[i]);
        instance->samples[i] = NULL;
    }
}

void eco_nvml_mig_free(struct nvml *self, struct nvml_device *device)
{
    for (size_t i = 0; i < device->instance_count; i++)
        free_samples(self, &device->instances[i]);
    device->instance_count = 0;
}

/* ---- which instances ---- */

static void ask_instance(struct nvml *self, struct nvml_device *device, struct nvml_instance *instance)
{
    const struct nvml_library *lib = &self->lib;
    struct eco_gpu_device *facts = &instance->facts;
    struct nvml_attributes attributes;
    uint64_t used;
    if (!lib->gpu_instance ||
        !eco_nvml_note(self, device, lib->gpu_instance(instance->handle, &instance->gpu_instance), 0))
        instance->gpu_instance = NVML_NO_INSTANCE;
    if (!lib->compute_instance ||
        !eco_nvml_note(self, device, lib->compute_instance(instance->handle, &instance->compute_instance), 0))
        instance->compute_instance = 0;
    *facts = device->facts;
    facts->parent = device->facts.index;
    facts->index = index_of(device, instance);
    facts->memory_bytes = 0;
    facts->name[0] = facts->uuid[0] = '\0';
    if (lib->name)
        (void)eco_nvml_note(self, device, lib->name(instance->handle, facts->name, sizeof facts->name), 0);
    if (lib->uuid)
        (void)eco_nvml_note(self, device, lib->uuid(instance->handle, facts->uuid, sizeof facts->uuid), 0);
    facts->name[sizeof facts->name - 1] = facts->uuid[sizeof facts->uuid - 1] = '\0';
    if (lib->attributes && eco_nvml_note(self, device, lib->attributes(instance->handle, &attributes), 0)) {
        instance->slices = attributes.compute_instance_slices ? attributes.compute_instance_slices
                                                              : attributes.gpu_instance_slices;
        facts->memory_bytes = attributes.memory_mb << 20;
    }
    if (facts->memory_bytes == 0)
        (void)eco_nvml_memory_read(self, device, instance->handle, &used, &facts->memory_bytes);
    if (instance->slices == 0)
        instance->slices = 1;
    facts->slices = instance->slices;
    instance->activity = ECO_NAN;
}

static size_t list_handles(struct nvml *self, struct nvml_device *device, struct nvml_handle **ret,
                           size_t capacity)
{
    const struct nvml_library *lib = &self->lib;
    unsigned current = 0, pending = 0, most = 0;
    size_t count = 0;
    if (!lib->mig_mode || !lib->mig_count || !lib->mig_handle ||
        !eco_nvml_note(self, device, lib->mig_mode(device->handle, &current, &pending), 0) ||
        current != NVML_FEATURE_ENABLED)
        return 0;
    device->is_mig = true;
    if (!eco_nvml_note(self, device, lib->mig_count(device->handle, &most), 0))
        return 0;
    for (unsigned i = 0; i < most && i < SCAN_MAX && count < capacity; i++) {
        struct nvml_handle *handle = NULL;
        if (lib->mig_handle(device->handle, i, &handle) == NVML_SUCCESS && handle)
            ret[count++] = handle;
    }
    return count;
}

static uint32_t slices_of(const struct nvml_device *device)
{
    uint32_t sum = 0, all = strstr(device->facts.name, "A30") ? SLICES_A30 : SLICES_DEFAULT;
    for (size_t i = 0; i < device->instance_count; i++)
        sum += device->instances[i].slices;
    return sum > all ? sum : all;
}

bool eco_nvml_mig_find(struct nvml *self, struct nvml_device *device)
{
    struct nvml_handle *handles[NVML_INSTANCES_MAX];
    bool was_mig = device->is_mig;
    device->is_mig = false;
    size_t count = list_handles(self, device, handles, NVML_INSTANCES_MAX);
    bool is_same = was_mig == device->is_mig && count == device->instance_count;
    for (size_t i = 0; is_same && i < count; i++)
        is_same = handles[i] == device->instances[i].handle;
    if (is_same)
        return false;
    eco_nvml_mig_free(self, device);
    for (size_t i = 0; i < count; i++) {
        device->instances[i] = (struct nvml_instance){.handle = handles[i]};
        ask_instance(self, device, &device->instances[i]);
    }
    device->instance_count = count;
    device->facts.slices = count > 0 ? slices_of(device) : 0;
    return true;
}

/* ---- what they did ---- */

static bool has_gpm(struct nvml *self, struct nvml_device *device)
{
    const struct nvml_library *lib = &self->lib;
    if ((device->lacks & NVML_CALL_GPM) || !lib->gpm_alloc || !lib->gpm_mig_sample || !lib->gpm_metrics)
        return false;
    if (lib->gpm_support && device->mig_ns == 0) {
        struct nvml_gpm_support support = {.version = NVML_GPM_VERSION};
        if (!eco_nvml_note(self, device, lib->gpm_support(device->handle, &support), NVML_CALL_GPM) ||
            !support.is_supported) {
            device->lacks |= NVML_CALL_GPM;
            return false;
        }
    }
    if (!self->gpm)
        self->gpm = eco_calloc(1, sizeof *self->gpm);
    return self->gpm != NULL;
}

static double activity_between(struct nvml *self, struct nvml_device *device, struct nvml_gpm_sample *first,
                               struct nvml_gpm_sample *second)
{
    struct nvml_gpm_metrics *get = self->gpm;
    *get =
        (struct nvml_gpm_metrics){.version = NVML_GPM_VERSION, .count = 1, .first = first, .second = second};
    get->metrics[0].id = NVML_GPM_GRAPHICS_ACTIVITY;
    if (!eco_nvml_note(self, device, self->lib.gpm_metrics(get), NVML_CALL_GPM) ||
        get->metrics[0].result != NVML_SUCCESS)
        return ECO_NAN;
    double percent = get->metrics[0].value;
    return percent >= 0 && percent <= 100.5 ? fmin(percent / 100, 1) : ECO_NAN;
}

/* Activity of its GPU instance since the last look. */
static void look_activity(struct nvml *self, struct nvml_device *device, struct nvml_instance *instance)
{
    unsigned next = !instance->newest;
    instance->activity = ECO_NAN;
    if (!has_gpm(self, device) || instance->gpu_instance == NVML_NO_INSTANCE)
        return;
    for (size_t i = 0; i < ECO_COUNT(instance->samples); i++) {
        if (!instance->samples[i] &&
            !eco_nvml_note(self, device, self->lib.gpm_alloc(&instance->samples[i]), NVML_CALL_GPM))
            return;
    }
    if (!eco_nvml_note(
            self, device,
            self->lib.gpm_mig_sample(device->handle, instance->gpu_instance, instance->samples[next]),
            NVML_CALL_GPM))
        return;
    if (instance->has_sample)
        instance->activity =
            activity_between(self, device, instance->samples[instance->newest], instance->samples[next]);
    instance->newest = next;
    instance->has_sample = true;
}

/* It was there since the last look, or for a part of that time. */
static bool has_been_in(const struct nvml_use *use, int32_t index)
{
    return use->index == index && (use->is_listed || use->was_listed);
}

static unsigned count_contexts(const struct nvml_device *device, int32_t index)
{
    unsigned count = 0;
    for (size_t i = 0; i < device->use_count; i++)
        count += has_been_in(&device->uses[i], index);
    return count;
}

static void weigh(struct nvml_device *device, const struct nvml_instance *instance, double span_ns)
{
    unsigned holders = count_contexts(device, instance->facts.index);
    double activity = isnan(instance->activity) ? 1 : instance->activity;
    double part = (double)instance->slices / (double)device->facts.slices;
    for (size_t i = 0; i < device->use_count; i++) {
        struct nvml_use *use = &device->uses[i];
        if (!has_been_in(use, instance->facts.index))
            continue;
        use->is_split = true;
        use->is_unseen = isnan(instance->activity);
        use->weight_ns += (uint64_t)(span_ns * activity * part / holders);
        if (!isnan(instance->activity))
            use->busy_ns += (uint64_t)(span_ns * activity / holders);
    }
}

void eco_nvml_mig_look(struct nvml *self, struct nvml_device *device, uint64_t now_ns)
{
    uint64_t span_ns = device->mig_ns ? now_ns - device->mig_ns : 0;
    if (device->mig_ns && span_ns < GPM_GAP_NS)
        return;
    for (size_t i = 0; i < device->instance_count && device->error == 0; i++) {
        struct nvml_instance *instance = &device->instances[i];
        uint64_t total;
        look_activity(self, device, instance);
        if (!isnan(instance->activity))
            instance->busy_ns += (uint64_t)((double)span_ns * instance->activity);
        instance->has_memory =
            eco_nvml_memory_read(self, device, instance->handle, &instance->memory_used_bytes, &total);
        weigh(device, instance, (double)span_ns);
    }
    device->mig_ns = now_ns;
    if (device->instance_count > 0)
        eco_nvml_slices_used(device, now_ns);
}

void eco_nvml_mig_tell(const struct nvml_device *device, struct eco_gpu_state *states, size_t *count,
                       size_t capacity)
{
    for (size_t i = 0; i < device->instance_count && *count < capacity; i++) {
        const struct nvml_instance *instance = &device->instances[i];
        struct eco_gpu_state *state = &states[(*count)++];
        *state = (struct eco_gpu_state){.index = instance->facts.index,
                                        .error = device->error,
                                        .quality = ECO_ESTIMATED,
                                        .begin_ns = device->state.begin_ns,
                                        .end_ns = device->state.end_ns,
                                        .valid_from_ns = device->state.valid_from_ns,
                                        .valid_to_ns = device->state.valid_to_ns,
                                        .busy_ns = instance->busy_ns,
                                        .memory_used_bytes = instance->memory_used_bytes};
        if (!isnan(instance->activity))
            state->fields |= ECO_GPU_HAS_BUSY;
        if (instance->has_memory)
            state->fields |= ECO_GPU_HAS_MEMORY;
    }
}
