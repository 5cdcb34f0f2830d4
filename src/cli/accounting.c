/* SPDX-License-Identifier: MIT */
#include "cli/accounting.h"

#include "cli/command.h"
#include "cli/priv.h"
#include "meter/meter.h"
#include "platform/cgroup.h"
#include "platform/clock.h"
#include "platform/process.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <string.h>

/* Some thousand births and ends between two looks; it is read by mapping it, and counts as our memory. */
#define RING_BYTES (1u << 20)

static const char *wanted(const struct eco_call *call)
{
    return call->settings.accounting ? call->settings.accounting : "auto";
}

/* Why the kernel's pids would not be those that are looked at. */
static bool is_elsewhere(const struct eco_call *call, struct eco_why *why)
{
    if (call->settings.procfs) {
        eco_why_set(why, "--path.procfs: the kernel tells of its own processes, not of those below %.200s",
                    call->settings.procfs);
        return true;
    }
    if (eco_process_is_in_first_namespaces())
        return false;
    eco_why_set(why, "in a container the kernel's process ids are not those of /proc");
    return true;
}

int eco_accounting_check(const struct eco_call *call, struct eco_why *why)
{
    char path[PATH_MAX];
    if (strcmp(wanted(call), "bpf") != 0)
        return 0;
    if (is_elsewhere(call, why))
        return -ENOTSUP;
    enum eco_priv_place place = eco_priv_find(path, sizeof path);
    return place == ECO_PRIV_THERE ? 0 : eco_priv_refuse(place, path, why) < 0 ? -ENOTSUP : 0;
}

static void fail(struct eco_accounting *self, bool is_notable)
{
    self->has_failed = true;
    self->is_notable = is_notable;
    self->asked = eco_priv_feed_free(self->asked);
}

void eco_accounting_ask(struct eco_accounting *self, const struct eco_call *call, struct eco_meter *meter,
                        const struct eco_accounting_scope *scope)
{
    if (self->was_asked || strcmp(wanted(call), "proc") == 0)
        return;
    self->call = call;
    self->was_asked = true;
    if (is_elsewhere(call, &self->why)) {
        fail(self, false);
        return;
    }
    const struct eco_topology *topology = eco_meter_topology(meter);
    struct eco_priv_wish wish = {
        .wants_switches =
            scope->is_large || topology->package_count > 1 || topology->has_smt || topology->is_hybrid,
        .topology = topology,
        .ring_bytes = RING_BYTES,
    };
    if (scope->group_fd >= 0)
        (void)eco_cgroup_number(scope->group_fd, scope->group_path, &wish.cgroup_id, &wish.cgroup_level);
    /* A helper that is not there, or not for this user, is no news: `doctor` tells of it. */
    if (eco_priv_ask_feed(&wish, &self->asked, &self->why) < 0)
        fail(self, false);
}

int eco_accounting_fd(const struct eco_accounting *self)
{
    return self->asked ? eco_priv_feed_fd(self->asked) : -1;
}

void eco_accounting_take(struct eco_accounting *self, struct eco_meter *meter)
{
    struct eco_feed *feed = NULL;
    if (!self->asked)
        return;
    int r = eco_priv_take_feed(self->asked, &feed, &self->why);
    if (r == 0)
        return;
    if (r > 0)
        r = eco_meter_use_feed(meter, feed);
    if (r < 0)
        fail(self, true);
    self->asked = eco_priv_feed_free(self->asked);
}

void eco_accounting_await(struct eco_accounting *self, struct eco_meter *meter, uint64_t until_ns)
{
    eco_accounting_take(self, meter);
    while (self->asked) {
        uint64_t now = eco_clock_system.mono_ns(&eco_clock_system);
        struct pollfd fd = {.fd = eco_accounting_fd(self), .events = POLLIN};
        if (now >= until_ns || poll(&fd, 1, (int)((until_ns - now) / ECO_NS_PER_MS) + 1) == 0)
            return;
        eco_accounting_take(self, meter);
    }
}

void eco_accounting_warn(const struct eco_accounting *self, struct eco_report *report)
{
    bool is_insisted = self->was_asked && strcmp(wanted(self->call), "bpf") == 0;
    if (self->has_failed && (self->is_notable || is_insisted))
        eco_report_warn(report, "processes were accounted for by /proc alone: %s", self->why.text);
    else if (self->was_late && is_insisted)
        eco_report_warn(report,
                        "processes were accounted for by /proc alone: the kernel's accounting was not "
                        "in place before the end");
}

void eco_accounting_finish(struct eco_accounting *self)
{
    self->was_late |= self->asked != NULL;
    self->asked = eco_priv_feed_free(self->asked);
}
