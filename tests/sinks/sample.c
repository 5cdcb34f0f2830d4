/* SPDX-License-Identifier: MIT */
#include "sample.h"

#include "base/macros.h"
#include "base/text.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define UNKNOWN ((double)NAN)
#define GIB     (1024.0 * 1024.0 * 1024.0)

const char *const sample_names[] = {"server",       "laptop", "vm",      "sleep", "true",
                                    "idle_unknown", "gap",    "hostile", "mixed", "monitor",
                                    "tree",         "equal",  "nothing", "gpu",   NULL};

/* ---- pieces ---- */

static struct eco_report_domain *add_domain(struct sample *s, const char *name, enum eco_kind kind,
                                            const char *source, enum eco_quality quality)
{
    struct eco_report_domain *domain = &s->domains[s->report.domain_count++];
    struct eco_domain *info = &domain->info;
    (void)eco_text_copy(info->name, sizeof(info->name), name);
    info->kind = kind;
    info->counted = true;
    info->attributable = true;
    info->within = -1;
    info->alpha = 0.02;
    info->quality = quality;
    info->model_ratio = quality == ECO_ESTIMATED ? 2.2 : 0.0;
    info->source_count = 1;
    (void)eco_text_copy(info->sources[0].source, sizeof(info->sources[0].source), source);
    info->sources[0].quality = quality;
    info->sources[0].used_ns = (uint64_t)(s->report.duration_s * 1e9);
    return domain;
}

/* Joules by the two standing policies: full moves the idle power to the job and the others. */
static void set_energy(struct eco_report_domain *domain, double job, double others, double idle,
                       double unattributed)
{
    double busy = job + others, share = busy > 0 ? job / busy : 0;
    domain->slot[ECO_SLOT_ACTIVE] = (struct eco_sums){job, others, idle, unattributed};
    domain->slot[ECO_SLOT_FULL] =
        (struct eco_sums){job + idle * share, others + idle * (1 - share), 0, unattributed};
    domain->machine_j = job + others + idle + unattributed;
}

static struct eco_report_process *add_process(struct sample *s, int pid, uint32_t parent, const char *name,
                                              const char *role, const char *cmdline)
{
    size_t i = s->report.process_count++;
    struct eco_report_process *p = &s->processes[i];
    (void)eco_text_copy(s->names[i], sizeof(s->names[i]), name);
    *p = (struct eco_report_process){.pid = pid,
                                     .ppid = parent ? s->processes[parent - 1].pid : 1,
                                     .uid = 1000,
                                     .id = (uint32_t)i + 1,
                                     .parent_id = parent,
                                     .count = 1,
                                     .name = s->names[i],
                                     .role = role,
                                     .cmdline = cmdline,
                                     .gpu_busy_s = UNKNOWN,
                                     .end_offset_s = s->report.duration_s};
    return p;
}

static void set_use(struct eco_report_process *p, double cpu_s, double rss_gib, uint32_t count)
{
    p->cpu_s = cpu_s;
    p->max_rss_bytes = (uint64_t)(rss_gib * GIB);
    p->count = count;
}

static void sum_domains(struct sample *s)
{
    struct eco_report *r = &s->report;
    for (unsigned i = 0; i < r->domain_count; i++) {
        struct eco_report_domain *d = &s->domains[i];
        d->mean_power_w = d->machine_j / r->duration_s;
        d->peak_power_w = UNKNOWN;
        if (!d->info.counted || !isfinite(d->machine_j))
            continue;
        r->machine_j += d->machine_j;
        for (unsigned slot = 0; slot < r->slots; slot++) {
            r->sums[slot].job_j += d->slot[slot].job_j;
            r->sums[slot].others_j += d->slot[slot].others_j;
            r->sums[slot].idle_j += d->slot[slot].idle_j;
            r->sums[slot].unattributed_j += d->slot[slot].unattributed_j;
        }
        double job = d->slot[r->headline].job_j;
        d->uncertainty = (struct eco_uncertainty){.job_low_j = job * 0.95, .job_high_j = job * 1.05};
        r->quality_j[d->info.quality] += job;
        if (d->info.quality > r->quality)
            r->quality = d->info.quality;
    }
}

