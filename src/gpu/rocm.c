/* SPDX-License-Identifier: MIT */
/*
 * AMD cards by AMD's own library, where the kernel's files have no figure that we know to read: a card or a
 * layout of gpu_metrics that is newer than this program. Which cards there are and who uses them is read from
 * the same files as ever. The library is asked of nothing that sleeps, and it may abort: an assertion of its
 * release 5.2 fails on a metrics layout that is newer than itself.
 */
#include "gpu/amdgpu.h"
#include "gpu/kfd.h"
#include "gpu/kinds.h"
#include "gpu/rocm_abi.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#define UW_MAX  10000000000ull
#define UJ_MAX  1e18
#define GAP_NS  (10 * ECO_NS_PER_S)
#define MC_MAX  1000000
#define NO_CARD UINT32_MAX

struct rocm {
    struct eco_sysfs_source cards; /* first */
    struct eco_kfd kfd;
    struct rocm_library lib;
    uint32_t place[ECO_CARDS_MAX]; /* of our card, in the library */
};

/* ---- the library ---- */

#define SYMBOL(member, symbol, parameters) {#symbol, offsetof(struct rocm_library, member)},
static const struct {
    const char *name;
    size_t offset;
} symbols[] = {ROCM_FUNCTIONS(SYMBOL)}, new_symbols[] = {ROCM_NEW_FUNCTIONS(SYMBOL)};

static int open_library(struct rocm_library *lib)
{
    /* what links come with the package of developers, and what releases are named */
    static const char *const names[] = {"librocm_smi64.so.7", "librocm_smi64.so.6", "librocm_smi64.so.5",
                                        "librocm_smi64.so.1", "librocm_smi64.so"};
    for (size_t i = 0; i < ECO_COUNT(names) && !lib->object; i++)
        lib->object = dlopen(names[i], RTLD_NOW | RTLD_LOCAL);
    if (!lib->object)
        return -ENODEV;
    for (size_t i = 0; i < ECO_COUNT(symbols); i++) {
        void *found = dlsym(lib->object, symbols[i].name);
        if (!found)
            return -ENODEV;
        memcpy((char *)lib + symbols[i].offset, &found, sizeof found);
    }
    for (size_t i = 0; i < ECO_COUNT(new_symbols); i++) {
        void *found = dlsym(lib->object, new_symbols[i].name);
        memcpy((char *)lib + new_symbols[i].offset, &found, sizeof found);
    }
    return 0;
}

static bool read_power(const struct rocm_library *lib, uint32_t place, uint64_t *ret_uw)
{
    uint64_t uw = 0;
    int type = 0;
    bool is_read = lib->power && lib->power(place, &uw, &type) == ROCM_SUCCESS && uw > 0;
    if (!is_read)
        is_read = lib->power_average(place, 0, &uw) == ROCM_SUCCESS && uw > 0;
    *ret_uw = uw;
    return is_read && uw <= UW_MAX; /* 0: a die whose board has the sensor elsewhere */
}

static bool read_energy(const struct rocm_library *lib, uint32_t place, uint64_t *ret_uj)
{
    uint64_t count = 0, at_ns = 0;
    float unit_uj = 0;
    if (lib->energy(place, &count, &unit_uj, &at_ns) != ROCM_SUCCESS || count == 0 || count == UINT64_MAX)
        return false;
    double uj = (double)count * (double)unit_uj;
    if (!(uj > 0 && uj < UJ_MAX))
        return false;
    *ret_uj = (uint64_t)uj;
    return true;
}

/* ---- cards ---- */

/* Only where it has something to add, and nothing of it has to be woken. */
static bool is_wanted(const struct eco_root *root)
{
    struct eco_card cards[ECO_CARDS_MAX];
    int count = eco_cards_find(root, "amdgpu", cards, ECO_CARDS_MAX);
    for (int i = 0; i < count; i++)
        if (eco_card_is_asleep(root, &cards[i]) || eco_amdgpu_has_figure(root, &cards[i]))
            return false;
    return count > 0;
}

