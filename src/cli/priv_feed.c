/* SPDX-License-Identifier: MIT */
/* Asks ecocode-priv for the kernel's own accounting and takes the descriptors that come. */
#include "cli/priv.h"

#include "base/mem.h"
#include "model/host.h"
#include "priv/protocol.h"
#include "procs/bpf/reader.h"
#include "run/helper.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct eco_priv_feed {
    int fd;
    pid_t pid;
};

static uint16_t sibling_of(const struct eco_topology *topology, uint32_t cpu)
{
    int32_t sibling = topology->cpus[cpu].online ? topology->cpus[cpu].sibling : -1;
    return sibling >= 0 && sibling < (int32_t)ECO_PRIV_CPUS_MAX ? (uint16_t)sibling : ECO_PRIV_NO_CPU;
}

static void fill(struct eco_priv_accounting *ask, const struct eco_priv_wish *wish)
{
    *ask = (struct eco_priv_accounting){.head = {.magic = ECO_PRIV_MAGIC,
                                                 .version = ECO_PRIV_VERSION,
                                                 .kind = ECO_PRIV_ACCOUNTING,
                                                 .serial = 1,
                                                 .flags = (wish->wants_switches ? ECO_PRIV_SWITCHES : 0u) |
                                                          (getuid() == 0 ? ECO_PRIV_ALL : 0u)},
                                        .cgroup_id = wish->cgroup_id,
                                        .cgroup_level = wish->cgroup_level,
                                        .ring_bytes = wish->ring_bytes,
                                        .slots_per_cpu = wish->slots_per_cpu,
                                        .processes_limit = wish->processes_limit,
                                        .seed_count = wish->seed_count};
    for (uint32_t i = 0; i < wish->seed_count; i++)
        ask->seeds[i] = wish->seeds[i];
    const struct eco_topology *topology = wish->topology;
    if (topology && topology->cpus && topology->cpu_count <= ECO_PRIV_CPUS_MAX)
        ask->cpu_count = topology->cpu_count;
    for (uint32_t cpu = 0; cpu < ECO_PRIV_CPUS_MAX; cpu++)
        ask->sibling[cpu] = cpu < ask->cpu_count ? sibling_of(topology, cpu) : ECO_PRIV_NO_CPU;
}

static int send_wish(int fd, const struct eco_priv_wish *wish)
{
    struct eco_priv_accounting ask;
    fill(&ask, wish);
    return send(fd, &ask, sizeof ask, MSG_DONTWAIT | MSG_NOSIGNAL) == (ssize_t)sizeof ask ? 0 : -errno;
}

int eco_priv_refuse(enum eco_priv_place place, const char *path, struct eco_why *why)
{
    if (place == ECO_PRIV_FORBIDDEN) {
        eco_why_set(why, "this user may not run %.200s: it is not in the group ecocode", path);
        eco_why_fix(why, "sudo ecocode doctor --fix  # then log in again");
        return -EACCES;
    }
    eco_why_set(why, "%s",
                place == ECO_PRIV_ABSENT ? "ecocode-priv is not installed"
                                         : "ecocode-priv has no capabilities");
    eco_why_fix(why, "sudo ecocode doctor --fix");
    return place == ECO_PRIV_ABSENT ? -ENOENT : -EPERM;
}

int eco_priv_ask_feed(const struct eco_priv_wish *wish, struct eco_priv_feed **ret, struct eco_why *why)
{
    char path[PATH_MAX];
    if (wish->seed_count > ECO_PRIV_SEEDS_MAX)
        return -E2BIG;
    enum eco_priv_place place = eco_priv_find(path, sizeof path);
    if (place != ECO_PRIV_THERE)
        return eco_priv_refuse(place, path, why);
    struct eco_priv_feed *asked = eco_calloc(1, sizeof *asked);
    if (!asked)
        return -ENOMEM;
    int r = eco_helper_start(path, &asked->fd, &asked->pid);
    if (r < 0) {
        eco_why_set(why, "%.200s cannot be run: %s", path, strerror(-r));
        free(asked);
        return r;
    }
    r = send_wish(asked->fd, wish);
    if (r < 0) {
        eco_why_set(why, "ecocode-priv has ended at once");
        (void)eco_priv_feed_free(asked);
        return r;
    }
    *ret = asked;
    return 0;
}

