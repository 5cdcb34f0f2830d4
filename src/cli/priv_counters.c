/* SPDX-License-Identifier: MIT */
/* Energy counters by way of ecocode-priv: values, never descriptors (priv/limit.h says why). */
#include "cli/priv.h"

#include "base/mem.h"
#include "base/text.h"
#include "platform/clock.h"
#include "priv/protocol.h"
#include "run/helper.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define PERIOD_NS        (100 * ECO_NS_PER_MS) /* as the helper has it */
#define PATIENCE_MS      200                   /* for one answer; it takes 0.1 ms */
#define FRESH_BEGIN_NS   (20 * ECO_NS_PER_MS)  /* an edge that is so near is sharp enough */
#define FRESH_END_NS     (3 * ECO_NS_PER_MS)
#define FAILS_TO_RESTART 3
#define FIRST_BACKOFF_NS ECO_NS_PER_S
#define LAST_BACKOFF_NS  (60 * ECO_NS_PER_S)

/* Opening the sensors reads the counters, and so does the baseline some ms later: the first of both waits for
 * a sample of its own. The end may cost the extra read that is granted now and then (priv/limit.h). */
enum edge { EDGE_NONE, EDGE_BEGIN, EDGE_END };

struct service {
    struct eco_counters base;
    char path[PATH_MAX];
    int fd; /* -1 = not started, or given up for now */
    pid_t pid;
    uint32_t serial;
    unsigned fails; /* in a row */
    uint64_t retry_ns, backoff_ns;
    int told_error; /* what the helper refused with before it ended */
    struct eco_why told_why;
    uint64_t begin_ns; /* when the newest sample of a beginning was read */
    atomic_int edge;   /* enum edge */
};

static uint64_t now_ns(void)
{
    return eco_clock_system.mono_ns(&eco_clock_system);
}

static void stop(struct service *self)
{
    eco_helper_end(&self->fd, &self->pid);
}

static int start(struct service *self)
{
    if (self->fd >= 0)
        return 0;
    if (self->backoff_ns && now_ns() < self->retry_ns)
        return -EAGAIN;
    self->backoff_ns = self->backoff_ns ? self->backoff_ns * 2 : FIRST_BACKOFF_NS;
    if (self->backoff_ns > LAST_BACKOFF_NS)
        self->backoff_ns = LAST_BACKOFF_NS;
    self->retry_ns = now_ns() + self->backoff_ns;
    self->fails = 0;
    return eco_helper_start(self->path, &self->fd, &self->pid);
}

static int ask(struct service *self, bool is_edge)
{
    const struct eco_priv_counters question = {.head = {.magic = ECO_PRIV_MAGIC,
                                                        .version = ECO_PRIV_VERSION,
                                                        .kind = ECO_PRIV_COUNTERS,
                                                        .serial = ++self->serial,
                                                        .flags = is_edge ? ECO_PRIV_EDGE : 0u}};
    ssize_t n = send(self->fd, &question, sizeof question, MSG_DONTWAIT | MSG_NOSIGNAL);
    return n == (ssize_t)sizeof question ? 0 : n < 0 ? -errno : -EIO;
}

static bool is_answer(const struct service *self, const struct eco_priv_sample *answer, ssize_t size)
{
    return size == (ssize_t)sizeof *answer && answer->head.magic == ECO_PRIV_MAGIC &&
           answer->head.version == ECO_PRIV_VERSION && answer->head.kind == ECO_PRIV_COUNTERS &&
           answer->head.serial == self->serial && answer->sample.count <= ECO_COUNTERS_MAX;
}

/* Answers to earlier questions, which came too late, are passed over. */
static int await(struct service *self, struct eco_priv_sample *ret)
{
    uint64_t until = now_ns() + PATIENCE_MS * ECO_NS_PER_MS;
    for (;;) {
        uint64_t now = now_ns();
        struct pollfd waiting = {.fd = self->fd, .events = POLLIN};
        if (now >= until || poll(&waiting, 1, (int)((until - now) / ECO_NS_PER_MS) + 1) == 0)
            return -ETIMEDOUT;
        ssize_t n = recv(self->fd, ret, sizeof *ret, MSG_DONTWAIT);
        if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
            return -EPIPE;
        if (n > 0 && is_answer(self, ret, n))
            return 0;
        if (n > 0 && n != (ssize_t)sizeof *ret)
            return -EPROTO;
    }
}

