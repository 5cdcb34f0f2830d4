/* SPDX-License-Identifier: MIT */
#include "gpu/metrics.h"

#include <errno.h>

#define NO_U16 0xffffu
#define NO_U64 UINT64_MAX

struct layout {
    uint8_t content_first, content_last; /* of format 1: of dedicated cards */
    size_t power_at, energy_at, busy_at;
};

/* Formats 2 and 3 are of APUs and have no energy; their layouts are not read. */
static const struct layout layouts[] = {
    {1, 3, 22, 24, 16},
    {4, 4, 10, 24, 12},
    {5, 5, 10, 88, 12},
    {6, 6, 10, 16, 12},
};

static uint16_t u16_at(const uint8_t *data, size_t at)
{
    return (uint16_t)(data[at] | data[at + 1] << 8);
}

static uint64_t u64_at(const uint8_t *data, size_t at)
{
    uint64_t value = 0;

    for (size_t i = 8; i-- > 0;)
        value = value << 8 | data[at + i];
    return value;
}

int eco_amd_metrics_parse(const void *data, size_t size, struct eco_amd_metrics *ret)
{
    const uint8_t *bytes = data;
    struct eco_amd_metrics metrics = {0};

    if (size < 4 || u16_at(bytes, 0) < 4)
        return -EINVAL;
    if (u16_at(bytes, 0) < size)
        size = u16_at(bytes, 0);
    for (size_t i = 0; bytes[2] == 1 && i < ECO_COUNT(layouts); i++) {
        const struct layout *layout = &layouts[i];
        if (bytes[3] < layout->content_first || bytes[3] > layout->content_last)
            continue;
        if (size < layout->energy_at + 8 || size < layout->power_at + 2 || size < layout->busy_at + 2)
            return -EINVAL;
        uint16_t power = u16_at(bytes, layout->power_at), busy = u16_at(bytes, layout->busy_at);
        uint64_t energy = u64_at(bytes, layout->energy_at);
        metrics.has_power = power != NO_U16;
        metrics.power_uw = power * 1000000ull;
        /* A unit is 2^-16 J. 0 is what cards say that do not count. */
        metrics.has_energy = energy != NO_U64 && energy != 0 && energy < NO_U64 / 15625;
        metrics.is_unit_known = bytes[3] >= 4;
        metrics.energy_uj = energy / 1024 * 15625 + energy % 1024 * 15625 / 1024;
        metrics.has_busy = busy <= 100;
        metrics.busy_ratio = busy / 100.0;
        *ret = metrics;
        return 0;
    }
    return -ENOTSUP;
}
