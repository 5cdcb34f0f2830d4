/* SPDX-License-Identifier: MIT */
#include "gpu/client_impl.h"

#include "base/mem.h"
#include "base/text.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define MESSAGES_MAX 4096 /* of one read: a daemon that never ends talking keeps nobody */

int eco_gpu_client_new(int fd, struct eco_gpu_client **ret)
{
    struct eco_gpu_client *client = eco_calloc(1, sizeof *client);
    uint32_t *slots = eco_calloc(ECO_GPU_SLOTS, sizeof *slots);
    if (!client || !slots) {
        free(client);
        free(slots);
        (void)close(fd);
        return -ENOMEM;
    }
    client->fd = fd;
    client->slots = slots;
    *ret = client;
    return 0;
}

struct eco_gpu_client *eco_gpu_client_free(struct eco_gpu_client *client)
{
    if (!client)
        return NULL;
    if (client->fd >= 0)
        (void)close(client->fd);
    free(client->uses);
    free(client->use_sums);
    free(client->slots);
    free(client);
    return NULL;
}

int eco_gpu_client_fd(const struct eco_gpu_client *client)
{
    return client->fd;
}

void eco_gpu_client_ask(struct eco_gpu_client *client)
{
    if (client->fd >= 0)
        (void)send(client->fd, "s", 1, MSG_DONTWAIT | MSG_NOSIGNAL);
}

/* ---- one message ---- */

static size_t record_size(uint32_t kind)
{
    return kind == ECO_GPU_OPENED   ? sizeof(struct eco_gpu_device)
           : kind == ECO_GPU_STATES ? sizeof(struct eco_gpu_state)
           : kind == ECO_GPU_USES   ? sizeof(struct eco_gpu_use)
                                    : 0;
}

static bool is_well_formed(const struct eco_gpu_header *header, size_t size)
{
    if (size < sizeof *header || header->magic != ECO_GPU_MAGIC || header->version != ECO_GPU_VERSION)
        return false;
    if (header->kind < ECO_GPU_OPENED || header->kind > ECO_GPU_FAILED ||
        header->source >= ECO_GPU_SOURCES_MAX || header->count > ECO_GPU_USES_MAX)
        return false;
    return size == sizeof *header + header->count * record_size(header->kind);
}

/* A process that began anew counts its CPU time from 0. */
static void take_cpu(struct eco_gpu_client *client, const struct eco_gpu_header *header)
{
    uint64_t *before = &client->looks[header->source].self_ns;
    client->sources[header->source].cpu_ns +=
        header->self_ns >= *before ? header->self_ns - *before : header->self_ns;
    *before = header->self_ns;
}

static void clean_copy(char *ret, size_t size, const char *text, size_t text_size)
{
    (void)eco_text_clean(ret, size, text, strnlen(text, text_size), false);
}

static void take_failed(struct eco_gpu_client *client, const struct eco_gpu_header *header)
{
    struct eco_gpu_seen_source *source = &client->sources[header->source];
    source->is_open = false;
    source->error = header->error < 0 ? header->error : -EIO;
    clean_copy(source->why.text, sizeof source->why.text, header->text, sizeof header->text);
    for (size_t i = 0; i < client->device_count; i++) {
        if (client->devices[i].source == header->source)
            client->devices[i].is_there = false;
    }
    eco_gpu_client_uses_anew(client, header->source);
}

static void take_opened(struct eco_gpu_client *client, const struct eco_gpu_header *header,
                        const struct eco_gpu_device *devices)
{
    struct eco_gpu_seen_source *source = &client->sources[header->source];
    clean_copy(source->name, sizeof source->name, header->text, sizeof header->text);
    source->is_open = true;
    source->error = 0;
    source->why = (struct eco_why){0};
    source->opened_count++;
    eco_gpu_client_opened(client, header, devices);
    eco_gpu_client_uses_anew(client, header->source);
}

int eco_gpu_client_take(struct eco_gpu_client *client, const void *data, size_t size, uint64_t now_ns)
{
    struct eco_gpu_header header;
    if (size < sizeof header || size > sizeof client->buffer) {
        client->refused++;
        return -EPROTO;
    }
    if (data != client->buffer.bytes) /* records are read in place, where they are aligned */
        memcpy(client->buffer.bytes, data, size);
    header = client->buffer.header;
    if (!is_well_formed(&header, size)) {
        client->refused++;
        return -EPROTO;
    }
    const void *records = client->buffer.bytes + sizeof header;
    if (client->source_count <= header.source)
        client->source_count = header.source + 1;
    client->sources[header.source].arrived_ns = now_ns;
    take_cpu(client, &header);
    switch ((enum eco_gpu_message)header.kind) {
    case ECO_GPU_OPENED:
        take_opened(client, &header, records);
        break;
    case ECO_GPU_STATES:
        client->sources[header.source].look_count++;
        eco_gpu_client_states(client, &header, records, now_ns);
        break;
    case ECO_GPU_USES:
        eco_gpu_client_used(client, &header, records, now_ns);
        break;
    case ECO_GPU_FAILED:
        take_failed(client, &header);
        break;
    }
    return 0;
}

int eco_gpu_client_read(struct eco_gpu_client *client, uint64_t now_ns)
{
    int count = 0;
    while (client->fd >= 0 && count < MESSAGES_MAX) {
        ssize_t n = recv(client->fd, client->buffer.bytes, sizeof client->buffer, MSG_DONTWAIT);
        if (n < 0 && (errno == EINTR || errno == ECONNRESET))
            continue; /* ended without reading all of ours: told once, its last words come behind */
        if (n < 0 && errno == EAGAIN)
            break;
        if (n <= 0) {
            (void)close(client->fd);
            client->fd = -1;
            break;
        }
        count++;
        (void)eco_gpu_client_take(client, client->buffer.bytes, (size_t)n, now_ns);
    }
    return count > 0 || client->fd >= 0 ? count : -EPIPE;
}

/* ---- what is known ---- */

size_t eco_gpu_client_sources(const struct eco_gpu_client *client)
{
    return client->source_count;
}

const struct eco_gpu_seen_source *eco_gpu_client_source(const struct eco_gpu_client *client, size_t place)
{
    return place < client->source_count ? &client->sources[place] : NULL;
}

size_t eco_gpu_client_devices(const struct eco_gpu_client *client)
{
    return client->device_count;
}

const struct eco_gpu_seen_device *eco_gpu_client_device(const struct eco_gpu_client *client, size_t place)
{
    return place < client->device_count ? &client->devices[place] : NULL;
}

size_t eco_gpu_client_uses(const struct eco_gpu_client *client)
{
    return client->use_count;
}

const struct eco_gpu_seen_use *eco_gpu_client_use(const struct eco_gpu_client *client, size_t place)
{
    return place < client->use_count ? &client->uses[place] : NULL;
}

uint64_t eco_gpu_client_refused(const struct eco_gpu_client *client)
{
    return client->refused;
}

uint64_t eco_gpu_client_dropped_uses(const struct eco_gpu_client *client)
{
    return client->dropped_uses;
}
