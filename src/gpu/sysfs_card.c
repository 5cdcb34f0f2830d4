/* SPDX-License-Identifier: MIT */
#include "gpu/sysfs_card.h"

#include <errno.h>
#include <string.h>

static void meet_card(struct eco_sysfs_source *self, struct eco_sysfs_card *card)
{
    if (card->is_met)
        return;
    card->is_met = self->has_changed = true;
    self->meet_card(self, card);
}

int eco_sysfs_source_open(struct eco_sysfs_source *self, const char *driver, enum eco_gpu_vendor vendor)
{
    struct eco_card cards[ECO_CARDS_MAX];
    int count = eco_cards_find(self->base.env->root, driver, cards, ECO_CARDS_MAX);

    if (count <= 0)
        return -ENODEV;
    for (int i = 0; i < count; i++) {
        struct eco_sysfs_card *card = &self->cards[i];
        card->card = cards[i];
        eco_card_describe(self->base.env->root, &cards[i], i, vendor, &card->device);
    }
    self->count = (size_t)count;
    for (size_t i = 0; i < self->count; i++)
        if (!eco_card_is_asleep(self->base.env->root, &self->cards[i].card))
            meet_card(self, &self->cards[i]);
    self->has_changed = false;
    return eco_drm_use_new(self->base.env, driver, &self->use);
}

void eco_sysfs_source_close(struct eco_gpu_source *base)
{
    struct eco_sysfs_source *self = (struct eco_sysfs_source *)base;

    self->use = eco_drm_use_free(self->use);
    eco_use_books_finish(&self->books);
}

size_t eco_sysfs_source_devices(struct eco_gpu_source *base, struct eco_gpu_device *ret, size_t capacity)
{
    const struct eco_sysfs_source *self = (const struct eco_sysfs_source *)base;
    size_t count = self->count < capacity ? self->count : capacity;

    for (size_t i = 0; i < count; i++)
        ret[i] = self->cards[i].device;
    return self->count;
}

void eco_sysfs_card_power(struct eco_sysfs_card *card, struct eco_gpu_state *state, uint64_t power_uw)
{
    state->fields |= ECO_GPU_HAS_POWER;
    state->power_uw = power_uw;
    if (card->has_counter)
        return;
    if (!eco_power_sum_add(&card->sum, state->end_ns, power_uw))
        state->fields |= ECO_GPU_REBASED;
    state->fields |= ECO_GPU_HAS_ENERGY;
    state->energy_uj = (uint64_t)card->sum.energy_uj;
    state->quality = ECO_DERIVED;
}

void eco_sysfs_card_energy(struct eco_sysfs_card *card, struct eco_gpu_state *state, uint64_t counter_uj)
{
    if (!card->has_counter || counter_uj < card->energy_last_uj)
        state->fields |= ECO_GPU_REBASED;
    card->has_counter = true;
    card->energy_last_uj = counter_uj;
    state->fields |= ECO_GPU_HAS_ENERGY;
    state->energy_uj = counter_uj;
    state->quality = ECO_MEASURED;
}

static void read_card(struct eco_sysfs_source *self, struct eco_sysfs_card *card, struct eco_gpu_state *ret)
{
    const struct eco_env *env = self->base.env;

    *ret = (struct eco_gpu_state){.index = card->device.index, .quality = ECO_DERIVED};
    ret->begin_ns = ret->end_ns = env->clock->mono_ns(env->clock);
    if (eco_root_exists(env->root, ECO_SYSFS, card->card.device) < 0) {
        ret->error = -ENODEV;
    } else if (eco_card_is_asleep(env->root, &card->card)) {
        ret->fields = ECO_GPU_ASLEEP;
        card->sum.has_last = false;
    } else {
        meet_card(self, card);
        self->read_card(self, card, ret);
        /* a second die of one board has no figure of its own: that is no fault */
        bool has_sensor = card->power_file[0] || card->energy_file[0] || card->has_counter;
        if (has_sensor && ret->error == 0 && !(ret->fields & (ECO_GPU_HAS_ENERGY | ECO_GPU_HAS_POWER)))
            ret->error = -ENODATA;
    }
    ret->end_ns = env->clock->mono_ns(env->clock);
    ret->valid_from_ns = ret->valid_to_ns = ret->begin_ns;
    card->looked_ns = ret->begin_ns;
}

int32_t eco_sysfs_source_index(const void *context, const char *pdev)
{
    const struct eco_sysfs_source *self = context;

    for (size_t i = 0; i < self->count; i++)
        if (strcmp(self->cards[i].card.pdev, pdev) == 0)
            return self->cards[i].device.index;
    /* without an address there is nothing to choose from where there is one card */
    return !pdev[0] && self->count == 1 ? self->cards[0].device.index : -1;
}

int eco_sysfs_source_sample(struct eco_gpu_source *base, struct eco_gpu_state *states, size_t *state_count,
                            struct eco_gpu_use *uses, size_t *use_count)
{
    struct eco_sysfs_source *self = (struct eco_sysfs_source *)base;
    size_t capacity = *use_count, lost = 0;

    *state_count = self->count < *state_count ? self->count : *state_count;
    for (size_t i = 0; i < *state_count; i++) {
        read_card(self, &self->cards[i], &states[i]);
        lost += states[i].error == -ENODEV;
    }
    eco_use_books_begin(&self->books);
    int rc = eco_drm_use_look(self->use, &self->books, eco_sysfs_source_index, self);
    if (self->more_uses)
        self->more_uses(self);
    *use_count = eco_use_books_tell(&self->books, uses, capacity);
    if (lost == self->count)
        return -ENODEV;
    bool has_changed = self->has_changed;
    self->has_changed = false;
    return rc < 0 ? rc : has_changed;
}
