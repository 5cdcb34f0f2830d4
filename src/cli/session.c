/* SPDX-License-Identifier: MIT */
#include "cli/session.h"

#include "base/text.h"
#include "cli/impact.h"
#include "cli/priv.h"
#include "cli/rank.h"
#include "run/helper.h"
#include "run/run.h"
#include "store/state_dir.h"

#include <errno.h>
#include <math.h>
#include <string.h>
#include <unistd.h>

static bool is_run_id(const char *text)
{
    return text && strlen(text) == 32 && strspn(text, "0123456789abcdef") == 32;
}

void eco_session_init(struct eco_session *session, const struct eco_call *call, char *const *command)
{
    session->call = call;
    session->command = command;
    eco_run_new_id(session->run_id);
    const char *outer = getenv("ECOCODE_RUN");
    if (is_run_id(outer))
        eco_text_copy(session->parent_run_id, sizeof session->parent_run_id, outer);
    if (!eco_state_dir(session->state_dir, sizeof session->state_dir))
        session->state_dir[0] = 0;
}

int eco_session_check(const struct eco_call *call, struct eco_why *why)
{
    int r = eco_intensity_check(call, why);
    if (r < 0)
        return r;
    return eco_accounting_check(call, why);
}

static enum eco_policy chosen_policy(const struct eco_settings *settings)
{
    return settings->policy ? eco_policy_parse(settings->policy) : ECO_POLICY_ACTIVE;
}

/* An idle power given for a domain that is not there changes nothing: not without a word, but not fatal
 * either, for a sensor that cannot be read today must not keep a job from running. */
static void check_idle_names(struct eco_session *session, const char *text)
{
    unsigned count;
    const struct eco_domain *domains = eco_meter_domains(session->meter, &count);
    for (const char *item = text; item && *item; item += strcspn(item, ","), item += *item == ',') {
        size_t item_length = strcspn(item, ",");
        const char *equals = memchr(item, '=', item_length);
        size_t length = equals ? (size_t)(equals - item) : 0;
        bool known = !equals;
        for (unsigned d = 0; d < count && !known; d++)
            known = strlen(domains[d].name) == length && memcmp(domains[d].name, item, length) == 0;
        if (!known)
            (void)snprintf(
                session->idle_unknown, sizeof session->idle_unknown, "%.*s",
                (int)(length < sizeof session->idle_unknown ? length : sizeof session->idle_unknown - 1),
                item);
    }
}

int eco_session_open_meter(struct eco_session *session, bool whole_machine, int cgroup_fd,
                           const char *cgroup_path, const char *idle_power, struct eco_why *why)
{
    const struct eco_settings *settings = &session->call->settings;
    const struct eco_meter_options options = {
        .size = sizeof options,
        .procfs_path = settings->procfs,
        .sysfs_path = settings->sysfs,
        .interval_ns = settings->interval_ns,
        .policy = (int)chosen_policy(settings), /* ECO_BY_... have the values of enum eco_policy */
        .flags = (whole_machine ? ECO_METER_MACHINE : 0) | (settings->no_cmdline ? ECO_METER_NO_CMDLINE : 0) |
                 (settings->no_record ? ECO_METER_NO_LEARN : 0),
        .idle_power = idle_power ? idle_power : settings->idle_power,
    };
    /* Counters below another root are not those that it would tell. */
    if (!session->counters && !settings->sysfs)
        session->counters = eco_priv_counters_new();
    const struct eco_meter_host_options host = {
        .counters = session->counters,
        .cgroup_dir_fd = cgroup_fd,
        .cgroup_v2_path = cgroup_path,
        .run_id = session->command ? session->run_id : NULL,
        .reaper_pid = session->call->pid,
        .state_dir = *session->state_dir ? session->state_dir : NULL,
        .calibration_dir = settings->calibration,
        .selection = session->selection,
        .wants_identities = settings->by != NULL,
        .is_held = session->is_held,
        .held_uid = session->held_uid,
    };
    int r = eco_meter_open_full(&options, &host, &session->meter, why);
    if (r >= 0)
        check_idle_names(session, options.idle_power);
    return r;
}

static const struct eco_proc_name *proc_name(const void *context, uint32_t proc_id)
{
    return eco_meter_proc_name(context, proc_id);
}

static void open_spool(struct eco_session *session)
{
    const struct eco_spool_options options = {
        .state_dir = session->state_dir, .hostname = session->begin.hostname, .run_id = session->run_id};
    /* A run is never failed for want of its record. */
    if (*session->state_dir && eco_spool_open(&options, &session->spool) == 0)
        (void)eco_spool_begin(session->spool, &session->begin);
}

static void read_labels(struct eco_session *session)
{
    static char keys[ECO_TEXTS_MAX][64];
    const struct eco_texts *labels = &session->call->settings.labels;
    for (unsigned i = 0; i < labels->count && i < ECO_LABELS_MAX; i++) {
        const char *equals = strchr(labels->items[i], '=');
        size_t length = (size_t)(equals - labels->items[i]);
        (void)snprintf(keys[i], sizeof keys[i], "%.*s", (int)(length < 63 ? length : 63), labels->items[i]);
        session->labels[session->label_count++] = (struct eco_report_label){keys[i], equals + 1};
    }
}

