/* SPDX-License-Identifier: MIT */
/* Intervals: begin, tick, end. The order of a look is in look.c, the arithmetic in grant.c and divide.c. */
#include "meter/meter.h"

#include "base/counter.h"
#include "base/mem.h"
#include "base/parse.h"
#include "meter/meter_internal.h"

#include <errno.h>
#include <math.h>
#include <string.h>
#include <unistd.h>

/* A look this much before the grid's next point is one between frames, so that no counter wraps unseen. */
#define EARLY_RATIO 0.5
/* Ended accounts are folded so many frames later: readers that are a little late still find their names. */
#define FOLD_AFTER 16u
/* A tick so soon after the strangers were due is the one that was made for them. */
#define DUE_SLACK_NS (50 * ECO_NS_PER_MS)

/* Where CPUs are not all alike, or not all of one socket, their time is weighed one by one. */
static void ensure_weights(struct eco_meter *meter)
{
    const struct eco_topology *topology = &meter->env->host->topology;
    eco_meter_see_topology(meter);
    if (!(topology->has_smt || topology->is_hybrid || meter->columns > 1) ||
        topology->cpu_count <= meter->cpu_hg_count)
        return;
    double *grown = eco_reallocarray(meter->cpu_hg, meter->cpu_hg_count, topology->cpu_count, sizeof *grown);
    if (!grown)
        return;
    meter->cpu_hg = grown;
    meter->cpu_hg_count = topology->cpu_count;
}

/* What is in use of the whole memory: the machine's part of the idle power of DRAM under `full`. */
static double read_memory_use(const struct eco_meter *meter)
{
    char text[512];
    uint64_t total_kb = 0, available_kb = 0;
    ssize_t n = eco_root_read(meter->env->root, ECO_PROCFS, "meminfo", text, sizeof text);
    if (n < 0 && n != -EFBIG)
        return 0;
    const char *total = strstr(text, "MemTotal:"), *available = strstr(text, "MemAvailable:");
    if (!total || !available)
        return 0;
    total += strlen("MemTotal:");
    available += strlen("MemAvailable:");
    if (eco_scan_u64(&total, &total_kb) < 0 || eco_scan_u64(&available, &available_kb) < 0 || !total_kb)
        return 0;
    return (double)eco_sub_sat(total_kb, available_kb) / (double)total_kb;
}

void eco_meter_see_memory(struct eco_meter *meter, unsigned first)
{
    for (unsigned d = first; d < meter->domain_count; d++)
        if (meter->domains[d].kind == ECO_KIND_DRAM)
            meter->mem_used_ratio = read_memory_use(meter);
}

/* Under both locks: the first look becomes the baseline. */
static void begin_books(struct eco_meter *meter)
{
    meter->begin_ns = meter->frame_ns = meter->look_ns;
    meter->busy_begin_ns = meter->activity.busy_ns;
    meter->job_begin_ns = meter->usage.job_cpu_ns;
    meter->forks_begin = eco_meter_needs_strangers(meter) ? eco_busy_read_forks(meter->busy) : 0;
    meter->job_count_begin = meter->feed.job_count;
    meter->self_begin_ns = eco_clock_self_cpu_ns();
    meter->has_begun = true;
    for (unsigned d = 0; d < meter->domain_count; d++)
        eco_idle_break(&meter->d[d].learner);
}

static void lock_both(struct eco_meter *meter)
{
    (void)pthread_mutex_lock(&meter->procs_lock);
    (void)pthread_mutex_lock(&meter->lock);
}

static void unlock_both(struct eco_meter *meter)
{
    (void)pthread_mutex_unlock(&meter->lock);
    (void)pthread_mutex_unlock(&meter->procs_lock);
}

static int begin(struct eco_meter *meter)
{
    const struct eco_clock *clock = meter->env->clock;
    if (meter->columns > 1)
        ensure_weights(meter);
    eco_meter_hear_gpus(meter, false);
    int r = eco_meter_look_at_sensors(meter, true);
    if (r < 0)
        return r;
    /* Behind the sensors, where begin_ns is: a slow one is not time asleep. */
    int64_t real_ns = clock->real_ns(clock);
    uint64_t boot_ns = clock->boot_ns(clock);
    lock_both(meter);
    meter->begin_real_ns = real_ns;
    meter->begin_boot_ns = boot_ns;
    meter->frame_asleep_ns = meter->asleep_ns;
    eco_meter_adopt_domains(meter);
    eco_meter_freeze_idle(meter);
    eco_meter_see_memory(meter, 0);
    r = eco_meter_look_at_procs(meter, false);
    begin_books(meter);
    if (r >= 0)
        r = eco_meter_grant_gpus(meter, true);
    if (r >= 0)
        eco_meter_watch_strangers(meter, false);
    unlock_both(meter);
    return r;
}

