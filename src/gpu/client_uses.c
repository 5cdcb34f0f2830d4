/* SPDX-License-Identifier: MIT */
/* Who used a device: a table by device and pid. A look names everybody, so who is missing has ended. */
#include "gpu/client_impl.h"

#include "base/counter.h"
#include "base/mem.h"

#include <errno.h>
#include <string.h>

static uint32_t slot_of(uint32_t device, int32_t pid)
{
    uint64_t key = ((uint64_t)device << 32 | (uint32_t)pid) * 0x9e3779b97f4a7c15ull;
    return (uint32_t)(key >> 40) & (ECO_GPU_SLOTS - 1);
}

/* The slot of a use, or the empty one where it would go. There is always one: half of them at least. */
static uint32_t *find_slot(struct eco_gpu_client *client, uint32_t device, int32_t pid)
{
    uint32_t at = slot_of(device, pid);
    while (client->slots[at] != ECO_GPU_SLOT_EMPTY) {
        const struct eco_gpu_seen_use *use = &client->uses[client->slots[at] - 1];
        if (use->device == device && use->pid == pid)
            break;
        at = (at + 1) & (ECO_GPU_SLOTS - 1);
    }
    return &client->slots[at];
}

static int make_room(struct eco_gpu_client *client)
{
    int r = eco_grow((void **)&client->uses, &client->use_capacity, client->use_count + 1, ECO_GPU_USES_MAX,
                     sizeof *client->uses);
    if (r == 0)
        r = eco_grow((void **)&client->use_sums, &client->sums_capacity, client->use_count + 1,
                     ECO_GPU_USES_MAX, sizeof *client->use_sums);
    return r;
}

static struct eco_gpu_seen_use *obtain(struct eco_gpu_client *client, uint32_t device, int32_t pid)
{
    uint32_t *slot = find_slot(client, device, pid);
    if (*slot != ECO_GPU_SLOT_EMPTY)
        return &client->uses[*slot - 1];
    if (make_room(client) < 0) {
        client->dropped_uses++;
        return NULL;
    }
    size_t place = client->use_count++;
    client->uses[place] = (struct eco_gpu_seen_use){.device = device, .pid = pid};
    client->use_sums[place] = (struct eco_gpu_use_sums){0};
    *slot = (uint32_t)place + 1;
    return &client->uses[place];
}

/* Less than before: another process with the same number, which began at 0. */
static void add_sum(uint64_t *sum, uint64_t *before, uint64_t now)
{
    *sum = eco_add_sat(*sum, now >= *before ? now - *before : now);
    *before = now;
}

static void take_use(struct eco_gpu_client *client, const struct eco_gpu_use *told, uint32_t source,
                     uint64_t now_ns)
{
    int device = eco_gpu_client_find(client, source, told->index);
    if (device < 0 || told->pid < 0)
        return;
    struct eco_gpu_seen_use *use = obtain(client, (uint32_t)device, told->pid);
    if (!use)
        return;
    struct eco_gpu_use_sums *before = &client->use_sums[use - client->uses];
    if ((use->flags & ECO_GPU_USE_ENDED) && before->look != client->looks[source].seq)
        *before = (struct eco_gpu_use_sums){.look = before->look};
    add_sum(&use->busy_ns, &before->busy_ns, told->busy_ns);
    add_sum(&use->weight_ns, &before->weight_ns, told->weight_ns);
    add_sum(&use->energy_uj, &before->energy_uj, told->energy_uj);
    add_sum(&use->span_ns, &before->span_ns, told->span_ns);
    before->look = client->looks[source].seq;
    use->flags = told->flags;
    for (size_t i = 0; i < ECO_GPU_PARENTS; i++)
        use->parents[i] = told->parents[i] > 0 ? told->parents[i] : 0;
    use->memory_bytes = told->memory_bytes;
    if (told->memory_bytes > use->memory_max_bytes)
        use->memory_max_bytes = told->memory_bytes;
    use->arrived_ns = now_ns;
}

static void end_use(struct eco_gpu_seen_use *use)
{
    use->flags = (use->flags & ~(uint32_t)ECO_GPU_USE_CONTEXT) | ECO_GPU_USE_ENDED;
    use->memory_bytes = 0;
}

static void end_unnamed(struct eco_gpu_client *client, uint32_t source, uint32_t seq)
{
    for (size_t i = 0; i < client->use_count; i++) {
        struct eco_gpu_seen_use *use = &client->uses[i];
        if (client->devices[use->device].source == source && client->use_sums[i].look != seq)
            end_use(use);
    }
}

void eco_gpu_client_used(struct eco_gpu_client *client, const struct eco_gpu_header *header,
                         const struct eco_gpu_use *uses, uint64_t now_ns)
{
    struct eco_gpu_source_looks *look = &client->looks[header->source];
    if (!client->sources[header->source].is_open)
        return;
    look->seq = header->seq;
    for (uint32_t i = 0; i < header->count; i++)
        take_use(client, &uses[i], header->source, now_ns);
    if (!header->more) /* the last part is only sent behind all others */
        end_unnamed(client, header->source, header->seq);
}

void eco_gpu_client_uses_anew(struct eco_gpu_client *client, uint32_t source)
{
    client->looks[source].seq = 0;
    for (size_t i = 0; i < client->use_count; i++) {
        if (client->devices[client->uses[i].device].source == source) {
            client->use_sums[i] = (struct eco_gpu_use_sums){0};
            end_use(&client->uses[i]);
        }
    }
}

void eco_gpu_client_forget_ended(struct eco_gpu_client *client)
{
    size_t kept = 0;
    for (size_t i = 0; i < client->use_count; i++) {
        if (client->uses[i].flags & ECO_GPU_USE_ENDED)
            continue;
        client->uses[kept] = client->uses[i];
        client->use_sums[kept++] = client->use_sums[i];
    }
    if (kept == client->use_count)
        return;
    client->use_count = kept;
    memset(client->slots, 0, ECO_GPU_SLOTS * sizeof *client->slots);
    for (size_t i = 0; i < kept; i++)
        *find_slot(client, client->uses[i].device, client->uses[i].pid) = (uint32_t)i + 1;
}
