/* SPDX-License-Identifier: MIT */
#include "cli/gpus.h"

#include "cli/command.h"
#include "gpu/client.h"
#include "platform/clock.h"
#include "run/helper.h"
#include "run/sensord.h"

#include <poll.h>
#include <sys/socket.h>

/* Between two samples: their counters step every 20 to 100 ms. */
#define PERIOD_NS (100 * ECO_NS_PER_MS)

void eco_gpus_start(struct eco_gpus *self, const struct eco_root *root, uint64_t interval_ns)
{
    uint64_t half_ns = interval_ns / 2;
    uint64_t period_ns = half_ns > 0 && half_ns < PERIOD_NS ? half_ns : PERIOD_NS;
    if (!self->client)
        (void)eco_sensord_start(root, period_ns, &self->client, &self->pid, &self->why);
}

void eco_gpus_start_for(struct eco_gpus *self, const struct eco_call *call)
{
    struct eco_root root;
    if (eco_root_init(&root, call->settings.procfs, call->settings.sysfs) < 0)
        return;
    eco_gpus_start(self, &root, call->settings.interval_ns);
    eco_root_finish(&root);
}

/* Its sources are named as they open or fail; the daemon closes when none is left. */
static bool has_all(const struct eco_gpus *self)
{
    size_t count = eco_gpu_client_sources(self->client), ready = 0;
    for (size_t s = 0; s < count; s++) {
        const struct eco_gpu_seen_source *source = eco_gpu_client_source(self->client, s);
        ready += source->error < 0 || (source->is_open && source->look_count > 0);
    }
    return count > 0 && ready == count;
}

void eco_gpus_await(struct eco_gpus *self, uint64_t until_ns)
{
    const struct eco_clock *clock = &eco_clock_system;
    for (uint64_t now; self->client && (now = clock->mono_ns(clock)) < until_ns && !has_all(self);) {
        struct pollfd fd = {.fd = eco_gpu_client_fd(self->client), .events = POLLIN};
        uint64_t left_ms = (until_ns - now) / ECO_NS_PER_MS + 1;
        if (fd.fd < 0 || poll(&fd, 1, (int)(left_ms < 60000 ? left_ms : 60000)) < 0 ||
            eco_gpu_client_read(self->client, clock->mono_ns(clock)) < 0)
            return;
    }
}

void eco_gpus_leave(struct eco_gpus *self)
{
    int none = -1;
    if (!self->client)
        return;
    (void)shutdown(eco_gpu_client_fd(self->client), SHUT_RDWR);
    eco_helper_leave(&none, &self->pid);
}

void eco_gpus_finish(struct eco_gpus *self)
{
    if (self->client)
        eco_sensord_end(&self->client, &self->pid);
}
