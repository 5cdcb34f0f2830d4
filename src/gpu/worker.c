/* SPDX-License-Identifier: MIT */
/*
 * The process of one source. Looks at every tick, and tells as long as somebody reads: sums are cumulative,
 * so that a look that was not told is in the next one.
 */
#include "gpu/daemon.h"
#include "gpu/kin.h"

#include "base/mem.h"
#include "base/text.h"

#include <errno.h>
#include <linux/sockios.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define UNREAD_PERCENT   60   /* of what the socket takes: fuller, and only what was asked for is sent */
#define USES_PER_MESSAGE 400u /* 29 KB: far from what a socket takes at once */
#define ASK_GAP_NS       (5 * ECO_NS_PER_MS) /* asked more often, a source is not read more often */

struct work {
    const struct eco_gpu_worker *worker;
    struct eco_gpu_source *source;
    struct eco_gpu_device *devices;
    struct eco_gpu_state *states;
    struct eco_gpu_use *uses, *told_uses; /* of this look; as told last */
    size_t told_count;
    bool has_told_uses;
    size_t device_count, state_count, use_count;
    /* Ended ones whose last figures nobody was told yet stand before those of the look. */
    size_t pending_count;
    bool is_announced; /* the devices were told */
    int unread_max;    /* bytes */
    uint32_t seq;
    struct {
        struct eco_gpu_header header;
        unsigned char records[ECO_GPU_DATAGRAM_MAX - sizeof(struct eco_gpu_header)];
    } message;
};

static uint64_t now_ns(const struct eco_gpu_worker *worker)
{
    return worker->env->clock->mono_ns(worker->env->clock);
}

static uint64_t own_cpu_ns(void)
{
    struct timespec ts;
    return clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts) == 0
               ? (uint64_t)ts.tv_sec * ECO_NS_PER_S + (uint64_t)ts.tv_nsec
               : 0;
}

static uint64_t mono_now_ns(void)
{
    return eco_clock_system.mono_ns(&eco_clock_system);
}

static int send_bytes(int fd, const void *data, size_t size)
{
    ssize_t n;
    do
        n = send(fd, data, size, MSG_DONTWAIT | MSG_NOSIGNAL);
    while (n < 0 && errno == EINTR);
    return n < 0 ? -errno : 0;
}

int eco_gpu_tell_failed(int fd, uint32_t source, int error, const char *text)
{
    struct eco_gpu_header header = {.magic = ECO_GPU_MAGIC,
                                    .version = ECO_GPU_VERSION,
                                    .kind = ECO_GPU_FAILED,
                                    .source = source,
                                    .error = error,
                                    .sent_ns = mono_now_ns(),
                                    .self_ns = own_cpu_ns()};
    (void)eco_text_copy(header.text, sizeof header.text, text);
    return send_bytes(fd, &header, sizeof header);
}

static int tell(struct work *work, enum eco_gpu_message kind, const void *records, size_t count, size_t size,
                bool more)
{
    struct eco_gpu_header *header = &work->message.header;
    if (count * size > sizeof work->message.records)
        return -E2BIG;
    *header = (struct eco_gpu_header){.magic = ECO_GPU_MAGIC,
                                      .version = ECO_GPU_VERSION,
                                      .kind = kind,
                                      .source = work->worker->source,
                                      .count = (uint32_t)count,
                                      .more = more,
                                      .seq = work->seq,
                                      .sent_ns = now_ns(work->worker),
                                      .self_ns = own_cpu_ns()};
    if (kind == ECO_GPU_OPENED)
        (void)eco_text_copy(header->text, sizeof header->text, work->worker->ops->name);
    if (count > 0)
        memcpy(work->message.records, records, count * size);
    return send_bytes(work->worker->fd, &work->message, sizeof *header + count * size);
}

/* ---- a look ---- */

static void begin_call(const struct work *work)
{
    atomic_store(&work->worker->shared->call_began_ns, mono_now_ns());
}

static void end_call(const struct work *work)
{
    atomic_store(&work->worker->shared->call_began_ns, 0);
}

static void announce(struct work *work)
{
    if (!work->is_announced)
        work->is_announced =
            tell(work, ECO_GPU_OPENED, work->devices, work->device_count, sizeof *work->devices, false) == 0;
}

/* Uses change less often than states, and are many: what is the same is told again only when asked for. */
static bool is_told(const struct work *work)
{
    return work->has_told_uses && work->use_count == work->told_count &&
           (work->use_count == 0 ||
            memcmp(work->uses, work->told_uses, work->use_count * sizeof *work->uses) == 0);
}

static int tell_uses(struct work *work, bool is_asked)
{
    if (!is_asked && is_told(work))
        return 0;
    size_t from = 0;
    int r = 0;
    do {
        size_t count = work->use_count - from;
        bool more = count > USES_PER_MESSAGE;
        if (more)
            count = USES_PER_MESSAGE;
        r = tell(work, ECO_GPU_USES, work->uses + from, count, sizeof *work->uses, more);
        from += count;
    } while (r == 0 && from < work->use_count);
    work->has_told_uses = r == 0;
    work->told_count = work->use_count;
    if (r == 0 && work->use_count > 0)
        memcpy(work->told_uses, work->uses, work->use_count * sizeof *work->uses);
    return r;
}

