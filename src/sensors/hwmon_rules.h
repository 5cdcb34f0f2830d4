/* SPDX-License-Identifier: MIT */
/* What the power and energy files of known hwmon chips mean. Pure. */
#pragma once

#include "model/channel.h"

enum eco_hwmon_use {
    ECO_HWMON_SHOW,   /* a rail: shown, never counted, since nobody can tell what hangs on it */
    ECO_HWMON_DOMAIN, /* a domain of its own */
    ECO_HWMON_SKIP,   /* not shown: part of another file, or not power */
    ECO_HWMON_REFUSE  /* known, left out on purpose: `why` */
};

struct eco_hwmon_meaning {
    enum eco_hwmon_use use;
    struct eco_key key;
    char name[ECO_NAME_MAX]; /* of the domain */
    const char *why;         /* static; only with REFUSE */
};

enum eco_hwmon_file { ECO_HWMON_ENERGY, ECO_HWMON_POWER, ECO_HWMON_PAIR };

/**
 * @param chip    content of `name`: "amd_energy", "power_meter", "ina3221"
 * @param file    energyN_input, powerN_input/average, or inN x currN (shunt monitors)
 * @param number  N
 * @param label   content of the label file, "" when there is none
 */
void eco_hwmon_meaning(const char *chip, enum eco_hwmon_file file, unsigned number, const char *label,
                       struct eco_hwmon_meaning *ret);

/** Chips whose power is inN x currN. */
bool eco_hwmon_has_pairs(const char *chip);