/* By address: the library has an order of its own. Cards that it gives no figure for are left out. */
static bool match(struct rocm *self, uint32_t count)
{
    bool has_any = false;
    for (size_t i = 0; i < self->cards.count; i++)
        self->place[i] = NO_CARD;
    for (uint32_t place = 0; place < count; place++) {
        uint64_t id = 0, value;
        char pdev[32];
        if (self->lib.pci_id(place, &id) != ROCM_SUCCESS)
            continue;
        (void)snprintf(pdev, sizeof pdev, "%04x:%02x:%02x.%x", (unsigned)(id >> 32),
                       (unsigned)(id >> 8 & 0xff), (unsigned)(id >> 3 & 0x1f), (unsigned)(id & 7));
        int32_t index = eco_sysfs_source_index(&self->cards, pdev);
        if (index < 0 || (!read_energy(&self->lib, place, &value) && !read_power(&self->lib, place, &value)))
            continue;
        self->place[index] = place;
        has_any = true;
    }
    return has_any;
}

static void read_load(const struct rocm_library *lib, uint32_t place, struct eco_sysfs_card *card,
                      struct eco_gpu_state *ret)
{
    uint64_t value, span_ns = card->looked_ns ? ret->begin_ns - card->looked_ns : 0;
    uint32_t percent;
    int64_t mc;
    if (lib->busy(place, &percent) == ROCM_SUCCESS && percent <= 100) {
        card->busy_ns += span_ns < GAP_NS ? (double)percent / 100 * (double)span_ns : 0;
        ret->fields |= ECO_GPU_HAS_BUSY;
        ret->busy_ns = (uint64_t)card->busy_ns;
    }
    if (card->device.memory_bytes == 0 && lib->memory_total(place, ROCM_MEMORY_VRAM, &value) == ROCM_SUCCESS)
        card->device.memory_bytes = value;
    if (lib->memory_used(place, ROCM_MEMORY_VRAM, &value) == ROCM_SUCCESS) {
        ret->fields |= ECO_GPU_HAS_MEMORY;
        ret->memory_used_bytes = value;
    }
    if (lib->temperature(place, ROCM_TEMPERATURE_EDGE, ROCM_TEMPERATURE_NOW, &mc) == ROCM_SUCCESS &&
        mc > -MC_MAX && mc < MC_MAX) {
        ret->fields |= ECO_GPU_HAS_TEMPERATURE;
        ret->temperature_mc = (int32_t)mc;
    }
}

static void read_card(struct eco_sysfs_source *source, struct eco_sysfs_card *card, struct eco_gpu_state *ret)
{
    struct rocm *self = (struct rocm *)source;
    uint32_t place = self->place[card->device.index];
    uint64_t value;
    if (place == NO_CARD)
        return;
    if (read_energy(&self->lib, place, &value))
        eco_sysfs_card_energy(card, ret, value);
    if (read_power(&self->lib, place, &value))
        eco_sysfs_card_power(card, ret, value);
    if (!(ret->fields & ECO_GPU_HAS_ENERGY))
        ret->error = -ENODATA; /* it had one */
    read_load(&self->lib, place, card, ret);
}

static void more_uses(struct eco_sysfs_source *source)
{
    struct rocm *self = (struct rocm *)source;
    eco_kfd_look(&self->kfd, &source->books, eco_sysfs_source_index, source);
}

static int rocm_open(struct eco_gpu_source *base, struct eco_why *why)
{
    struct rocm *self = (struct rocm *)base;
    uint32_t count = 0;
    (void)why; /* a second source that finds nothing is no news */
    if (!is_wanted(base->env->root))
        return -ENODEV;
    self->cards.meet_card = eco_amdgpu_meet;
    self->cards.read_card = read_card;
    self->cards.more_uses = more_uses;
    int r = open_library(&self->lib);
    if (r == 0 &&
        (self->lib.init(0) != ROCM_SUCCESS || self->lib.count(&count) != ROCM_SUCCESS || count == 0))
        r = -ENODEV;
    if (r == 0)
        r = eco_sysfs_source_open(&self->cards, "amdgpu", ECO_GPU_AMD);
    if (r < 0)
        return r;
    eco_kfd_open(&self->kfd, base->env);
    return match(self, count) ? 0 : -ENODEV;
}

/* The library stays loaded and open: what it does at its end is its own, and the process ends anyway. */
static void rocm_close(struct eco_gpu_source *base)
{
    struct rocm *self = (struct rocm *)base;
    eco_kfd_close(&self->kfd);
    eco_sysfs_source_close(base);
}

const struct eco_gpu_source_ops eco_gpu_rocm = {
    .name = "rocm",
    .size = sizeof(struct rocm),
    .open = rocm_open,
    .devices = eco_sysfs_source_devices,
    .sample = eco_sysfs_source_sample,
    .close = rocm_close,
};
