/* SPDX-License-Identifier: MIT */
/* Where a calibration is kept, and what is said of it then. */
#include "base/text.h"
#include "cli/calibrate.h"
#include "meter/state_file.h"
#include "store/state_dir.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int format_file(const struct eco_probe *probe, const struct eco_calibration *calibration,
                       const char *path)
{
    char regime[ECO_REGIME_SIZE];
    struct eco_buf out;
    eco_regime_find(&probe->env, regime);
    eco_buf_init(&out, 65536);
    eco_buf_text(&out, "ecocode.calibration/1\n");
    eco_calibration_format(calibration, regime, &out);
    int r = eco_buf_error(&out);
    if (r == 0)
        r = eco_state_file_replace(path, out.data, out.length);
    eco_buf_finish(&out);
    return r;
}

/* The machine's place where we may write there, else the user's own. */
static int keep(const struct eco_call *call, const struct eco_probe *probe,
                const struct eco_calibration *calibration, char *ret_where, size_t size, struct eco_why *why)
{
    const struct eco_settings *settings = &call->settings;
    if (settings->calibration_file) {
        int r = format_file(probe, calibration, settings->calibration_file);
        eco_text_copy(ret_where, size, settings->calibration_file);
        if (r < 0)
            eco_why_set(why, "%.200s: %s", settings->calibration_file, strerror(-r));
        return r;
    }
    const char *dir = settings->calibration ? settings->calibration : ECO_CALIBRATION_DIR;
    eco_text_copy(ret_where, size, dir);
    int r = geteuid() == 0 || settings->calibration
                ? eco_calibration_save(&probe->env, dir, true, calibration)
                : -EACCES;
    if (r == -EACCES || r == -EPERM || r == -EROFS) {
        char own[PATH_MAX];
        if (eco_state_dir(own, sizeof own)) {
            r = eco_calibration_save(&probe->env, own, false, calibration);
            eco_text_copy(ret_where, size, own);
        }
    }
    if (r < 0)
        eco_why_set(why, "it could not be kept in %.200s: %s", ret_where, strerror(-r));
    return r;
}

int eco_calibrate_keep(const struct eco_call *call, const struct eco_probe *probe,
                       const struct eco_result *result, struct eco_why *why)
{
    char where[PATH_MAX], regime[ECO_REGIME_SIZE];
    int r = keep(call, probe, &result->calibration, where, sizeof where, why);
    eco_regime_find(&probe->env, regime);
    if (call->settings.json) {
        int written = eco_result_write_json(result, regime, r < 0 ? NULL : where);
        return r < 0 ? r : written;
    }
    if (result->domain_count)
        eco_result_write(result);
    else
        (void)printf("By a wall meter: %.4g W idle, %.4g W with all CPUs busy. Estimates are now those\n"
                     "of the whole machine at the wall, within a factor of 1.6; what they hold beside\n"
                     "the CPU is not taken off.\n",
                     result->calibration.wall_idle_w, result->calibration.wall_busy_w);
    if (r < 0)
        return r;
    char text[PATH_MAX + 200], clean[PATH_MAX];
    eco_text_clean(clean, sizeof clean, where, strlen(where), true);
    bool is_own = !call->settings.calibration_file && strcmp(where, ECO_CALIBRATION_DIR) != 0 &&
                  !(call->settings.calibration && strcmp(where, call->settings.calibration) == 0);
    (void)snprintf(text, sizeof text,
                   "Kept in %s, for this governor, power source, power limit and number of CPUs%s", clean,
                   is_own ? " (for you alone; as root it is the machine's)" : "");
    (void)printf("\n");
    eco_help_fill(stdout, text, 0, 0);
    return 0;
}
