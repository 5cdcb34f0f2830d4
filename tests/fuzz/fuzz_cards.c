/* SPDX-License-Identifier: MIT */
/* What the kernel's drivers say of cards: fdinfo (text), and gpu_metrics (binary, behind a byte of 0xff). */
#include "fuzz.h"
#include "gpu/fdinfo.h"
#include "gpu/metrics.h"

static void check_client(const struct eco_drm_client *client)
{
    require(client->driver[0] && client->engine_count <= ECO_DRM_ENGINES_MAX);
    for (size_t i = 0; i < client->engine_count; i++) {
        double factor = eco_drm_engine_factor(client->engines[i].name);
        require(client->engines[i].name[0] && client->engines[i].capacity > 0 && factor > 0 && factor <= 1);
    }
}

static void try_metrics(const uint8_t *data, size_t size)
{
    char *copy = fuzz_copy(data, size); /* of its own size: a read beyond it is seen */
    struct eco_amd_metrics metrics;

    if (eco_amd_metrics_parse(copy, size, &metrics) == 0 && metrics.has_busy)
        require(metrics.busy_ratio >= 0 && metrics.busy_ratio <= 1);
    free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct eco_drm_client client;

    if (size > 0 && data[0] == 0xff) {
        try_metrics(data + 1, size - 1);
        return 0;
    }
    char *text = fuzz_copy(data, size);
    if (eco_drm_client_parse(text, &client) == 0)
        check_client(&client);
    free(text);
    return 0;
}
