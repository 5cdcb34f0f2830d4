/* SPDX-License-Identifier: MIT */
/* The whole measurement from the ledger: sums, intervals, rows. */
#include "attribution/uncertainty.h"
#include "base/counter.h"
#include "base/mem.h"
#include "base/text.h"
#include "meter/meter_internal.h"
#include "procs/identity.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#define J_PER_UJ 1e-6
/* Standard uncertainty of an idle power that the user gave, relative. */
#define GIVEN_U_RATIO      0.005
#define PEAK_INTERVALS_MIN 3
/* Relative standard uncertainty of who used a card (docs/attribution.md, "Graphics cards"). */
#define CARD_RHO        0.30
#define CARD_FITTED_RHO 0.10
#define CARD_SPLIT_RHO  0.60
/* Where activities may be anything from 0 to 100 %, each as likely: covers 95 % of it at every split. */
#define CARD_UNSEEN_RHO 2.0

/* Idle power that this run's own tail taught after it had begun without one. */
struct late_idle {
    bool known;                      /* every counted domain has one now */
    double power_w[ECO_DOMAINS_MAX]; /* of domains that had none; nan = had one */
    double u_w[ECO_DOMAINS_MAX];
    int64_t at_real_s[ECO_DOMAINS_MAX];
};

static void find_late_idle(const struct eco_meter *meter, struct late_idle *ret)
{
    ret->known = meter->policy == ECO_POLICY_ACTIVE && eco_meter_wants_tail(meter);
    for (unsigned d = 0; d < meter->domain_count; d++) {
        ret->power_w[d] = ECO_NAN;
        if (meter->d[d].method != ECO_IDLE_NONE || !meter->domains[d].attributable)
            continue;
        struct eco_idle_estimate estimate;
        eco_idle_estimate(&meter->d[d].learner, &estimate);
        if (estimate.trust == ECO_IDLE_UNKNOWN) {
            ret->known &= !meter->domains[d].counted;
            continue;
        }
        ret->power_w[d] = estimate.power_w;
        ret->u_w[d] = estimate.u_w;
        ret->at_real_s[d] = estimate.at_real_s;
    }
}

/* `active` from `full` for an idle power known only afterwards: every share of time gives its idle power
 * back. */
static double late_active_j(const struct late_idle *late, unsigned d, double full_j, double share_s)
{
    return isnan(late->power_w[d]) ? ECO_NAN : fmax(0, full_j - late->power_w[d] * share_s);
}

static double row_energy_j(const struct eco_meter *meter, const struct late_idle *late,
                           const struct eco_account *account, unsigned slot, unsigned d)
{
    const double *energy = account->energy_uj;
    double full_j = energy[ECO_SLOT_FULL * meter->domain_count + d] * J_PER_UJ;
    if (slot == ECO_SLOT_ACTIVE && late->known && !isnan(late->power_w[d]))
        return late_active_j(late, d, full_j, account->share_s[d]);
    return energy[slot * meter->domain_count + d] * J_PER_UJ;
}

static double start_s(const struct eco_account *account)
{
    return (double)account->name.start_offset_ns * 1e-9;
}

static void fill_process(const struct eco_meter *meter, const struct late_idle *late,
                         const struct eco_account *account, struct eco_report_process *ret)
{
    const struct eco_proc_name *name = &account->name;
    double *by_domain = ret->by_domain_j;
    *ret = (struct eco_report_process){
        .pid = name->pid,
        .ppid = name->ppid,
        .uid = name->uid,
        .id = name->id,
        .parent_id = name->parent_id,
        .count = name->count,
        .identity = name->identity,
        .name = name->name,
        .role = name->role,
        .cmdline = name->cmdline,
        .start_offset_s = start_s(account),
        .end_offset_s = account->ended_seq ? (double)account->end_offset_ns * 1e-9 : ECO_NAN,
        .cpu_s = (double)account->cpu_ns * 1e-9,
        .max_rss_bytes = account->max_rss_bytes,
        .gpu_busy_s = account->gpu ? (double)account->gpu_busy_ns * 1e-9 : ECO_NAN,
        .gpu_memory_max_bytes = account->gpu_memory_max_bytes,
        .by_domain_j = by_domain};
    for (unsigned s = 0; s < meter->slots; s++)
        for (unsigned d = 0; d < meter->domain_count; d++) {
            double energy_j = row_energy_j(meter, late, account, s, d);
            by_domain[s * meter->domain_count + d] = energy_j;
            if (meter->domains[d].counted)
                ret->energy_j[s] += energy_j;
        }
}

