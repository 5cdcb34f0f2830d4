/* SPDX-License-Identifier: MIT */
/* NVIDIA, by the library of its driver. What is known of its hazards: docs/hardware.md. */
#include "gpu/kinds.h"
#include "gpu/nvml_impl.h"

#include "base/mem.h"
#include "gpu/present.h"

#include <errno.h>
#include <string.h>

static struct nvml *self_of(struct eco_gpu_source *source)
{
    return (struct nvml *)source;
}

static int start(struct nvml *self, struct eco_why *why)
{
    nvml_return code = self->lib.init();
    if (code == NVML_SUCCESS)
        return 0;
    if (code == NVML_GPU_NOT_FOUND)
        return -ENODEV;
    /* Installed, but not in use: as on a laptop that runs on its other GPU. */
    if (code == NVML_DRIVER_NOT_LOADED && !eco_gpu_has_nvidia(self->base.env->root))
        return -ENODEV;
    eco_why_set(why, "NVIDIA GPUs: %s", eco_nvml_words(code));
    return eco_nvml_errno(code);
}

struct search {
    const struct eco_root *root;
    unsigned asleep, awake;
};

static int note_power(void *context, const char *name, uint64_t inode)
{
    struct search *search = context;
    char path[ECO_PATH_MAX], status[32];
    (void)inode;
    if (!strchr(name, ':') || eco_path(path, "bus/pci/drivers/nvidia/%s/power/runtime_status", name) < 0 ||
        eco_root_read(search->root, ECO_SYSFS, path, status, sizeof status) < 0)
        return 0;
    if (strcmp(status, "suspended") == 0)
        search->asleep++;
    else
        search->awake++;
    return 0;
}

/* All boards are suspended, as on a laptop that runs on its other GPU: the library would wake them. */
static bool is_asleep(const struct nvml *self)
{
    struct search search = {.root = self->base.env->root};
    (void)eco_root_list(search.root, ECO_SYSFS, "bus/pci/drivers/nvidia", note_power, &search);
    return search.asleep > 0 && search.awake == 0;
}

static int open_awake(struct nvml *self, struct eco_why *why)
{
    int r = start(self, why);
    if (r == 0)
        r = eco_nvml_devices_open(self, why);
    if (r < 0 && r != -ENODEV && why && !*why->text)
        eco_why_set(why, "NVIDIA GPUs: %s", strerror(-r));
    return r;
}

static int nvml_open(struct eco_gpu_source *source, struct eco_why *why)
{
    struct nvml *self = self_of(source);
    struct eco_why library_why = {0};
    int r = eco_nvml_library_open(&self->lib, &library_why);
    if (r == -ENOENT && !eco_gpu_has_nvidia(source->env->root))
        return -ENODEV;
    if (r < 0) {
        eco_why_set(why, "%s", library_why.text);
        return r;
    }
    self->is_initial_namespace = eco_nvml_pids_are_initial(self);
    self->is_asleep = is_asleep(self);
    self->asked_ns = nvml_now_ns(self);
    return self->is_asleep ? 0 : open_awake(self, why);
}

/* 1 when the boards have been woken by somebody else, and are known from now on. */
static int look_asleep(struct nvml *self)
{
    uint64_t now = nvml_now_ns(self);
    if (now - self->asked_ns < NVML_SLEEP_GAP_NS)
        return 0;
    self->asked_ns = now;
    if (is_asleep(self))
        return 0;
    self->is_asleep = false;
    int r = open_awake(self, NULL);
    return r < 0 ? r : 1;
}

static size_t nvml_devices(struct eco_gpu_source *source, struct eco_gpu_device *ret, size_t capacity)
{
    struct nvml *self = self_of(source);
    size_t count = 0;
    for (size_t i = 0; i < self->device_count && count < capacity; i++)
        ret[count++] = self->devices[i].facts;
    for (size_t i = 0; i < self->device_count; i++) {
        const struct nvml_device *device = &self->devices[i];
        for (size_t k = 0; k < device->instance_count && count < capacity; k++)
            ret[count++] = device->instances[k].facts;
    }
    return count;
}

static void look_at(struct nvml *self, struct nvml_device *device)
{
    struct eco_gpu_state *state = &device->state;
    uint64_t now = nvml_now_ns(self);
    if (device->error < 0)
        eco_nvml_device_retry(self, device, now);
    state->index = device->facts.index;
    state->begin_ns = now;
    if (device->error == 0 && device->handle) {
        eco_nvml_device_look(self, device, now);
        if (device->error == 0)
            device->backoff_ns = 0;
    }
    state->end_ns = nvml_now_ns(self);
    state->error = device->error;
    if (device->error < 0)
        state->fields = 0;
}

static int nvml_sample(struct eco_gpu_source *source, struct eco_gpu_state *states, size_t *state_count,
                       struct eco_gpu_use *uses, size_t *use_count)
{
    struct nvml *self = self_of(source);
    size_t state_room = *state_count, use_room = *use_count;
    *state_count = *use_count = 0;
    if (self->is_asleep)
        return look_asleep(self);
    self->has_changed = false;
    for (size_t i = 0; i < self->device_count; i++) {
        look_at(self, &self->devices[i]);
        if (self->failed < 0)
            return self->failed;
    }
    for (size_t i = 0; i < self->device_count && *state_count < state_room; i++)
        states[(*state_count)++] = self->devices[i].state;
    for (size_t i = 0; i < self->device_count; i++) {
        eco_nvml_mig_tell(&self->devices[i], states, state_count, state_room);
        eco_nvml_uses_tell(&self->devices[i], uses, use_count, use_room);
    }
    return self->has_changed ? 1 : 0;
}

/* The library stays loaded: drivers' libraries do not bear to be unloaded. */
static void nvml_close(struct eco_gpu_source *source)
{
    struct nvml *self = self_of(source);
    for (size_t i = 0; i < self->device_count; i++) {
        eco_nvml_mig_free(self, &self->devices[i]);
        free(self->devices[i].uses);
    }
    free(self->devices);
    free(self->list);
    free(self->rows);
    free(self->long_rows);
    free(self->samples);
    free(self->gpm);
    self->devices = NULL;
    self->device_count = 0;
}

const struct eco_gpu_source_ops eco_gpu_nvml = {
    .name = "nvml",
    .size = sizeof(struct nvml),
    .open = nvml_open,
    .devices = nvml_devices,
    .sample = nvml_sample,
    .close = nvml_close,
};
