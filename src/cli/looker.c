/* SPDX-License-Identifier: MIT */
#include "cli/looker.h"

#include "platform/clock.h"

#include <errno.h>
#include <sys/eventfd.h>
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

static void *work(void *context)
{
    struct eco_looker *looker = context;
    while (take(looker->ask_fd)) {
        eco_look look = atomic_load(&looker->look);
        atomic_store(&looker->result, look(looker->meter));
        give(looker->done_fd);
    }
    return NULL;
}

void eco_looker_init(struct eco_looker *looker, struct eco_meter *meter)
{
    looker->meter = meter;
    looker->ask_fd = looker->done_fd = -1;
    looker->has_thread = looker->is_busy = false;
}

static bool begin_thread(struct eco_looker *looker)
{
    pthread_attr_t attr;
    pthread_t thread;
    if (looker->has_thread)
        return true;
    if (looker->ask_fd < 0)
        looker->ask_fd = eventfd(0, EFD_CLOEXEC);
    if (looker->done_fd < 0)
        looker->done_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (looker->ask_fd < 0 || looker->done_fd < 0)
        return false;
    (void)pthread_attr_init(&attr);
    (void)pthread_attr_setstacksize(&attr, STACK_BYTES);
    (void)pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
    looker->has_thread = pthread_create(&thread, &attr, work, looker) == 0;
    (void)pthread_attr_destroy(&attr);
    return looker->has_thread;
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
