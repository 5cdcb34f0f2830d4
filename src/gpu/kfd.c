/* SPDX-License-Identifier: MIT */
#include "gpu/kfd.h"

#include "base/mem.h"
#include "base/parse.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define TOPOLOGY    "class/kfd/kfd/topology/nodes"
#define PROCESSES   "class/kfd/kfd/proc"
#define SDMA_MAX    4096u
#define SDMA_FACTOR 0.3 /* of copying, as eco_drm_engine_factor */
#define GAP_NS      1e10

/* The number behind a word at the start of a line. */
static bool property(const char *text, const char *word, uint64_t *ret)
{
    size_t length = strlen(word);

    for (const char *line = text; line && *line; line = strchr(line, '\n')) {
        line += *line == '\n';
        const char *value = line + length;
        if (strncmp(line, word, length) == 0 && *value == ' ')
            return eco_scan_u64(&value, ret) == 0;
    }
    return false;
}

static int take_node(void *context, const char *name, uint64_t inode)
{
    struct eco_kfd *kfd = context;
    struct eco_kfd_node node = {0};
    char path[ECO_PATH_MAX], text[4096];
    uint64_t location = 0, domain = 0, simds = 0, per_unit = 0;

    (void)inode;
    if (kfd->node_count == ECO_KFD_NODES_MAX || eco_path(path, TOPOLOGY "/%s/gpu_id", name) < 0 ||
        eco_root_read_u64(kfd->env->root, ECO_SYSFS, path, &node.gpu_id) < 0 || node.gpu_id == 0)
        return 0; /* a node without a card is a CPU's */
    if (eco_path(path, TOPOLOGY "/%s/properties", name) < 0 ||
        eco_root_read(kfd->env->root, ECO_SYSFS, path, text, sizeof(text)) <= 0 ||
        !property(text, "location_id", &location))
        return 0;
    (void)property(text, "domain", &domain);
    if (property(text, "simd_count", &simds) && property(text, "simd_per_cu", &per_unit) && per_unit > 0)
        node.units = simds / per_unit < UINT32_MAX ? (uint32_t)(simds / per_unit) : 0;
    /* PCI: bus in bits 15-8, device in 7-3, function in 2-0 */
    (void)snprintf(node.pdev, sizeof(node.pdev), "%04x:%02x:%02x.%x", (unsigned)(domain & 0xffffffff),
                   (unsigned)(location >> 8 & 0xff), (unsigned)(location >> 3 & 0x1f),
                   (unsigned)(location & 7));
    kfd->nodes[kfd->node_count++] = node;
    return 0;
}

void eco_kfd_open(struct eco_kfd *kfd, const struct eco_env *env)
{
    *kfd = (struct eco_kfd){.env = env};
    (void)!eco_root_list(env->root, ECO_SYSFS, TOPOLOGY, take_node, kfd);
}

void eco_kfd_close(struct eco_kfd *kfd)
{
    free(kfd->sdma);
    kfd->sdma = NULL;
    kfd->sdma_count = kfd->sdma_capacity = 0;
}

static int read_of(const struct eco_kfd *kfd, const char *format, const struct eco_kfd_node *node,
                   uint64_t *ret)
{
    char path[ECO_PATH_MAX], tail[64];

    (void)snprintf(tail, sizeof(tail), "%.16s%" PRIu64 "%s", format, node->gpu_id,
                   strcmp(format, "stats_") == 0 ? "/cu_occupancy" : "");
    int rc = eco_path(path, PROCESSES "/%d/%s", kfd->pid, tail);
    return rc < 0 ? rc : eco_root_read_u64(kfd->env->root, ECO_SYSFS, path, ret);
}

/* How much the copying engines' time grew since the last look, us. What was before the first is not ours. */
static uint64_t sdma_growth(struct eco_kfd *kfd, const struct eco_kfd_node *node, uint64_t now_us)
{
    for (size_t i = 0; i < kfd->sdma_count; i++) {
        struct eco_kfd_sdma *sdma = &kfd->sdma[i];
        if (sdma->pid != kfd->pid || sdma->gpu_id != node->gpu_id)
            continue;
        uint64_t growth = now_us > sdma->last_us ? now_us - sdma->last_us : 0;
        sdma->last_us = now_us > sdma->last_us ? now_us : sdma->last_us;
        sdma->is_seen = true;
        return growth;
    }
    if (eco_grow((void **)&kfd->sdma, &kfd->sdma_capacity, kfd->sdma_count + 1, SDMA_MAX,
                 sizeof(*kfd->sdma)) == 0)
        kfd->sdma[kfd->sdma_count++] = (struct eco_kfd_sdma){
            .pid = kfd->pid, .gpu_id = node->gpu_id, .last_us = now_us, .is_seen = true};
    return 0;
}

static void look_at_node(struct eco_kfd *kfd, const struct eco_kfd_node *node)
{
    uint64_t memory = 0, units = 0, sdma_us = 0;
    int32_t index = kfd->index_of(kfd->context, node->pdev);

    if (index < 0 || read_of(kfd, "vram_", node, &memory) < 0)
        return;
    bool has_units = node->units > 0 && read_of(kfd, "stats_", node, &units) == 0 && units <= node->units;
    if (memory == 0 && !(has_units && units > 0))
        return; /* it has not touched this card */
    struct eco_use_row *row = eco_use_books_see(kfd->books, index, kfd->pid);
    if (!row)
        return;
    row->memory_bytes = memory > row->memory_bytes ? memory : row->memory_bytes;
    if (has_units) {
        double busy_ns = (double)units / node->units * kfd->span_ns;
        row->busy_ns += busy_ns;
        row->weight_ns += busy_ns;
        row->is_split = true;
    }
    if (read_of(kfd, "sdma_", node, &sdma_us) == 0)
        row->weight_ns += SDMA_FACTOR * (double)sdma_growth(kfd, node, sdma_us) * ECO_NS_PER_US;
}

static int look_at_process(void *context, const char *name, uint64_t inode)
{
    struct eco_kfd *kfd = context;
    uint64_t pid;

    (void)inode;
    if (eco_parse_u64(name, &pid) < 0 || pid == 0 || pid > INT32_MAX)
        return 0;
    kfd->pid = (int32_t)pid;
    for (size_t i = 0; i < kfd->node_count; i++)
        look_at_node(kfd, &kfd->nodes[i]);
    return 0;
}

void eco_kfd_look(struct eco_kfd *kfd, struct eco_use_books *books,
                  int32_t (*index_of)(const void *context, const char *pdev), const void *context)
{
    if (kfd->node_count == 0)
        return;
    uint64_t now_ns = kfd->env->clock->mono_ns(kfd->env->clock);
    kfd->span_ns = kfd->looked_ns ? (double)(now_ns - kfd->looked_ns) : 0;
    kfd->span_ns = kfd->span_ns > GAP_NS ? 0 : kfd->span_ns;
    kfd->looked_ns = now_ns;
    kfd->books = books;
    kfd->index_of = index_of;
    kfd->context = context;
    for (size_t i = 0; i < kfd->sdma_count; i++)
        kfd->sdma[i].is_seen = false;
    (void)!eco_root_list(kfd->env->root, ECO_SYSFS, PROCESSES, look_at_process, kfd);
    size_t kept = 0;
    for (size_t i = 0; i < kfd->sdma_count; i++)
        if (kfd->sdma[i].is_seen)
            kfd->sdma[kept++] = kfd->sdma[i];
    kfd->sdma_count = kept;
}
