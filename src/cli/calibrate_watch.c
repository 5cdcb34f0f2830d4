/* SPDX-License-Identifier: MIT */
/* What the machine takes while its load stays the same: looks ten times a second, joined to windows. */
#include "base/mem.h"
#include "cli/calibrate.h"

#include <errno.h>
#include <limits.h>
#include <math.h>
#include <string.h>
#include <time.h>

#define STEP_NS       (100 * ECO_NS_PER_MS)
#define PART_S        0.25 /* parts of a window, whose scatter is its uncertainty */
#define BUSY_FOR_FREQ 0.5  /* a CPU's frequency counts when it was busy for so much of the step */
#define FEW_PARTS_U   0.01 /* relative, where there is no scatter to go by */

volatile sig_atomic_t eco_calibrate_asked_to_end;

bool eco_watch_wants(const struct eco_domain *domain)
{
    return domain->counted && domain->attributable && !(domain->model_ratio > 0);
}

int eco_watch_init(struct eco_watch *watch, struct eco_probe *probe, const struct eco_plan *plan)
{
    *watch = (struct eco_watch){.probe = probe, .plan = plan, .cpu_count = probe->host.topology.cpu_count};
    watch->domains = eco_calloc(probe->domain_count + 1, sizeof *watch->domains);
    watch->energies = eco_calloc(ECO_DOMAINS_MAX, sizeof *watch->energies);
    watch->first = eco_calloc(watch->cpu_count + 1, sizeof *watch->first);
    watch->last = eco_calloc(watch->cpu_count + 1, sizeof *watch->last);
    if (!watch->domains || !watch->energies || !watch->first || !watch->last) {
        eco_watch_finish(watch);
        return -ENOMEM;
    }
    for (unsigned d = 0; d < probe->domain_count; d++) {
        double tau_s = (double)probe->domains[d].period_ns * 1e-9;
        eco_idle_init(&watch->domains[d].learner, tau_s > 0 ? tau_s : 0.001);
    }
    return 0;
}

void eco_watch_finish(struct eco_watch *watch)
{
    free(watch->domains);
    free(watch->energies);
    free(watch->first);
    free(watch->last);
    watch->domains = NULL;
    watch->energies = NULL;
    watch->first = watch->last = NULL;
}

static bool drives(const struct eco_watch *watch, unsigned d, uint32_t cpu)
{
    const struct eco_topology *topology = &watch->probe->host.topology;
    int own = topology->cpus[cpu].package, package = watch->probe->domains[d].package;
    return package < 0 || (own < 0 ? 0 : own) == package;
}

static double busy_s(const struct eco_cpu_busy *before, const struct eco_cpu_busy *after, uint32_t cpu)
{
    return after[cpu].busy_ns > before[cpu].busy_ns
               ? (double)(after[cpu].busy_ns - before[cpu].busy_ns) * 1e-9
               : 0;
}

static void add_frequency(struct eco_watch *watch, const struct eco_activity *activity, double step_s)
{
    for (uint32_t cpu = 0; cpu < watch->cpu_count && cpu < activity->cpu_count; cpu++) {
        double busy = busy_s(watch->last, activity->cpus, cpu);
        if (activity->cpus[cpu].freq_khz == 0 || busy < BUSY_FOR_FREQ * step_s)
            continue;
        watch->freq_sum += busy * activity->cpus[cpu].freq_khz;
        watch->freq_weight += busy;
        watch->part_freq_sum += busy * activity->cpus[cpu].freq_khz;
        watch->part_freq_weight += busy;
    }
}

static void end_part(struct eco_watch *watch, struct eco_watch_domain *own, unsigned level)
{
    if (own->part_span_s < PART_S)
        return;
    double power_w = own->part_energy_j / own->part_span_s;
    if (own->part_count < ECO_COUNT(own->parts_w))
        own->parts_w[own->part_count++] = power_w;
    if (level != UINT_MAX && own->sample_count < ECO_CALIBRATION_SAMPLES && watch->part_freq_weight > 0)
        own->samples[own->sample_count++] =
            (struct eco_calibration_sample){level, power_w, watch->part_freq_sum / watch->part_freq_weight};
    own->part_energy_j = own->part_span_s = 0;
}

static void take_energy(struct eco_watch *watch, unsigned d, unsigned level, bool learns)
{
    struct eco_watch_domain *own = &watch->domains[d];
    const struct eco_energy *energy = &watch->energies[d];
    if (energy->state == ECO_ENERGY_GAP) {
        own->error = energy->error ? energy->error : -EIO;
        own->busy_since_s = 0;
        eco_idle_break(&own->learner);
    }
    if (energy->state != ECO_ENERGY_OK || energy->to_ns <= energy->from_ns)
        return;
    double span_s = (double)(energy->to_ns - energy->from_ns) * 1e-9;
    double energy_j = (double)energy->delta_uj * 1e-6;
    own->energy_j += energy_j;
    own->span_s += span_s;
    own->part_energy_j += energy_j;
    own->part_span_s += span_s;
    if (learns)
        eco_idle_feed(&own->learner, span_s, energy_j, own->busy_since_s,
                      eco_clock_system.real_ns(&eco_clock_system) / (int64_t)ECO_NS_PER_S);
    own->busy_since_s = 0;
    end_part(watch, own, level);
}

