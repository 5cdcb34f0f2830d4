/* SPDX-License-Identifier: MIT */
#include "priv/limit.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* FNV-1a; against halves, not against malice: only root writes here. */
static uint64_t sum_of(const void *bytes, size_t size)
{
    const unsigned char *at = bytes;
    uint64_t sum = 14695981039346656037ull;
    for (size_t i = 0; i < size; i++)
        sum = (sum ^ at[i]) * 1099511628211ull;
    return sum ? sum : 1;
}

static void close_fd(int *fd)
{
    if (*fd >= 0)
        (void)close(*fd);
}

static bool is_roots(const struct stat *st, mode_t kind, mode_t forbidden)
{
    return (st->st_mode & S_IFMT) == kind && st->st_uid == 0 && (st->st_mode & forbidden) == 0;
}

static int open_file(const char *directory, struct eco_why *why)
{
    struct stat st;
    ECO_CLEANUP(close_fd)
    int dir = open(directory, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (dir < 0 || fstat(dir, &st) != 0) {
        eco_why_set(why, "the limit on reading counters cannot be kept: no directory %s", directory);
        return dir < 0 ? -errno : -EIO;
    }
    if (!is_roots(&st, S_IFDIR, S_IWGRP | S_IWOTH)) {
        eco_why_set(why, "the limit on reading counters cannot be kept: others than root may write to %s",
                    directory);
        return -EPERM;
    }
    int fd = openat(dir, ECO_LIMIT_NAME, O_RDWR | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    int r = fd < 0 ? -errno : fstat(fd, &st) != 0 ? -errno : 0;
    bool is_good = r == 0 && is_roots(&st, S_IFREG, S_IRWXG | S_IRWXO) && st.st_nlink == 1 &&
                   st.st_size == (off_t)sizeof(struct eco_limit_state);
    if (is_good)
        return fd;
    close_fd(&fd);
    eco_why_set(why, "the limit on reading counters cannot be kept: %s/%s: %s", directory, ECO_LIMIT_NAME,
                r < 0 ? strerror(-r) : "not the file that doctor --fix makes");
    return r < 0 ? r : -EPERM;
}

int eco_limit_open(struct eco_limit *limit, const char *directory, const char *boot_id, struct eco_why *why)
{
    ECO_CLEANUP(close_fd) int fd = open_file(directory, why);
    if (fd < 0) {
        eco_why_fix(why, "sudo ecocode doctor --fix");
        return fd;
    }
    void *map = mmap(NULL, sizeof *limit->state, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (map == MAP_FAILED) {
        eco_why_set(why, "the limit on reading counters cannot be kept: %s", strerror(errno));
        return -errno;
    }
    *limit = (struct eco_limit){.state = map, .boot = sum_of(boot_id, strlen(boot_id))};
    return 0;
}

void eco_limit_close(struct eco_limit *limit)
{
    if (limit->state)
        (void)munmap(limit->state, sizeof *limit->state);
    limit->state = NULL;
}

static bool swap(_Atomic uint64_t *at, uint64_t seen, uint64_t wanted)
{
    return atomic_compare_exchange_strong(at, &seen, wanted);
}

/* MONOTONIC begins anew at every boot; what the last one left says nothing. */
static void see_boot(struct eco_limit *limit)
{
    uint64_t boot = atomic_load(&limit->state->boot);
    if (boot == limit->boot)
        return;
    for (unsigned i = 0; i < ECO_LIMIT_SLOTS; i++)
        limit->state->slots[i].sum = 0;
    atomic_store(&limit->state->extra_ns, 0);
    atomic_store(&limit->state->claimed_ns, 0);
    (void)swap(&limit->state->boot, boot, limit->boot);
}

/* A time to come can only be damage. */
static bool is_past(uint64_t then, uint64_t now, uint64_t span)
{
    return then == 0 || then > now || now - then >= span;
}

bool eco_limit_claim(struct eco_limit *limit, uint64_t now_ns, bool is_edge, uint64_t *ret)
{
    struct eco_limit_state *state = limit->state;
    see_boot(limit);
    uint64_t claimed = atomic_load(&state->claimed_ns), extra = atomic_load(&state->extra_ns);
    bool may = is_past(claimed, now_ns, ECO_LIMIT_PERIOD_NS);
    if (!may)
        may = is_edge && is_past(claimed, now_ns, ECO_LIMIT_EDGE_NS) &&
              is_past(extra, now_ns, ECO_LIMIT_EXTRA_NS) && swap(&state->extra_ns, extra, now_ns);
    if (!may || !swap(&state->claimed_ns, claimed, now_ns))
        return false;
    *ret = now_ns;
    return true;
}

bool eco_limit_publish(struct eco_limit *limit, uint64_t claim_ns, const struct eco_counter_sample *sample)
{
    struct eco_limit_state *state = limit->state;
    if (sample->end_ns < claim_ns || sample->end_ns - claim_ns > ECO_LIMIT_HELD_NS)
        return false;
    struct eco_limit_slot *slot = &state->slots[atomic_fetch_add(&state->turn, 1u) % ECO_LIMIT_SLOTS];
    slot->sum = 0;
    atomic_thread_fence(memory_order_seq_cst);
    slot->sample = *sample;
    atomic_thread_fence(memory_order_seq_cst);
    slot->sum = sum_of(sample, sizeof *sample);
    return true;
}

int eco_limit_newest(const struct eco_limit *limit, uint64_t now_ns, struct eco_counter_sample *ret)
{
    struct eco_counter_sample copy;
    uint64_t newest = 0;
    if (atomic_load(&limit->state->boot) != limit->boot)
        return -EAGAIN;
    for (unsigned i = 0; i < ECO_LIMIT_SLOTS; i++) {
        const struct eco_limit_slot *slot = &limit->state->slots[i];
        uint64_t sum = slot->sum;
        atomic_thread_fence(memory_order_seq_cst);
        memcpy(&copy, &slot->sample, sizeof copy);
        if (sum == 0 || copy.begin_ns <= newest || copy.end_ns > now_ns || copy.count > ECO_COUNTERS_MAX ||
            sum_of(&copy, sizeof copy) != sum)
            continue;
        newest = copy.begin_ns;
        *ret = copy;
    }
    return newest ? 0 : -EAGAIN;
}

uint64_t eco_limit_next_ns(const struct eco_limit *limit)
{
    return atomic_load(&limit->state->claimed_ns) + ECO_LIMIT_PERIOD_NS;
}
