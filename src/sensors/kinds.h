/* SPDX-License-Identifier: MIT */
/* Every kind of sensor there is. registry.c lists them in the order in which they are preferred. */
#pragma once

#include "sensors/sensor.h"

extern const struct eco_sensor_ops eco_sensor_perf;     /* perf `power` and `power_core` PMUs */
extern const struct eco_sensor_ops eco_sensor_powercap; /* /sys/class/powercap */
extern const struct eco_sensor_ops eco_sensor_hwmon;    /* amd_energy, power_meter, INA, ... */
extern const struct eco_sensor_ops eco_sensor_battery;  /* while discharging */
extern const struct eco_sensor_ops eco_sensor_gpu;      /* graphics cards, by ecocode-sensord */
extern const struct eco_sensor_ops eco_sensor_model;    /* no sensor: TDP or vCPU model, and RAM by W/GB */

/* NULL-ended, preferred first. */
extern const struct eco_sensor_ops *const eco_sensor_kinds[];
