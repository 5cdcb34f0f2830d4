/* SPDX-License-Identifier: MIT */
/*
 * run: measures a command. Two processes: the one that was started runs the command (parent.c), a second one
 * measures (measurer.c), so that no sensor can keep the first. The order matters: the measurer is forked
 * first, and begins; then CMD, by a process that has opened nothing, and is held on a pipe. The measurer
 * opens outputs while CMD waits, so that a mistyped path is told before anything ran, and takes the baseline;
 * then CMD is let go.
 */
#include "cli/measurer.h"
#include "cli/parent.h"

#include <errno.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

/* Returns in the process that was started only. 0 or negative errno. */
static int start_measurer(struct eco_session *session, struct eco_run *run, const struct eco_call *call,
                          const struct eco_user *user, struct eco_parent *parent, struct eco_why *why)
{
    static struct eco_measurer measurer;
    int ends[2];
    int r = eco_follow_init(&measurer.follow, call, why);
    if (r < 0)
        return r;
    r = eco_link_open(ends);
    if (r == 0) {
        r = eco_run_fork_own(run);
        (void)close(ends[r == 0]);
        if (r < 0)
            (void)close(ends[1]);
    }
    if (r < 0) {
        eco_why_set(why, "no process to measure with: %s", strerror(-r));
        return r;
    }
    if (r == 0) {
        measurer.session = session;
        measurer.run = run;
        measurer.call = call;
        measurer.link = ends[0];
        measurer.user = user ? user->uid : geteuid();
        (void)prctl(PR_GET_NAME, measurer.own_name);
        eco_measurer_be(&measurer);
    }
    *parent = (struct eco_parent){.call = call, .run = run, .link = ends[1]};
    return 0;
}

/* Both processes. They begin side by side: the sensors are opened while the command is made. */
static int start(struct eco_session *session, struct eco_run *run, const struct eco_call *call,
                 const struct eco_user *user, struct eco_parent *parent, struct eco_why *why)
{
    eco_run_find_place(run);
    int r = start_measurer(session, run, call, user, parent, why);
    if (r < 0)
        return r;
    r = eco_run_spawn(run, why);
    if (r < 0)
        eco_parent_give_up(parent);
    return r;
}

/* 0, or negative errno with the reason. */
static int find_user(const struct eco_call *call, struct eco_user *ret, struct eco_why *why)
{
    const char *name = call->settings.run_as;
    if (geteuid() == 0)
        return eco_user_find(name, ret, why);
    eco_why_set(why, "only root can run a command as another user");
    eco_why_fix(why, "sudo ecocode run -u %.100s ...", name);
    return -EPERM;
}

static int run(struct eco_call *call)
{
    static struct eco_user user;
    static struct eco_session session;
    struct eco_why why = {0};
    struct eco_run *run = NULL;
    struct eco_parent parent = {.link = -1};
    if (!call->words[0])
        return eco_failf(call->command, ECO_EXIT_RUN, "no command given: ecocode run [options] CMD...");
    if (eco_session_check(call, &why) < 0)
        return eco_fail(call->command, ECO_EXIT_RUN, &why);
    if (call->settings.run_as && find_user(call, &user, &why) < 0)
        return eco_fail(call->command, ECO_EXIT_RUN, &why);
    call->pid = (int32_t)getpid();
    eco_session_init(&session, call, call->words);
    const struct eco_run_options options = {.argv = call->words,
                                            .run_id = session.run_id,
                                            .no_cgroup = call->settings.no_cgroup,
                                            .wait_all = call->settings.wait_all,
                                            .user = call->settings.run_as ? &user : NULL};
    int r = eco_run_prepare(&options, &run, &why);
    if (r == 0)
        r = start(&session, run, call, options.user, &parent, &why);
    int status = r < 0 ? eco_fail(call->command, ECO_EXIT_RUN, &why) : eco_parent_be(&parent);
    eco_run_reap_rest(run);
    run = eco_run_finish(run);
    if (parent.has_ended && status != ECO_EXIT_BUDGET)
        eco_run_die_like(parent.status);
    return status;
}

static const struct eco_option *const tables[] = {
    eco_options_report, eco_options_output, eco_options_measure, eco_options_impact,
    eco_options_job,    eco_options_paths,  eco_options_common,  NULL};
static const struct eco_example examples[] = {
    {"ecocode run python3 train.py", "measure a training run; the report follows on standard error"},
    {"ecocode run -q -o run.json make -j8", "no report on the screen, all figures as JSON in a file"},
    {"ecocode run --location FR --price 0.25EUR ./simulate", "what it emits and costs there"},
    {"ecocode run --measure-idle 5s ./simulate", "learn the idle power of a quiet machine first"},
    {"sudo ecocode run -u \"$USER\" ./simulate", "root's sensors, but the command is yours"},
    {"ecocode run --budget 2Wh --budget-action stop ./simulate", "ends it when it has used 2 Wh"},
    {"ecocode run --interval 100ms -o power.csv ./simulate", "power over time, ten lines a second"},
    {0}};

const struct eco_command eco_command_run = {
    .name = "run",
    .summary = "Measure the energy of a command and all its processes",
    .usage = "[options] [--] CMD [ARGUMENT...]",
    .description =
        "Starts CMD, measures it and every process that descends from it until it ends, and reports joules "
        "and watts "
        "by part of the machine and by process, with how each figure is known. Options end at the first word "
        "that is "
        "none. Standard input, output and error belong to CMD; the report goes to standard error.\n\n"
        "The exit status is that of CMD; if it died of a signal, ecocode dies of the same. 125: ecocode "
        "failed before "
        "CMD had started; 126: CMD cannot be executed; 127: CMD was not found; 122: a budget was exceeded, "
        "with "
        "--budget-action fail or stop.\n\n"
        "CMD finds the id of its run in the variable ECOCODE_RUN; nothing else of its environment is "
        "changed.",
    .examples = examples,
    .options = tables,
    .takes_words = true,
    .misuse = ECO_EXIT_RUN,
    .run = run,
};
