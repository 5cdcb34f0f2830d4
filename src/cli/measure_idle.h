/* SPDX-License-Identifier: MIT */
/* --measure-idle: looks at the quiet machine for a while before the command starts. */
#pragma once

#include "cli/session.h"

#define ECO_IDLE_POWER_MAX 4096

struct eco_idle_pause {
    /* Sleep until then; true when asked to stop, at once. */
    bool (*wait)(void *context, uint64_t until_ns);
    void *context;
    bool shows_progress;
};

/**
 * Learn the idle power while the command is held.
 *
 * @param ret_idle_power  ECO_IDLE_POWER_MAX bytes: "package-0=20W,..." when nothing keeps what was learnt
 *                        (no state directory, --no-record); "" when the next meter finds it there
 * @return 0, also when the machine was not quiet (said on stderr); -EINTR when asked to stop;
 *         another negative errno with a reason
 */
int eco_measure_idle(struct eco_session *session, const struct eco_idle_pause *pause, uint64_t duration_ns,
                     char *ret_idle_power, struct eco_why *why) ECO_MUST_CHECK;
