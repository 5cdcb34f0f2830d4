/* SPDX-License-Identifier: MIT */
/* A device's facts, asked once, and how it is. */
#include "gpu/nvml_impl.h"

#include "base/mem.h"
#include "base/text.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#define ALPHA           0.025 /* judgement; no maker's figure exists */
#define ALPHA_PART_TIME 0.05
#define BLIND_PART_TIME 0.75 /* A100, H100: the sensor sees 25 of 100 ms (arXiv 2312.02741) */
#define GA100_ID        0x2000u
#define GH100_ID        0x2300u
#define CHIP_MASK       0xff00u
#define UTILIZATION_MAX 100u
#define TEMPERATURE_MAX 200u
#define CLOCK_MAX_MHZ   10000u
#define LIMIT_MAX_MW    10000000u

/* ---- facts ---- */

static void ask_texts(struct nvml *self, struct nvml_device *device)
{
    const struct nvml_library *lib = &self->lib;
    struct eco_gpu_device *facts = &device->facts;
    if (lib->name)
        (void)eco_nvml_note(self, device, lib->name(device->handle, facts->name, sizeof facts->name), 0);
    if (lib->uuid)
        (void)eco_nvml_note(self, device, lib->uuid(device->handle, facts->uuid, sizeof facts->uuid), 0);
    facts->name[sizeof facts->name - 1] = facts->uuid[sizeof facts->uuid - 1] = '\0';
    (void)eco_text_copy(facts->driver, sizeof facts->driver, self->driver);
}

static bool is_ga100_name(const char *name)
{
    return strstr(name, "A100") || strstr(name, "A800") || (strstr(name, " A30") && !strstr(name, " A30M"));
}

static void ask_chip(struct nvml *self, struct nvml_device *device)
{
    const struct nvml_library *lib = &self->lib;
    struct nvml_pci pci = {0};
    if (lib->pci && eco_nvml_note(self, device, lib->pci(device->handle, &pci), 0)) {
        pci.id[sizeof pci.id - 1] = '\0';
        pci.legacy_id[sizeof pci.legacy_id - 1] = '\0';
        (void)eco_text_copy(device->facts.pci, sizeof device->facts.pci, *pci.id ? pci.id : pci.legacy_id);
    }
    unsigned architecture = NVML_ARCH_UNKNOWN;
    if (!lib->architecture ||
        !eco_nvml_note(self, device, lib->architecture(device->handle, &architecture), 0))
        architecture = NVML_ARCH_UNKNOWN;
    device->architecture = architecture;
    uint32_t chip = pci.device_id >> 16 & CHIP_MASK;
    bool is_unknown = architecture == NVML_ARCH_UNKNOWN;
    device->is_ga100 = (architecture == NVML_ARCH_AMPERE && is_ga100_name(device->facts.name)) ||
                       ((is_unknown || architecture == NVML_ARCH_AMPERE) && chip == GA100_ID);
    device->is_part_time =
        device->is_ga100 || architecture == NVML_ARCH_HOPPER || (is_unknown && chip == GH100_ID);
    device->facts.alpha = device->is_part_time ? ALPHA_PART_TIME : ALPHA;
    device->facts.blind_ratio = device->is_part_time ? BLIND_PART_TIME : 0;
}

bool eco_nvml_memory_read(struct nvml *self, struct nvml_device *device, struct nvml_handle *handle,
                          uint64_t *ret_used, uint64_t *ret_total)
{
    const struct nvml_library *lib = &self->lib;
    if (lib->memory_v2 && !(device->lacks & NVML_CALL_MEMORY_V2)) {
        struct nvml_memory_v2 memory = {.version = NVML_MEMORY_V2};
        if (eco_nvml_note(self, device, lib->memory_v2(handle, &memory), NVML_CALL_MEMORY_V2)) {
            *ret_used = memory.used;
            *ret_total = memory.total;
            return memory.used <= memory.total;
        }
    }
    if (lib->memory && !(device->lacks & NVML_CALL_MEMORY)) {
        struct nvml_memory memory;
        if (eco_nvml_note(self, device, lib->memory(handle, &memory), NVML_CALL_MEMORY)) {
            *ret_used = memory.used;
            *ret_total = memory.total;
            return memory.used <= memory.total;
        }
    }
    return false;
}