/* Each domain's energy goes to the rows by their CPU time. */
static void divide(struct sample *s)
{
    struct eco_report *r = &s->report;
    double cpu_s = 0;
    for (size_t i = 0; i < r->process_count; i++)
        cpu_s += s->processes[i].cpu_s;
    for (size_t i = 0; i < r->process_count; i++) {
        struct eco_report_process *p = &s->processes[i];
        p->by_domain_j = s->energy + i * ECO_SLOT_COUNT * SAMPLE_DOMAINS;
        for (unsigned slot = 0; slot < r->slots; slot++) {
            for (unsigned d = 0; d < r->domain_count; d++) {
                double part = cpu_s > 0 ? s->domains[d].slot[slot].job_j * p->cpu_s / cpu_s : 0;
                p->by_domain_j[slot * r->domain_count + d] = part;
                if (s->domains[d].info.counted && isfinite(part))
                    p->energy_j[slot] += part;
            }
        }
    }
    r->cpu_s = cpu_s;
}

static void finish(struct sample *s, double relative)
{
    struct eco_report *r = &s->report;
    r->has_energy = true;
    sum_domains(s);
    divide(s);
    r->mean_power_w = r->sums[r->headline].job_j / r->duration_s;
    for (unsigned slot = 0; slot < ECO_SLOT_COUNT; slot++) {
        double job = r->sums[slot].job_j;
        r->uncertainty[slot] = (struct eco_uncertainty){.job_low_j = job * (1 - relative),
                                                        .job_high_j = job * (1 + relative),
                                                        .random_ratio = 0.01,
                                                        .sensor_j = job * relative * 0.8,
                                                        .idle_j = job * relative * 0.6};
    }
}

static void factor(struct sample *s, double ratio)
{
    for (unsigned slot = 0; slot < ECO_SLOT_COUNT; slot++) {
        double job = s->report.sums[slot].job_j;
        s->report.uncertainty[slot].job_low_j = job / ratio;
        s->report.uncertainty[slot].job_high_j = job * ratio;
    }
}

static void no_idle(struct sample *s)
{
    struct eco_report *r = &s->report;
    const struct eco_sums unknown = {UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN};
    r->headline = ECO_SLOT_FULL;
    r->idle.method = "none";
    for (unsigned i = 0; i < r->domain_count; i++) {
        s->domains[i].slot[ECO_SLOT_ACTIVE] = unknown;
        r->idle.power_w[i] = UNKNOWN;
    }
}

static void start(struct sample *s, double duration_s, const char *const *command)
{
    memset(s, 0, sizeof(*s));
    struct eco_report *r = &s->report;
    *r = (struct eco_report){.run_id = "7f3a91c2d4e5f60718293a4b5c6d7e8f",
                             .cwd = "/home/ada/work",
                             .is_recorded = true,
                             .started_real_ns = 1795341600123000000,
                             .duration_s = duration_s,
                             .exit_signal = -1,
                             .policy = ECO_POLICY_ACTIVE,
                             .headline = ECO_SLOT_ACTIVE,
                             .slots = 2,
                             .accounting = "proc",
                             .caught_ratio = 1.0,
                             .interval_s = 1.0,
                             .interval_count = (uint64_t)duration_s + 1,
                             .peak_power_w = UNKNOWN,
                             .cpu_user_s = UNKNOWN,
                             .cpu_system_s = UNKNOWN,
                             .self_cpu_s = 0.08,
                             .self_max_rss_bytes = 5u << 20,
                             .self_j = 0.6,
                             .host = &s->host,
                             .domains = s->domains,
                             .processes = s->processes};
    r->idle.method = "learnt";
    r->idle.total_w = UNKNOWN;
    r->idle.at_real_ns = 1795341000000000000;
    for (unsigned i = 0; i < ECO_DOMAINS_MAX; i++)
        r->idle.power_w[i] = UNKNOWN;
    for (unsigned i = 0; command && command[i]; i++) {
        static char words[8][4096];
        (void)eco_text_copy(words[i], sizeof(words[i]), command[i]);
        s->command[i] = words[i];
    }
    r->command = command ? s->command : NULL;
    s->host = (struct eco_host){.hostname = "lab3",
                                .cpu_model = "AMD EPYC 7763 64-Core Processor",
                                .kernel = "6.1.0-18-amd64",
                                .boot_id = "0f8fad5b-d9cb-469f-a165-70867728950e",
                                .memory_bytes = 256ull << 30,
                                .cpu_quota = UNKNOWN,
                                .topology = {.online_count = 128, .package_count = 2}};
}

