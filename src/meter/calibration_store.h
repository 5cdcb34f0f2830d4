/* SPDX-License-Identifier: MIT */
/*
 * Calibrations as they are kept: calibration-HOST.txt, of the machine in /var/lib/ecocode (root writes it,
 * all read it) and of a user in the state directory. The newer of the two counts. One block per regime:
 *
 *     ecocode.calibration/1
 *     regime 3f2a... 1763820000          regime, when (s)
 *     cpu Intel(R) Xeon(R) ...
 *     sigma 0.24 0.01                    constants with their standard uncertainty, where found
 *     gamma 1.8 0.2
 *     core 512 0.31                      cpu_capacity, factor
 *     wall 45 120                        W at the wall, idle and all CPUs busy
 *     domain package-0 powercap 20 0.1 0.012     name, source, idle W, uncertainty, worst error of the curve
 *     knot 1 15.2                        weighted busy CPUs, dynamic W
 *
 * A file is believed whole or not at all; lines that begin with another word are for a later version.
 */
#pragma once

#include "attribution/calibration.h"
#include "base/buf.h"
#include "base/why.h"
#include "meter/regime.h"

#include <limits.h>

#define ECO_CALIBRATION_DIR "/var/lib/ecocode"

/**
 * The newest block for this regime and CPU.
 *
 * @param now_s    CLOCK_REALTIME: a block from the future is not believed
 * @param foreign  receives the blocks of other regimes, NULL = not wanted
 * @param why      set for -EINVAL and for another CPU
 * @return 0; -ENOENT when there is none; -ESTALE when there is one of this CPU in another regime; -ENODEV
 * when all are of other CPUs; -EINVAL
 */
int eco_calibration_parse(const char *text, const char *regime, const char *cpu_model, int64_t now_s,
                          struct eco_calibration *ret, struct eco_buf *foreign,
                          struct eco_why *why) ECO_MUST_CHECK;
void eco_calibration_format(const struct eco_calibration *calibration, const char *regime,
                            struct eco_buf *out);

/** Where a calibration came from, or why there is none. */
struct eco_calibration_source {
    char dir[PATH_MAX];     /* of the one in use, "" none */
    bool is_other_regime;   /* there is one, for another governor, power source, limit ... */
    struct eco_why ignored; /* a file that is there and was not believed */
};

/**
 * @param machine_dir  NULL = ECO_CALIBRATION_DIR
 * @param user_dir     NULL = none
 * @return 0, -ENOENT none; ret_source is always filled
 */
int eco_calibration_load(const struct eco_env *env, const char *machine_dir, const char *user_dir,
                         struct eco_calibration *ret,
                         struct eco_calibration_source *ret_source) ECO_MUST_CHECK;
/** Replaces the block of this regime. `is_public`: the machine's. */
int eco_calibration_save(const struct eco_env *env, const char *dir, bool is_public,
                         const struct eco_calibration *calibration) ECO_MUST_CHECK;
