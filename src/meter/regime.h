/* SPDX-License-Identifier: MIT */
/* What idle power and a calibration hold for. */
#pragma once

#include "platform/env.h"

#define ECO_REGIME_SIZE 17

/** CPU, microcode, governor, power source, power limit and online CPUs as 16 hexadecimal digits. */
void eco_regime_find(const struct eco_env *env, char ret[ECO_REGIME_SIZE]);
