/* SPDX-License-Identifier: MIT */
#include "sensors/model_curve.h"

#include <math.h>

#define IDLE_SHARE  0.07
#define AWAKE_SHARE 0.29
#define BUSY_SHARE  0.36

static double into_unit(double value)
{
    return value > 0 ? (value < 1 ? value : 1) : 0;
}

double eco_model_power_w(double tdp_w, double freq_ratio, double busy, double awake)
{
    return tdp_w * (IDLE_SHARE +
                    into_unit(freq_ratio) * (AWAKE_SHARE * into_unit(awake) + BUSY_SHARE * into_unit(busy)));
}

double eco_model_between_w(double idle_w, double full_w, double freq_ratio, double busy, double awake)
{
    double load =
        (AWAKE_SHARE * into_unit(awake) + BUSY_SHARE * into_unit(busy)) / (AWAKE_SHARE + BUSY_SHARE);
    return idle_w + (full_w - idle_w) * into_unit(freq_ratio) * load;
}

double eco_model_idle_w(double tdp_w)
{
    return eco_model_power_w(tdp_w, 1, 0, 0);
}

double eco_model_full_w(double tdp_w)
{
    return eco_model_power_w(tdp_w, 1, 1, 1);
}

double eco_model_awake(const double *core_busy, size_t count)
{
    double asleep = 1;
    for (size_t i = 0; i < count; i++)
        asleep *= 1 - into_unit(core_busy[i]);
    return 1 - asleep;
}

double eco_model_alpha(double ratio)
{
    return log(ratio) / 1.96;
}
