/* SPDX-License-Identifier: MIT */
#include "gpu/cards.h"

#include "base/parse.h"
#include "base/text.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define SUM_MAX_NS    (10 * ECO_NS_PER_S)
#define SUM_MAX_UW    10000000000ull /* 10 kW: no card takes it */
#define CARD_NAME_MAX 24

struct finding {
    const struct eco_root *root;
    const char *driver;
    struct eco_card *cards;
    size_t count, capacity;
};

static int take_hwmon(void *context, const char *name, uint64_t inode)
{
    struct eco_card *card = context;

    (void)inode;
    if (strncmp(name, "hwmon", 5) != 0 || strlen(name) >= CARD_NAME_MAX)
        return 0;
    int n = snprintf(card->hwmon, sizeof(card->hwmon), "%.200s/hwmon/%s", card->device, name);
    return n > 0 ? 1 : 0;
}

static int take_card(void *context, const char *name, uint64_t inode)
{
    struct finding *finding = context;
    struct eco_card card = {0};
    uint64_t number;
    char path[ECO_PATH_MAX];

    (void)inode;
    /* connectors are "card0-DP-1" */
    if (strncmp(name, "card", 4) != 0 || eco_parse_u64(name + 4, &number) < 0 || number > 255)
        return 0;
    card.number = (unsigned)number;
    (void)snprintf(card.device, sizeof(card.device), "class/drm/card%u/device", card.number);
    if (eco_path(path, "%s/driver", card.device) < 0 ||
        eco_root_link_name(finding->root, ECO_SYSFS, path, card.driver, sizeof(card.driver)) < 0 ||
        strcmp(card.driver, finding->driver) != 0)
        return 0;
    if (finding->count == finding->capacity)
        return 1;
    if (eco_root_link_name(finding->root, ECO_SYSFS, card.device, card.pdev, sizeof(card.pdev)) < 0)
        card.pdev[0] = '\0';
    if (eco_path(path, "%s/hwmon", card.device) == 0)
        (void)!eco_root_list(finding->root, ECO_SYSFS, path, take_hwmon, &card);
    size_t at = finding->count++;
    while (at > 0 && finding->cards[at - 1].number > card.number) {
        finding->cards[at] = finding->cards[at - 1];
        at--;
    }
    finding->cards[at] = card;
    return 0;
}

int eco_cards_find(const struct eco_root *root, const char *driver, struct eco_card *ret, size_t capacity)
{
    struct finding finding = {.root = root, .driver = driver, .cards = ret, .capacity = capacity};
    int rc = eco_root_list(root, ECO_SYSFS, "class/drm", take_card, &finding);

    return rc < 0 ? rc : (int)finding.count;
}

int eco_card_u64(const struct eco_root *root, const char *folder, const char *name, uint64_t *ret)
{
    char path[ECO_PATH_MAX];
    int rc = folder[0] ? eco_path(path, "%s/%s", folder, name) : -ENOENT;

    return rc < 0 ? rc : eco_root_read_u64(root, ECO_SYSFS, path, ret);
}

bool eco_card_is_asleep(const struct eco_root *root, const struct eco_card *card)
{
    char path[ECO_PATH_MAX], text[32];

    return eco_path(path, "%s/power/runtime_status", card->device) == 0 &&
           eco_root_read(root, ECO_SYSFS, path, text, sizeof(text)) > 0 &&
           (strcmp(text, "suspended") == 0 || strcmp(text, "suspending") == 0);
}

void eco_card_describe(const struct eco_root *root, const struct eco_card *card, int32_t index,
                       enum eco_gpu_vendor vendor, struct eco_gpu_device *ret)
{
    static const char *const names[] = {"", "NVIDIA", "AMD", "Intel"};
    char path[ECO_PATH_MAX], text[ECO_GPU_TEXT_MAX];

    *ret = (struct eco_gpu_device){.index = index, .parent = ECO_GPU_NO_PARENT, .vendor = vendor};
    eco_text_copy(ret->pci, sizeof(ret->pci), card->pdev);
    (void)snprintf(ret->driver, sizeof(ret->driver), "%s", card->driver);
    if (eco_path(path, "%s/product_name", card->device) == 0 &&
        eco_root_read(root, ECO_SYSFS, path, text, sizeof(text)) > 0)
        eco_text_clean(ret->name, sizeof(ret->name), text, strlen(text), false);
    else if (eco_path(path, "%s/device", card->device) == 0 &&
             eco_root_read(root, ECO_SYSFS, path, text, 16) > 0)
        (void)snprintf(ret->name, sizeof(ret->name), "%s GPU %.15s", names[vendor], text);
    else
        (void)snprintf(ret->name, sizeof(ret->name), "%s GPU", names[vendor]);
}

bool eco_power_sum_add(struct eco_power_sum *sum, uint64_t at_ns, uint64_t power_uw)
{
    bool goes_on = sum->has_last && at_ns >= sum->last_ns && at_ns - sum->last_ns <= SUM_MAX_NS;

    power_uw = power_uw < SUM_MAX_UW ? power_uw : SUM_MAX_UW;
    if (goes_on)
        sum->energy_uj += (double)(sum->last_uw + power_uw) / 2 * (double)(at_ns - sum->last_ns) * 1e-9;
    sum->last_ns = at_ns;
    sum->last_uw = power_uw;
    sum->has_last = true;
    return goes_on;
}