/* ---- the samples ---- */

static const char *const train[] = {"python3", "train.py", NULL};

static void add_workers(struct sample *s)
{
    set_use(add_process(s, 4211, 0, "python3", NULL, "python3 train.py"), 712.3, 6.1, 1);
    for (int i = 0; i < 4; i++)
        set_use(add_process(s, 4220 + i, 1, "python3", "data worker", "python3 train.py"), 571.4 + i, 1.9, 1);
    set_use(add_process(s, 0, 1, "sh", NULL, NULL), 41.2, 0.1, 212);
    s->report.job_processes = 217;
    s->report.max_rss_bytes = (uint64_t)(6.1 * GIB);
}

static void add_server_domains(struct sample *s)
{
    set_energy(add_domain(s, "package-0", ECO_KIND_CPU, "powercap", ECO_MEASURED), 38412.3, 1870.5, 46530.1,
               190.2);
    set_energy(add_domain(s, "package-1", ECO_KIND_CPU, "powercap", ECO_MEASURED), 21250.9, 930.4, 45110.8,
               -20.6);
    set_energy(add_domain(s, "dram-0", ECO_KIND_DRAM, "perf", ECO_MEASURED), 2310.7, 80.1, 4612.4, 11.9);
    struct eco_report_domain *core = add_domain(s, "core-0", ECO_KIND_CORE, "powercap", ECO_MEASURED);
    core->info.counted = false;
    core->info.within = 0;
    set_energy(core, 30120.0, 1500.0, 20000.0, 100.0);
    for (unsigned i = 0; i < 3; i++)
        s->report.idle.power_w[i] = s->domains[i].slot[ECO_SLOT_ACTIVE].idle_j / s->report.duration_s;
}

static void fill_server(struct sample *s)
{
    start(s, 761.8, train);
    add_server_domains(s);
    add_workers(s);
    finish(s, 0.05);
    s->report.peak_power_w = 142.4;
    sample_impact(&s->report, true);
}

static void fill_laptop(struct sample *s)
{
    start(s, 84.3, train);
    (void)eco_text_copy(s->report.sensor_why, sizeof(s->report.sensor_why),
                        "this laptop has an energy counter (RAPL), but only root may read it");
    (void)eco_text_copy(s->report.sensor_fix, sizeof(s->report.sensor_fix),
                        "sudo chmod a+r /sys/class/powercap/intel-rapl:0/energy_uj");
    (void)eco_text_copy(s->report.model_text, sizeof(s->report.model_text),
                        "i7-1260P, 28 W TDP, by load and frequency, and RAM at 0.4 W/GB");
    set_energy(add_domain(s, "package-0", ECO_KIND_CPU, "model", ECO_ESTIMATED), 690.2, 30.1, 201.3, 2.0);
    set_energy(add_domain(s, "dram-0", ECO_KIND_DRAM, "model", ECO_ESTIMATED), 20.4, 1.2, 40.9, 0.0);
    set_use(add_process(s, 5120, 0, "python3", NULL, "python3 train.py"), 61.9, 0.4, 1);
    for (int i = 0; i < 4; i++)
        set_use(add_process(s, 5130 + i, 1, "python3", "data worker", "python3 train.py"), 60.3, 0.28, 1);
    s->report.job_processes = 5;
    finish(s, 0.5);
    factor(s, 2.2);
    s->report.idle.method = "model";
}

