/* SPDX-License-Identifier: MIT */
/*
 * AMD cards by the kernel's files (Documentation/gpu/amdgpu/thermal.rst): hwmon for power and temperature,
 * gpu_metrics for energy, fdinfo for who used it. Cards that sleep are left asleep.
 */
#include "gpu/amdgpu.h"
#include "gpu/kfd.h"
#include "gpu/kinds.h"
#include "gpu/metrics.h"
#include "gpu/sysfs_card.h"

#include "base/parse.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define METRICS_MAX 8192
#define ALPHA       0.05 /* of the power figure, judgement as for other cards */
#define UW_MAX      10000000000ull
#define GAP_NS      (10 * ECO_NS_PER_S)

static const char *const powers[] = {"power1_average", "power1_input"};

struct amdgpu {
    struct eco_sysfs_source cards; /* first */
    struct eco_kfd kfd;
};

static int read_metrics(const struct eco_root *root, const struct eco_card *card, struct eco_amd_metrics *ret)
{
    char path[ECO_PATH_MAX];
    uint8_t data[METRICS_MAX];
    int rc = eco_path(path, "%s/gpu_metrics", card->device);
    int fd = rc < 0 ? rc : eco_root_open(root, ECO_SYSFS, path);

    if (fd < 0)
        return fd;
    ssize_t n = pread(fd, data, sizeof(data), 0);
    rc = n < 0 ? -errno : eco_amd_metrics_parse(data, (size_t)n, ret);
    (void)close(fd);
    return rc;
}

static bool is_apu(const struct eco_root *root, const struct eco_sysfs_card *card)
{
    uint64_t vram = 0, gtt = 0;

    /* An APU's card has a small carve-out of main memory, and no power limit of its own. */
    return eco_card_u64(root, card->card.device, "mem_info_vram_total", &vram) == 0 &&
           eco_card_u64(root, card->card.device, "mem_info_gtt_total", &gtt) == 0 && vram < gtt / 2 &&
           eco_card_u64(root, card->card.hwmon, "power1_cap", &vram) < 0;
}

bool eco_amdgpu_has_figure(const struct eco_root *root, const struct eco_card *card)
{
    struct eco_amd_metrics metrics = {0};
    char path[ECO_PATH_MAX];

    for (size_t i = 0; i < ECO_COUNT(powers) && card->hwmon[0]; i++)
        if (eco_path(path, "%s/%s", card->hwmon, powers[i]) == 0 &&
            eco_root_exists(root, ECO_SYSFS, path) == 0)
            return true;
    return read_metrics(root, card, &metrics) == 0 &&
           (metrics.has_power || (metrics.has_energy && metrics.is_unit_known));
}

/* Powers of the whole package are an APU's: shown, and never summed with RAPL's. */
void eco_amdgpu_meet(struct eco_sysfs_source *self, struct eco_sysfs_card *card)
{
    const struct eco_root *root = self->base.env->root;
    uint64_t value;

    card->device.is_integrated = is_apu(root, card);
    if (eco_card_u64(root, card->card.device, "mem_info_vram_total", &value) == 0)
        card->device.memory_bytes = value;
    char path[ECO_PATH_MAX];
    if (eco_path(path, "%s/unique_id", card->card.device) == 0)
        (void)!eco_root_read(root, ECO_SYSFS, path, card->device.uuid, sizeof(card->device.uuid));
    for (size_t i = 0; i < ECO_COUNT(powers) && !card->power_file[0]; i++)
        if (card->card.hwmon[0] && eco_path(path, "%s/%s", card->card.hwmon, powers[i]) == 0 &&
            eco_root_exists(root, ECO_SYSFS, path) == 0)
            memcpy(card->power_file, powers[i], strlen(powers[i]) + 1);
    card->device.alpha = ALPHA;
}

static void read_load(const struct eco_root *root, struct eco_sysfs_card *card, struct eco_gpu_state *ret)
{
    uint64_t value, span_ns = card->looked_ns ? ret->begin_ns - card->looked_ns : 0;

    if (eco_card_u64(root, card->card.device, "gpu_busy_percent", &value) == 0 && value <= 100) {
        card->busy_ns += span_ns < GAP_NS ? (double)value / 100 * (double)span_ns : 0;
        ret->fields |= ECO_GPU_HAS_BUSY;
        ret->busy_ns = (uint64_t)card->busy_ns;
    }
    if (eco_card_u64(root, card->card.device, "mem_info_vram_used", &value) == 0) {
        ret->fields |= ECO_GPU_HAS_MEMORY;
        ret->memory_used_bytes = value;
    }
    if (eco_card_u64(root, card->card.hwmon, "temp1_input", &value) == 0 && value < 1000000) {
        ret->fields |= ECO_GPU_HAS_TEMPERATURE;
        ret->temperature_mc = (int32_t)value;
    }
    if (eco_card_u64(root, card->card.hwmon, "power1_cap", &value) == 0 && value <= UW_MAX) {
        ret->fields |= ECO_GPU_HAS_LIMIT;
        ret->limit_uw = value;
    }
    if (eco_card_u64(root, card->card.hwmon, "freq1_input", &value) == 0 && value / 1000000 < 100000) {
        ret->fields |= ECO_GPU_HAS_CLOCK;
        ret->clock_mhz = (uint32_t)(value / 1000000);
    }
}

static void read_card(struct eco_sysfs_source *self, struct eco_sysfs_card *card, struct eco_gpu_state *ret)
{
    const struct eco_root *root = self->base.env->root;
    struct eco_amd_metrics metrics = {0};
    uint64_t power = 0;
    int rc = -ENODATA;

    bool has_metrics = read_metrics(root, &card->card, &metrics) == 0;
    if (has_metrics && metrics.has_energy && metrics.is_unit_known)
        eco_sysfs_card_energy(card, ret, metrics.energy_uj);
    if (card->power_file[0])
        rc = eco_card_u64(root, card->card.hwmon, card->power_file, &power);
    if (rc < 0 && has_metrics && metrics.has_power) {
        power = metrics.power_uw;
        rc = 0;
    }
    if (rc == 0 && power <= UW_MAX)
        eco_sysfs_card_power(card, ret, power);
    else if (!(ret->fields & ECO_GPU_HAS_ENERGY) && card->power_file[0])
        ret->error = rc < 0 ? rc : -ERANGE;
    read_load(root, card, ret);
}

static void more_uses(struct eco_sysfs_source *base)
{
    struct amdgpu *self = (struct amdgpu *)base;

    eco_kfd_look(&self->kfd, &base->books, eco_sysfs_source_index, base);
}

static int amdgpu_open(struct eco_gpu_source *base, struct eco_why *why)
{
    struct amdgpu *self = (struct amdgpu *)base;

    (void)why;
    self->cards.meet_card = eco_amdgpu_meet;
    self->cards.read_card = read_card;
    self->cards.more_uses = more_uses;
    int rc = eco_sysfs_source_open(&self->cards, "amdgpu", ECO_GPU_AMD);
    if (rc == 0)
        eco_kfd_open(&self->kfd, base->env);
    return rc;
}

static void amdgpu_close(struct eco_gpu_source *base)
{
    struct amdgpu *self = (struct amdgpu *)base;

    eco_kfd_close(&self->kfd);
    eco_sysfs_source_close(base);
}

const struct eco_gpu_source_ops eco_gpu_amdgpu = {
    .name = "amdgpu",
    .size = sizeof(struct amdgpu),
    .open = amdgpu_open,
    .devices = eco_sysfs_source_devices,
    .sample = eco_sysfs_source_sample,
    .close = amdgpu_close,
};
