/* SPDX-License-Identifier: MIT */
/* The public API of <ecocode/ecocode.h>, as far as it is not the meter's own. */
#include "ecocode/ecocode.h"

#include "base/text.h"
#include "meter/meter_internal.h"

#include <errno.h>
#include <math.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

/* Structs that the caller allocated may be older and shorter, or newer and longer, than ours. */
static int give(void *ret, size_t their_size, void *ours, size_t our_size)
{
    if (their_size < sizeof(size_t))
        return -EINVAL;
    size_t size = their_size < our_size ? their_size : our_size;
    memcpy(ours, &their_size, sizeof their_size);
    memcpy(ret, ours, size);
    return 0;
}

int eco_meter_open(const struct eco_meter_options *options, struct eco_meter **ret, char *why,
                   size_t why_size)
{
    struct eco_why reason = {{0}, {0}};
    int r = eco_meter_open_full(options, NULL, ret, &reason);
    if (r >= 0)
        reason = (*ret)->sensor_why;
    if (why && why_size)
        eco_text_copy(why, why_size, reason.text);
    return r;
}

int eco_meter_add_root(struct eco_meter *meter, int32_t pid)
{
    if (meter->owner != getpid())
        return -ECANCELED;
    (void)pthread_mutex_lock(&meter->procs_lock);
    int r = eco_procs_add_root(meter->procs, pid);
    (void)pthread_mutex_unlock(&meter->procs_lock);
    return r;
}

void eco_meter_see_roots(struct eco_meter *meter)
{
    (void)pthread_mutex_lock(&meter->procs_lock);
    eco_procs_see_roots(meter->procs);
    (void)pthread_mutex_unlock(&meter->procs_lock);
    eco_meter_see_topology(meter);
}

static double seconds(struct timeval time)
{
    return (double)time.tv_sec + (double)time.tv_usec * 1e-6;
}

int eco_meter_child_ended(struct eco_meter *meter, int32_t pid, const struct rusage *usage)
{
    if (meter->owner != getpid())
        return -ECANCELED;
    (void)pthread_mutex_lock(&meter->procs_lock);
    if (pid == meter->ended_pid)
        eco_procs_own_cpu(meter->procs, pid, meter->ended_cpu_ns);
    eco_procs_child_ended(meter->procs, pid, usage);
    (void)pthread_mutex_unlock(&meter->procs_lock);
    (void)pthread_mutex_lock(&meter->lock);
    uint64_t rss_bytes = (uint64_t)usage->ru_maxrss * 1024;
    if (rss_bytes > meter->child_max_rss_bytes)
        meter->child_max_rss_bytes = rss_bytes;
    meter->user_s = (isnan(meter->user_s) ? 0 : meter->user_s) + seconds(usage->ru_utime);
    meter->system_s = (isnan(meter->system_s) ? 0 : meter->system_s) + seconds(usage->ru_stime);
    (void)pthread_mutex_unlock(&meter->lock);
    return 0;
}

int eco_meter_totals(struct eco_meter *meter, struct eco_totals *ret)
{
    struct eco_report report;
    if (meter->owner != getpid())
        return -ECANCELED;
    int r = eco_meter_report(meter, &report);
    if (r < 0)
        return r;
    const struct eco_sums *sums = &report.sums[report.headline];
    bool has_active = report.headline == ECO_SLOT_ACTIVE || eco_meter_idle_known(meter);
    struct eco_totals totals = {.duration_s = report.duration_s,
                                .machine_j = report.has_energy ? report.machine_j : ECO_NAN,
                                .job_active_j = has_active ? report.sums[ECO_SLOT_ACTIVE].job_j : ECO_NAN,
                                .job_full_j = report.has_energy ? report.sums[ECO_SLOT_FULL].job_j : ECO_NAN,
                                .job_j = report.has_energy ? sums->job_j : ECO_NAN,
                                .job_low_j = report.uncertainty[report.headline].job_low_j,
                                .job_high_j = report.uncertainty[report.headline].job_high_j,
                                .others_j = sums->others_j,
                                .idle_j = sums->idle_j,
                                .unattributed_j = sums->unattributed_j,
                                .job_cpu_s = report.cpu_s,
                                .quality = (int)report.quality};
    eco_report_finish(&report);
    return give(ret, ret->size, &totals, sizeof totals);
}

static const struct eco_split *headline(const struct eco_frame_domain *domain, const struct eco_frame *frame)
{
    return &domain->split[frame->headline];
}

int eco_frame_get(const struct eco_frame *frame, struct eco_frame_info *ret)
{
    bool known = frame->total.state == ECO_ENERGY_OK;
    struct eco_frame_info info = {
        .seq = frame->seq,
        .t0_ns = frame->t0_ns,
        .t1_ns = frame->t1_ns,
        .suspended_ns = frame->suspended_ns,
        .keyframe = frame->keyframe,
        .last = frame->last,
        .domain_count = frame->domain_count,
        .process_count = frame->row_count,
        .machine_j = known ? frame->total.machine_uj * 1e-6 : ECO_NAN,
        .job_active_j = known ? frame->total.split[ECO_SLOT_ACTIVE].job_uj * 1e-6 : ECO_NAN,
        .job_full_j = known ? frame->total.split[ECO_SLOT_FULL].job_uj * 1e-6 : ECO_NAN,
        .job_cpu_s = (double)frame->job_cpu_ns * 1e-9};
    return give(ret, ret->size, &info, sizeof info);
}

int eco_frame_get_domain(const struct eco_frame *frame, unsigned index, struct eco_frame_domain_info *ret)
{
    if (index >= frame->domain_count)
        return -EINVAL;
    const struct eco_frame_domain *domain = &frame->domains[index];
    bool known = domain->state == ECO_ENERGY_OK;
    double unit = known ? 1e-6 : ECO_NAN;
    const struct eco_split *split = headline(domain, frame);
    struct eco_frame_domain_info info = {.name = frame->domain_info[index].name,
                                         .counted = frame->domain_info[index].counted,
                                         .quality = (int)domain->quality,
                                         .known = known,
                                         .machine_j = domain->machine_uj * unit,
                                         .idle_j = split->idle_uj * unit,
                                         .unattributed_j = split->unattributed_uj * unit,
                                         .others_j = split->others_uj * unit,
                                         .job_active_j = domain->split[ECO_SLOT_ACTIVE].job_uj * unit,
                                         .job_full_j = domain->split[ECO_SLOT_FULL].job_uj * unit};
    return give(ret, ret->size, &info, sizeof info);
}

int eco_frame_get_process(const struct eco_frame *frame, uint32_t index, struct eco_frame_process_info *ret)
{
    if (index >= frame->row_count)
        return -EINVAL;
    const struct eco_frame_row *row = &frame->rows[index];
    struct eco_frame_process_info info = {.pid = row->pid,
                                          .name = row->name,
                                          .cpu_s = (double)row->cpu_ns * 1e-9,
                                          .rss_bytes = row->rss_bytes,
                                          .ended = !!(row->flags & ECO_PROC_ENDED)};
    const double *active = eco_frame_row_energy(frame, index, ECO_SLOT_ACTIVE);
    const double *full = eco_frame_row_energy(frame, index, ECO_SLOT_FULL);
    for (unsigned d = 0; d < frame->domain_count; d++)
        if (frame->domain_info[d].counted) {
            info.active_j += active[d] * 1e-6;
            info.full_j += full[d] * 1e-6;
        }
    return give(ret, ret->size, &info, sizeof info);
}

const char *eco_version(void)
{
    return ECO_VERSION;
}