int eco_meter_begin(struct eco_meter *meter)
{
    (void)pthread_mutex_lock(&meter->look_lock);
    int r = begin(meter);
    (void)pthread_mutex_unlock(&meter->look_lock);
    return r;
}

static int step(struct eco_meter *meter, bool final, bool emit)
{
    ensure_weights(meter);
    if (!final)
        eco_meter_watch_hardware(meter);
    eco_meter_hear_gpus(meter, final);
    int r = eco_meter_look_at_sensors(meter, final);
    lock_both(meter);
    meter->made_frame = false;
    eco_accounts_fold(&meter->accounts, eco_sub_sat(meter->seq, FOLD_AFTER));
    if (r >= 0)
        r = eco_meter_look_at_procs(meter, final);
    if (r >= 0)
        r = eco_meter_grant(meter);
    if (r >= 0)
        r = eco_meter_grant_gpus(meter, false);
    eco_meter_adopt_domains(meter);
    if (r >= 0)
        r = eco_meter_divide(meter, final);
    if (r >= 0)
        eco_meter_watch_strangers(meter, final);
    if (r >= 0 && emit)
        eco_meter_emit(meter, final);
    if (final) {
        meter->end_ns = meter->look_ns;
        meter->has_ended = true;
        (void)pthread_cond_broadcast(&meter->changed);
    }
    unlock_both(meter);
    return r;
}

/* A look that only keeps counters from wrapping unseen, or is too early for the grid: it makes no frame. */
static bool is_between_frames(const struct eco_meter *meter)
{
    const struct eco_clock *clock = meter->env->clock;
    uint64_t now = clock->mono_ns(clock), interval = meter->options.interval_ns;
    uint64_t early = (uint64_t)((double)interval * EARLY_RATIO);
    uint64_t due = eco_meter_strangers_due_ns(meter), drain = atomic_load(&meter->drain_due_ns);
    bool asked_early = eco_meter_awaits_gpus(meter) || interval > eco_group_max_interval_ns(meter->group) ||
                       now >= drain || (now >= due && now - due < DUE_SLACK_NS);
    return asked_early && now + early < meter->frame_ns + interval;
}

static int tick(struct eco_meter *meter, bool on_grid)
{
    if (meter->owner != getpid())
        return -ECANCELED;
    (void)pthread_mutex_lock(&meter->look_lock);
    int r = -EPIPE;
    if (!meter->has_begun)
        r = begin(meter);
    else if (!meter->has_ended)
        r = step(meter, false, !on_grid || !is_between_frames(meter));
    (void)pthread_mutex_unlock(&meter->look_lock);
    return r;
}

int eco_meter_tick_on_grid(struct eco_meter *meter)
{
    return tick(meter, true);
}

int eco_meter_tick(struct eco_meter *meter)
{
    return tick(meter, meter->is_host_driven);
}

int eco_meter_end(struct eco_meter *meter)
{
    if (meter->owner != getpid())
        return -ECANCELED;
    if (!meter->has_begun)
        return -EINVAL;
    (void)pthread_mutex_lock(&meter->look_lock);
    int r = meter->has_ended ? 0 : step(meter, true, true);
    (void)pthread_mutex_unlock(&meter->look_lock);
    return r;
}

void eco_meter_use_gpus(struct eco_meter *meter, struct eco_gpu_client *client)
{
    (void)pthread_mutex_lock(&meter->look_lock);
    if (meter->env == &meter->own_env)
        meter->own_env.gpus = client;
    (void)pthread_mutex_unlock(&meter->look_lock);
}

void eco_meter_child_own_cpu(struct eco_meter *meter, int32_t pid, uint64_t own_cpu_ns)
{
    (void)pthread_mutex_lock(&meter->lock);
    meter->ended_pid = pid;
    meter->ended_cpu_ns = own_cpu_ns;
    (void)pthread_mutex_unlock(&meter->lock);
}

