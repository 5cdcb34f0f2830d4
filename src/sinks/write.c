/* SPDX-License-Identifier: MIT */
#include "sinks/write.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* The signals that a write can raise, kept back while it runs. Both are sent to the writing thread itself. */
struct signal_guard {
    sigset_t raised, mask_before;
};

static void guard_begin(struct signal_guard *guard)
{
    (void)sigemptyset(&guard->raised);
    (void)sigaddset(&guard->raised, SIGPIPE);
    (void)sigaddset(&guard->raised, SIGXFSZ);
    (void)pthread_sigmask(SIG_BLOCK, &guard->raised, &guard->mask_before);
}

static void guard_end(const struct signal_guard *guard)
{
    (void)pthread_sigmask(SIG_SETMASK, &guard->mask_before, NULL);
}

/* Take away the signal that our own failed write left pending. */
static void guard_swallow(int error)
{
    int signal_number = error == EPIPE ? SIGPIPE : error == EFBIG ? SIGXFSZ : 0;
    if (signal_number == 0)
        return;
    sigset_t one;
    (void)sigemptyset(&one);
    (void)sigaddset(&one, signal_number);
    while (sigtimedwait(&one, NULL, &(struct timespec){0}) < 0 && errno == EINTR)
        continue;
}

static int wait_for_room(const struct eco_write_target *target)
{
    struct pollfd room = {.fd = target->fd, .events = POLLOUT};
    int r = poll(&room, 1, target->patience_ms);
    if (r == 0)
        return -ETIMEDOUT;
    return r < 0 && errno != EINTR ? -errno : 0;
}

static int write_on(const struct eco_write_target *target, const char *bytes, size_t count, size_t *ret_done)
{
    while (*ret_done < count) {
        ssize_t written = write(target->fd, bytes + *ret_done, count - *ret_done);
        if (written > 0) {
            *ret_done += (size_t)written;
            continue;
        }
        /* A descriptor that takes nothing and says nothing would keep us here for ever. */
        int error = written == 0 ? EIO : errno;
        if (error == EINTR)
            continue;
        if (error == EAGAIN) {
            int r = wait_for_room(target);
            if (r < 0)
                return r;
            continue;
        }
        guard_swallow(error);
        return -error;
    }
    return 0;
}

/* Cut off what a failed write left, unless somebody else has written behind it. */
static void undo(int fd, size_t done)
{
    off_t end = lseek(fd, 0, SEEK_CUR);
    struct stat now;
    if (done == 0 || end < 0 || fstat(fd, &now) < 0 || now.st_size != end || (off_t)done > end)
        return;
    if (ftruncate(fd, end - (off_t)done) == 0)
        (void)lseek(fd, end - (off_t)done, SEEK_SET);
}

int eco_write_all(const struct eco_write_target *target, const void *bytes, size_t count)
{
    struct signal_guard guard;
    size_t done = 0;
    guard_begin(&guard);
    int r = write_on(target, bytes, count, &done);
    guard_end(&guard);
    if (r < 0 && target->is_regular)
        undo(target->fd, done);
    return r;
}
