/* SPDX-License-Identifier: MIT */
#include "sensors/kinds.h"

/*
 * perf before powercap: 64-bit counts that the kernel keeps itself, so no wrap (Raffin & Trystram
 * 2024 recommend it as well). The model is last: it stands in only where nothing measures.
 */
const struct eco_sensor_ops *const eco_sensor_kinds[] = {
    &eco_sensor_perf,
    &eco_sensor_powercap,
    &eco_sensor_hwmon,
    &eco_sensor_battery,
    &eco_sensor_gpu,
    &eco_sensor_model,
    NULL,
};