/* Keep what would not be said again: ended processes, at the front. */
static void keep_ended(struct work *work)
{
    size_t kept = 0;
    for (size_t i = 0; i < work->use_count; i++) {
        if (work->uses[i].flags & ECO_GPU_USE_ENDED)
            work->uses[kept++] = work->uses[i];
    }
    /* Never so many that a look has no room; the oldest go. */
    size_t most = ECO_GPU_USES_MAX / 4;
    if (kept > most) {
        memmove(work->uses, work->uses + kept - most, most * sizeof *work->uses);
        kept = most;
    }
    work->pending_count = kept;
}

static bool is_read(const struct work *work)
{
    int unread = 0;
    return ioctl(work->worker->fd, SIOCOUTQ, &unread) != 0 || unread <= work->unread_max;
}

static void tell_look(struct work *work, bool is_asked)
{
    int r = -EAGAIN;
    if (is_asked || is_read(work)) {
        announce(work);
        /* States last: who has those of a look has all of it. */
        if (work->is_announced)
            r = tell_uses(work, is_asked);
        if (r == 0)
            r = tell(work, ECO_GPU_STATES, work->states, work->state_count, sizeof *work->states, false);
    }
    if (r == 0)
        work->pending_count = 0;
    else
        keep_ended(work);
}

static int list_devices(struct work *work)
{
    begin_call(work);
    work->device_count = work->worker->ops->devices(work->source, work->devices, ECO_GPUS_MAX);
    end_call(work);
    work->is_announced = work->has_told_uses = false;
    announce(work);
    return 0;
}

static int look(struct work *work, bool is_asked)
{
    size_t room = ECO_GPU_USES_MAX - work->pending_count;
    work->state_count = ECO_GPUS_MAX;
    work->source->is_asked = is_asked;
    begin_call(work);
    int r = work->worker->ops->sample(work->source, work->states, &work->state_count,
                                      work->uses + work->pending_count, &room);
    end_call(work);
    if (r < 0)
        return r;
    eco_gpu_kin_fill(work->worker->env->root, work->uses + work->pending_count, room, work->told_uses,
                     work->told_count);
    work->use_count = work->pending_count + room;
    work->seq++;
    atomic_fetch_add(&work->worker->shared->look_count, 1);
    tell_look(work, is_asked);
    return r == 1 ? list_devices(work) : 0;
}

/* ---- the loop ---- */

/* Until the tick, or until asked: then true. Ends when nobody watches any more. */
static bool await(const struct work *work, uint64_t until_ns, uint64_t last_ns)
{
    for (;;) {
        uint64_t now = mono_now_ns();
        if (now >= until_ns)
            return false;
        uint64_t left = until_ns - now;
        struct timespec span = {.tv_sec = (time_t)(left / ECO_NS_PER_S),
                                .tv_nsec = (long)(left % ECO_NS_PER_S)};
        struct pollfd waiting = {.fd = work->worker->control_fd, .events = POLLIN};
        int r = ppoll(&waiting, 1, &span, NULL);
        if (r <= 0)
            continue;
        char words[64];
        ssize_t n = recv(work->worker->control_fd, words, sizeof words, MSG_DONTWAIT);
        if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
            _exit(ECO_GPU_WORKER_NONE);
        if (n > 0 && mono_now_ns() - last_ns >= ASK_GAP_NS)
            return true;
    }
}

static _Noreturn void give_up(const struct work *work, int error, const struct eco_why *why)
{
    if (error == -ENODEV && !*why->text)
        _exit(ECO_GPU_WORKER_NONE);
    (void)eco_gpu_tell_failed(work->worker->fd, work->worker->source, error,
                              *why->text ? why->text : strerror(-error));
    _exit(ECO_GPU_WORKER_FAILED);
}

static int make_room(struct work *work)
{
    int bytes = 0;
    socklen_t size = sizeof bytes;
    (void)getsockopt(work->worker->fd, SOL_SOCKET, SO_SNDBUF, &bytes, &size);
    work->unread_max = bytes / 100 * UNREAD_PERCENT;
    work->source = eco_calloc(1, work->worker->ops->size);
    work->devices = eco_calloc(ECO_GPUS_MAX, sizeof *work->devices);
    work->states = eco_calloc(ECO_GPUS_MAX, sizeof *work->states);
    work->uses = eco_calloc(ECO_GPU_USES_MAX, sizeof *work->uses);
    work->told_uses = eco_calloc(ECO_GPU_USES_MAX, sizeof *work->told_uses);
    return work->source && work->devices && work->states && work->uses && work->told_uses ? 0 : -ENOMEM;
}

/* Nothing is closed or freed at the end: a driver's own clean-up may be slow, and the process ends anyway. */
_Noreturn void eco_gpu_worker_be(const struct eco_gpu_worker *worker)
{
    static struct work work;
    struct eco_why why = {0};
    work.worker = worker;
    int r = make_room(&work);
    if (r == 0) {
        work.source->ops = worker->ops;
        work.source->env = worker->env;
        begin_call(&work);
        r = worker->ops->open(work.source, &why);
        end_call(&work);
    }
    if (r == 0)
        r = list_devices(&work);
    bool is_asked = true; /* the first look is not to wait for a tick */
    uint64_t next_ns = mono_now_ns();
    while (r == 0) {
        uint64_t began_ns = mono_now_ns();
        r = look(&work, is_asked);
        next_ns += worker->interval_ns;
        if (is_asked || next_ns <= mono_now_ns())
            next_ns = began_ns + worker->interval_ns;
        if (r == 0)
            is_asked = await(&work, next_ns, began_ns);
    }
    give_up(&work, r, &why);
}
