/* SPDX-License-Identifier: MIT */
#include "base/mem.h"
#include "procs/bpf/feed.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define RECORD_BUSY      0x80000000u
#define RECORD_DISCARDED 0x40000000u
#define RECORD_HEAD      8u
#define CPUS_MAX         4096u
#define WINDOW_BYTES     (64u << 10)
#define BARRIER_GLOBAL   1 /* MEMBARRIER_CMD_GLOBAL */

void eco_bpf_fds_close(struct eco_bpf_fds *fds)
{
    for (unsigned i = 0; i < ECO_BPF_FD_COUNT; i++) {
        if (fds->fd[i] >= 0)
            (void)close(fds->fd[i]);
        fds->fd[i] = -1;
    }
}

uint64_t eco_bpf_now_ns(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * ECO_NS_PER_S + (uint64_t)t.tv_nsec;
}

static int ring_open(struct bpf_ring *ring, int fd, size_t page, size_t bytes)
{
    ring->fd = fd;
    ring->page = page;
    ring->bytes = bytes;
    ring->window_bytes = bytes < WINDOW_BYTES ? bytes : WINDOW_BYTES;
    void *consumer = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (consumer == MAP_FAILED)
        return -errno;
    ring->consumer = consumer;
    void *producer = mmap(NULL, page, PROT_READ, MAP_SHARED, fd, (off_t)page);
    if (producer == MAP_FAILED)
        return -errno;
    ring->producer = producer;
    return 0;
}

static void ring_close(struct bpf_ring *ring)
{
    if (ring->consumer)
        (void)munmap(ring->consumer, ring->page);
    if (ring->producer)
        (void)munmap((void *)(uintptr_t)ring->producer, ring->page);
    if (ring->window)
        (void)munmap((void *)(uintptr_t)ring->window, ring->window_bytes + ring->page);
}

/*
 * Where the data at `at` is, with a page behind it at least; NULL when it cannot be mapped. The kernel has
 * the data twice in a row, so that no record is cut at the end.
 */
static const uint8_t *ring_at(struct bpf_ring *ring, uint64_t at)
{
    size_t begin = at & (ring->bytes - 1), from = begin & ~(ring->window_bytes - 1);

    if (!ring->window || ring->window_at != from) {
        void *window =
            mmap((void *)(uintptr_t)ring->window, ring->window_bytes + ring->page, PROT_READ,
                 MAP_SHARED | (ring->window ? MAP_FIXED : 0), ring->fd, (off_t)(2 * ring->page + from));
        if (window == MAP_FAILED)
            return NULL;
        ring->window = window;
        ring->window_at = from;
    }
    return ring->window + (begin - from);
}

bool eco_bpf_ring_next(struct bpf_ring *ring, void *ret, size_t size)
{
    uint64_t at = __atomic_load_n(ring->consumer, __ATOMIC_RELAXED);

    for (;;) {
        uint64_t end = __atomic_load_n(ring->producer, __ATOMIC_ACQUIRE);
        if (at == end)
            return false;
        if (at % RECORD_HEAD != 0 || end - at < RECORD_HEAD || end - at > ring->bytes)
            break;
        const uint8_t *record = ring_at(ring, at);
        if (!record)
            return false; /* the kernel counts what there is no room for */
        uint32_t length = __atomic_load_n((const uint32_t *)(const void *)record, __ATOMIC_ACQUIRE);
        if (length & RECORD_BUSY)
            return false;
        uint64_t body = length & ~RECORD_DISCARDED;
        uint64_t step = (body + RECORD_HEAD + 7) & ~7ull;
        if (step > end - at)
            break;
        bool is_whole = !(length & RECORD_DISCARDED) && body == size;
        if (is_whole)
            memcpy(ret, record + RECORD_HEAD, size);
        else if (!(length & RECORD_DISCARDED))
            ring->broken++;
        at += step;
        __atomic_store_n(ring->consumer, at, __ATOMIC_RELEASE);
        if (is_whole)
            return true;
    }
    /* Memory that the kernel would not leave like this: begin again behind all of it. */
    ring->broken++;
    __atomic_store_n(ring->consumer, __atomic_load_n(ring->producer, __ATOMIC_ACQUIRE) & ~7ull,
                     __ATOMIC_RELEASE);
    return false;
}

static int feed_events(struct eco_feed *self, int (*told)(void *context, const struct eco_feed_event *event),
                       void *context)
{
    struct bpf_feed *feed = (struct bpf_feed *)self;
    struct eco_bpf_event raw;

    _Static_assert(sizeof(raw.name) == ECO_FEED_COMM_MAX, "one name");
    while (eco_bpf_ring_next(&feed->events, &raw, sizeof(raw))) {
        struct eco_feed_event event = {.pid = raw.pid,
                                       .ppid = raw.ppid,
                                       .uid = raw.uid,
                                       .start_ns = raw.start_ns,
                                       .time_ns = raw.time_ns,
                                       .cpu_ns = raw.cpu_ns,
                                       .cgroup_id = raw.cgroup_id};
        if (raw.kind > ECO_FEED_END || raw.pid <= 0 || raw.ppid < 0) {
            feed->events.broken++;
            continue;
        }
        event.kind = (enum eco_feed_kind)raw.kind;
        memcpy(event.name, raw.name, sizeof(event.name) - 1);
        int r = told(context, &event);
        if (r < 0)
            return r;
    }
    return 0;
}