static int fetch(struct service *self, bool is_edge, struct eco_priv_sample *ret)
{
    int r = start(self);
    if (r == 0)
        r = ask(self, is_edge);
    if (r == 0)
        r = await(self, ret);
    if (r == -EAGAIN)
        return r;
    self->fails = r < 0 ? self->fails + 1 : 0;
    if (r == 0)
        self->backoff_ns = 0;
    else if (r != -ETIMEDOUT || self->fails >= FAILS_TO_RESTART)
        stop(self);
    return r;
}

static void sleep_until(uint64_t until_ns)
{
    uint64_t now = now_ns(), left = until_ns > now ? until_ns - now : 0;
    const struct timespec span = {.tv_nsec = (long)(left < PERIOD_NS ? left : PERIOD_NS)};
    (void)nanosleep(&span, NULL);
}

static int refuse(const struct service *self, int error, struct eco_why *why)
{
    if (error == -EAGAIN && self->told_error < 0) {
        if (why)
            *why = self->told_why;
        return self->told_error;
    }
    eco_why_set(why, "ecocode-priv does not answer: %s", strerror(-error));
    return error;
}

static int tell(struct service *self, const struct eco_priv_sample *answer, struct eco_counter_sample *ret,
                struct eco_why *why)
{
    self->told_error = answer->error;
    if (answer->error < 0) {
        eco_why_set(&self->told_why, "%.*s", (int)sizeof answer->text - 1, answer->text);
        eco_why_fix(&self->told_why, "%.*s", (int)sizeof answer->fix - 1, answer->fix);
        if (why)
            *why = self->told_why;
        if (answer->error != -EAGAIN) { /* it has ended with that */
            stop(self);
            self->backoff_ns = FIRST_BACKOFF_NS;
            self->retry_ns = now_ns() + self->backoff_ns;
        }
        return answer->error;
    }
    *ret = answer->sample;
    for (uint32_t i = 0; i < ret->count; i++)
        ret->values[i].zone[ECO_COUNTER_NAME_MAX - 1] = '\0';
    return 0;
}

/* An instance that had the right to read and was stopped leaves nothing: -EAGAIN. */
static bool is_fresh(const struct eco_priv_sample *answer, uint64_t asked_ns, uint64_t fresh_ns)
{
    if (answer->error < 0)
        return answer->error != -EAGAIN;
    return answer->sample.end_ns >= asked_ns || asked_ns - answer->sample.end_ns <= fresh_ns;
}

static int service_read(struct eco_counters *base, struct eco_counter_sample *ret, struct eco_why *why)
{
    struct service *self = (struct service *)base;
    struct eco_priv_sample answer = {.error = -EIO};
    int edge = atomic_load(&self->edge);
    uint64_t fresh_ns = edge == EDGE_NONE ? UINT64_MAX : edge == EDGE_BEGIN ? FRESH_BEGIN_NS : FRESH_END_NS;
    uint64_t asked_ns = now_ns();
    int r = fetch(self, edge == EDGE_END, &answer);
    /* Somebody has just read: what an edge needs is to be had in a moment. A run that was shorter than that
     * moment is not made longer by it: a counter that has not moved is told as such. */
    bool is_short = edge == EDGE_END && asked_ns - self->begin_ns < PERIOD_NS;
    if (r == 0 && !is_short && !is_fresh(&answer, asked_ns, fresh_ns)) {
        sleep_until(answer.next_ns);
        r = fetch(self, edge == EDGE_END, &answer);
    }
    if (r == 0 && edge == EDGE_BEGIN)
        self->begin_ns = answer.sample.end_ns;
    return r < 0 ? refuse(self, r, why) : tell(self, &answer, ret, why);
}

struct eco_counters *eco_priv_counters_new(void)
{
    char path[PATH_MAX];
    if (geteuid() == 0 || eco_priv_find(path, sizeof path) != ECO_PRIV_THERE)
        return NULL;
    struct service *self = eco_calloc(1, sizeof *self);
    if (!self)
        return NULL;
    self->base = (struct eco_counters){.name = "ecocode-priv", .period_ns = PERIOD_NS, .read = service_read};
    self->fd = -1;
    atomic_init(&self->edge, EDGE_BEGIN);
    eco_text_copy(self->path, sizeof self->path, path);
    return &self->base;
}

void eco_priv_counters_edge(struct eco_counters *counters, bool is_edge)
{
    if (counters)
        atomic_store(&((struct service *)counters)->edge, is_edge ? EDGE_END : EDGE_NONE);
}

void eco_priv_counters_leave(struct eco_counters *counters)
{
    int none = -1;
    pid_t pid = counters ? ((struct service *)counters)->pid : 0;
    eco_helper_end(&none, &pid);
}

struct eco_counters *eco_priv_counters_free(struct eco_counters *counters)
{
    if (counters) {
        stop((struct service *)counters);
        free(counters);
    }
    return NULL;
}
