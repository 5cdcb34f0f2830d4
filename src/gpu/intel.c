/* SPDX-License-Identifier: MIT */
/*
 * Intel cards by the kernel's files (Documentation/ABI/testing/sysfs-driver-intel-i915-hwmon and
 * sysfs-driver-intel-xe-hwmon): energy1_input of the card in microjoules, summed up by the driver over its
 * 32-bit register, which it reads when it is asked; fdinfo for who used it. What is integrated has no hwmon:
 * its energy is the package's uncore.
 */
#include "gpu/kinds.h"
#include "gpu/sysfs_card.h"

#include <errno.h>
#include <string.h>

#define ALPHA 0.05

static bool has_label(const struct eco_root *root, const struct eco_sysfs_card *card, const char *file,
                      const char *label)
{
    char path[ECO_PATH_MAX], text[32];

    return eco_path(path, "%s/%s", card->card.hwmon, file) == 0 &&
           eco_root_read(root, ECO_SYSFS, path, text, sizeof(text)) > 0 && strcmp(text, label) == 0;
}

static void meet_card(struct eco_sysfs_source *self, struct eco_sysfs_card *card)
{
    const struct eco_root *root = self->base.env->root;
    char path[ECO_PATH_MAX];

    card->device.alpha = ALPHA;
    card->device.is_integrated = !card->card.hwmon[0];
    if (card->device.is_integrated)
        return;
    /* xe: energy1 is the card, energy2 the package in it; a driver that has only the package says so by a
     * label */
    const char *file = has_label(root, card, "energy2_label", "card") ? "energy2_input" : "energy1_input";
    if (eco_path(path, "%s/%s", card->card.hwmon, file) == 0 && eco_root_exists(root, ECO_SYSFS, path) == 0)
        memcpy(card->energy_file, file, strlen(file) + 1);
}

static void read_card(struct eco_sysfs_source *self, struct eco_sysfs_card *card, struct eco_gpu_state *ret)
{
    const struct eco_root *root = self->base.env->root;
    uint64_t value;

    if (card->energy_file[0]) {
        int rc = eco_card_u64(root, card->card.hwmon, card->energy_file, &value);
        if (rc == 0)
            eco_sysfs_card_energy(card, ret, value);
        else
            ret->error = rc;
    }
    if (eco_card_u64(root, card->card.hwmon, "power1_max", &value) == 0) {
        ret->fields |= ECO_GPU_HAS_LIMIT;
        ret->limit_uw = value;
    }
    if (eco_card_u64(root, card->card.hwmon, "temp2_input", &value) == 0 && value < 1000000) {
        ret->fields |= ECO_GPU_HAS_TEMPERATURE;
        ret->temperature_mc = (int32_t)value;
    }
}

static int open_driver(struct eco_gpu_source *base, const char *driver)
{
    struct eco_sysfs_source *self = (struct eco_sysfs_source *)base;

    self->meet_card = meet_card;
    self->read_card = read_card;
    return eco_sysfs_source_open(self, driver, ECO_GPU_INTEL);
}

static int i915_open(struct eco_gpu_source *base, struct eco_why *why)
{
    (void)why;
    return open_driver(base, "i915");
}

static int xe_open(struct eco_gpu_source *base, struct eco_why *why)
{
    (void)why;
    return open_driver(base, "xe");
}

const struct eco_gpu_source_ops eco_gpu_i915 = {
    .name = "i915",
    .size = sizeof(struct eco_sysfs_source),
    .open = i915_open,
    .devices = eco_sysfs_source_devices,
    .sample = eco_sysfs_source_sample,
    .close = eco_sysfs_source_close,
};

const struct eco_gpu_source_ops eco_gpu_xe = {
    .name = "xe",
    .size = sizeof(struct eco_sysfs_source),
    .open = xe_open,
    .devices = eco_sysfs_source_devices,
    .sample = eco_sysfs_source_sample,
    .close = eco_sysfs_source_close,
};