void eco_session_begin(struct eco_session *session, bool record)
{
    const struct eco_settings *settings = &session->call->settings;
    const struct eco_host *host = eco_meter_host(session->meter);
    read_labels(session);
    session->begin = (struct eco_sink_begin){
        .run_id = session->run_id,
        .parent_run_id = *session->parent_run_id ? session->parent_run_id : NULL,
        .boot_id = host ? host->boot_id : "",
        .hostname = host ? host->hostname : "",
        .pid = session->call->pid ? session->call->pid : (int32_t)getpid(),
        .command = session->command,
        .started_real_ns = session->started_real_ns,
        .interval_ns = settings->interval_ns ? settings->interval_ns : ECO_NS_PER_S,
        .policy = chosen_policy(settings),
        .accounting = eco_meter_accounting(session->meter),
        .labels = session->labels,
        .label_count = session->label_count,
        .proc_name = proc_name,
        .context = session->meter,
        .now = session->follow ? &session->follow->now : NULL,
    };
    eco_session_edge(session, false);
    session->last_t1_ns = eco_now_ns();
    if (session->follow)
        eco_follow_begin(session->follow, session->last_t1_ns);
    session->begin.domains = eco_meter_domains(session->meter, &session->begin.domain_count);
    eco_outputs_begin(&session->outputs, &session->begin);
    if (record && !settings->no_record)
        open_spool(session);
}

uint32_t eco_session_deliver(struct eco_session *session)
{
    struct eco_frame *frame = eco_meter_latest(session->meter);
    if (!frame)
        return UINT32_MAX;
    if (!session->delivered || frame->seq != session->last_seq) {
        if (session->follow)
            eco_follow_frame(session->follow, frame);
        eco_outputs_frame(&session->outputs, frame);
        if (session->spool)
            (void)eco_spool_frame(session->spool, frame);
        eco_intensity_frame(&session->live, frame);
        session->last_seq = frame->seq;
        session->last_t1_ns = frame->t1_ns;
        session->delivered = true;
    }
    uint32_t alive = frame->job_alive;
    eco_frame_unref(frame);
    return alive;
}

/* Once: what is kept of a run, where, and how to have it otherwise. */
static void tell_record(const struct eco_session *session, struct eco_report *report)
{
    const char *home = getenv("HOME");
    size_t length = home ? strlen(home) : 0;
    const char *path = session->state_dir;
    report->is_recorded = session->spool != NULL;
    if (!session->spool || !eco_spool_is_first(session->spool))
        return;
    bool is_below = length > 1 && strncmp(path, home, length) == 0 && path[length] == '/';
    (void)snprintf(
        report->record_text, sizeof report->record_text,
        "From now on runs are recorded in %s%.200s/runs: `ecocode history` lists them, --no-record "
        "keeps none",
        is_below ? "~" : "", is_below ? path + length : path);
}

/* Answers are kept where runs are, if runs are. */
static const char *live_cache(const struct eco_session *session)
{
    return session->call->settings.no_record ? "" : session->state_dir;
}

int eco_session_make_report(struct eco_session *session)
{
    struct eco_report *report = &session->report;
    int r = eco_meter_report(session->meter, report);
    if (r < 0)
        return r;
    eco_text_copy(report->run_id, sizeof report->run_id, session->run_id);
    eco_text_copy(report->parent_run_id, sizeof report->parent_run_id, session->parent_run_id);
    report->command = session->command;
    eco_rank_find(&report->rank);
    report->started_real_ns = session->started_real_ns;
    report->exit_code = -1;
    report->exit_signal = -1;
    if (!getcwd(report->cwd, sizeof report->cwd))
        report->cwd[0] = 0;
    for (unsigned d = 0; d < report->domain_count; d++)
        if (strcmp(report->domains[d].info.name, session->idle_unknown) == 0)
            session->idle_unknown[0] = 0; /* a graphics card: it came late */
    if (*session->idle_unknown)
        eco_report_warn(report, "an idle power was given for %s, which is not a domain of this machine now",
                        session->idle_unknown);
    eco_accounting_warn(&session->accounting, report);
    if (session->gpus.why.text[0])
        eco_report_warn(report, "%s", session->gpus.why.text);
    eco_intensity_start(&session->live, session->call,
                        live_cache(session)); /* a run too short for it to be started before */
    eco_impact_of_report(session->call, &session->live, report);
    tell_record(session, report);
    for (unsigned i = 0; i < session->label_count; i++)
        report->labels[report->label_count++] = session->labels[i];
    return 0;
}

void eco_session_end(struct eco_session *session, bool keep)
{
    if (keep && !session->call->settings.no_record)
        (void)eco_meter_save_state(session->meter);
    eco_outputs_report(&session->outputs, &session->report);
    if (session->spool)
        (void)eco_spool_report(session->spool, &session->report);
}

void eco_session_start_live(struct eco_session *session)
{
    eco_intensity_start(&session->live, session->call, live_cache(session));
}

void eco_session_start_gpus(struct eco_session *session, uint64_t wait_ns)
{
    eco_gpus_start_for(&session->gpus, session->call);
    if (!session->gpus.client)
        return;
    if (wait_ns > 0)
        eco_gpus_await(&session->gpus, eco_now_ns() + wait_ns);
    eco_meter_use_gpus(session->meter, session->gpus.client);
}

void eco_session_edge(struct eco_session *session, bool is_edge)
{
    eco_priv_counters_edge(session->counters, is_edge);
}

void eco_session_finish(struct eco_session *session)
{
    eco_outputs_close(&session->outputs);
    session->spool = eco_spool_free(session->spool);
    eco_report_finish(&session->report);
    eco_accounting_finish(&session->accounting);
    session->meter = eco_meter_free(session->meter);
    eco_gpus_finish(&session->gpus);
    eco_intensity_finish(&session->live);
    session->counters = eco_priv_counters_free(session->counters);
    eco_helper_await_all(20);
}