static void ask_facts(struct nvml *self, struct nvml_device *device)
{
    uint64_t used;
    ask_texts(self, device);
    ask_chip(self, device);
    (void)eco_nvml_memory_read(self, device, device->handle, &used, &device->facts.memory_bytes);
    eco_nvml_energy_choose(self, device);
    (void)eco_nvml_mig_find(self, device);
}

static void open_handle(struct nvml *self, struct nvml_device *device)
{
    struct nvml_handle *handle = NULL;
    nvml_return code = self->lib.handle((unsigned)device->facts.index, &handle);
    device->error = 0;
    if (code == NVML_SUCCESS && handle) {
        device->handle = handle;
        ask_facts(self, device);
        return;
    }
    if (!eco_nvml_note(self, device, code, 0) && device->error == 0) {
        device->error = eco_nvml_errno(code);
        device->backoff_ns = NVML_RETRY_MAX_NS;
        device->retry_ns = nvml_now_ns(self) + NVML_RETRY_MAX_NS;
    }
}

int eco_nvml_devices_open(struct nvml *self, struct eco_why *why)
{
    unsigned count = 0;
    nvml_return code = self->lib.count(&count);
    if (code != NVML_SUCCESS) {
        eco_why_set(why, "NVIDIA GPUs: %s", eco_nvml_words(code));
        return eco_nvml_errno(code);
    }
    if (count == 0)
        return -ENODEV;
    if (count > ECO_GPUS_MAX)
        count = ECO_GPUS_MAX;
    self->devices = eco_calloc(count, sizeof *self->devices);
    if (!self->devices)
        return -ENOMEM;
    self->device_count = count;
    if (self->lib.driver_version)
        (void)self->lib.driver_version(self->driver, sizeof self->driver);
    self->driver[sizeof self->driver - 1] = '\0';
    for (unsigned i = 0; i < count && self->failed == 0; i++) {
        struct nvml_device *device = &self->devices[i];
        device->facts.index = (int32_t)i;
        device->facts.parent = ECO_GPU_NO_PARENT;
        device->facts.vendor = ECO_GPU_NVIDIA;
        (void)eco_text_copy(device->facts.driver, sizeof device->facts.driver, self->driver);
        open_handle(self, device);
    }
    return self->failed;
}

void eco_nvml_device_retry(struct nvml *self, struct nvml_device *device, uint64_t now_ns)
{
    if (now_ns < device->retry_ns)
        return;
    if (!device->handle) {
        open_handle(self, device);
        self->has_changed = self->has_changed || device->handle != NULL;
        return;
    }
    device->error = 0; /* the look itself tells whether it is back */
}

/* ---- how it is ---- */

static void look_utilization(struct nvml *self, struct nvml_device *device, uint64_t span_ns)
{
    struct nvml_utilization utilization;
    struct eco_gpu_state *state = &device->state;
    if (!self->lib.utilization || (device->lacks & NVML_CALL_UTILIZATION) ||
        !eco_nvml_note(self, device, self->lib.utilization(device->handle, &utilization),
                       NVML_CALL_UTILIZATION) ||
        utilization.gpu > UTILIZATION_MAX)
        return;
    state->busy_ns += span_ns / 100 * utilization.gpu;
    state->fields |= ECO_GPU_HAS_BUSY;
}

