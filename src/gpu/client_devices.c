/* SPDX-License-Identifier: MIT */
/* Devices: kept by what they are, through sources that are opened anew. */
#include "gpu/client_impl.h"

#include "base/counter.h"
#include "base/text.h"

#include <math.h>
#include <string.h>

/* No board draws as much: a counter that ran faster has been reset, or is none. */
#define POWER_MAX_W 10000u

int eco_gpu_client_find(const struct eco_gpu_client *client, uint32_t source, int32_t index)
{
    for (size_t i = 0; i < client->device_count; i++) {
        const struct eco_gpu_seen_device *seen = &client->devices[i];
        if (seen->is_there && seen->source == source && seen->device.index == index)
            return (int)i;
    }
    return -1;
}

static void clean(char *text, size_t size)
{
    char copy[ECO_GPU_TEXT_MAX];
    text[size - 1] = '\0';
    (void)eco_text_copy(copy, sizeof copy, text);
    (void)eco_text_clean(text, size, copy, strlen(copy), false);
}

static double in_range(double value, double most)
{
    return isfinite(value) && value >= 0 && value <= most ? value : 0;
}

static struct eco_gpu_device cleaned(const struct eco_gpu_device *told)
{
    struct eco_gpu_device device;
    /* Bytes that are no bool or enum must not be copied as such. */
    unsigned char flags[2];
    uint32_t vendor;
    memcpy(&vendor, &told->vendor, sizeof vendor);
    memcpy(&flags[0], &told->is_integrated, 1);
    memcpy(&flags[1], &told->is_module, 1);
    memcpy(&device, told, sizeof device);
    device.vendor = vendor <= ECO_GPU_INTEL ? (enum eco_gpu_vendor)vendor : ECO_GPU_NONE;
    device.is_integrated = flags[0] != 0;
    device.is_module = flags[1] != 0;
    device.alpha = in_range(told->alpha, 1);
    device.blind_ratio = in_range(told->blind_ratio, 1);
    clean(device.name, sizeof device.name);
    clean(device.uuid, sizeof device.uuid);
    clean(device.pci, sizeof device.pci);
    clean(device.driver, sizeof device.driver);
    return device;
}

static bool is_same(const struct eco_gpu_device *a, const struct eco_gpu_device *b)
{
    if (*a->uuid || *b->uuid)
        return strcmp(a->uuid, b->uuid) == 0;
    if (*a->pci || *b->pci)
        return strcmp(a->pci, b->pci) == 0 && a->index == b->index;
    return a->index == b->index && strcmp(a->name, b->name) == 0;
}

static int place_of(struct eco_gpu_client *client, uint32_t source, const struct eco_gpu_device *device)
{
    for (size_t i = 0; i < client->device_count; i++) {
        const struct eco_gpu_seen_device *seen = &client->devices[i];
        if (!seen->is_there && seen->source == source && is_same(&seen->device, device))
            return (int)i;
    }
    if (client->device_count == ECO_GPUS_MAX)
        return -1;
    struct eco_gpu_seen_device *fresh = &client->devices[client->device_count];
    fresh->source = source;
    fresh->temperature_max_mc = INT32_MIN;
    return (int)client->device_count++;
}

void eco_gpu_client_opened(struct eco_gpu_client *client, const struct eco_gpu_header *header,
                           const struct eco_gpu_device *devices)
{
    for (size_t i = 0; i < client->device_count; i++) {
        if (client->devices[i].source == header->source)
            client->devices[i].is_there = false;
    }
    for (uint32_t i = 0; i < header->count; i++) {
        struct eco_gpu_device device = cleaned(&devices[i]);
        if (device.index < 0 || eco_gpu_client_find(client, header->source, device.index) >= 0)
            continue;
        int place = place_of(client, header->source, &device);
        if (place < 0)
            continue;
        struct eco_gpu_seen_device *seen = &client->devices[place];
        seen->device = device;
        seen->is_there = true;
        seen->parent = ECO_GPU_NO_PARENT;
        /* A counter that nobody looked at for a while, and sums that begin anew. */
        if (client->device_sums[place].has_energy)
            seen->breaks++;
        client->device_sums[place] = (struct eco_gpu_device_sums){0};
    }
    for (size_t i = 0; i < client->device_count; i++) {
        struct eco_gpu_seen_device *seen = &client->devices[i];
        if (seen->source == header->source && seen->is_there && seen->device.parent >= 0 &&
            seen->device.parent != seen->device.index)
            seen->parent = eco_gpu_client_find(client, header->source, seen->device.parent);
    }
}

