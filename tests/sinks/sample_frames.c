/* SPDX-License-Identifier: MIT */
#include "base/macros.h"
#include "base/text.h"
#include "sample.h"

#include <string.h>

static const struct eco_proc_name *find_name(const void *context, uint32_t id)
{
    const struct sample_frames *frames = context;
    return id >= 1 && id <= ECO_COUNT(frames->names) && frames->names[id - 1].id == id
               ? &frames->names[id - 1]
               : NULL;
}

void sample_frames_init(struct sample_frames *ret, unsigned domains, unsigned rows)
{
    static const char *const domain_names[] = {"package-0", "dram, \"the\" first", "psys"};
    static const enum eco_kind kinds[] = {ECO_KIND_CPU, ECO_KIND_DRAM, ECO_KIND_PSYS};
    static char words[][16] = {"python3", "a\nb\033\"", "\xff\xfe"};
    memset(ret, 0, sizeof(*ret));
    for (unsigned i = 0; i < domains; i++) {
        struct eco_domain *d = &ret->domains[i];
        (void)eco_text_copy(d->name, sizeof(d->name), domain_names[i]);
        d->kind = kinds[i];
        d->counted = kinds[i] != ECO_KIND_PSYS;
        d->within = -1;
        d->quality = ECO_MEASURED;
        d->source_count = 1;
        (void)eco_text_copy(d->sources[0].source, sizeof(d->sources[0].source), "powercap");
    }
    for (uint32_t i = 0; i < rows; i++) {
        ret->names[i] = (struct eco_proc_name){.id = i + 1, .pid = 100 + (int)i, .count = 1};
        (void)eco_text_copy(ret->names[i].name, sizeof(ret->names[i].name), words[i % 3]);
        ret->rows[i] = (struct eco_frame_row){.proc_id = i + 1, .flags = ECO_PROC_JOB};
    }
    for (unsigned i = 0; i < 3; i++)
        ret->command[i] = words[i];
    ret->frame.domain_info = ret->domains;
    ret->frame.domain_count = domains;
    ret->frame.rows = ret->rows;
    ret->frame.row_count = rows;
    ret->frame.energy_uj = ret->energy;
    ret->frame.slots = 2;
    ret->frame.t1_ns = 5000000000;
    ret->frame.t1_real_ns = 1795341600123000000;
    ret->begin = (struct eco_sink_begin){.run_id = "7f3a91",
                                         .boot_id = "0f8f",
                                         .hostname = "lab3",
                                         .pid = 77,
                                         .command = ret->command,
                                         .started_real_ns = 1795341600123000000,
                                         .interval_ns = ECO_NS_PER_S,
                                         .policy = ECO_POLICY_ACTIVE,
                                         .accounting = "proc",
                                         .domains = ret->domains,
                                         .domain_count = domains,
                                         .proc_name = find_name,
                                         .context = ret};
}

static void fill_domain(struct eco_frame_domain *d, double uj, unsigned index)
{
    d->state = ECO_ENERGY_OK;
    d->quality = ECO_MEASURED;
    d->machine_uj = uj;
    d->span_ns = ECO_NS_PER_S;
    d->gap_ns = 0;
    double job = uj * (0.3 + 0.01 * index), others = uj * 0.1;
    d->split[ECO_SLOT_ACTIVE] = (struct eco_split){job, others, uj * 0.5, uj - job - others - uj * 0.5};
    d->split[ECO_SLOT_FULL] = (struct eco_split){uj * 0.7, uj * 0.2, 0, uj - uj * 0.7 - uj * 0.2};
}

static void add_to_total(struct eco_frame_domain *total, const struct eco_frame_domain *d)
{
    total->state = ECO_ENERGY_OK;
    total->quality = ECO_MEASURED;
    total->span_ns = d->span_ns;
    total->machine_uj += d->machine_uj;
    for (unsigned slot = 0; slot < 2; slot++) {
        total->split[slot].job_uj += d->split[slot].job_uj;
        total->split[slot].others_uj += d->split[slot].others_uj;
        total->split[slot].idle_uj += d->split[slot].idle_uj;
        total->split[slot].unattributed_uj += d->split[slot].unattributed_uj;
    }
}

void sample_frames_next(struct sample_frames *frames)
{
    struct eco_frame *f = &frames->frame;
    f->seq++;
    f->t0_ns = f->t1_ns;
    f->t1_ns += ECO_NS_PER_S;
    f->t1_real_ns += (int64_t)ECO_NS_PER_S;
    f->total = (struct eco_frame_domain){0};
    for (unsigned i = 0; i < f->domain_count; i++) {
        fill_domain(&f->domains[i], 12345678.0 / (i + 1) + (double)f->seq * 1001.7, i);
        if (frames->domains[i].counted)
            add_to_total(&f->total, &f->domains[i]);
    }
    f->job_cpu_ns = 412345678;
    f->machine_cpu_ns = 623456789;
    f->job_rss_bytes = 123456789;
    f->job_alive = f->row_count;
    for (uint32_t row = 0; row < f->row_count; row++) {
        frames->rows[row].cpu_ns = f->job_cpu_ns / f->row_count;
        frames->rows[row].rss_bytes = 40000000;
        for (unsigned slot = 0; slot < f->slots; slot++) {
            double *energy = frames->energy + (row * f->slots + slot) * f->domain_count;
            for (unsigned d = 0; d < f->domain_count; d++)
                energy[d] = f->domains[d].split[slot].job_uj / f->row_count;
        }
    }
}