static int look(struct eco_watch *watch, unsigned level, bool learns)
{
    struct eco_activity activity;
    int r = eco_busy_read(watch->probe->busy, true, &activity);
    if (r < 0)
        return r;
    eco_group_read(watch->probe->group, &activity, false, watch->energies);
    double step_s = (double)(activity.time_ns - watch->last_ns) * 1e-9;
    add_frequency(watch, &activity, step_s);
    for (unsigned d = 0; d < watch->probe->domain_count; d++) {
        for (uint32_t cpu = 0; cpu < watch->cpu_count && cpu < activity.cpu_count; cpu++)
            if (drives(watch, d, cpu))
                watch->domains[d].busy_since_s += busy_s(watch->last, activity.cpus, cpu);
        take_energy(watch, d, level, learns);
    }
    if (watch->part_freq_weight > 0 && watch->domains[0].part_span_s <= 0)
        watch->part_freq_sum = watch->part_freq_weight = 0;
    for (uint32_t cpu = 0; cpu < watch->cpu_count && cpu < activity.cpu_count; cpu++)
        watch->last[cpu] = activity.cpus[cpu];
    watch->last_ns = activity.time_ns;
    watch->last_busy_ns = activity.busy_ns;
    return 0;
}

int eco_watch_begin(struct eco_watch *watch)
{
    int r = look(watch, UINT_MAX, false);
    if (r < 0)
        return r;
    memcpy(watch->first, watch->last, watch->cpu_count * sizeof *watch->first);
    watch->first_ns = watch->last_ns;
    watch->first_busy_ns = watch->last_busy_ns;
    watch->freq_sum = watch->freq_weight = watch->part_freq_sum = watch->part_freq_weight = 0;
    for (unsigned d = 0; d < watch->probe->domain_count; d++) {
        struct eco_watch_domain *own = &watch->domains[d];
        own->energy_j = own->span_s = own->part_energy_j = own->part_span_s = 0;
        own->part_count = 0;
        own->error = 0;
        eco_idle_break(&own->learner);
    }
    return 0;
}

static uint64_t now_ns(void)
{
    return eco_clock_system.mono_ns(&eco_clock_system);
}

static void show_progress(const struct eco_watch *watch, const char *what)
{
    uint64_t now = now_ns(), left = watch->end_ns > now ? watch->end_ns - now : 0;
    if (!watch->shows_progress)
        return;
    (void)fprintf(stderr, "\rcalibrating: %s, %llu s left \033[K", what,
                  (unsigned long long)((left + ECO_NS_PER_S - 1) / ECO_NS_PER_S));
    (void)fflush(stderr);
}

void eco_watch_end_progress(const struct eco_watch *watch)
{
    if (watch->shows_progress)
        (void)fputs("\r\033[K", stderr);
    (void)fflush(stderr);
}

int eco_watch_for(struct eco_watch *watch, uint64_t duration_ns, unsigned level, bool learns,
                  const char *what)
{
    uint64_t end = now_ns() + duration_ns;
    show_progress(watch, what);
    for (uint64_t next = now_ns() + STEP_NS;; next += STEP_NS) {
        uint64_t until = next < end ? next : end;
        const struct timespec at = {(time_t)(until / ECO_NS_PER_S), (long)(until % ECO_NS_PER_S)};
        while (!eco_calibrate_asked_to_end &&
               clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL) == EINTR) {
        }
        if (eco_calibrate_asked_to_end)
            return -EINTR;
        int r = look(watch, level, learns);
        if (r < 0 || now_ns() >= end)
            return r;
        show_progress(watch, what);
    }
}

double eco_watch_busy(const struct eco_watch *watch)
{
    uint64_t span_ns = watch->last_ns - watch->first_ns;
    return span_ns ? (double)(watch->last_busy_ns - watch->first_busy_ns) / (double)span_ns : 0;
}

static void count_busy(const struct eco_watch *watch, unsigned d, struct eco_calibration_point *point)
{
    const struct eco_topology *topology = &watch->probe->host.topology;
    double span_s = (double)(watch->last_ns - watch->first_ns) * 1e-9;
    for (uint32_t cpu = 0; cpu < watch->cpu_count; cpu++) {
        const struct eco_cpu_place *place = &topology->cpus[cpu];
        if (!drives(watch, d, cpu))
            continue;
        unsigned kind = eco_plan_kind(watch->plan, place);
        double own = fmin(busy_s(watch->first, watch->last, cpu) / span_s, 1), other = 0;
        if (place->sibling >= 0 && (uint32_t)place->sibling < watch->cpu_count)
            other = fmin(busy_s(watch->first, watch->last, (uint32_t)place->sibling) / span_s, 1);
        point->busy[kind] += own;
        point->overlap[kind] += own * other / 2;
    }
}

static double scatter_u(const struct eco_watch_domain *own, double mean_w)
{
    double squares = 0;
    if (own->part_count < 3)
        return FEW_PARTS_U * mean_w;
    for (unsigned i = 0; i < own->part_count; i++)
        squares += (own->parts_w[i] - mean_w) * (own->parts_w[i] - mean_w);
    return sqrt(squares / (own->part_count - 1) / own->part_count);
}

void eco_watch_take_point(struct eco_watch *watch, const struct eco_level *level)
{
    if (watch->point_count == ECO_CALIBRATION_POINTS || watch->last_ns <= watch->first_ns)
        return;
    for (unsigned d = 0; d < watch->probe->domain_count; d++) {
        struct eco_watch_domain *own = &watch->domains[d];
        struct eco_calibration_point *point = &own->points[watch->point_count];
        *point = (struct eco_calibration_point){
            .threads = level->threads,
            .has_siblings = level->has_siblings,
            .only_kind = level->only_kind,
            .power_w = own->span_s > 0 && !own->error ? own->energy_j / own->span_s : (double)NAN,
            .freq_khz = watch->freq_weight > 0 ? watch->freq_sum / watch->freq_weight : (double)NAN};
        point->u_w = scatter_u(own, point->power_w);
        count_busy(watch, d, point);
    }
    watch->point_count++;
}
