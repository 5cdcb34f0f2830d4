/* SPDX-License-Identifier: MIT */
#include "course/insight.h"

#include "base/parse.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define GIB 1073741824.0
/* of the card's time, of CPU seconds a second, of all CPU seconds */
#define WORKERS_BUSY_MIN  0.5
#define ONE_CORE_MAX      1.05
#define ONE_PROCESS_SHARE 0.95
#define CARD_BUSY_MIN     0.02 /* below, the job did not really use it */
#define LIMIT_BUSY_MIN    0.9
#define TAIL_RATIO_MIN    0.2
#define TAIL_RATIO_MAX    0.95 /* a job that only waited has no tail */
#define UNUSED_BYTES_MIN  (2 * GIB)

struct rule;
typedef bool (*find_fn)(const struct rule *rule, const struct eco_report *report,
                        const struct eco_insight_facts *facts, struct eco_insight *ret);

struct rule {
    const char *id, *unit;
    double after_s;   /* of shorter runs nothing is said */
    double threshold; /* what it is compared with */
    find_fn find;     /* fills value and text; true when the rule holds */
    const char *reason, *what_to_do;
};

static double ratio(double part, double whole)
{
    return whole > 0 ? part / whole : 0;
}

static bool used_a_card(const struct eco_report *report)
{
    for (size_t i = 0; i < report->process_count; i++)
        if (report->processes[i].gpu_busy_s > 0)
            return true;
    return false;
}

/* CPU time of those of the job that used no card, and how many they are. */
static double worker_cpu_s(const struct eco_report *report, unsigned *ret_count)
{
    double cpu_s = 0;
    *ret_count = 0;
    for (size_t i = 0; i < report->process_count; i++) {
        const struct eco_report_process *process = &report->processes[i];
        if (process->gpu_busy_s > 0 || process->cpu_s < WORKERS_BUSY_MIN / 2 * report->duration_s)
            continue;
        cpu_s += process->cpu_s;
        *ret_count += process->count ? process->count : 1;
    }
    return cpu_s;
}

static bool find_waiting_card(const struct rule *rule, const struct eco_report *report,
                              const struct eco_insight_facts *facts, struct eco_insight *ret)
{
    unsigned workers;
    double busy = worker_cpu_s(report, &workers) / report->duration_s;
    (void)facts;
    if (!used_a_card(report) || busy < WORKERS_BUSY_MIN)
        return false;
    for (unsigned i = 0; i < report->domain_count; i++) {
        const struct eco_report_device *device = &report->domains[i].device;
        double idle = 1 - device->utilization_mean_ratio;
        if (!device->is_there || !(idle >= rule->threshold) || idle > 1 - CARD_BUSY_MIN)
            continue;
        ret->value = idle;
        (void)snprintf(
            ret->text, sizeof ret->text,
            "%.31s did nothing for %.0f %% of the time, while %u other process%s of the job kept %.1f "
            "CPUs busy",
            report->domains[i].info.name, 100 * idle, workers, workers == 1 ? "" : "es", busy);
        return true;
    }
    return false;
}

/* CPUs that the job could have had. */
static unsigned usable_cpus(const struct eco_host *host)
{
    bool set[ECO_CPUS_MAX];
    double cpus = host->topology.online_count;
    int count = *host->cpuset ? eco_parse_cpulist(host->cpuset, set, ECO_CPUS_MAX) : 0;
    if (count > 0 && count < cpus)
        cpus = count;
    if (host->cpu_quota < cpus)
        cpus = host->cpu_quota;
    return cpus >= 1 ? (unsigned)cpus : 1;
}

static bool find_one_core(const struct rule *rule, const struct eco_report *report,
                          const struct eco_insight_facts *facts, struct eco_insight *ret)
{
    double used = report->cpu_s / report->duration_s, most = 0;
    unsigned cpus = report->host ? usable_cpus(report->host) : 0;
    (void)facts;
    for (size_t i = 0; i < report->process_count; i++)
        if (report->processes[i].count == 1)
            most = fmax(most, report->processes[i].cpu_s);
    if (cpus < rule->threshold || used < 2 - ONE_CORE_MAX || used > ONE_CORE_MAX ||
        most < ONE_PROCESS_SHARE * report->cpu_s || used_a_card(report))
        return false;
    ret->value = cpus;
    (void)snprintf(ret->text, sizeof ret->text,
                   "one process kept one of %u CPUs busy all the time, and the job used no other", cpus);
    return true;
}

static bool find_idle_tail(const struct rule *rule, const struct eco_report *report,
                           const struct eco_insight_facts *facts, struct eco_insight *ret)
{
    double part = ratio(facts->idle_tail_s, report->duration_s);
    if (facts->idle_tail_s < rule->threshold || part < TAIL_RATIO_MIN || part > TAIL_RATIO_MAX)
        return false;
    ret->value = facts->idle_tail_s;
    (void)snprintf(ret->text, sizeof ret->text,
                   "the job only waited for its last %.0f s, %.0f %% of its time", facts->idle_tail_s,
                   100 * part);
    return true;
}