static void feed_health(const struct eco_feed *self, struct eco_feed_health *ret)
{
    const struct bpf_feed *feed = (const struct bpf_feed *)self;

    *ret = (struct eco_feed_health){.lost_ns = feed->lost_ns, .since_ns = feed->since_ns};
    ret->lost_events = __atomic_load_n(&feed->header->lost_events, __ATOMIC_RELAXED) + feed->events.broken;
    ret->self_ns = __atomic_load_n(&feed->header->self_ns, __ATOMIC_RELAXED);
    for (uint32_t i = 0; i < feed->cpu_count; i++)
        ret->self_ns += __atomic_load_n(&feed->cpus[i].self_ns, __ATOMIC_RELAXED);
}

static void feed_close(struct eco_feed *self)
{
    struct bpf_feed *feed = (struct bpf_feed *)self;

    eco_bpf_fds_close(&feed->fds);
    ring_close(&feed->events);
    ring_close(&feed->spill);
    if (feed->header)
        (void)munmap(feed->header, feed->page);
    if (feed->cpus)
        (void)munmap((void *)(uintptr_t)feed->cpus, feed->cpu_count * sizeof(*feed->cpus));
    if (feed->slots)
        (void)munmap((void *)(uintptr_t)feed->slots,
                     (size_t)feed->cpu_count * feed->slots_per_cpu * sizeof(*feed->slots));
    free(feed->seen);
    free(feed->cpu_seen);
    free(feed);
}

static const struct eco_feed_ops feed_ops_lives = {
    .events = feed_events, .health = feed_health, .close = feed_close};
static const struct eco_feed_ops feed_ops_switches = {.events = feed_events,
                                                      .stints = eco_bpf_stints,
                                                      .idle_ns = eco_bpf_idle_ns,
                                                      .health = feed_health,
                                                      .close = feed_close};

static bool is_power(uint32_t n)
{
    return n != 0 && (n & (n - 1)) == 0;
}

static int feed_map_header(struct bpf_feed *feed)
{
    void *page = mmap(NULL, feed->page, PROT_READ | PROT_WRITE, MAP_SHARED, feed->fds.fd[ECO_BPF_HEADER], 0);

    if (page == MAP_FAILED)
        return -errno;
    feed->header = page;
    return 0;
}

static int feed_map_switches(struct bpf_feed *feed, const struct eco_bpf_header *header)
{
    if (header->cpu_count == 0 || header->cpu_count > CPUS_MAX || !is_power(header->slots_per_cpu) ||
        header->slots_per_cpu > ECO_BPF_SLOTS_MAX || !is_power(header->spill_bytes) ||
        header->spill_bytes > ECO_BPF_RING_MAX || header->spill_bytes < feed->page)
        return -EINVAL;
    size_t slots = (size_t)header->cpu_count * header->slots_per_cpu;
    int r = ring_open(&feed->spill, feed->fds.fd[ECO_BPF_SPILL], feed->page, header->spill_bytes);
    if (r < 0)
        return r;
    feed->slots_per_cpu = header->slots_per_cpu;
    void *at = mmap(NULL, header->cpu_count * sizeof(*feed->cpus), PROT_READ, MAP_SHARED,
                    feed->fds.fd[ECO_BPF_CPUS], 0);
    if (at == MAP_FAILED)
        return -errno;
    feed->cpus = at;
    feed->cpu_count = header->cpu_count;
    at = mmap(NULL, slots * sizeof(*feed->slots), PROT_READ, MAP_SHARED, feed->fds.fd[ECO_BPF_SLOTS], 0);
    if (at == MAP_FAILED)
        return -errno;
    feed->slots = at;
    feed->seen = eco_calloc(slots, sizeof(*feed->seen));
    feed->cpu_seen = eco_calloc(feed->cpu_count, sizeof(*feed->cpu_seen));
    if (!feed->seen || !feed->cpu_seen)
        return -ENOMEM;
    feed->epoch = header->epoch;
    return eco_bpf_stints_open(feed);
}

static int feed_map(struct bpf_feed *feed)
{
    struct eco_bpf_header header;
    int r = feed_map_header(feed);

    if (r < 0)
        return r;
    memcpy(&header, feed->header, sizeof(header));
    if (header.magic != ECO_BPF_MAGIC || header.version != ECO_BPF_VERSION || !is_power(header.ring_bytes) ||
        header.ring_bytes > ECO_BPF_RING_MAX || header.ring_bytes < feed->page)
        return -EINVAL;
    feed->since_ns = header.since_ns;
    r = ring_open(&feed->events, feed->fds.fd[ECO_BPF_RING], feed->page, header.ring_bytes);
    if (r < 0 || !(header.flags & ECO_BPF_HAS_SWITCH))
        return r;
    return feed_map_switches(feed, &header);
}

int eco_bpf_feed_open(struct eco_bpf_fds *fds, struct eco_feed **ret, struct eco_why *why)
{
    struct bpf_feed *feed = eco_calloc(1, sizeof(*feed));

    if (!feed) {
        eco_bpf_fds_close(fds);
        return -ENOMEM;
    }
    feed->fds = *fds;
    *fds = ECO_BPF_FDS_NONE;
    feed->page = (size_t)sysconf(_SC_PAGESIZE);
    int r = feed_map(feed);
    if (r < 0) {
        feed_close(&feed->base);
        eco_why_set(why, r == -EINVAL ? "the BPF maps are not those of this version"
                                      : "the BPF maps cannot be read");
        return r;
    }
    feed->base.ops = feed->slots ? &feed_ops_switches : &feed_ops_lives;
    *ret = &feed->base;
    return 0;
}

int eco_bpf_feed_hurry(void)
{
    return syscall(SYS_membarrier, BARRIER_GLOBAL, 0, 0) < 0 ? -errno : 0;
}
