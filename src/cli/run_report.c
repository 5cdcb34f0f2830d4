/* SPDX-License-Identifier: MIT */
/* What only `run` puts into a report: how the command ended, and what it was called. */
#include "base/text.h"
#include "cli/measurer.h"

#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/*
 * A command shorter than an interval was last seen while it was held, with our own name. What it became
 * is known: its words.
 */
static void name_command(struct eco_measurer *self)
{
    static char cmdline[256];
    struct eco_session *session = self->session;
    const char *slash = strrchr(session->command[0], '/');
    size_t used = 0;
    for (size_t i = 0; session->command[i] && used + 1 < sizeof cmdline; i++) {
        used += i ? eco_text_copy(cmdline + used, sizeof cmdline - used, " ") : 0;
        if (used < sizeof cmdline)
            used += eco_text_copy(cmdline + used, sizeof cmdline - used, session->command[i]);
    }
    for (size_t i = 0; i < session->report.process_count; i++) {
        struct eco_report_process *row = &session->report.processes[i];
        if (row->pid != self->pid || !row->name || strcmp(row->name, self->own_name) != 0)
            continue;
        row->name = slash ? slash + 1 : session->command[0];
        if (!self->call->settings.no_cmdline)
            row->cmdline = cmdline;
    }
}

static void add_warnings(const struct eco_measurer *self, struct eco_report *report)
{
    const char *group_why =
        self->lost_group ? "the command could not be started in it" : eco_run_cgroup_why(self->run);
    if (report->caught_ratio < 0.995 && *group_why)
        eco_report_warn(report, "no private cgroup: %s", group_why);
    if (self->late_ns)
        eco_report_warn(report,
                        "a sensor was slow to answer: the first %.1f s of the command are not measured",
                        (double)self->late_ns * 1e-9);
    const char *sudo = getenv("SUDO_USER");
    if (geteuid() == 0 && sudo && *sudo && strcmp(sudo, "root") != 0 && !self->call->settings.run_as)
        eco_report_warn(
            report,
            "the command ran as root; `sudo ecocode run -u %.64s ...` runs it as you, and once `sudo "
            "ecocode doctor --fix` was called no sudo is needed",
            sudo);
    if (self->is_cut)
        eco_report_warn(report, "a sensor did not answer any more: the figures end before the command did");
}

void eco_run_report(struct eco_measurer *self)
{
    struct eco_session *session = self->session;
    int r = eco_session_make_report(session);
    if (r < 0) {
        eco_notice("no report: %s", strerror(-r));
        return;
    }
    name_command(self);
    if (self->has_ended) {
        session->report.exit_code = WIFEXITED(self->status) ? WEXITSTATUS(self->status) : -1;
        session->report.exit_signal = WIFSIGNALED(self->status) ? WTERMSIG(self->status) : -1;
        session->report.core_dumped = WIFSIGNALED(self->status) && WCOREDUMP(self->status);
    }
    add_warnings(self, &session->report);
    eco_follow_end(&self->follow, &session->report);
    eco_session_end(session, !self->is_cut);
}