static void add_energy(struct eco_gpu_seen_device *seen, struct eco_gpu_device_sums *before,
                       const struct eco_gpu_state *state)
{
    bool is_break = (state->fields & ECO_GPU_REBASED) != 0 || state->energy_uj < before->energy_uj ||
                    state->valid_to_ns < before->valid_ns;
    uint64_t most_uj =
        eco_add_sat((state->valid_to_ns - before->valid_ns) / ECO_NS_PER_US, ECO_NS_PER_S / ECO_NS_PER_US);
    most_uj = most_uj > UINT64_MAX / POWER_MAX_W ? UINT64_MAX : most_uj * POWER_MAX_W;
    if (before->has_energy && !is_break && state->energy_uj - before->energy_uj <= most_uj)
        seen->energy_uj = eco_add_sat(seen->energy_uj, state->energy_uj - before->energy_uj);
    else if (before->has_energy)
        seen->breaks++;
    before->has_energy = true;
    before->energy_uj = state->energy_uj;
    before->valid_ns = state->valid_to_ns;
}

/* Sums of a source begin at 0 when it opens. */
static void add_sum(uint64_t *sum, uint64_t *before, uint64_t now)
{
    if (now >= *before)
        *sum = eco_add_sat(*sum, now - *before);
    *before = now;
}

static void take_state(struct eco_gpu_client *client, int place, const struct eco_gpu_state *state,
                       uint64_t now_ns)
{
    struct eco_gpu_seen_device *seen = &client->devices[place];
    struct eco_gpu_device_sums *before = &client->device_sums[place];
    uint32_t quality;
    memcpy(&quality, &state->quality, sizeof quality);
    memcpy(&seen->state, state, sizeof seen->state);
    seen->state.quality = quality <= ECO_ESTIMATED ? (enum eco_quality)quality : ECO_ESTIMATED;
    if (seen->state.error > 0)
        seen->state.error = -seen->state.error;
    if (seen->state.valid_from_ns > seen->state.valid_to_ns)
        seen->state.valid_from_ns = seen->state.valid_to_ns;
    if (seen->state.divided_ns > seen->state.valid_to_ns || seen->state.divided_uj > seen->state.energy_uj ||
        !(seen->state.fields & ECO_GPU_HAS_ENERGY))
        seen->state.fields &= ~(uint32_t)ECO_GPU_HAS_DIVIDED;
    seen->has_state = true;
    seen->look_count++;
    seen->arrived_ns = now_ns;
    if (state->fields & ECO_GPU_HAS_ENERGY)
        add_energy(seen, before, &seen->state);
    if (state->fields & ECO_GPU_HAS_BUSY)
        add_sum(&seen->busy_ns, &before->busy_ns, state->busy_ns);
    if (state->fields & ECO_GPU_HAS_THROTTLED)
        add_sum(&seen->throttled_ns, &before->throttled_ns, state->throttled_ns);
    if ((state->fields & ECO_GPU_HAS_POWER) && state->power_uw > seen->power_max_uw)
        seen->power_max_uw = state->power_uw;
    if ((state->fields & ECO_GPU_HAS_MEMORY) && state->memory_used_bytes > seen->memory_max_bytes)
        seen->memory_max_bytes = state->memory_used_bytes;
    if ((state->fields & ECO_GPU_HAS_TEMPERATURE) && state->temperature_mc > seen->temperature_max_mc)
        seen->temperature_max_mc = state->temperature_mc;
}

void eco_gpu_client_states(struct eco_gpu_client *client, const struct eco_gpu_header *header,
                           const struct eco_gpu_state *states, uint64_t now_ns)
{
    if (!client->sources[header->source].is_open)
        return;
    for (uint32_t i = 0; i < header->count; i++) {
        int place = eco_gpu_client_find(client, header->source, states[i].index);
        if (place >= 0)
            take_state(client, place, &states[i], now_ns);
    }
}
