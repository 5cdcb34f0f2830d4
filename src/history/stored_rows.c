/* SPDX-License-Identifier: MIT */
/* Domains and processes of a stored report. */
#include "base/mem.h"
#include "base/text.h"
#include "history/stored_parts.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#define PROCESSES_MAX (1u << 20)

static enum eco_kind kind_of(const char *name)
{
    for (int kind = 0; name && kind <= ECO_KIND_DEVICE; kind++)
        if (strcmp(name, eco_kind_name((enum eco_kind)kind)) == 0)
            return (enum eco_kind)kind;
    return ECO_KIND_NONE;
}

static int find_domain(const json_t *domains, const char *name)
{
    for (size_t i = 0; name && i < json_array_size(domains) && i < ECO_DOMAINS_MAX; i++) {
        const char *its = eco_stored_text(json_array_get(domains, i), "name");
        if (its && strcmp(its, name) == 0)
            return (int)i;
    }
    return -1;
}

static void read_sources(struct eco_domain *info, const json_t *sources)
{
    for (size_t i = 0; i < json_array_size(sources) && info->source_count < ECO_DOMAIN_SOURCES_MAX; i++) {
        const json_t *from = json_array_get(sources, i);
        struct eco_domain_source *source = &info->sources[info->source_count++];
        const char *name = eco_stored_text(from, "source");
        double seconds = eco_stored_number(from, "seconds");
        (void)eco_text_copy(source->source, sizeof source->source, name ? name : "");
        source->quality = eco_stored_quality(from);
        source->used_ns = seconds > 0 && seconds < 1e9 ? (uint64_t)(seconds * 1e9) : 0;
    }
}

static void read_device(struct eco_stored_report *stored, unsigned index, const json_t *from)
{
    static const char *const vendors[] = {"", "nvidia", "amd", "intel"};
    struct eco_report_device *device = &stored->report.domains[index].device;
    struct eco_gpu_device *what = &stored->devices[index];
    const char *vendor = eco_stored_text(from, "vendor"), *name = eco_stored_text(from, "name");
    const char *divided = eco_stored_text(from, "divided_by");
    if (!json_is_object(from))
        return;
    for (size_t i = 0; vendor && i < ECO_COUNT(vendors); i++)
        if (strcmp(vendor, vendors[i]) == 0)
            what->vendor = (enum eco_gpu_vendor)i;
    (void)eco_text_copy(what->name, sizeof what->name, name ? name : "");
    what->memory_bytes = eco_stored_count(from, "memory_bytes");
    *device = (struct eco_report_device){
        .is_there = true,
        .device = what,
        .utilization_mean_ratio = eco_stored_number(from, "utilization_mean_ratio"),
        .power_max_w = eco_stored_number(from, "power_max_w"),
        .power_limit_w = eco_stored_number(from, "power_limit_w"),
        .temperature_max_c = eco_stored_number(from, "temperature_max_celsius"),
        .throttled_s = eco_stored_number(from, "throttled_s"),
        .machine_mean_w = stored->report.domains[index].machine_j / stored->report.duration_s,
        .memory_peak_bytes = eco_stored_count(from, "memory_peak_bytes"),
        .is_fitted = divided && strcmp(divided, "watts") == 0,
        .is_split = divided && strcmp(divided, "slices") == 0};
}

static void read_domain(struct eco_stored_report *stored, unsigned index, const json_t *all,
                        const json_t *from)
{
    struct eco_report *report = &stored->report;
    struct eco_report_domain *domain = &report->domains[index];
    const char *name = eco_stored_text(from, "name");
    struct eco_domain *info = &domain->info;
    (void)eco_text_copy(info->name, sizeof info->name, name ? name : "");
    info->kind = kind_of(eco_stored_text(from, "kind"));
    info->counted = json_is_true(json_object_get(from, "counted"));
    info->within = find_domain(all, eco_stored_text(from, "within"));
    info->package = -1;
    info->attributable = true;
    info->quality = eco_stored_quality(from);
    info->model_idle_uw = ECO_NAN;
    read_sources(info, json_object_get(from, "sources"));
    domain->machine_j = eco_stored_number(from, "machine_j");
    domain->mean_power_w = eco_stored_number(from, "mean_power_w");
    domain->peak_power_w = eco_stored_number(from, "peak_power_w");
    domain->gap_s = fmax(0, eco_stored_number(from, "gap_s"));
    domain->still_s = fmax(0, eco_stored_number(from, "still_s"));
    domain->slot[report->headline] =
        (struct eco_sums){.job_j = eco_stored_number(from, "job_j"),
                          .others_j = eco_stored_number(from, "others_j"),
                          .idle_j = eco_stored_number(from, "idle_j"),
                          .unattributed_j = eco_stored_number(from, "unattributed_j")};
    eco_stored_uncertainty(from, &domain->uncertainty);
    read_device(stored, index, json_object_get(from, "device"));
}

