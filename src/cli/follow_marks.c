/* SPDX-License-Identifier: MIT */
/*
 * Marks go through a socket whose abstract name holds the run's id: nothing lies in the file system, the name
 * goes with the process, and whoever the command became, he reaches it; but not from a network namespace of
 * his own. The name can be read by everybody (/proc/net/unix), so the kernel tells who sends.
 */
#include "cli/follow.h"

#include "base/text.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static socklen_t make_address(const char *run_id, struct sockaddr_un *ret)
{
    *ret = (struct sockaddr_un){.sun_family = AF_UNIX};
    eco_mark_address(run_id, ret->sun_path + 1, sizeof ret->sun_path - 1);
    return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + strlen(ret->sun_path + 1));
}

int eco_marks_open(const char *run_id)
{
    static const int on = 1;
    struct sockaddr_un address;
    socklen_t length = make_address(run_id, &address);
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -errno;
    /* Before it has a name, so that no datagram comes without its sender. */
    if (setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof on) == 0 &&
        bind(fd, (const struct sockaddr *)&address, length) == 0)
        return fd;
    int error = errno;
    (void)close(fd);
    return -error;
}

static bool is_heard(struct msghdr *header, uid_t user)
{
    struct ucred sender;
    struct cmsghdr *part = CMSG_FIRSTHDR(header);
    if (!part || part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_CREDENTIALS ||
        part->cmsg_len != CMSG_LEN(sizeof sender))
        return false;
    memcpy(&sender, CMSG_DATA(part), sizeof sender);
    return sender.uid == 0 || sender.uid == geteuid() || sender.uid == user;
}

int eco_marks_take(int fd, uid_t user, struct eco_mark *ret)
{
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(sizeof(struct ucred))];
    } control = {0};
    char text[ECO_MARK_TEXT_MAX];
    struct iovec part = {.iov_base = text, .iov_len = sizeof text};
    struct msghdr header = {.msg_iov = &part,
                            .msg_iovlen = 1,
                            .msg_control = control.bytes,
                            .msg_controllen = sizeof control.bytes};
    ssize_t n;
    /* Descriptors that somebody sends along find no room, and are closed by the kernel. */
    do
        n = recvmsg(fd, &header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return 0;
    if ((header.msg_flags & MSG_TRUNC) || !is_heard(&header, user))
        return -EINVAL;
    return eco_mark_parse(text, (size_t)n, ret) < 0 ? -EINVAL : 1;
}

int eco_marks_send(const char *run_id, const struct eco_mark *mark, int patience_ms)
{
    char text[ECO_MARK_TEXT_MAX];
    struct sockaddr_un address;
    socklen_t length = make_address(run_id, &address);
    size_t size = eco_mark_format(mark, text);
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -errno;
    int error = connect(fd, (const struct sockaddr *)&address, length) == 0 ? 0 : errno;
    struct pollfd writable = {.fd = fd, .events = POLLOUT};
    while (!error && send(fd, text, size, MSG_NOSIGNAL) < 0) {
        error = errno;
        if (error == EAGAIN && poll(&writable, 1, patience_ms) > 0)
            error = 0;
    }
    (void)close(fd);
    return -error;
}
