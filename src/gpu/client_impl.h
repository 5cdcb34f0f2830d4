/* SPDX-License-Identifier: MIT */
/* What the files of the client share. */
#pragma once

#include "gpu/client.h"

#define ECO_GPU_SLOTS      8192u /* of the hash over uses: a power of two, twice ECO_GPU_USES_MAX */
#define ECO_GPU_SLOT_EMPTY 0u

struct eco_gpu_device_sums {
    bool has_energy;                           /* the last state had one to compare with */
    uint64_t energy_uj, busy_ns, throttled_ns; /* as the source said last */
    uint64_t valid_ns;
};

struct eco_gpu_use_sums {
    uint64_t busy_ns, weight_ns, energy_uj, span_ns; /* as the source said last */
    uint32_t look;                                   /* last look of its source that named it */
};

struct eco_gpu_source_looks {
    uint32_t seq;     /* of the look that is being told */
    uint64_t self_ns; /* as the daemon's process said last */
};

struct eco_gpu_client {
    int fd;
    uint64_t refused, dropped_uses;
    size_t source_count, device_count, use_count, use_capacity, sums_capacity;
    struct eco_gpu_seen_source sources[ECO_GPU_SOURCES_MAX];
    struct eco_gpu_source_looks looks[ECO_GPU_SOURCES_MAX];
    struct eco_gpu_seen_device devices[ECO_GPUS_MAX];
    struct eco_gpu_device_sums device_sums[ECO_GPUS_MAX];
    struct eco_gpu_seen_use *uses;
    struct eco_gpu_use_sums *use_sums; /* beside `uses` */
    uint32_t *slots;                   /* place in `uses` + 1 */
    union {
        struct eco_gpu_header header;
        unsigned char bytes[ECO_GPU_DATAGRAM_MAX];
    } buffer;
};

/* Records that passed the checks of size; not yet those of what is in them. */
void eco_gpu_client_opened(struct eco_gpu_client *client, const struct eco_gpu_header *header,
                           const struct eco_gpu_device *devices);
void eco_gpu_client_states(struct eco_gpu_client *client, const struct eco_gpu_header *header,
                           const struct eco_gpu_state *states, uint64_t now_ns);
void eco_gpu_client_used(struct eco_gpu_client *client, const struct eco_gpu_header *header,
                         const struct eco_gpu_use *uses, uint64_t now_ns);
/** The source was opened anew: its processes count from 0 again. */
void eco_gpu_client_uses_anew(struct eco_gpu_client *client, uint32_t source);
/** Place of a source's device by its index, or -1. */
int eco_gpu_client_find(const struct eco_gpu_client *client, uint32_t source, int32_t index);