static void fill_vm(struct sample *s)
{
    start(s, 723.1, train);
    (void)eco_text_copy(s->host.virtualization, sizeof(s->host.virtualization), "kvm");
    (void)eco_text_copy(
        s->report.sensor_why, sizeof(s->report.sensor_why),
        "no energy counter reaches this virtual machine (m7i.xlarge, KVM), and no command here "
        "can change that");
    (void)eco_text_copy(s->report.model_text, sizeof(s->report.model_text),
                        "1.0 W idle to 4.2 W busy per vCPU of a Sapphire Rapids server");
    set_energy(add_domain(s, "package-0", ECO_KIND_CPU, "model", ECO_ESTIMATED), 8012.2, 330.1, 2801.3, 12.0);
    set_use(add_process(s, 1871, 0, "python3", NULL, "python3 train.py"), 641.0, 3.2, 1);
    for (int i = 0; i < 3; i++)
        set_use(add_process(s, 1880 + i, 1, "python3", "data worker", "python3 train.py"), 654.1, 2.2, 1);
    s->report.job_processes = 4;
    finish(s, 0.5);
    factor(s, 2.2);
    s->report.idle.method = "model";
    sample_impact(&s->report, false);
}

static void fill_short(struct sample *s, const char *const *command, double duration_s, double job_j)
{
    start(s, duration_s, command);
    set_energy(add_domain(s, "package-0", ECO_KIND_CPU, "powercap", ECO_MEASURED), job_j, 0.4 * duration_s,
               9.8 * duration_s, 0.01);
    set_energy(add_domain(s, "dram-0", ECO_KIND_DRAM, "powercap", ECO_MEASURED), job_j / 10, 0.01, duration_s,
               0.0);
    set_use(add_process(s, 900, 0, command[0], NULL, duration_s > 1 ? "sleep 2" : "true"), 0.0008, 0.002, 1);
    s->report.job_processes = 1;
    finish(s, 0.5);
    for (unsigned slot = 0; slot < ECO_SLOT_COUNT; slot++) {
        s->report.uncertainty[slot].job_low_j = 0;
        s->report.uncertainty[slot].job_high_j = 0.2 + (slot == ECO_SLOT_FULL ? 0.21 : 0.0374);
    }
}

static void fill_idle_unknown(struct sample *s)
{
    start(s, 42.5, train);
    add_server_domains(s);
    add_workers(s);
    no_idle(s);
    finish(s, 0.05);
    s->report.sums[ECO_SLOT_ACTIVE] = (struct eco_sums){UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN};
    s->report.uncertainty[ECO_SLOT_ACTIVE] =
        (struct eco_uncertainty){UNKNOWN, UNKNOWN, UNKNOWN, 0, 0, 0, 0, 0};
}

static void fill_gap(struct sample *s)
{
    fill_server(s);
    s->domains[0].gap_s = 3.2;
    s->report.exit_code = -1;
    s->report.exit_signal = 9;
    s->report.still_running = 3;
    s->report.caught_ratio = 0.93;
    s->report.suspended_s = 61.0;
    eco_report_warn(&s->report, "the clock of the machine was set back by 2 s during the run");
}

static void fill_hostile(struct sample *s)
{
    static const char *const command[] = {"./\033]0;owned\007evil\n\"x\"", "\xff\xfe", "\xE2\x80\xAE gnp.exe",
                                          NULL};
    start(s, 12.0, command);
    add_server_domains(s);
    set_use(add_process(s, 1, 0, "a\nb\033[2J", NULL, "\033[31mred\033[0m --flag=\"q\" \xff\xfe\n[x]"), 5.0,
            0.2, 1);
    set_use(add_process(s, 2, 1, "[kthreadd]\t", NULL, NULL), 4.0, 0.1, 1);
    set_use(
        add_process(
            s, 3, 1, "\xE6\x97\xA5\xE6\x9C\xAC\xE8\xAA\x9E", NULL,
            "\xE6\x97\xA5\xE6\x9C\xAC\xE8\xAA\x9E\xE6\x97\xA5\xE6\x9C\xAC\xE8\xAA\x9E\xE6\x97\xA5\xE6"
            "\x9C\xAC\xE8\xAA\x9E\xE6\x97\xA5\xE6\x9C\xAC\xE8\xAA\x9E\xE6\x97\xA5\xE6\x9C\xAC\xE8\xAA\x9E"),
        3.0, 0.1, 1);
    set_use(add_process(s, 4, 2, "\"quoted\",comma", NULL, ""), 2.0, 0, 1);
    s->report.job_processes = 4;
    s->report.labels[s->report.label_count++] = (struct eco_report_label){"k\n", "v\033\""};
    finish(s, 0.05);
    eco_report_warn(&s->report,
                    "a name with \033[2J in a warning, long enough that it needs a second line to be "
                    "shown whole");
}