static int fill_processes(const struct eco_meter *meter, const struct late_idle *late,
                          struct eco_report *report)
{
    size_t n = 0, cells = (size_t)meter->slots * meter->domain_count, seen = 0;
    for (size_t i = 0; i < meter->accounts.count; i++)
        n += meter->accounts.all[i] && meter->accounts.all[i]->in_job;
    report->processes = eco_calloc(n ? n : 1, sizeof *report->processes);
    report->process_energy = eco_calloc(n * cells + 1, sizeof *report->process_energy);
    if (!report->processes || !report->process_energy)
        return -ENOMEM;
    for (size_t i = 0; i < meter->accounts.count; i++) {
        const struct eco_account *account = meter->accounts.all[i];
        if (!account || !account->in_job)
            continue;
        struct eco_report_process *process = &report->processes[report->process_count];
        process->by_domain_j = report->process_energy + report->process_count++ * cells;
        fill_process(meter, late, account, process);
        seen += account->name.id == ECO_SHORT_ID || account->is_moved ? 0 : account->name.count;
    }
    uint64_t unseen = eco_sub_sat(meter->usage.job_count, seen);
    for (size_t i = 0; i < report->process_count; i++)
        if (report->processes[i].id == ECO_SHORT_ID) {
            report->processes[i].count = (uint32_t)unseen; /* 0 = nobody counted them */
            report->processes[i].end_offset_s = ECO_NAN;
        }
    report->job_processes = meter->usage.job_count > seen ? meter->usage.job_count : seen;
    return 0;
}

/* Part of what is booked as others that was the job's but could not be seen: it is nobody's. */
static void move_lost(const struct eco_meter *meter, unsigned d, struct eco_sums *sums)
{
    if (meter->d[d].gpu || meter->lost_cpu_ns <= 0 || !meter->others_cpu_ns)
        return;
    double lost_j = sums->others_j * fmin(1, meter->lost_cpu_ns / (double)meter->others_cpu_ns);
    sums->others_j -= lost_j;
    sums->unattributed_j += lost_j;
}

static void fill_sums(const struct eco_meter *meter, const struct late_idle *late, struct eco_report *report,
                      unsigned d)
{
    struct eco_report_domain *domain = &report->domains[d];
    const struct eco_meter_domain *own = &meter->d[d];
    for (unsigned s = 0; s < meter->slots; s++) {
        const struct eco_split *split = &own->sum[s];
        domain->slot[s] = (struct eco_sums){split->job_uj * J_PER_UJ, split->others_uj * J_PER_UJ,
                                            split->idle_uj * J_PER_UJ, split->unattributed_uj * J_PER_UJ};
    }
    if (late->known && !isnan(late->power_w[d])) {
        const struct eco_sums *full = &domain->slot[ECO_SLOT_FULL];
        struct eco_sums *active = &domain->slot[ECO_SLOT_ACTIVE];
        double nobody_s = fmax(0, own->covered_s - own->job_share_s - own->others_share_s);
        active->job_j = 0;
        for (size_t i = 0; i < report->process_count; i++)
            active->job_j += report->processes[i].by_domain_j[ECO_SLOT_ACTIVE * meter->domain_count + d];
        active->others_j = late_active_j(late, d, full->others_j, own->others_share_s);
        active->unattributed_j = late_active_j(late, d, full->unattributed_j + full->idle_j, nobody_s);
        active->idle_j = domain->machine_j - active->job_j - active->others_j - active->unattributed_j;
    }
    for (unsigned s = 0; s < meter->slots; s++)
        move_lost(meter, d, &domain->slot[s]);
}

/*
 * Of a card it is known when nobody but the job used it: then nothing can be off. By time alone two loads of
 * unlike watts are mixed up; less so where those were told apart, more where time itself is an estimate.
 */
static double card_rho(const struct eco_meter_domain *own)
{
    const struct eco_meter_gpu *gpu = own->gpu;
    return gpu->has_unseen  ? CARD_UNSEEN_RHO
           : gpu->has_split ? CARD_SPLIT_RHO
           : gpu->has_fit   ? CARD_FITTED_RHO
                            : CARD_RHO;
}

/* 1: siblings and kinds of cores are told apart, or there are none; 0: a guest may share cores and not see
 * it. */