void eco_meter_helper_cpu(struct eco_meter *meter, uint64_t cpu_ns)
{
    (void)pthread_mutex_lock(&meter->lock);
    meter->helper_cpu_ns = cpu_ns;
    (void)pthread_mutex_unlock(&meter->lock);
}

int eco_meter_tail_tick(struct eco_meter *meter)
{
    uint64_t busy_before = meter->activity.busy_ns;
    bool first = !meter->activity.time_ns;
    eco_meter_hear_gpus(meter, false);
    int r = eco_busy_read(meter->busy, false, &meter->activity);
    if (r >= 0)
        eco_meter_refine_busy(meter);
    eco_group_read(meter->group, &meter->activity, first, meter->energies);
    (void)pthread_mutex_lock(&meter->lock);
    meter->tail_busy_ns += first ? 0 : eco_sub_sat(meter->activity.busy_ns, busy_before);
    for (unsigned d = 0; d < meter->domain_count; d++) {
        const struct eco_energy *energy = &meter->energies[d];
        double busy_s = (double)(meter->tail_busy_ns - meter->d[d].tail_busy_ns) * 1e-9 / meter->columns;
        if (meter->d[d].gpu && energy->state != ECO_ENERGY_WAITING)
            busy_s = eco_meter_gpu_busy_s(meter, d);
        if (energy->state == ECO_ENERGY_OK && !first)
            eco_meter_feed_idle(meter, d, (double)eco_sub_sat(energy->to_ns, energy->from_ns) * 1e-9,
                                (double)energy->delta_uj * 1e-6, busy_s);
        if (energy->state != ECO_ENERGY_WAITING)
            meter->d[d].tail_busy_ns = meter->tail_busy_ns;
    }
    (void)pthread_mutex_unlock(&meter->lock);
    return r;
}

uint64_t eco_meter_next_ns(const struct eco_meter *meter)
{
    const struct eco_clock *clock = meter->env->clock;
    uint64_t now = clock->mono_ns(clock), interval = meter->options.interval_ns;
    uint64_t laps = eco_sub_sat(now, meter->begin_ns) / interval + 1;
    uint64_t grid = meter->begin_ns + laps * interval;
    uint64_t latest = eco_add_sat(meter->look_ns, eco_group_max_interval_ns(meter->group));
    uint64_t due = eco_meter_strangers_due_ns(meter), drain = atomic_load(&meter->drain_due_ns);
    if (eco_meter_awaits_gpus(meter))
        due = due < meter->look_ns + ECO_GPU_SOON_NS ? due : meter->look_ns + ECO_GPU_SOON_NS;
    latest = due < latest ? due : latest;
    latest = drain < latest ? drain : latest;
    return grid < latest ? grid : latest;
}

struct eco_frame *eco_meter_latest(struct eco_meter *meter)
{
    (void)pthread_mutex_lock(&meter->lock);
    struct eco_frame *frame = meter->made_frame ? eco_frame_ref(meter->ring[meter->seq % ECO_FRAMES]) : NULL;
    (void)pthread_mutex_unlock(&meter->lock);
    return frame;
}

const struct eco_proc_name *eco_meter_proc_name(const struct eco_meter *meter, uint32_t proc_id)
{
    const struct eco_account *account = eco_accounts_get(&meter->accounts, proc_id);
    return account ? &account->name : NULL;
}

const struct eco_domain *eco_meter_domains(const struct eco_meter *meter, unsigned *ret_count)
{
    *ret_count = meter->domain_count;
    return meter->domains;
}

void eco_meter_each_identity(struct eco_meter *meter,
                             void (*each)(void *context, const struct eco_identity *identity), void *context)
{
    (void)pthread_mutex_lock(&meter->procs_lock);
    for (uint32_t i = 0; i < meter->usage.identity_count; i++)
        if (meter->usage.identity_alive[i])
            each(context, meter->usage.identities[i]);
    (void)pthread_mutex_unlock(&meter->procs_lock);
}

const struct eco_calibration *eco_meter_calibration(const struct eco_meter *meter,
                                                    const struct eco_calibration_source **ret_source)
{
    *ret_source = &meter->calibration_source;
    return meter->calibration;
}

const struct eco_host *eco_meter_host(const struct eco_meter *meter)
{
    return meter->env->host;
}