static void look_throttling(struct nvml *self, struct nvml_device *device, uint64_t span_ns)
{
    unsigned long long reasons;
    struct eco_gpu_state *state = &device->state;
    if (!self->lib.event_reasons || (device->lacks & NVML_CALL_REASONS) ||
        !eco_nvml_note(self, device, self->lib.event_reasons(device->handle, &reasons), NVML_CALL_REASONS))
        return;
    if (reasons & NVML_THROTTLE_BITS)
        state->throttled_ns += span_ns;
    state->fields |= ECO_GPU_HAS_THROTTLED;
}

static void look_slow(struct nvml *self, struct nvml_device *device)
{
    const struct nvml_library *lib = &self->lib;
    struct eco_gpu_state *state = &device->state;
    unsigned value;
    uint64_t total;
    if (eco_nvml_memory_read(self, device, device->handle, &state->memory_used_bytes, &total))
        state->fields |= ECO_GPU_HAS_MEMORY;
    if (lib->temperature && !(device->lacks & NVML_CALL_TEMPERATURE) &&
        eco_nvml_note(self, device, lib->temperature(device->handle, NVML_TEMPERATURE_GPU, &value),
                      NVML_CALL_TEMPERATURE) &&
        value <= TEMPERATURE_MAX) {
        state->temperature_mc = (int32_t)value * 1000;
        state->fields |= ECO_GPU_HAS_TEMPERATURE;
    }
    if (lib->clock && !(device->lacks & NVML_CALL_CLOCK) &&
        eco_nvml_note(self, device, lib->clock(device->handle, NVML_CLOCK_SM, &value), NVML_CALL_CLOCK) &&
        value <= CLOCK_MAX_MHZ) {
        state->clock_mhz = value;
        state->fields |= ECO_GPU_HAS_CLOCK;
    }
}

static void look_rare(struct nvml *self, struct nvml_device *device)
{
    unsigned value;
    if (self->lib.limit && !(device->lacks & NVML_CALL_LIMIT) &&
        eco_nvml_note(self, device, self->lib.limit(device->handle, &value), NVML_CALL_LIMIT) && value > 0 &&
        value <= LIMIT_MAX_MW) {
        device->state.limit_uw = (uint64_t)value * 1000;
        device->state.fields |= ECO_GPU_HAS_LIMIT;
    }
    if (eco_nvml_mig_find(self, device))
        self->has_changed = true;
}

void eco_nvml_device_look(struct nvml *self, struct nvml_device *device, uint64_t now_ns)
{
    struct eco_gpu_state *state = &device->state;
    const uint32_t kept =
        ECO_GPU_HAS_MEMORY | ECO_GPU_HAS_TEMPERATURE | ECO_GPU_HAS_LIMIT | ECO_GPU_HAS_CLOCK;
    const uint32_t rare = ECO_GPU_HAS_LIMIT;
    /* A silence is not filled with what is found behind it. */
    uint64_t span_ns = device->looked_ns && now_ns > device->looked_ns ? now_ns - device->looked_ns : 0;
    uint64_t slow_gap_ns = self->base.is_asked ? NVML_ASKED_GAP_NS : NVML_SLOW_NS;
    bool is_slow_due = now_ns - device->slow_ns >= slow_gap_ns || device->slow_ns == 0;
    state->fields &= is_slow_due ? rare : kept;
    device->looked_ns = now_ns;
    if (device->rare_ns == 0 || now_ns - device->rare_ns >= NVML_RARE_NS) {
        device->rare_ns = now_ns;
        state->fields &= ~rare;
        look_rare(self, device);
    }
    eco_nvml_energy_look(self, device);
    if (device->error < 0 || self->failed < 0)
        return;
    eco_nvml_slices_energy(device);
    eco_nvml_slices_close(device, false); /* up to what the look before has told of uses */
    look_utilization(self, device, span_ns);
    look_throttling(self, device, span_ns);
    if (is_slow_due && device->error == 0) {
        device->slow_ns = now_ns;
        look_slow(self, device);
    }
    eco_nvml_process_look(self, device, now_ns, is_slow_due);
    eco_nvml_slices_close(device, self->base.is_asked);
}
