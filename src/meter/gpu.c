/* SPDX-License-Identifier: MIT */
/*
 * Graphics cards: what ecocode-sensord told since the last look is taken before the sensors are read, so that
 * energy and use are of the same moments; the books of a card, and its two idle levels. Who used it:
 * gpu_uses.c; whose its energy is: gpu_divide.c.
 */
#include "base/counter.h"
#include "base/mem.h"
#include "meter/meter_internal.h"

#include <errno.h>
#include <poll.h>

/* At the end a daemon that has answered so far is asked once more; a slow one is not waited for. */
#define LAST_WAIT_MS  25
#define LAST_WAITS    3
#define AWAIT_NS      (30 * ECO_NS_PER_S) /* a driver that is loaded only now takes seconds */
#define LEARNER_TAU_S 0.01
#define QUIET_RATIO   0.005 /* busy for less of the time: nothing ran */

struct eco_gpu_client *eco_meter_gpu_client(const struct eco_meter *meter)
{
    return meter->env->gpus;
}

size_t eco_meter_card_of(const struct eco_gpu_client *client, size_t place)
{
    const struct eco_gpu_seen_device *seen = eco_gpu_client_device(client, place);
    return seen && seen->parent >= 0 ? (size_t)seen->parent : place;
}

/* ---- before the sensors are read ---- */

/* Cards with an energy figure: when there are more, they are domains from now on. */
static size_t count_figures(const struct eco_gpu_client *client)
{
    size_t count = 0;
    for (size_t i = 0; i < eco_gpu_client_devices(client); i++) {
        const struct eco_gpu_seen_device *seen = eco_gpu_client_device(client, i);
        count += seen->parent == ECO_GPU_NO_PARENT && (seen->state.fields & ECO_GPU_HAS_ENERGY);
    }
    return count;
}

static uint64_t newest_ns(const struct eco_gpu_client *client)
{
    uint64_t newest = 0;
    for (size_t i = 0; i < eco_gpu_client_devices(client); i++)
        if (eco_gpu_client_device(client, i)->state.begin_ns > newest)
            newest = eco_gpu_client_device(client, i)->state.begin_ns;
    return newest;
}

/* The measurement ends now: a figure of this moment, where it is to be had at once. */
static void ask_for_last(const struct eco_meter *meter, struct eco_gpu_client *client)
{
    const struct eco_clock *clock = meter->env->clock;
    uint64_t asked_ns = clock->mono_ns(clock);
    struct pollfd fd = {.fd = eco_gpu_client_fd(client), .events = POLLIN};
    if (fd.fd < 0 || count_figures(client) == 0)
        return;
    eco_gpu_client_ask(client);
    for (int i = 0; i < LAST_WAITS && newest_ns(client) < asked_ns; i++) {
        if (poll(&fd, 1, LAST_WAIT_MS) <= 0)
            return;
        (void)eco_gpu_client_read(client, clock->mono_ns(clock));
    }
}

void eco_meter_hear_gpus(struct eco_meter *meter, bool final)
{
    struct eco_gpu_client *client = eco_meter_gpu_client(meter);
    if (!client)
        return;
    (void)eco_gpu_client_read(client, meter->env->clock->mono_ns(meter->env->clock));
    if (final)
        ask_for_last(meter, client);
    size_t count = count_figures(client);
    if (count > meter->gpu_figures && eco_group_rescan(meter->group) >= 0)
        meter->gpu_figures = count;
}

bool eco_meter_awaits_gpus(const struct eco_meter *meter)
{
    const struct eco_clock *clock = meter->env->clock;
    return eco_meter_gpu_client(meter) && eco_gpu_client_fd(eco_meter_gpu_client(meter)) >= 0 &&
           meter->gpu_figures == 0 && eco_sub_sat(clock->mono_ns(clock), meter->begin_ns) < AWAIT_NS;
}

/* ---- books of a card ---- */

