/* SPDX-License-Identifier: MIT */
/* Graphics cards that the kernel itself knows: /sys/class/drm/cardN. Files below the root only. Thread: one.
 */
#pragma once

#include "model/gpu.h"
#include "platform/root.h"

#define ECO_CARDS_MAX 32

struct eco_card {
    unsigned number;               /* of cardN */
    char driver[24], pdev[32];     /* "amdgpu", "0000:03:00.0" */
    char device[ECO_PATH_MAX / 2]; /* below sysfs: "class/drm/card0/device" */
    char hwmon[ECO_PATH_MAX / 2];  /* "class/drm/card0/device/hwmon/hwmon3", "" = none */
};

/**
 * Those of one driver, in the order of their numbers; that is where the driver's hwmon stands too.
 *
 * @return how many, or negative errno (-ENOENT: no such class)
 */
int eco_cards_find(const struct eco_root *root, const char *driver, struct eco_card *ret, size_t capacity);

/** A small number of one of its files; negative errno. `name` is relative to `folder`. */
int eco_card_u64(const struct eco_root *root, const char *folder, const char *name,
                 uint64_t *ret) ECO_MUST_CHECK;
/** Whether it sleeps: reading its sensors would wake it. */
bool eco_card_is_asleep(const struct eco_root *root, const struct eco_card *card);
/** Name for people from what is there, index, PCI address. */
void eco_card_describe(const struct eco_root *root, const struct eco_card *card, int32_t index,
                       enum eco_gpu_vendor vendor, struct eco_gpu_device *ret);

/* Power summed up to energy where a card has no counter. */
struct eco_power_sum {
    uint64_t last_ns, last_uw;
    double energy_uj;
    bool has_last;
};

/** One more figure; between two the mean of both holds. Over more than 10 s nothing is known: false, begun
 * anew. */
bool eco_power_sum_add(struct eco_power_sum *sum, uint64_t at_ns, uint64_t power_uw);
