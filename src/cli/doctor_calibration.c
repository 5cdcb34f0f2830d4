/* SPDX-License-Identifier: MIT */
/* Is there a calibration, is it of this machine as it is now, how good and how old is it? */
#include "base/text.h"
#include "cli/doctor.h"

#include <math.h>
#include <string.h>

#define DAY_S     86400
#define OLD_DAYS  400
#define BAD_FIT   0.05
#define CALIBRATE "sudo ecocode calibrate"

/* The worst error of all curves; nan where there is none. */
static double worst_fit(const struct eco_calibration *calibration)
{
    double worst = ECO_NAN;
    for (unsigned i = 0; i < calibration->domain_count; i++)
        if (calibration->domains[i].curve.count > 0)
            worst = fmax(worst, calibration->domains[i].fit_ratio);
    return worst;
}

static void check_found(const struct eco_probe *probe, struct eco_check_result *ret)
{
    const struct eco_calibration *calibration = probe->calibration;
    int64_t now_s = probe->env.clock->real_ns(probe->env.clock) / (int64_t)ECO_NS_PER_S;
    int64_t days = now_s > calibration->at_real_s ? (now_s - calibration->at_real_s) / DAY_S : 0;
    double fit = worst_fit(calibration);
    char dir[160], error[80];
    eco_text_clean(dir, sizeof dir, probe->calibration_source.dir, strlen(probe->calibration_source.dir),
                   true);
    if (!isnan(calibration->wall_idle_w))
        (void)snprintf(error, sizeof error, "by a wall meter");
    else if (isnan(fit))
        (void)snprintf(error, sizeof error, "idle power only, no curve");
    else
        (void)snprintf(error, sizeof error, "the curve is within %.1f %%", 100 * fit);
    ret->verdict = days > OLD_DAYS || fit > BAD_FIT ? ECO_WARN : ECO_PASS;
    eco_why_set(&ret->why, "calibrated, %lld days old, %s; kept in %s", (long long)days, error, dir);
    if (ret->verdict == ECO_WARN)
        eco_why_fix(&ret->why, CALIBRATE);
}

void eco_check_calibration(const struct eco_checkup *checkup, struct eco_check_result *ret)
{
    const struct eco_probe *probe = checkup->probe;
    if (*probe->calibration_source.ignored.text) {
        ret->verdict = ECO_WARN;
        ret->why = probe->calibration_source.ignored;
    } else if (probe->calibration) {
        check_found(probe, ret);
    } else if (probe->calibration_source.is_other_regime) {
        ret->verdict = ECO_WARN;
        eco_why_set(&ret->why,
                    "calibrated, but for another governor, power source, power limit or set of CPUs: not "
                    "used now");
        eco_why_fix(&ret->why, CALIBRATE);
    } else {
        ret->verdict = ECO_SKIP;
        eco_why_set(&ret->why, "this machine has not been calibrated; it is measured without");
        eco_why_fix(&ret->why, CALIBRATE);
    }
}