int eco_priv_feed_fd(const struct eco_priv_feed *asked)
{
    return asked->fd;
}

static void close_all(const int *fds, size_t count)
{
    for (size_t i = 0; i < count; i++)
        (void)close(fds[i]);
}

static size_t take_fds(struct msghdr *header, int *fds)
{
    size_t count = 0;
    for (struct cmsghdr *part = CMSG_FIRSTHDR(header); part; part = CMSG_NXTHDR(header, part)) {
        if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS)
            continue;
        size_t here = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (size_t i = 0; i < here; i++) {
            int fd;
            memcpy(&fd, CMSG_DATA(part) + i * sizeof fd, sizeof fd);
            if (count < ECO_PRIV_FDS_MAX)
                fds[count++] = fd;
            else
                (void)close(fd);
        }
    }
    return count;
}

/* 1 = an answer with its descriptors, 0 = nothing yet, negative errno. */
static int receive(int fd, struct eco_priv_attached *ret, int *fds, size_t *ret_count)
{
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(sizeof(int) * ECO_PRIV_FDS_MAX)];
    } control;
    struct iovec part = {.iov_base = ret, .iov_len = sizeof *ret};
    struct msghdr header = {.msg_iov = &part,
                            .msg_iovlen = 1,
                            .msg_control = control.bytes,
                            .msg_controllen = sizeof control.bytes};
    ssize_t n = recvmsg(fd, &header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    if (n < 0)
        return errno == EAGAIN || errno == EINTR ? 0 : -errno;
    size_t count = take_fds(&header, fds);
    bool is_whole = n == (ssize_t)sizeof *ret && (header.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) == 0 &&
                    ret->head.magic == ECO_PRIV_MAGIC && ret->head.version == ECO_PRIV_VERSION &&
                    ret->head.kind == ECO_PRIV_ACCOUNTING && ret->fd_count == count &&
                    (size_t)__builtin_popcountll(ret->present) == count;
    *ret_count = count;
    if (is_whole)
        return 1;
    close_all(fds, count);
    return n == 0 ? -EPIPE : -EPROTO;
}

/* They come in the order of the bits of `present`. */
static int make_feed(const struct eco_priv_attached *answer, const int *fds, size_t count,
                     struct eco_feed **ret, struct eco_why *why)
{
    struct eco_bpf_fds all = ECO_BPF_FDS_NONE;
    size_t next = 0;
    if (answer->present >> ECO_BPF_FD_COUNT != 0) {
        close_all(fds, count);
        eco_why_set(why, "ecocode and ecocode-priv are of different versions");
        eco_why_fix(why, "sudo ecocode doctor --fix");
        return -EPROTO;
    }
    for (size_t i = 0; i < ECO_BPF_FD_COUNT; i++)
        if ((answer->present >> i & 1) && next < count)
            all.fd[i] = fds[next++];
    return eco_bpf_feed_open(&all, ret, why);
}

int eco_priv_take_feed(struct eco_priv_feed *asked, struct eco_feed **ret, struct eco_why *why)
{
    struct eco_priv_attached answer = {.error = -EIO};
    int fds[ECO_PRIV_FDS_MAX] = {0};
    size_t count = 0;
    int r = receive(asked->fd, &answer, fds, &count);
    if (r == 0)
        return 0;
    if (r < 0) {
        eco_why_set(why, r == -EPIPE ? "ecocode-priv ended without an answer"
                                     : "ecocode-priv gave an answer that this version does not understand");
        return r;
    }
    if (answer.error < 0) {
        close_all(fds, count);
        eco_why_set(why, "%.*s", (int)sizeof answer.text - 1, answer.text);
        eco_why_fix(why, "%.*s", (int)sizeof answer.fix - 1, answer.fix);
        return answer.error;
    }
    r = make_feed(&answer, fds, count, ret, why);
    return r < 0 ? r : 1;
}

struct eco_priv_feed *eco_priv_feed_free(struct eco_priv_feed *asked)
{
    if (asked) {
        eco_helper_end(&asked->fd, &asked->pid);
        free(asked);
    }
    return NULL;
}
