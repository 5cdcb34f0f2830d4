/* SPDX-License-Identifier: MIT */
/* Checks of what a run would find: cgroup, idle power, state directory, configuration. */
#include "base/text.h"
#include "cli/config.h"
#include "cli/doctor.h"
#include "cli/session.h"
#include "run/run.h"
#include "store/state_dir.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

/* By doing it: a child that never runs anything is put into a group of its own. */
void eco_check_cgroup(const struct eco_checkup *checkup, struct eco_check_result *ret)
{
    (void)checkup;
    static char name[] = "true";
    char *const argv[] = {name, NULL};
    char run_id[33];
    eco_run_new_id(run_id);
    const struct eco_run_options options = {.argv = argv, .run_id = run_id};
    struct eco_run *run = NULL;
    (void)fflush(NULL);
    int r = eco_run_prepare(&options, &run, &ret->why);
    if (r == 0)
        r = eco_run_spawn(run, &ret->why);
    bool has_group = r == 0 && eco_run_cgroup_fd(run) >= 0;
    if (has_group) {
        ret->verdict = ECO_PASS;
        eco_why_set(&ret->why, "a command gets a cgroup of its own: nothing of it can be missed");
    } else {
        ret->verdict = ECO_WARN;
        if (r == 0)
            eco_why_set(&ret->why, "no private cgroup (%s): children that nobody waits for may be missed",
                        eco_run_cgroup_why(run));
        eco_why_fix(&ret->why, "systemd-run --user --scope -p Delegate=yes ecocode run ...");
    }
    run = eco_run_finish(run);
}

void eco_check_idle(const struct eco_checkup *checkup, struct eco_check_result *ret)
{
    struct eco_session session = {0};
    eco_session_init(&session, checkup->call, NULL);
    int r = eco_session_open_meter(&session, false, -1, NULL, NULL, &ret->why);
    if (r == 0)
        r = eco_meter_begin(session.meter);
    if (r < 0) {
        ret->verdict = ECO_SKIP;
        eco_why_set(&ret->why, "no measurement can be made: %s", strerror(-r));
    } else if (!eco_meter_wants_tail(session.meter)) {
        ret->verdict = ECO_PASS;
        eco_why_set(&ret->why, "the idle power is known");
    } else {
        ret->verdict = ECO_WARN;
        eco_why_set(&ret->why,
                    "the idle power of this machine is not known well yet; watch it for a while when nothing "
                    "else runs");
        eco_why_fix(&ret->why, "ecocode monitor --duration 30s");
    }
    eco_session_finish(&session);
}

void eco_check_state(const struct eco_checkup *checkup, struct eco_check_result *ret)
{
    (void)checkup;
    char path[PATH_MAX];
    if (!eco_state_dir(path, sizeof path)) {
        ret->verdict = ECO_WARN;
        eco_why_set(&ret->why,
                    "this user has no home directory: runs are not recorded, idle power is not kept");
        eco_why_fix(&ret->why, "export XDG_STATE_HOME=/path/to/a/directory");
        return;
    }
    int r = eco_make_directories(path);
    if (r == 0 && access(path, W_OK | X_OK) < 0)
        r = -errno;
    if (r == 0) {
        ret->verdict = ECO_PASS;
        eco_why_set(&ret->why, "runs and idle power are kept in %.200s", path);
        return;
    }
    ret->verdict = ECO_WARN;
    eco_why_set(&ret->why, "%.200s: %s; runs are not recorded, idle power is not kept", path, strerror(-r));
    eco_why_fix(&ret->why, "export XDG_STATE_HOME=/path/to/a/directory");
}

/* As every command would read it. */
void eco_check_config(const struct eco_checkup *checkup, struct eco_check_result *ret)
{
    unsigned found = 0;
    char user[PATH_MAX] = "";
    bool has_user = eco_config_user_path(user, sizeof user);
    for (size_t i = 0; eco_commands[i]; i++) {
        struct eco_call call = {.command = eco_commands[i]};
        eco_option_set_init(&call.set, eco_commands[i]->options, &call.settings);
        int a =
            eco_config_apply(checkup->call->config, &call, ECO_LAYER_SYSTEM, ECO_CONFIG_SYSTEM, &ret->why);
        int b = a >= 0 && has_user
                    ? eco_config_apply(checkup->call->config, &call, ECO_LAYER_USER, user, &ret->why)
                    : 0;
        if (a < 0 || b < 0) {
            int r = a < 0 ? a : b;
            ret->verdict = r == -ENOTSUP || r == -EACCES ? ECO_WARN : ECO_FAIL;
            return;
        }
        found = (unsigned)(a + b);
    }
    ret->verdict = ECO_PASS;
    eco_why_set(&ret->why, "%u of 2 configuration files are there", found);
}

static bool is_some_variable(const char *text)
{
    static const char *const others[] = {"ECOCODE_RUN=", "ECOCODE_CARBON_KEY="};
    for (size_t i = 0; i < ECO_COUNT(others); i++)
        if (strncmp(text, others[i], strlen(others[i])) == 0)
            return true;
    for (size_t i = 0; eco_commands[i]; i++) {
        struct eco_option_set set;
        struct eco_settings settings = {0};
        eco_option_set_init(&set, eco_commands[i]->options, &settings);
        for (unsigned k = 0; k < set.count; k++)
            if (eco_option_is_variable(set.options[k], text))
                return true;
    }
    return false;
}

void eco_check_variables(const struct eco_checkup *checkup, struct eco_check_result *ret)
{
    (void)checkup;
    for (char **entry = environ; entry && *entry; entry++) {
        if (strncmp(*entry, "ECOCODE_", 8) != 0 || is_some_variable(*entry))
            continue;
        ret->verdict = ECO_WARN;
        int length = (int)strcspn(*entry, "=");
        eco_why_set(&ret->why, "%.*s is the variable of no option and is ignored", length > 60 ? 60 : length,
                    *entry);
        eco_why_fix(&ret->why, "ecocode config --show-origin");
        return;
    }
    ret->verdict = ECO_PASS;
    eco_why_set(&ret->why, "every variable ECOCODE_... is that of an option");
}