static void fill_mixed(struct sample *s)
{
    start(s, 98.7, train);
    set_energy(add_domain(s, "package-0", ECO_KIND_CPU, "powercap", ECO_MEASURED), 1512.3, 80.5, 530.1, 9.2);
    set_energy(add_domain(s, "dram-0", ECO_KIND_DRAM, "model", ECO_ESTIMATED), 110.7, 8.1, 212.4, 0.0);
    add_workers(s);
    finish(s, 0.08);
}

static void fill_monitor(struct sample *s)
{
    start(s, 30.0, NULL);
    s->report.exit_code = -1;
    set_energy(add_domain(s, "package-0", ECO_KIND_CPU, "powercap", ECO_MEASURED), 210.5, 0.0, 330.1, 2.2);
    set_energy(add_domain(s, "dram-0", ECO_KIND_DRAM, "powercap", ECO_MEASURED), 8.1, 0.0, 42.4, 0.0);
    set_use(add_process(s, 1, 0, "systemd", NULL, "/sbin/init"), 1.5, 0.01, 1);
    set_use(add_process(s, 900, 1, "firefox", NULL, "/usr/lib/firefox/firefox"), 12.5, 1.1, 1);
    s->report.peak_power_w = 31.0;
    finish(s, 0.05);
}

/* More rows than are shown: leaves of one name, a deep chain, a second root. */
static void fill_tree(struct sample *s)
{
    static const char *const make[] = {"make", "-j8", NULL};
    char name[32];
    start(s, 4205.0, make);
    add_server_domains(s);
    set_use(add_process(s, 100, 0, "make", NULL, "make -j8"), 3.5, 0.02, 1);
    for (int i = 0; i < 40; i++)
        set_use(add_process(s, 200 + i, 1, "cc1", NULL, "/usr/lib/gcc/cc1 -quiet file.c"), 10.0 + i, 0.3, 1);
    for (uint32_t i = 0; i < 9; i++) {
        (void)snprintf(name, sizeof(name), "level-%u", i);
        set_use(add_process(s, 300 + (int)i, i == 0 ? 1 : 41 + i, name, NULL, NULL), 3900.0 - 300.0 * i, 0.1,
                1);
    }
    for (int i = 0; i < 12; i++) {
        (void)snprintf(name, sizeof(name), "orphan%d", i);
        set_use(add_process(s, 400 + i, 0, name, NULL, NULL), 1.0 + i, 0.05, 1);
    }
    s->report.job_processes = s->report.process_count;
    finish(s, 0.002);
}

/* A third policy asked for, and one domain that could not be read at all. */
static void fill_equal(struct sample *s)
{
    start(s, 98.7, train);
    add_server_domains(s);
    add_workers(s);
    s->report.policy = ECO_POLICY_EQUAL;
    s->report.slots = 3;
    s->report.headline = ECO_SLOT_CHOSEN;
    for (unsigned i = 0; i < s->report.domain_count; i++) {
        const struct eco_sums *active = &s->domains[i].slot[ECO_SLOT_ACTIVE];
        double half = active->idle_j / 2;
        s->domains[i].slot[ECO_SLOT_CHOSEN] =
            (struct eco_sums){active->job_j + half, active->others_j + half, 0, active->unattributed_j};
    }
    struct eco_report_domain *lost = add_domain(s, "dram-1", ECO_KIND_DRAM, "powercap", ECO_MEASURED);
    finish(s, 0.013);
    lost->info.quality = ECO_QUALITY_NONE;
    lost->mean_power_w = UNKNOWN;
    lost->peak_power_w = UNKNOWN;
    lost->gap_s = s->report.duration_s;
}