int eco_meter_begin_gpu(struct eco_meter *meter, unsigned d)
{
    struct eco_meter_domain *own = &meter->d[d];
    const struct eco_domain *domain = &meter->domains[d];
    if (domain->kind != ECO_KIND_GPU || !eco_meter_gpu_client(meter) || own->gpu)
        return 0;
    own->gpu = eco_calloc(1, sizeof *own->gpu);
    if (!own->gpu)
        return -ENOMEM;
    const struct eco_gpu_seen_device *seen =
        eco_gpu_client_device(eco_meter_gpu_client(meter), (size_t)domain->key.device);
    own->gpu->place = (size_t)domain->key.device;
    own->gpu->context_uw = ECO_NAN;
    own->gpu->busy_begin_ns = own->gpu->busy_mark_ns = own->gpu->frame_busy_ns = seen ? seen->busy_ns : 0;
    own->gpu->throttled_begin_ns = seen ? seen->throttled_ns : 0;
    /* A card's energy comes with the time it speaks for: the counter's step is no noise in its power. */
    eco_idle_init(&own->gpu->context, LEARNER_TAU_S);
    eco_idle_init(&own->learner, LEARNER_TAU_S);
    return 0;
}

/* Whether somebody holds a context on the card now. */
static bool is_held(const struct eco_gpu_client *client, size_t place)
{
    for (size_t i = 0; i < eco_gpu_client_uses(client); i++) {
        const struct eco_gpu_seen_use *use = eco_gpu_client_use(client, i);
        if (eco_meter_card_of(client, use->device) == place && (use->flags & ECO_GPU_USE_CONTEXT))
            return true;
    }
    return false;
}

double eco_meter_gpu_busy_s(struct eco_meter *meter, unsigned d)
{
    struct eco_meter_gpu *gpu = meter->d[d].gpu;
    const struct eco_gpu_seen_device *seen = eco_gpu_client_device(eco_meter_gpu_client(meter), gpu->place);
    uint64_t before = gpu->busy_mark_ns;
    gpu->busy_mark_ns = seen ? seen->busy_ns : before;
    return (double)eco_sub_sat(gpu->busy_mark_ns, before) * 1e-9;
}

void eco_meter_gpu_not_quiet(struct eco_meter *meter, unsigned d)
{
    struct eco_meter_gpu *gpu = meter->d[d].gpu;
    eco_idle_break(&gpu->context);
    eco_idle_break(&meter->d[d].learner);
    gpu->quiet_s = 0;
}

/*
 * Only time in which nothing ran teaches a level: power does not go with utilisation as with CPUs, so nothing
 * could be subtracted. Whether a context was held is told late: an interval is believed once the next one has
 * said the same. After the job nobody comes any more, and it is believed at once.
 */
void eco_meter_feed_gpu_idle(struct eco_meter *meter, unsigned d, double span_s, double energy_j,
                             double busy_s, bool is_tail)
{
    struct eco_meter_gpu *gpu = meter->d[d].gpu;
    const struct eco_clock *clock = meter->env->clock;
    int64_t now_s = clock->real_ns(clock) / (int64_t)ECO_NS_PER_S;
    bool held = is_held(eco_meter_gpu_client(meter), gpu->place), is_same = held == gpu->was_held;
    struct eco_idle *learner = held ? &gpu->context : &meter->d[d].learner;
    gpu->was_held = held;
    if (!is_same || busy_s > QUIET_RATIO * span_s || gpu->others.weight_ns > gpu->others_fed) {
        gpu->others_fed = gpu->others.weight_ns;
        eco_meter_gpu_not_quiet(meter, d);
        return;
    }
    if (gpu->quiet_s > 0)
        eco_idle_feed(learner, gpu->quiet_s, gpu->quiet_j, 0, now_s);
    gpu->quiet_s = is_tail ? 0 : span_s;
    gpu->quiet_j = energy_j;
    if (is_tail)
        eco_idle_feed(learner, span_s, energy_j, 0, now_s);
}

double eco_meter_gpu_memory_ratio(const struct eco_meter *meter, unsigned d, uint64_t bytes)
{
    const struct eco_gpu_seen_device *seen =
        eco_gpu_client_device(eco_meter_gpu_client(meter), meter->d[d].gpu->place);
    return seen && seen->device.memory_bytes > 0 ? (double)bytes / (double)seen->device.memory_bytes : 0;
}