static unsigned tier(const struct eco_meter *meter)
{
    const struct eco_topology *topology = &meter->env->host->topology;
    if (topology->has_smt || topology->is_hybrid)
        return meter->cpu_hg != NULL;
    return meter->has_topology && topology->cpu_count && !meter->env->host->is_hypervisor_guest;
}

static void domain_u(const struct eco_meter *meter, const struct late_idle *late,
                     const struct eco_report *report, unsigned d, unsigned slot, struct eco_u_domain *ret)
{
    const struct eco_meter_domain *own = &meter->d[d];
    const struct eco_domain *info = &meter->domains[d];
    const struct eco_report_domain *domain = &report->domains[d];
    double active_j = domain->slot[ECO_SLOT_ACTIVE].job_j, covered_s = own->covered_s;
    double tier_rho = tier(meter) ? 0.20 : 0.30;
    *ret =
        (struct eco_u_domain){.policy = slot == ECO_SLOT_ACTIVE ? ECO_POLICY_ACTIVE
                                        : slot == ECO_SLOT_FULL ? ECO_POLICY_FULL
                                                                : meter->policy,
                              .job_j = domain->slot[slot].job_j,
                              .unattributed_j = domain->slot[slot].unattributed_j,
                              .dynamic_job_j = isnan(active_j) ? domain->slot[ECO_SLOT_FULL].job_j : active_j,
                              .share = covered_s > 0 ? fmin(1, own->job_share_s / covered_s) : 0,
                              .duration_s = covered_s,
                              .first_w = own->first_w,
                              .last_w = own->last_w,
                              .period_s = (double)info->period_ns * 1e-9,
                              .bracket_s = own->bracket_s,
                              .quantum_j = (double)info->quantum_uj * J_PER_UJ,
                              .alpha = info->alpha,
                              .model_ratio = info->model_ratio,
                              .rho = info->kind == ECO_KIND_DRAM ? 0.6 : tier_rho};
    double used_s = own->job_share_s + own->others_share_s;
    if (own->gpu)
        ret->rho = used_s > 0 && ret->share < 1
                       ? card_rho(own) * (own->others_share_s / used_s) / (1 - ret->share)
                       : 0;
    ret->reserved_share = covered_s > 0 ? fmin(1, own->job_chosen_s / covered_s) : 0;
    if (own->method == ECO_IDLE_GIVEN && covered_s > 0)
        ret->idle_u_w = GIVEN_U_RATIO * domain->slot[ECO_SLOT_ACTIVE].idle_j / covered_s;
    else if (own->method == ECO_IDLE_LEARNT || own->method == ECO_IDLE_CALIBRATED)
        ret->idle_u_w = own->idle_u_uw * J_PER_UJ;
    else if (late->known && !isnan(late->power_w[d]))
        ret->idle_u_w = late->u_w[d];
}

/* Nobody can have used more than the card did, or than that may have been. */
static void bound_by_card(struct eco_report_domain *domain)
{
    double most_j = domain->machine_j + domain->uncertainty.sensor_j;
    domain->uncertainty.job_high_j = fmin(domain->uncertainty.job_high_j, most_j);
}

static void fill_uncertainty(const struct eco_meter *meter, const struct late_idle *late,
                             struct eco_report *report)
{
    struct eco_u_domain inputs[ECO_DOMAINS_MAX];
    for (unsigned s = 0; s < meter->slots; s++) {
        size_t n = 0;
        for (unsigned d = 0; d < meter->domain_count; d++) {
            struct eco_u_domain input;
            domain_u(meter, late, report, d, s, &input);
            if (s == report->headline)
                eco_uncertainty_domain(&input, &report->domains[d].uncertainty);
            if (s == report->headline && meter->d[d].gpu && meter->d[d].gpu->has_unseen)
                bound_by_card(&report->domains[d]);
            if (meter->domains[d].counted && meter->domains[d].attributable && meter->d[d].closed)
                inputs[n++] = input;
        }
        eco_uncertainty_total(inputs, n, &report->uncertainty[s]);
    }
}

