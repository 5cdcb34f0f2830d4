/* SPDX-License-Identifier: MIT */
/* What the sources of the kernel's own drivers (amdgpu, i915, xe) share: cards, books of each, their users.
 */
#pragma once

#include "gpu/cards.h"
#include "gpu/drm_use.h"
#include "gpu/source.h"

struct eco_sysfs_card {
    struct eco_card card;
    struct eco_gpu_device device;
    struct eco_power_sum sum;
    double busy_ns; /* cumulative */
    bool is_met;
    uint64_t looked_ns;      /* of the look before, 0 none */
    uint64_t energy_last_uj; /* of the counter */
    bool has_counter;
    char power_file[32], energy_file[32]; /* in card.hwmon, "" = none */
};

struct eco_sysfs_source {
    struct eco_gpu_source base;
    struct eco_sysfs_card cards[ECO_CARDS_MAX];
    size_t count;
    struct eco_drm_use *use;
    struct eco_use_books books;
    bool has_changed; /* something of a device is known only now */
    /* What is known of a card that is awake, once; and its figures, at every look: fills what the driver has.
     */
    void (*meet_card)(struct eco_sysfs_source *self, struct eco_sysfs_card *card);
    void (*read_card)(struct eco_sysfs_source *self, struct eco_sysfs_card *card, struct eco_gpu_state *ret);
    /* More of who used a card, into the books; may be NULL. */
    void (*more_uses)(struct eco_sysfs_source *self);
};

/** -ENODEV without a card of that driver, -ENOMEM. */
int eco_sysfs_source_open(struct eco_sysfs_source *self, const char *driver,
                          enum eco_gpu_vendor vendor) ECO_MUST_CHECK;
size_t eco_sysfs_source_devices(struct eco_gpu_source *self, struct eco_gpu_device *ret, size_t capacity);
int eco_sysfs_source_sample(struct eco_gpu_source *self, struct eco_gpu_state *states, size_t *state_count,
                            struct eco_gpu_use *uses, size_t *use_count);
void eco_sysfs_source_close(struct eco_gpu_source *self);
/** Device index of a PCI address, -1 = not here; `context` is the source. */
int32_t eco_sysfs_source_index(const void *context, const char *pdev);

/** Power of the moment, summed up; energy is derived then. */
void eco_sysfs_card_power(struct eco_sysfs_card *card, struct eco_gpu_state *state, uint64_t power_uw);
/** A counter of the driver's own: measured. */
void eco_sysfs_card_energy(struct eco_sysfs_card *card, struct eco_gpu_state *state, uint64_t counter_uj);
