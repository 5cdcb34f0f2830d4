/* SPDX-License-Identifier: MIT */
/* What this machine offers, for `sensors` and `doctor`: all sources, looked at twice. open/free. */
#pragma once

#include "cli/command.h"
#include "cli/gpus.h"
#include "meter/calibration_store.h"
#include "platform/host.h"
#include "procs/busy.h"
#include "sensors/group.h"

#define ECO_FINDINGS_MAX 1024

struct eco_probe {
    struct eco_root root;
    struct eco_host host;
    struct eco_env env;
    struct eco_counters *counters; /* by ecocode-priv, NULL = none */
    struct eco_gpus gpus;
    struct eco_group *group;
    struct eco_busy *busy;
    struct eco_calibration *calibration; /* NULL none */
    struct eco_calibration_source calibration_source;
    struct eco_why why; /* why there is no measured package, "" when there is one */
    struct eco_finding findings[ECO_FINDINGS_MAX];
    size_t count;
    const struct eco_domain *domains;
    unsigned domain_count;
};

/** Two looks, 200 ms apart, so that counters become watts. 0 or negative errno with a reason. */
int eco_probe_open(const struct eco_call *call, struct eco_probe **ret, struct eco_why *why) ECO_MUST_CHECK;
/** Accepts NULL, returns NULL. */
struct eco_probe *eco_probe_free(struct eco_probe *probe);
/** The domain of a finding, NULL when it has none. */
const struct eco_domain *eco_probe_domain(const struct eco_probe *probe, const struct eco_finding *finding);