/* No sensor and no estimate: CPU times are all there is. */
static void fill_nothing(struct sample *s)
{
    start(s, 98.7, train);
    add_workers(s);
    no_idle(s);
    finish(s, 0);
    s->report.has_energy = false;
}

/* Two cards: one that a job uses beside others, one cut into instances and late. */
static void fill_gpu(struct sample *s)
{
    static const struct eco_gpu_device cards[] = {{.vendor = ECO_GPU_NVIDIA,
                                                   .memory_bytes = 80ull << 30,
                                                   .name = "NVIDIA H100 80GB HBM3",
                                                   .uuid = "GPU-3f2a0000-0000-0000-0000-000000000000",
                                                   .pci = "0000:18:00.0",
                                                   .driver = "550.54.14"},
                                                  {.vendor = ECO_GPU_AMD, .name = "a\033[2Jb"}};
    start(s, 761.8, train);
    set_energy(add_domain(s, "package-0", ECO_KIND_CPU, "powercap", ECO_MEASURED), 40123.0, 1510.5, 38014.0,
               -20.6);
    struct eco_report_domain *first = add_domain(s, "gpu-0", ECO_KIND_GPU, "nvml", ECO_MEASURED);
    struct eco_report_domain *second = add_domain(s, "gpu-amd0", ECO_KIND_GPU, "amdgpu", ECO_DERIVED);
    set_energy(first, 250112.0, 50320.0, 53326.0, 2.0);
    set_energy(second, 812.0, 0, 15001.0, 0);
    first->device = (struct eco_report_device){.is_there = true,
                                               .device = &cards[0],
                                               .utilization_mean_ratio = 0.634,
                                               .power_max_w = 561.2,
                                               .power_limit_w = 700,
                                               .machine_mean_w = 464.4,
                                               .temperature_max_c = 71,
                                               .throttled_s = 12.3,
                                               .memory_peak_bytes = 13ull << 30,
                                               .is_fitted = true};
    second->device = (struct eco_report_device){.is_there = true,
                                                .device = &cards[1],
                                                .utilization_mean_ratio = UNKNOWN,
                                                .power_max_w = UNKNOWN,
                                                .power_limit_w = UNKNOWN,
                                                .machine_mean_w = 20.8,
                                                .temperature_max_c = UNKNOWN,
                                                .throttled_s = UNKNOWN,
                                                .late_s = 1.5,
                                                .is_split = true};
    second->gap_s = 1.5;
    add_workers(s);
    s->processes[0].gpu_busy_s = 412.7;
    s->processes[0].gpu_memory_max_bytes = 12ull << 30;
    finish(s, 0.05);
    eco_report_warn(&s->report,
                    "the driver of gpu-amd0 answered only 1.50 s after the start: measured from then on");
}

void sample_fill(const char *name, struct sample *ret)
{
    static const char *const sleep_2[] = {"sleep", "2", NULL}, *const true_[] = {"true", NULL};
    if (strcmp(name, "server") == 0)
        fill_server(ret);
    else if (strcmp(name, "laptop") == 0)
        fill_laptop(ret);
    else if (strcmp(name, "vm") == 0)
        fill_vm(ret);
    else if (strcmp(name, "sleep") == 0)
        fill_short(ret, sleep_2, 2.004, 0.004);
    else if (strcmp(name, "true") == 0)
        fill_short(ret, true_, 0.0021, 0.003);
    else if (strcmp(name, "idle_unknown") == 0)
        fill_idle_unknown(ret);
    else if (strcmp(name, "gap") == 0)
        fill_gap(ret);
    else if (strcmp(name, "hostile") == 0)
        fill_hostile(ret);
    else if (strcmp(name, "mixed") == 0)
        fill_mixed(ret);
    else if (strcmp(name, "monitor") == 0)
        fill_monitor(ret);
    else if (strcmp(name, "equal") == 0)
        fill_equal(ret);
    else if (strcmp(name, "nothing") == 0)
        fill_nothing(ret);
    else if (strcmp(name, "gpu") == 0)
        fill_gpu(ret);
    else
        fill_tree(ret);
}
