/* SPDX-License-Identifier: MIT */
/* What the model (model.c) tells beside its readings. */
#pragma once

#include "sensors/sensor.h"

/**
 * The model in words with its inputs. Borrowed.
 *
 * @param sensor    an open one of kind eco_sensor_model
 * @param with_cpu  false: only the RAM is estimated
 */
const char *eco_model_text(const struct eco_sensor *sensor, bool with_cpu);