static void fill_idle(const struct eco_meter *meter, const struct late_idle *late, struct eco_report *report)
{
    static const char *const names[] = {"none", "given", "calibrated", "learnt", "model"};
    enum eco_idle_method worst = ECO_IDLE_NONE;
    bool missing = false;
    report->idle.total_w = isnan(meter->given_total_uw) ? ECO_NAN : meter->given_total_uw * J_PER_UJ;
    for (unsigned d = 0; d < meter->domain_count; d++) {
        const struct eco_meter_domain *own = &meter->d[d];
        enum eco_idle_method method = own->method;
        double u_w = own->idle_u_uw * J_PER_UJ;
        int64_t at_s = own->idle_at_real_s;
        report->idle.power_w[d] = own->idle_uw * J_PER_UJ;
        if (late->known && !isnan(late->power_w[d])) {
            method = ECO_IDLE_LEARNT;
            report->idle.power_w[d] = late->power_w[d];
            u_w = late->u_w[d];
            at_s = late->at_real_s[d];
        }
        report->idle.half_width_w[d] = u_w > 0 && method != ECO_IDLE_NONE ? 2 * u_w : ECO_NAN;
        if (!meter->domains[d].counted || !meter->domains[d].attributable)
            continue;
        missing |= method == ECO_IDLE_NONE;
        if (method > worst)
            worst = method;
        if (at_s * (int64_t)ECO_NS_PER_S > report->idle.at_real_ns)
            report->idle.at_real_ns = at_s * (int64_t)ECO_NS_PER_S;
    }
    report->idle.method = names[missing ? ECO_IDLE_NONE : worst];
}

static void fill_domain(const struct eco_meter *meter, const struct late_idle *late,
                        struct eco_report *report, unsigned d)
{
    const struct eco_meter_domain *own = &meter->d[d];
    struct eco_report_domain *domain = &report->domains[d];
    domain->info = meter->domains[d];
    domain->machine_j = own->machine_uj * J_PER_UJ;
    domain->gap_s = own->gap_s;
    domain->still_s = own->still_s;
    eco_meter_tell_gpu(meter, d, &domain->device);
    fill_sums(meter, late, report, d);
    double job_j = domain->slot[report->headline].job_j;
    domain->mean_power_w = own->covered_s > 0 ? job_j / own->covered_s : ECO_NAN;
    domain->peak_power_w = own->closed >= PEAK_INTERVALS_MIN && !late->known ? own->peak_job_w : ECO_NAN;
    if (!domain->info.counted)
        return;
    for (unsigned s = 0; s < meter->slots; s++) {
        report->sums[s].job_j += domain->slot[s].job_j;
        report->sums[s].others_j += domain->slot[s].others_j;
        report->sums[s].idle_j += domain->slot[s].idle_j;
        report->sums[s].unattributed_j += domain->slot[s].unattributed_j;
    }
    report->machine_j += domain->machine_j;
    if (!own->closed)
        return;
    report->has_energy |= domain->info.attributable;
    report->quality_j[domain->info.quality] += job_j;
    if (domain->info.quality > report->quality)
        report->quality = domain->info.quality;
}

/* Without a curve there is nothing to say; with one, of every counted domain. */
static void fill_marginal(const struct eco_meter *meter, struct eco_report *report)
{
    for (unsigned d = 0; d < meter->domain_count && meter->calibration; d++) {
        if (!meter->domains[d].counted || !meter->domains[d].attributable || !meter->d[d].closed)
            continue;
        const struct eco_calibration_domain *calibrated = eco_meter_calibrated(meter, d);
        report->has_curve |= calibrated && calibrated->curve.count > 0;
        report->job_marginal_j += meter->d[d].marginal_uj * J_PER_UJ;
        report->job_alone_j += meter->d[d].alone_uj * J_PER_UJ;
    }
    report->has_curve =
        report->has_curve && isfinite(report->job_marginal_j) && isfinite(report->job_alone_j);
}

/* What others used but for graphics cards: there EcoCode does nothing. */
static double others_without_cards_j(const struct eco_meter *meter, const struct eco_report *report)
{
    double others_j = report->sums[report->headline].others_j;
    for (unsigned d = 0; d < meter->domain_count; d++)
        if (meter->domains[d].counted && meter->d[d].gpu)
            others_j -= report->domains[d].slot[report->headline].others_j;
    return fmax(0, others_j);
}

