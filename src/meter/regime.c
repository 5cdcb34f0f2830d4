/* SPDX-License-Identifier: MIT */
#include "meter/regime.h"

#include "base/macros.h"

#include <stdio.h>

static uint64_t hash_text(uint64_t hash, const char *text)
{
    for (; *text; text++)
        hash = (hash ^ (unsigned char)*text) * 1099511628211ull; /* FNV-1a */
    return (hash ^ 31) * 1099511628211ull;
}

void eco_regime_find(const struct eco_env *env, char ret[ECO_REGIME_SIZE])
{
    const struct eco_host *host = env->host;
    char text[256], number[96];
    uint64_t hash = hash_text(14695981039346656037ull, host->cpu_model);
    (void)snprintf(number, sizeof number, "%u %d", host->microcode, host->on_battery);
    hash = hash_text(hash, number);
    static const char *const files[] = {"devices/system/cpu/online",
                                        "devices/system/cpu/cpu0/cpufreq/scaling_governor",
                                        "devices/system/cpu/cpu0/cpufreq/energy_performance_preference",
                                        "class/powercap/intel-rapl:0/constraint_0_power_limit_uw"};
    for (size_t i = 0; i < ECO_COUNT(files); i++)
        if (eco_root_read(env->root, ECO_SYSFS, files[i], text, sizeof text) >= 0)
            hash = hash_text(hash, text);
    (void)snprintf(ret, ECO_REGIME_SIZE, "%016llx", (unsigned long long)hash);
}
