/* SPDX-License-Identifier: MIT */
/*
 * A ring buffer that the kernel would not leave like this: 2 bytes where the reader is, 2 bytes where the
 * writer is, then the data. Reading ends, stays inside, and never passes the writer.
 */
#include "fuzz/fuzz.h"
#include "procs/bpf/feed.h"

#define RING_BYTES 512

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct eco_bpf_event event;
    uint64_t consumer, producer;
    unsigned count = 0;

    if (size < 4)
        return 0;
    uint8_t *ring_data = calloc(2, RING_BYTES); /* twice in a row, as the kernel has it */
    require(ring_data != NULL);
    memcpy(ring_data, data + 4, size - 4 < RING_BYTES ? size - 4 : RING_BYTES);
    memcpy(ring_data + RING_BYTES, ring_data, RING_BYTES);
    consumer = data[0] | (uint64_t)data[1] << 8;
    producer = data[2] | (uint64_t)data[3] << 8;
    struct bpf_ring ring = {.consumer = &consumer,
                            .producer = &producer,
                            .window = ring_data,
                            .window_bytes = RING_BYTES,
                            .bytes = RING_BYTES,
                            .fd = -1};
    while (eco_bpf_ring_next(&ring, &event, sizeof(event)))
        require(++count <= RING_BYTES / sizeof(event));
    require(consumer <= producer || ring.broken > 0);
    require(consumer % 8 == 0 || consumer == producer || ring.broken > 0);
    free(ring_data);
    return 0;
}
