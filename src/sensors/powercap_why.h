/* SPDX-License-Identifier: MIT */
/* Why a RAPL zone cannot be used, and the command that would change it. */
#pragma once

#include "sensors/sensor.h"

/** Fill `refusal->why` and `mendable` by `refusal->error`. `zone` is its directory, `host` may be NULL. */
void eco_powercap_explain(struct eco_refusal *refusal, const char *zone, const struct eco_host *host);

/** There is no zone at all: refuse, with the reason (hidden, not loaded, a guest), where the CPU should have
 * one. */
void eco_powercap_explain_absence(struct eco_sensor *sensor);
