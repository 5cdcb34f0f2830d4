/* SPDX-License-Identifier: MIT */
#include "meter/calibration_store.h"

#include "base/text.h"
#include "meter/state_file.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define FILE_LIMIT ((size_t)64 * 1024)
#define KIND       "calibration"

static int64_t now_s(const struct eco_env *env)
{
    return env->clock->real_ns(env->clock) / (int64_t)ECO_NS_PER_S;
}

static void refuse(struct eco_why *why, const char *dir, int error, const char *reason)
{
    eco_why_set(why, "the calibration in %.150s is ignored: %.150s", dir,
                *reason ? reason : strerror(-error));
    eco_why_fix(why, "ecocode calibrate");
}

/* One place. 0, or -ENOENT when it has nothing for us. */
static int load_from(const struct eco_env *env, const char *dir, struct eco_calibration *ret,
                     struct eco_calibration_source *source)
{
    char regime[ECO_REGIME_SIZE];
    struct eco_why why = {{0}, {0}};
    ECO_CLEANUP(eco_cleanup_free) char *text = NULL;
    int r = eco_state_file_read(dir, KIND, env->host->hostname, FILE_LIMIT, &text);
    if (r == -ENOENT || r == -ENOTDIR)
        return -ENOENT;
    if (r == -EPERM)
        eco_why_set(&why, "everybody may write to it");
    if (r == -EILSEQ)
        eco_why_set(&why, "it is no text");
    if (r < 0) {
        refuse(&source->ignored, dir, r, r == -ELOOP || r == -EINVAL ? "it is no regular file" : why.text);
        return -ENOENT;
    }
    eco_regime_find(env, regime);
    r = eco_calibration_parse(text, regime, env->host->cpu_model, now_s(env), ret, NULL, &why);
    source->is_other_regime |= r == -ESTALE;
    if (r == -EINVAL || r == -ENODEV)
        refuse(&source->ignored, dir, r, why.text);
    return r < 0 ? -ENOENT : 0;
}

int eco_calibration_load(const struct eco_env *env, const char *machine_dir, const char *user_dir,
                         struct eco_calibration *ret, struct eco_calibration_source *ret_source)
{
    struct eco_calibration users;
    *ret_source = (struct eco_calibration_source){.dir = ""};
    if (!machine_dir)
        machine_dir = ECO_CALIBRATION_DIR;
    int machine = load_from(env, machine_dir, ret, ret_source);
    int user = user_dir ? load_from(env, user_dir, &users, ret_source) : -ENOENT;
    bool is_users = user == 0 && (machine < 0 || users.at_real_s > ret->at_real_s);
    if (is_users)
        *ret = users;
    if (machine < 0 && user < 0)
        return -ENOENT;
    eco_text_copy(ret_source->dir, sizeof ret_source->dir, is_users ? user_dir : machine_dir);
    ret_source->is_other_regime = false;
    return 0;
}

int eco_calibration_save(const struct eco_env *env, const char *dir, bool is_public,
                         const struct eco_calibration *calibration)
{
    char regime[ECO_REGIME_SIZE];
    struct eco_calibration replaced;
    struct eco_buf out, foreign;
    const char *host = env->host->hostname;
    ECO_CLEANUP(eco_cleanup_free) char *text = NULL;
    eco_regime_find(env, regime);
    eco_buf_init(&out, FILE_LIMIT);
    eco_buf_init(&foreign, FILE_LIMIT / 2);
    eco_buf_text(&out, "ecocode.calibration/1\n");
    eco_calibration_format(calibration, regime, &out);
    bool has_others = eco_state_file_read(dir, KIND, host, FILE_LIMIT, &text) == 0 &&
                      eco_calibration_parse(text, regime, env->host->cpu_model, now_s(env), &replaced,
                                            &foreign, NULL) != -EINVAL;
    if (has_others && eco_buf_error(&foreign) == 0 && foreign.length &&
        out.length + foreign.length < FILE_LIMIT)
        eco_buf_add(&out, foreign.data, foreign.length);
    int r = eco_buf_error(&out);
    if (r >= 0)
        r = eco_state_file_write(dir, KIND, host, is_public, out.data, out.length);
    eco_buf_finish(&out);
    eco_buf_finish(&foreign);
    return r;
}