static bool find_unused_memory(const struct rule *rule, const struct eco_report *report,
                               const struct eco_insight_facts *facts, struct eco_insight *ret)
{
    double reserved = (double)facts->reserved_bytes, used = (double)report->max_rss_bytes;
    if (reserved <= 0 || used <= 0 || ratio(used, reserved) > rule->threshold ||
        reserved - used < UNUSED_BYTES_MIN)
        return false;
    ret->value = reserved - used;
    (void)snprintf(ret->text, sizeof ret->text,
                   "%.1f GiB of memory are reserved, and at most %.1f GiB were used", reserved / GIB,
                   used / GIB);
    return true;
}

static bool find_power_limit(const struct rule *rule, const struct eco_report *report,
                             const struct eco_insight_facts *facts, struct eco_insight *ret)
{
    (void)facts;
    for (unsigned i = 0; i < report->domain_count && used_a_card(report); i++) {
        const struct eco_report_device *device = &report->domains[i].device;
        double drawn = ratio(device->machine_mean_w, device->power_limit_w);
        if (!device->is_there || !(drawn >= rule->threshold) ||
            !(device->utilization_mean_ratio >= LIMIT_BUSY_MIN))
            continue;
        ret->value = device->power_limit_w;
        (void)snprintf(ret->text, sizeof ret->text, "%.31s drew %.0f W on average, of the %.0f W that it may",
                       report->domains[i].info.name, device->machine_mean_w, device->power_limit_w);
        return true;
    }
    return false;
}

/* Only where something can be done about it. */
static bool find_estimate(const struct rule *rule, const struct eco_report *report,
                          const struct eco_insight_facts *facts, struct eco_insight *ret)
{
    double estimated = report->quality_j[ECO_ESTIMATED];
    double part =
        ratio(estimated, estimated + report->quality_j[ECO_MEASURED] + report->quality_j[ECO_DERIVED]);
    (void)facts;
    if (!report->has_energy || part < rule->threshold || !*report->sensor_fix)
        return false;
    ret->value = part;
    ret->what_to_do = report->sensor_fix;
    (void)snprintf(ret->text, sizeof ret->text, "%.0f %% of the joules are by a model, not by a sensor",
                   100 * part);
    return true;
}

static const struct rule rules[] = {
    {.id = "gpu_waits",
     .unit = "ratio",
     .after_s = 30,
     .threshold = 0.2,
     .find = find_waiting_card,
     .reason = "A card that starts one kernel after the other is busy for more than nine tenths of the time. "
               "A fifth "
               "is well beyond what a driver's sampling misses, and half a CPU in processes that use no card "
               "is work, "
               "not waiting.",
     .what_to_do =
         "prepare more of its work ahead: more loading processes, or data that needs less preparing"},
    {.id = "one_core",
     .unit = "cpus",
     .after_s = 30,
     .threshold = 8,
     .find = find_one_core,
     .reason = "A mean of 0.95 to 1.05 CPUs, of which one process had 95 %, is one thread at work from begin "
               "to end; "
               "on eight CPUs or more most of the machine's idle power is then drawn for nothing else.",
     .what_to_do = "let several such jobs run at once, or ask for fewer CPUs"},
    {.id = "idle_tail",
     .unit = "s",
     .after_s = 30,
     .threshold = 10,
     .find = find_idle_tail,
     .reason = "Less than a twentieth of a CPU, and of every card, in each of all intervals of the last ten "
               "seconds and "
               "of the last fifth of the run: no computing looks like that.",
     .what_to_do = "see what it waits for, or let it end there"},
    {.id = "memory_unused",
     .unit = "bytes",
     .after_s = 60,
     .threshold = 0.4,
     .find = find_unused_memory,
     .reason = "Resident sets are added up, so that shared pages count twice and the peak is rather too "
               "high; a reserve of "
               "half, and two GiB for the file cache, stay untouched.",
     .what_to_do = "reserve less: what is reserved is kept from others, and counts by the policy `reserved`"},
    {.id = "power_limit",
     .unit = "W",
     .after_s = 60,
     .threshold = 0.9,
     .find = find_power_limit,
     .reason = "A card that is busy for nine tenths of the time and draws nine tenths of its limit on "
               "average is held by "
               "that limit; the clocks that a lower one takes away are those that need most energy for their "
               "speed.",
     .what_to_do = "measure it with a lower limit too (nvidia-smi -pl), and see `ecocode compare`"},
    {.id = "estimated",
     .unit = "ratio",
     .after_s = 0,
     .threshold = 0.5,
     .find = find_estimate,
     .reason =
         "More than half of the job's energy has no sensor behind it, and there is a command that mends it.",
     .what_to_do = ""},
};

void eco_insights_find(const struct eco_report *report, const struct eco_insight_facts *facts,
                       struct eco_course *course)
{
    course->insight_count = 0;
    for (size_t i = 0; i < ECO_COUNT(rules) && course->insight_count < ECO_INSIGHTS_MAX; i++) {
        const struct rule *rule = &rules[i];
        struct eco_insight *insight = &course->insights[course->insight_count];
        *insight = (struct eco_insight){
            .id = rule->id, .unit = rule->unit, .reason = rule->reason, .what_to_do = rule->what_to_do};
        if (report->duration_s > 0 && report->duration_s >= rule->after_s &&
            rule->find(rule, report, facts, insight))
            course->insight_count++;
    }
}
