/* SPDX-License-Identifier: MIT */
#include "gpu/present.h"

#include <ctype.h>
#include <string.h>

#define CARDS_MAX 64 /* looked at */

struct search {
    const struct eco_root *root;
    unsigned count;
};

static bool is_card(const char *name)
{
    if (strncmp(name, "card", 4) != 0 || !name[4])
        return false;
    for (const char *p = name + 4; *p; p++) {
        if (!isdigit((unsigned char)*p)) /* card0-HDMI-A-1 is a connector */
            return false;
    }
    return true;
}

/* By its maker: a virtual display or a BMC's has no power figure. */
static int is_known(void *context, const char *name, uint64_t inode)
{
    static const char *const vendors[] = {"0x10de", "0x1002", "0x8086"};
    struct search *search = context;
    char path[ECO_PATH_MAX], vendor[16];
    (void)inode;
    if (!is_card(name))
        return 0;
    if (++search->count > CARDS_MAX)
        return -1;
    if (eco_path(path, "class/drm/%s/device/vendor", name) < 0 ||
        eco_root_read(search->root, ECO_SYSFS, path, vendor, sizeof vendor) < 0)
        return 0;
    for (size_t i = 0; i < ECO_COUNT(vendors); i++) {
        if (strcmp(vendor, vendors[i]) == 0)
            return 1;
    }
    return 0;
}

bool eco_gpu_has_nvidia(const struct eco_root *root)
{
    return eco_root_exists(root, ECO_PROCFS, "driver/nvidia") == 0 ||
           eco_root_exists(root, ECO_SYSFS, "module/nvidia") == 0;
}

bool eco_gpu_may_be_present(const struct eco_root *root)
{
    struct search search = {.root = root};
    return eco_gpu_has_nvidia(root) || eco_root_exists(root, ECO_SYSFS, "class/kfd/kfd") == 0 ||
           eco_root_list(root, ECO_SYSFS, "class/drm", is_known, &search) == 1;
}
