/* SPDX-License-Identifier: MIT */
/* Frames: what was gathered since the last one, or the totals since the beginning. */
#include "base/counter.h"
#include "base/mem.h"
#include "base/text.h"
#include "meter/meter_internal.h"

#include <math.h>
#include <string.h>

static void add_total(const struct eco_meter *meter, struct eco_frame *frame)
{
    struct eco_frame_domain *total = &frame->total;
    for (unsigned d = 0; d < meter->domain_count; d++) {
        const struct eco_frame_domain *from = &frame->domains[d];
        if (!meter->domains[d].counted)
            continue;
        if (from->gap_ns > total->gap_ns)
            total->gap_ns = from->gap_ns;
        if (from->state != ECO_ENERGY_OK) {
            if (total->state == ECO_ENERGY_NONE)
                total->state = from->state;
            continue;
        }
        total->state = ECO_ENERGY_OK;
        total->machine_uj += from->machine_uj;
        if (from->span_ns > total->span_ns)
            total->span_ns = from->span_ns;
        if (from->quality > total->quality)
            total->quality = from->quality;
        for (unsigned s = 0; s < frame->slots; s++) {
            total->split[s].job_uj += from->split[s].job_uj;
            total->split[s].others_uj += from->split[s].others_uj;
            total->split[s].idle_uj += from->split[s].idle_uj;
            total->split[s].unattributed_uj += from->split[s].unattributed_uj;
        }
    }
}

static void fill_head(struct eco_meter *meter, struct eco_frame *frame)
{
    const struct eco_clock *clock = meter->env->clock;
    frame->seq = meter->seq;
    frame->t0_ns = meter->frame_ns;
    frame->t1_ns = meter->look_ns;
    frame->t1_real_ns = clock->real_ns(clock);
    frame->headline = meter->headline;
    frame->domain_info = meter->domains;
    frame->alive_count = meter->usage.alive_count;
    frame->job_alive = (uint32_t)meter->usage.job_alive;
    frame->job_rss_bytes = meter->job_rss_bytes;
}

static void fill_row(const struct eco_meter *meter, struct eco_frame *frame,
                     const struct eco_account *account, uint64_t cpu_ns, const double *energy_uj)
{
    uint32_t row = frame->row_count++;
    frame->rows[row] = (struct eco_frame_row){.proc_id = account->name.id,
                                              .pid = account->name.pid,
                                              .cpu_ns = cpu_ns,
                                              .rss_bytes = account->rss_bytes,
                                              .tree_id = account->name.tree_id,
                                              .identity = account->name.identity,
                                              .flags = account->name.flags};
    frame->rows[row].tree_pid = account->name.tree_pid;
    memcpy(frame->rows[row].tree_name, account->name.tree_name, sizeof frame->rows[row].tree_name);
    eco_text_copy(frame->rows[row].name, sizeof frame->rows[row].name, account->name.name);
    memcpy(eco_frame_row_energy(frame, row, ECO_SLOT_ACTIVE), energy_uj,
           (size_t)meter->slots * meter->domain_count * sizeof *energy_uj);
}

/* Those of the job; without memory none. */
static void fill_identities(const struct eco_meter *meter, struct eco_frame *frame)
{
    const struct eco_usage *usage = &meter->usage;
    if (!meter->extra.wants_identities)
        return;
    if (usage->identity_count > frame->identity_capacity) {
        struct eco_frame_identity *grown = eco_reallocarray(frame->identities, frame->identity_capacity,
                                                            usage->identity_count, sizeof *grown);
        if (!grown)
            return;
        frame->identities = grown;
        frame->identity_capacity = usage->identity_count;
    }
    for (uint32_t i = 0; i < usage->identity_count; i++) {
        bool is_ours =
            !meter->extra.selection || eco_selection_matches(meter->extra.selection, usage->identities[i]);
        if (usage->identity_alive[i] && is_ours)
            frame->identities[frame->identity_count++] =
                (struct eco_frame_identity){usage->identities[i], usage->identity_alive[i]};
    }
}

/* Everything gathered begins anew; accounts that no domain waits for leave the list. */
static void clear_gathered(struct eco_meter *meter)
{
    bool waits = false;
    for (unsigned d = 0; d < meter->domain_count; d++) {
        waits |= meter->energies[d].state == ECO_ENERGY_WAITING;
        meter->d[d].frame = (struct eco_frame_domain){0};
    }
    size_t kept = 0, energies = (size_t)meter->slots * meter->domain_count;
    for (size_t i = 0; i < meter->pending_count; i++) {
        struct eco_account *account = meter->pending[i];
        account->frame_cpu_ns = 0;
        for (size_t e = 0; e < energies; e++)
            account->frame_uj[e] = 0;
        account->is_pending = waits;
        if (waits)
            meter->pending[kept++] = account;
    }
    meter->pending_count = kept;
}