int eco_stored_domains(struct eco_stored_report *stored, const json_t *root)
{
    const json_t *all = json_object_get(root, "domains");
    struct eco_report *report = &stored->report;
    size_t count = json_array_size(all) < ECO_DOMAINS_MAX ? json_array_size(all) : ECO_DOMAINS_MAX;
    if (count == 0)
        return 0;
    report->domains = eco_calloc(count, sizeof *report->domains);
    stored->devices = eco_calloc(count, sizeof *stored->devices);
    if (!report->domains || !stored->devices)
        return -ENOMEM;
    report->domain_count = (unsigned)count;
    for (unsigned i = 0; i < count; i++)
        read_domain(stored, i, all, json_array_get(all, i));
    return 0;
}

static void read_identity(struct eco_stored_report *stored, size_t index, const json_t *from, uint32_t uid)
{
    struct eco_identity *who = &stored->identities[index];
    const char *job = eco_stored_text(from, "slurm_job");
    double task = eco_stored_number(from, "slurm_task");
    who->id = (uint32_t)index + 1;
    who->uid = uid;
    who->user = eco_stored_text(from, "user");
    who->container = eco_stored_text(from, "container");
    who->pod = eco_stored_text(from, "pod");
    who->unit = eco_stored_text(from, "unit");
    who->slurm_step = eco_stored_text(from, "slurm_step");
    who->slurm_task = task >= 0 && task < INT32_MAX ? (int32_t)task : -1;
    if (!job)
        return;
    stored->told[index] = (struct eco_slurm_told){.shown = job};
    stored->jobs[index].id = job;
    atomic_init(&stored->jobs[index].told, &stored->told[index]);
    who->slurm = &stored->jobs[index];
}

/* The newest row before this one that has the parent's pid, else any: pids may be used twice. */
static uint32_t find_parent(const struct eco_report *report, size_t index, int32_t ppid)
{
    if (ppid <= 0)
        return 0;
    for (size_t i = index; i-- > 0;)
        if (report->processes[i].pid == ppid)
            return report->processes[i].id;
    return 0;
}

static void read_process(struct eco_stored_report *stored, size_t index, const json_t *from)
{
    struct eco_report *report = &stored->report;
    struct eco_report_process *process = &report->processes[index];
    const char *name = eco_stored_text(from, "name");
    const json_t *by_domain = json_object_get(from, "by_domain");
    process->pid = (int32_t)(eco_stored_count(from, "pid") & INT32_MAX);
    process->ppid = (int32_t)(eco_stored_count(from, "ppid") & INT32_MAX);
    process->uid = (uint32_t)eco_stored_count(from, "uid");
    process->id = (uint32_t)index + 1;
    process->parent_id = find_parent(report, index, process->ppid);
    process->count = (uint32_t)eco_stored_count(from, "count");
    process->identity = &stored->identities[index];
    process->name = name ? name : "";
    process->role = eco_stored_text(from, "role");
    process->cmdline = eco_stored_text(from, "cmdline");
    process->start_offset_s = eco_stored_number(from, "start_offset_s");
    process->end_offset_s = eco_stored_number(from, "end_offset_s");
    process->cpu_s = eco_stored_number(from, "cpu_s");
    process->max_rss_bytes = eco_stored_count(from, "max_rss_bytes");
    process->gpu_busy_s = eco_stored_number(from, "gpu_busy_s");
    process->gpu_memory_max_bytes = eco_stored_count(from, "gpu_memory_max_bytes");
    for (unsigned slot = 0; slot < ECO_SLOT_COUNT; slot++)
        process->energy_j[slot] = slot == report->headline ? eco_stored_number(from, "energy_j") : ECO_NAN;
    process->by_domain_j = report->process_energy + index * ECO_SLOT_COUNT * report->domain_count;
    for (unsigned d = 0; d < report->domain_count; d++)
        process->by_domain_j[report->headline * report->domain_count + d] =
            eco_stored_number(by_domain, report->domains[d].info.name);
    read_identity(stored, index, from, process->uid);
}

int eco_stored_processes(struct eco_stored_report *stored, const json_t *root)
{
    const json_t *all = json_object_get(root, "processes");
    struct eco_report *report = &stored->report;
    size_t count = json_array_size(all) < PROCESSES_MAX ? json_array_size(all) : PROCESSES_MAX;
    if (count == 0)
        return 0;
    size_t cells = count * ECO_SLOT_COUNT * (report->domain_count ? report->domain_count : 1);
    report->processes = eco_calloc(count, sizeof *report->processes);
    report->process_energy = eco_calloc(cells, sizeof *report->process_energy);
    stored->identities = eco_calloc(count, sizeof *stored->identities);
    stored->jobs = eco_calloc(count, sizeof *stored->jobs);
    stored->told = eco_calloc(count, sizeof *stored->told);
    if (!report->processes || !report->process_energy || !stored->identities || !stored->jobs ||
        !stored->told)
        return -ENOMEM;
    for (size_t i = 0; i < count; i++) {
        report->process_count = i + 1;
        read_process(stored, i, json_array_get(all, i));
    }
    return 0;
}
