/* SPDX-License-Identifier: MIT */
#include "cli/link.h"

#include "platform/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define MAGIC 0xec0c0de1u /* no text begins so: not UTF-8 in either byte order */

/* A command that was given 0-2 closed finds them closed. */
static int move_up(int fds[2])
{
    for (int i = 0; i < 2; i++) {
        if (fds[i] > 2)
            continue;
        int high = fcntl(fds[i], F_DUPFD_CLOEXEC, 3);
        if (high < 0)
            return -errno;
        (void)close(fds[i]);
        fds[i] = high;
    }
    return 0;
}

int eco_link_open(int ret_fds[2])
{
    int fds[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) != 0)
        return -errno;
    int r = move_up(fds);
    if (r < 0) {
        (void)close(fds[0]);
        (void)close(fds[1]);
        return r;
    }
    memcpy(ret_fds, fds, sizeof fds);
    return 0;
}

static int send_header(int fd, const struct msghdr *header)
{
    ssize_t n;
    do
        n = sendmsg(fd, header, MSG_DONTWAIT | MSG_NOSIGNAL);
    while (n < 0 && errno == EINTR);
    return n < 0 ? -errno : 0;
}

int eco_link_send(int fd, const struct eco_link_message *message)
{
    struct eco_link_message copy = *message;
    copy.magic = MAGIC;
    struct iovec part = {.iov_base = &copy, .iov_len = sizeof copy};
    const struct msghdr header = {.msg_iov = &part, .msg_iovlen = 1};
    return send_header(fd, &header);
}

int eco_link_tell(int fd, enum eco_link_kind kind)
{
    const struct eco_link_message message = {.kind = kind};
    return eco_link_send(fd, &message);
}

int eco_link_send_standard(int fd)
{
    struct eco_link_message message = {.magic = MAGIC, .kind = ECO_LINK_STANDARD};
    const int fds[2] = {STDOUT_FILENO, STDERR_FILENO};
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(sizeof fds)];
    } control = {0};
    struct iovec part = {.iov_base = &message, .iov_len = sizeof message};
    struct msghdr header = {.msg_iov = &part,
                            .msg_iovlen = 1,
                            .msg_control = control.bytes,
                            .msg_controllen = sizeof control.bytes};
    struct cmsghdr *rights = CMSG_FIRSTHDR(&header);
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(sizeof fds);
    memcpy(CMSG_DATA(rights), fds, sizeof fds);
    return send_header(fd, &header);
}

static void take_fds(struct msghdr *header, int ret[2])
{
    ret[0] = ret[1] = -1;
    struct cmsghdr *rights = CMSG_FIRSTHDR(header);
    if (rights && rights->cmsg_level == SOL_SOCKET && rights->cmsg_type == SCM_RIGHTS &&
        rights->cmsg_len == CMSG_LEN(2 * sizeof(int)))
        memcpy(ret, CMSG_DATA(rights), 2 * sizeof(int));
}

enum eco_link_kind eco_link_receive(int fd, struct eco_link_message *ret, char *ret_text)
{
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(2 * sizeof(int))];
    } control;
    struct iovec part = {.iov_base = ret_text, .iov_len = ECO_LINK_TEXT_MAX};
    struct msghdr header = {.msg_iov = &part,
                            .msg_iovlen = 1,
                            .msg_control = control.bytes,
                            .msg_controllen = sizeof control.bytes};
    ssize_t n;
    do
        n = recvmsg(fd, &header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    /* A peer that ended without reading all of ours is told of first, once; its last words come behind. */
    while (n < 0 && (errno == EINTR || errno == ECONNRESET));
    if (n < 0 && errno == EAGAIN)
        return ECO_LINK_NONE;
    if (n <= 0)
        return ECO_LINK_CLOSED;
    uint32_t magic = 0;
    if ((size_t)n == sizeof *ret)
        memcpy(&magic, ret_text, sizeof magic);
    if (magic != MAGIC) {
        ret_text[n] = 0;
        return ECO_LINK_TEXT;
    }
    memcpy(ret, ret_text, sizeof *ret);
    take_fds(&header, ret->fds);
    return ret->kind;
}

bool eco_link_wait(int fd, uint64_t until_ns)
{
    for (;;) {
        uint64_t now = eco_clock_system.mono_ns(&eco_clock_system);
        uint64_t left = until_ns > now ? until_ns - now : 0;
        struct timespec span = {.tv_sec = (time_t)(left / ECO_NS_PER_S),
                                .tv_nsec = (long)(left % ECO_NS_PER_S)};
        struct pollfd waiting = {.fd = fd, .events = POLLIN};
        int r = ppoll(&waiting, 1, &span, NULL);
        if (r != 0 && !(r < 0 && errno == EINTR))
            return true;
        if (r == 0)
            return false;
    }
}
