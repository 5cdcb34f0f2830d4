/* SPDX-License-Identifier: MIT */
#include "cli/looker.h"

#include "meter/meter.h"
#include "platform/clock.h"

#include <errno.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif
#include <poll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#define STACK_BYTES (1u << 20)

static bool take(int fd)
{
    uint64_t count;
    ssize_t n;
    do
        n = read(fd, &count, sizeof count);
    while (n < 0 && errno == EINTR);
    return n == (ssize_t)sizeof count;
}

static void give(int fd)
{
    static const uint64_t one = 1;
    while (write(fd, &one, sizeof one) < 0 && errno == EINTR)
        continue;
}

/* Whether something was asked for before `due_ns`. */
static bool is_asked(const struct eco_looker *looker, uint64_t due_ns)
{
    uint64_t now = eco_clock_system.mono_ns(&eco_clock_system), left = due_ns > now ? due_ns - now : 0;
    const struct timespec span = {.tv_sec = (time_t)(left / ECO_NS_PER_S),
                                  .tv_nsec = (long)(left % ECO_NS_PER_S)};
    struct pollfd fd = {.fd = looker->ask_fd, .events = POLLIN};
    return ppoll(&fd, 1, due_ns == UINT64_MAX ? NULL : &span, NULL) > 0 && take(looker->ask_fd);
}

/* A look that failed leaves a gap which the meter tells of; the command is not harmed by it. */
static void tick(struct eco_looker *looker)
{
    (void)eco_meter_tick(looker->meter);
    (void)pthread_mutex_lock(&looker->lock);
    if (!looker->is_cut)
        looker->told(looker->context);
    (void)pthread_mutex_unlock(&looker->lock);
}

static void *work(void *context)
{
    struct eco_looker *looker = context;
    for (uint64_t due_ns = UINT64_MAX;;) {
        eco_look look = eco_meter_tick;
        if (is_asked(looker, due_ns))
            look = atomic_load(&looker->look);
        else if (eco_clock_system.mono_ns(&eco_clock_system) < due_ns)
            continue; /* woken early */
        if (look == eco_meter_tick) {
            tick(looker);
            due_ns = eco_meter_next_ns(looker->meter);
            continue;
        }
        atomic_store(&looker->result, look(looker->meter));
        due_ns = UINT64_MAX;
        give(looker->done_fd);
    }
    return NULL;
}

void eco_looker_init(struct eco_looker *looker, struct eco_meter *meter, void (*told)(void *context),
                     void *context)
{
    looker->meter = meter;
    looker->told = told;
    looker->context = context;
    looker->ask_fd = looker->done_fd = -1;
    looker->has_thread = looker->is_busy = looker->is_cut = false;
    (void)pthread_mutex_init(&looker->lock, NULL);
}

static bool begin_thread(struct eco_looker *looker)
{
    pthread_attr_t attr;
    pthread_t thread;
    if (looker->has_thread)
        return true;
    if (looker->ask_fd < 0)
        looker->ask_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (looker->done_fd < 0)
        looker->done_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (looker->ask_fd < 0 || looker->done_fd < 0)
        return false;
#ifdef M_ARENA_MAX
    (void)mallopt(M_ARENA_MAX, 1); /* two threads that take turns need no memory of their own */
#endif
    (void)pthread_attr_init(&attr);
    (void)pthread_attr_setstacksize(&attr, STACK_BYTES);
    (void)pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
    looker->has_thread = pthread_create(&thread, &attr, work, looker) == 0;
    (void)pthread_attr_destroy(&attr);
    return looker->has_thread;
}

bool eco_looker_go(struct eco_looker *looker)
{
    if (!begin_thread(looker))
        return false;
    atomic_store(&looker->look, eco_meter_tick);
    give(looker->ask_fd);
    return true;
}

bool eco_looker_start(struct eco_looker *looker, eco_look look)
{
    if (!begin_thread(looker)) {
        atomic_store(&looker->result, look(looker->meter));
        return false;
    }
    looker->is_busy = true;
    looker->since_ns = eco_clock_system.mono_ns(&eco_clock_system);
    atomic_store(&looker->look, look);
    give(looker->ask_fd);
    return true;
}

bool eco_looker_is_back(struct eco_looker *looker)
{
    if (looker->is_busy && take(looker->done_fd))
        looker->is_busy = false;
    return !looker->is_busy;
}

void eco_looker_cut(struct eco_looker *looker)
{
    (void)pthread_mutex_lock(&looker->lock);
    looker->is_cut = true;
    (void)pthread_mutex_unlock(&looker->lock);
}
