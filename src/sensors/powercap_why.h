/* SPDX-License-Identifier: MIT */
/* Why a RAPL zone cannot be used, and the command that would change it. */
#pragma once

#include "sensors/sensor.h"

/* What of the kernel's powercap tree can be seen, zones or not. */
enum eco_powercap_view {
    ECO_POWERCAP_SEEN,     /* sysfs is there, as the kernel made it: what is not in it does not exist */
    ECO_POWERCAP_MASKED,   /* an empty directory lies over the zones, as runc since 1.1.12 has it */
    ECO_POWERCAP_NO_SYSFS, /* no sysfs is mounted, or next to nothing of it is shown */
};

enum eco_powercap_view eco_powercap_view(const struct eco_root *root);
/** The option that makes it visible, for the command line of an engine. */
const char *eco_powercap_view_fix(enum eco_powercap_view view);

/** Fill `refusal->why` and `mendable` by `refusal->error`. `zone` is its directory, `host` may be NULL. */
void eco_powercap_explain(struct eco_refusal *refusal, const char *zone, const struct eco_host *host);

/** There is no zone at all: refuse, with the reason (hidden, not loaded, a guest), where the CPU should have
 * one. */
void eco_powercap_explain_absence(struct eco_sensor *sensor);
