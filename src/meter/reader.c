/* SPDX-License-Identifier: MIT */
/* Readers of frames, and the meter's own thread. */
#include "base/counter.h"
#include "base/mem.h"
#include "meter/meter_internal.h"

#include <errno.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

int eco_meter_reader(struct eco_meter *meter, struct eco_reader **ret)
{
    if (meter->owner != getpid())
        return -ECANCELED;
    struct eco_reader *reader = eco_calloc(1, sizeof *reader);
    if (!reader)
        return -ENOMEM;
    reader->meter = meter;
    (void)pthread_mutex_lock(&meter->lock);
    reader->next_seq = meter->seq + 1;
    (void)pthread_mutex_unlock(&meter->lock);
    *ret = reader;
    return 0;
}

struct eco_reader *eco_reader_free(struct eco_reader *reader)
{
    free(reader);
    return NULL;
}

/* Under the lock. -EAGAIN when there is nothing new. */
static int take_frame(struct eco_reader *reader, struct eco_frame **ret)
{
    struct eco_meter *meter = reader->meter;
    if (meter->seq < reader->next_seq)
        return meter->has_ended ? -EPIPE : -EAGAIN;
    struct eco_frame *frame = meter->ring[reader->next_seq % ECO_FRAMES];
    if (frame && frame->seq == reader->next_seq) {
        *ret = eco_frame_ref(frame);
        reader->next_seq++;
        return 0;
    }
    frame = eco_meter_keyframe(meter);
    if (!frame)
        return -ENOMEM;
    frame->last = meter->has_ended;
    reader->next_seq = meter->seq + 1;
    *ret = frame;
    return 0;
}

static struct timespec after(uint64_t ns)
{
    struct timespec at;
    (void)clock_gettime(CLOCK_MONOTONIC, &at);
    ns = eco_add_sat(ns, (uint64_t)at.tv_nsec);
    at.tv_sec += (time_t)(ns / ECO_NS_PER_S);
    at.tv_nsec = (long)(ns % ECO_NS_PER_S);
    return at;
}

int eco_reader_next(struct eco_reader *reader, uint64_t timeout_ns, struct eco_frame **ret)
{
    struct eco_meter *meter = reader->meter;
    if (meter->owner != getpid())
        return -ECANCELED;
    struct timespec until = after(timeout_ns);
    (void)pthread_mutex_lock(&meter->lock);
    int r = take_frame(reader, ret);
    while (r == -EAGAIN && timeout_ns) {
        int waited = pthread_cond_clockwait(&meter->changed, &meter->lock, CLOCK_MONOTONIC, &until);
        r = take_frame(reader, ret);
        if (waited)
            break;
    }
    (void)pthread_mutex_unlock(&meter->lock);
    return r;
}

/* Sleeps to the grid, so that late wake-ups do not add up. */
static void *run_thread(void *argument)
{
    struct eco_meter *meter = argument;
    (void)pthread_mutex_lock(&meter->lock);
    while (!meter->stop) {
        uint64_t next = eco_meter_next_ns(meter);
        struct timespec at = {(time_t)(next / ECO_NS_PER_S), (long)(next % ECO_NS_PER_S)};
        int waited = pthread_cond_clockwait(&meter->changed, &meter->lock, CLOCK_MONOTONIC, &at);
        if (meter->stop || waited != ETIMEDOUT)
            continue;
        (void)pthread_mutex_unlock(&meter->lock);
        (void)eco_meter_tick_on_grid(meter);
        (void)pthread_mutex_lock(&meter->lock);
    }
    (void)pthread_mutex_unlock(&meter->lock);
    return NULL;
}

int eco_meter_start(struct eco_meter *meter)
{
    if (meter->owner != getpid())
        return -ECANCELED;
    if (meter->has_thread)
        return -EALREADY;
    if (!meter->has_begun) {
        int r = eco_meter_tick(meter);
        if (r < 0)
            return r;
    }
    sigset_t all, before;
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    meter->stop = false;
    int r = -pthread_create(&meter->thread, NULL, run_thread, meter);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    meter->has_thread = r == 0;
    return r;
}

int eco_meter_stop(struct eco_meter *meter)
{
    if (meter->owner != getpid())
        return -ECANCELED;
    if (!meter->has_thread)
        return 0;
    (void)pthread_mutex_lock(&meter->lock);
    meter->stop = true;
    (void)pthread_cond_broadcast(&meter->changed);
    (void)pthread_mutex_unlock(&meter->lock);
    (void)pthread_join(meter->thread, NULL);
    meter->has_thread = false;
    return 0;
}
