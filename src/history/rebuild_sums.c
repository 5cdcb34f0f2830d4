/* SPDX-License-Identifier: MIT */
#include "history/rebuild_sums.h"

#include "base/mem.h"
#include "base/text.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define SLOTS (2ul * ECO_SUM_PROCESSES_MAX) /* a power of two */

static unsigned quality_of(struct eco_span text)
{
    return eco_scan_is(text, "measured")    ? 1
           : eco_scan_is(text, "derived")   ? 2
           : eco_scan_is(text, "estimated") ? 3
                                            : 0;
}

static void copy_text(char *ret, size_t size, struct eco_span quoted_inside)
{
    ret[0] = 0;
    if (quoted_inside.length == 0)
        return;
    /* with its quotes again, for the reader of escapes */
    struct eco_span value = {quoted_inside.text - 1, quoted_inside.length + 2};
    (void)eco_json_read_string(value, ret, size);
}

static double known_or_0(struct eco_span number)
{
    double value = eco_scan_double(number);
    return isfinite(value) ? value : 0;
}

static void add_energy(struct eco_energy_sums *sums, const struct eco_energy_text *text)
{
    sums->gap_s += known_or_0(text->gap_s);
    double machine_j = eco_scan_double(text->machine_j);
    if (!isfinite(machine_j))
        return;
    sums->machine_j += machine_j;
    sums->job_j += known_or_0(text->job_j);
    sums->others_j += known_or_0(text->others_j);
    sums->idle_j += known_or_0(text->idle_j);
    sums->unattributed_j += known_or_0(text->unattributed_j);
    sums->is_known = true;
}

static struct eco_domain_sums *find_domain(struct eco_record_sums *sums, const struct eco_domain_text *domain)
{
    char name[sizeof sums->domains[0].name];
    copy_text(name, sizeof name, domain->name);
    for (unsigned i = 0; i < sums->domain_count; i++)
        if (strcmp(sums->domains[i].name, name) == 0)
            return &sums->domains[i];
    if (sums->domain_count == ECO_DOMAINS_MAX)
        return NULL;
    struct eco_domain_sums *made = &sums->domains[sums->domain_count++];
    *made = (struct eco_domain_sums){.counted = domain->counted};
    memcpy(made->name, name, sizeof name);
    return made;
}

static size_t hash(int64_t pid, const char *name)
{
    uint64_t h = (uint64_t)pid * 0x9e3779b97f4a7c15ull;
    for (; *name; name++)
        h = (h ^ (unsigned char)*name) * 0x100000001b3ull;
    return (size_t)(h >> 17) & (SLOTS - 1);
}

static int find_process(struct eco_record_sums *sums, int64_t pid, const char *name,
                        struct eco_process_sums **ret)
{
    if (!sums->slots) {
        sums->slots = eco_calloc(SLOTS, sizeof *sums->slots);
        if (!sums->slots)
            return -ENOMEM;
    }
    size_t at = hash(pid, name);
    for (; sums->slots[at]; at = (at + 1) & (SLOTS - 1)) {
        struct eco_process_sums *process = &sums->processes[sums->slots[at] - 1];
        if (process->pid == pid && strcmp(process->name, name) == 0) {
            *ret = process;
            return 0;
        }
    }
    if (sums->process_count + 1 >= ECO_SUM_PROCESSES_MAX && (pid != 0 || *name))
        return find_process(sums, 0, "", ret);
    int r = eco_grow((void **)&sums->processes, &sums->process_capacity, sums->process_count + 1,
                     ECO_SUM_PROCESSES_MAX, sizeof *sums->processes);
    if (r < 0)
        return r;
    struct eco_process_sums *made = &sums->processes[sums->process_count++];
    *made = (struct eco_process_sums){.pid = pid};
    (void)eco_text_copy(made->name, sizeof made->name, name);
    sums->slots[at] = (uint32_t)sums->process_count;
    *ret = made;
    return 0;
}

static int add_process(struct eco_record_sums *sums, const struct eco_process_text *text, bool is_total)
{
    struct eco_process_sums *process;
    char name[sizeof process->name];
    double pid = eco_scan_double(text->pid), rss_bytes = known_or_0(text->rss_bytes);
    copy_text(name, sizeof name, text->name);
    int r = find_process(sums, pid >= 1 && pid <= INT32_MAX ? (int64_t)pid : 0, name, &process);
    if (r < 0)
        return r;
    double energy_j = known_or_0(text->energy_j), cpu_s = known_or_0(text->cpu_s);
    if (is_total) { /* of a keyframe: since the start */
        sums->job_rows_j -= process->energy_j;
        process->energy_j = process->cpu_s = 0;
    }
    process->energy_j += energy_j;
    process->cpu_s += cpu_s;
    process->rss_bytes = fmax(process->rss_bytes, rss_bytes);
    process->has_ended = text->ended;
    sums->job_rows_j += energy_j;
    return 0;
}

static void add_total(struct eco_record_sums *sums, const struct eco_frame_text *frame)
{
    unsigned quality = quality_of(frame->total.quality);
    add_energy(&sums->total, &frame->total);
    sums->active_j += known_or_0(frame->active_j);
    sums->full_j += known_or_0(frame->full_j);
    sums->quality_j[quality] += known_or_0(frame->total.job_j);
    sums->quality = quality > sums->quality ? quality : sums->quality;
    sums->suspended_s += known_or_0(frame->suspended_s);
    sums->job_cpu_s += known_or_0(frame->job_cpu_s);
    sums->intervals++;
}

void eco_record_sums_init(struct eco_record_sums *sums)
{
    *sums = (struct eco_record_sums){.domain_count = 0};
}

int eco_record_sums_add(struct eco_record_sums *sums, const struct eco_frame_text *frame)
{
    add_total(sums, frame);
    for (unsigned i = 0; i < frame->domain_count; i++) {
        struct eco_domain_sums *domain = find_domain(sums, &frame->domains[i]);
        if (!domain)
            continue;
        unsigned quality = quality_of(frame->domains[i].energy.quality);
        add_energy(&domain->sums, &frame->domains[i].energy);
        domain->quality = quality > domain->quality ? quality : domain->quality;
    }
    struct eco_span cursor = frame->processes;
    struct eco_process_text process;
    while (eco_process_text_next(&cursor, &process)) {
        int r = process.job ? add_process(sums, &process, frame->keyframe) : 0;
        if (r < 0)
            return r;
    }
    return 0;
}

void eco_record_sums_finish(struct eco_record_sums *sums)
{
    free(sums->processes);
    free(sums->slots);
    *sums = (struct eco_record_sums){.domain_count = 0};
}
