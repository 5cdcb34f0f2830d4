/* SPDX-License-Identifier: MIT */
/* What the checks of `doctor` share. To add one: a function in doctor_checks.c and a line in its table. */
#pragma once

#include "cli/probe.h"

enum eco_verdict { ECO_VERDICT_NONE, ECO_PASS, ECO_WARN, ECO_FAIL, ECO_SKIP };

struct eco_check_result {
    enum eco_verdict verdict;
    struct eco_why why; /* text: what was found; fix: the command that mends it */
};

/* What a check may look at. */
struct eco_checkup {
    struct eco_call *call;
    const struct eco_probe *probe;
};

struct eco_check {
    const char *id; /* stable: scripts ask for it */
    void (*run)(const struct eco_checkup *checkup, struct eco_check_result *ret);
};

extern const struct eco_check eco_checks[]; /* ends with a NULL id */

/** In doctor_host.c: checks that look at this machine and user instead of the sensors. */
void eco_check_cgroup(const struct eco_checkup *checkup, struct eco_check_result *ret);
/** In doctor_gpu.c: graphics cards. */
void eco_check_gpu_found(const struct eco_checkup *checkup, struct eco_check_result *ret);
void eco_check_gpu_sensord(const struct eco_checkup *checkup, struct eco_check_result *ret);
void eco_check_gpu_driver(const struct eco_checkup *checkup, struct eco_check_result *ret);
void eco_check_gpu_permission(const struct eco_checkup *checkup, struct eco_check_result *ret);
/** In doctor_calibration.c. */
void eco_check_calibration(const struct eco_checkup *checkup, struct eco_check_result *ret);
void eco_check_idle(const struct eco_checkup *checkup, struct eco_check_result *ret);
void eco_check_state(const struct eco_checkup *checkup, struct eco_check_result *ret);
void eco_check_config(const struct eco_checkup *checkup, struct eco_check_result *ret);
void eco_check_priv_installed(const struct eco_checkup *checkup, struct eco_check_result *ret);
void eco_check_priv_caps(const struct eco_checkup *checkup, struct eco_check_result *ret);
void eco_check_priv_group(const struct eco_checkup *checkup, struct eco_check_result *ret);
void eco_check_priv_counters(const struct eco_checkup *checkup, struct eco_check_result *ret);
void eco_check_bpf(const struct eco_checkup *checkup, struct eco_check_result *ret);
void eco_check_variables(const struct eco_checkup *checkup, struct eco_check_result *ret);

/** The sensor tree of this machine as a .tree text without serial numbers, host and user names. 0 or negative
 * errno. */
int eco_bundle_write(const struct eco_probe *probe, const char *path, struct eco_why *why) ECO_MUST_CHECK;
