/* SPDX-License-Identifier: MIT */
#include "model/channel.h"

const char *eco_kind_name(enum eco_kind kind)
{
    static const char *const names[ECO_KIND_COUNT] = {
        [ECO_KIND_NONE] = "none",     [ECO_KIND_CPU] = "cpu",       [ECO_KIND_DRAM] = "dram",
        [ECO_KIND_GPU] = "gpu",       [ECO_KIND_CORE] = "core",     [ECO_KIND_UNCORE] = "uncore",
        [ECO_KIND_PSYS] = "psys",     [ECO_KIND_SYSTEM] = "system", [ECO_KIND_BATTERY] = "battery",
        [ECO_KIND_DEVICE] = "device",
    };
    return (unsigned)kind < ECO_KIND_COUNT ? names[kind] : names[ECO_KIND_NONE];
}

const char *eco_quality_name(enum eco_quality quality)
{
    switch (quality) {
    case ECO_MEASURED:
        return "measured";
    case ECO_DERIVED:
        return "derived";
    case ECO_ESTIMATED:
        return "estimated";
    case ECO_QUALITY_NONE:
        break;
    }
    return "none";
}