/* EcoCode's own part of `others`, by its share of their CPU time. */
static double own_energy_j(const struct eco_meter *meter, const struct eco_report *report)
{
    double others_j = others_without_cards_j(meter, report);
    if (meter->extra.selection) {
        double others_ns = (double)meter->foreign_cpu_ns, self_ns = report->self_cpu_s * 1e9;
        return others_ns > 0 ? others_j * fmin(1, self_ns / others_ns) : 0;
    }
    if (meter->options.flags & ECO_METER_MACHINE) {
        for (size_t i = 0; i < meter->accounts.count; i++) {
            const struct eco_account *account = meter->accounts.all[i];
            if (account && (account->name.flags & ECO_PROC_SELF))
                for (size_t p = 0; p < report->process_count; p++)
                    if (report->processes[p].id == account->name.id)
                        return report->processes[p].energy_j[report->headline];
        }
        return 0;
    }
    double others_ns = (double)meter->others_cpu_ns, self_ns = report->self_cpu_s * 1e9;
    return others_ns > 0 ? others_j * fmin(1, self_ns / others_ns) : 0;
}

static void fill_usage(const struct eco_meter *meter, struct eco_report *report)
{
    uint64_t job_ns = meter->rows_cpu_ns + meter->short_cpu_ns;
    report->cpu_s = (double)job_ns * 1e-9;
    bool has_split = meter->usage.job_user_ns || meter->usage.job_system_ns;
    report->cpu_user_s = has_split ? (double)meter->usage.job_user_ns * 1e-9 : meter->user_s;
    report->cpu_system_s = has_split ? (double)meter->usage.job_system_ns * 1e-9 : meter->system_s;
    report->max_rss_bytes = meter->child_max_rss_bytes > meter->job_peak_rss_bytes
                                ? meter->child_max_rss_bytes
                                : meter->job_peak_rss_bytes;
    report->still_running = meter->usage.job_alive;
    uint64_t own_ns = eco_sub_sat(eco_clock_self_cpu_ns(), meter->self_begin_ns);
    report->self_cpu_s = (double)(own_ns + meter->helper_cpu_ns + meter->feed.self_ns) * 1e-9;
    report->self_max_rss_bytes = eco_clock_self_max_rss_bytes();
    report->caught_ratio = meter->caught_ratio;
}

int eco_meter_report(struct eco_meter *meter, struct eco_report *ret)
{
    struct late_idle late;
    (void)pthread_mutex_lock(&meter->lock);
    *ret = (struct eco_report){.exit_code = -1,
                               .exit_signal = -1,
                               .policy = meter->policy,
                               .slots = meter->slots,
                               .host = meter->env->host,
                               .accounting = eco_meter_is_fed(meter) ? "bpf" : meter->procs->ops->name};
    find_late_idle(meter, &late);
    ret->headline = late.known && meter->policy == ECO_POLICY_ACTIVE ? ECO_SLOT_ACTIVE : meter->headline;
    ret->started_real_ns = meter->begin_real_ns;
    ret->duration_s =
        (double)eco_sub_sat(meter->has_ended ? meter->end_ns : meter->look_ns, meter->begin_ns) * 1e-9;
    ret->suspended_s = (double)meter->suspended_ns * 1e-9;
    ret->interval_s = (double)meter->options.interval_ns * 1e-9;
    ret->interval_count = meter->frames_made;
    ret->domain_count = meter->domain_count;
    ret->domains = eco_calloc(meter->domain_count ? meter->domain_count : 1, sizeof *ret->domains);
    int r = ret->domains ? fill_processes(meter, &late, ret) : -ENOMEM;
    if (r >= 0) {
        for (unsigned d = 0; d < meter->domain_count; d++)
            fill_domain(meter, &late, ret, d);
        fill_usage(meter, ret);
        fill_idle(meter, &late, ret);
        fill_uncertainty(meter, &late, ret);
        fill_marginal(meter, ret);
        ret->self_j = own_energy_j(meter, ret);
        double covered_s = ret->duration_s;
        ret->mean_power_w = covered_s > 0 ? ret->sums[ret->headline].job_j / covered_s : ECO_NAN;
        ret->peak_power_w =
            meter->frames_made >= PEAK_INTERVALS_MIN && !late.known ? meter->peak_job_w : ECO_NAN;
        eco_text_copy(ret->sensor_why, sizeof ret->sensor_why, meter->sensor_why.text);
        eco_text_copy(ret->sensor_fix, sizeof ret->sensor_fix, meter->sensor_why.fix);
        eco_text_copy(ret->model_text, sizeof ret->model_text, eco_group_model_text(meter->group));
        eco_meter_warn(meter, ret);
    }
    (void)pthread_mutex_unlock(&meter->lock);
    if (r < 0)
        eco_report_finish(ret);
    return r;
}
