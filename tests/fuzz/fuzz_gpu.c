/* SPDX-License-Identifier: MIT */
/*
 * Messages of ecocode-sensord to the client: whatever they hold, what it knows stays within bounds and is
 * printable, and its sums never go back. Input: messages, each with two bytes of length before it. And a
 * process's status file, for its inner pid.
 */
#include "fuzz/fuzz.h"
#include "gpu/client.h"
#include "gpu/nvml_impl.h"

static void check_text(const char *text, size_t size)
{
    require(memchr(text, '\0', size) != NULL);
    for (; *text; text++)
        require((unsigned char)*text >= 0x20 && *text != 0x7f);
}

static void check(const struct eco_gpu_client *client)
{
    require(eco_gpu_client_devices(client) <= ECO_GPUS_MAX);
    require(eco_gpu_client_uses(client) <= ECO_GPU_USES_MAX);
    for (size_t i = 0; i < eco_gpu_client_sources(client); i++) {
        const struct eco_gpu_seen_source *source = eco_gpu_client_source(client, i);
        check_text(source->name, sizeof source->name);
        check_text(source->why.text, sizeof source->why.text);
        require(source->error <= 0);
    }
    for (size_t i = 0; i < eco_gpu_client_devices(client); i++) {
        const struct eco_gpu_seen_device *seen = eco_gpu_client_device(client, i);
        check_text(seen->device.name, sizeof seen->device.name);
        check_text(seen->device.uuid, sizeof seen->device.uuid);
        check_text(seen->device.pci, sizeof seen->device.pci);
        check_text(seen->device.driver, sizeof seen->device.driver);
        require(seen->parent >= -1 && seen->parent < (int32_t)eco_gpu_client_devices(client));
        require(seen->device.alpha >= 0 && seen->device.alpha <= 1);
        require(seen->state.error <= 0 && seen->state.valid_from_ns <= seen->state.valid_to_ns);
        require(seen->state.quality <= ECO_ESTIMATED);
        if (seen->state.fields & ECO_GPU_HAS_DIVIDED)
            require(seen->state.divided_ns <= seen->state.valid_to_ns &&
                    seen->state.divided_uj <= seen->state.energy_uj);
    }
    for (size_t i = 0; i < eco_gpu_client_uses(client); i++) {
        const struct eco_gpu_seen_use *use = eco_gpu_client_use(client, i);
        require(use->device < eco_gpu_client_devices(client) && use->pid >= 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct eco_gpu_client *client = NULL;
    char *text = fuzz_copy(data, size);
    require(eco_nvml_pid_inner(text) >= 0);
    free(text);
    require(eco_gpu_client_new(-1, &client) == 0);
    for (uint64_t now = 1; size >= 2; now++) {
        size_t length = (size_t)data[0] | (size_t)data[1] << 8;
        uint64_t energy_uj = 0;
        const struct eco_gpu_seen_device *first = eco_gpu_client_device(client, 0);
        if (first)
            energy_uj = first->energy_uj;
        data += 2;
        size -= 2;
        if (length > size)
            length = size;
        (void)eco_gpu_client_take(client, data, length, now);
        check(client);
        require(!first || first->energy_uj >= energy_uj);
        data += length;
        size -= length;
        if (now % 4 == 0)
            eco_gpu_client_forget_ended(client);
    }
    (void)eco_gpu_client_free(client);
    return 0;
}