static void publish(struct eco_meter *meter, struct eco_frame *frame)
{
    struct eco_frame **place = &meter->ring[frame->seq % ECO_FRAMES];
    eco_frame_unref(*place);
    *place = frame;
    meter->made_frame = true;
    (void)pthread_cond_broadcast(&meter->changed);
}

static struct eco_frame *free_frame(struct eco_meter *meter, uint32_t rows)
{
    /* The ring itself holds frames: the oldest is given up for the new one. */
    struct eco_frame **oldest = &meter->ring[(meter->seq + 1) % ECO_FRAMES];
    eco_frame_unref(*oldest);
    *oldest = NULL;
    return eco_frame_pool_get(meter->pool, rows, meter->slots, meter->domain_count);
}

void eco_meter_emit(struct eco_meter *meter, bool last)
{
    struct eco_frame *frame = free_frame(meter, (uint32_t)meter->pending_count);
    meter->made_frame = false;
    if (!frame)
        return;
    meter->seq++;
    fill_head(meter, frame);
    frame->last = last;
    uint64_t slept = eco_sub_sat(meter->asleep_ns, meter->frame_asleep_ns);
    frame->suspended_ns = slept > 10 * ECO_NS_PER_MS ? slept : 0;
    meter->suspended_ns += frame->suspended_ns;
    for (unsigned d = 0; d < meter->domain_count; d++) {
        frame->domains[d] = meter->d[d].frame;
        eco_meter_frame_gpu(meter, d, false, &frame->domains[d]);
    }
    add_total(meter, frame);
    uint64_t job = meter->rows_cpu_ns + meter->short_cpu_ns;
    uint64_t busy = job + meter->others_cpu_ns + meter->foreign_cpu_ns;
    frame->job_cpu_ns = job - meter->frame_job_ns;
    frame->machine_cpu_ns = busy - meter->frame_busy_ns;
    for (size_t i = 0; i < meter->pending_count; i++)
        if (meter->pending[i]->in_job)
            fill_row(meter, frame, meter->pending[i], meter->pending[i]->frame_cpu_ns,
                     meter->pending[i]->frame_uj);
    fill_identities(meter, frame);
    double span_s = (double)frame->total.span_ns * 1e-9;
    double job_w = frame->total.split[meter->headline].job_uj * 1e-6 / span_s;
    if (span_s > 0 && job_w > meter->peak_job_w)
        meter->peak_job_w = job_w;
    meter->frame_job_ns = job;
    meter->frame_busy_ns = busy;
    meter->frame_ns = frame->t1_ns;
    meter->frame_asleep_ns = meter->asleep_ns;
    meter->frames_made++;
    clear_gathered(meter);
    publish(meter, frame);
}

struct eco_frame *eco_meter_keyframe(struct eco_meter *meter)
{
    uint32_t rows = 0;
    for (size_t i = 0; i < meter->accounts.count; i++)
        rows += meter->accounts.all[i] && meter->accounts.all[i]->in_job;
    struct eco_frame *frame = eco_frame_new(rows, meter->slots, meter->domain_count);
    if (!frame)
        return NULL;
    fill_head(meter, frame);
    frame->keyframe = true;
    frame->t0_ns = meter->begin_ns;
    frame->t1_ns = meter->frame_ns;
    frame->suspended_ns = meter->suspended_ns;
    for (unsigned d = 0; d < meter->domain_count; d++) {
        const struct eco_meter_domain *own = &meter->d[d];
        frame->domains[d] =
            (struct eco_frame_domain){.state = own->closed ? ECO_ENERGY_OK : ECO_ENERGY_WAITING,
                                      .machine_uj = own->machine_uj,
                                      .span_ns = (uint64_t)(own->covered_s * 1e9),
                                      .gap_ns = (uint64_t)(own->gap_s * 1e9),
                                      .quality = meter->domains[d].quality};
        memcpy(frame->domains[d].split, own->sum, sizeof own->sum);
        eco_meter_frame_gpu(meter, d, true, &frame->domains[d]);
    }
    add_total(meter, frame);
    frame->job_cpu_ns = meter->rows_cpu_ns + meter->short_cpu_ns;
    frame->machine_cpu_ns = frame->job_cpu_ns + meter->others_cpu_ns + meter->foreign_cpu_ns;
    for (size_t i = 0; i < meter->accounts.count; i++) {
        const struct eco_account *account = meter->accounts.all[i];
        if (account && account->in_job)
            fill_row(meter, frame, account, account->cpu_ns, account->energy_uj);
    }
    return frame;
}
