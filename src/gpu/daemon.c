/* SPDX-License-Identifier: MIT */
#include "gpu/daemon.h"

#include "base/mem.h"
#include "gpu/client.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define LOOK_NS      ECO_NS_PER_S        /* how often it is seen to that calls come back */
#define PATIENCE_NS  (20 * ECO_NS_PER_S) /* a driver without persistence takes seconds per board to open */
#define RETRY_NS     ECO_NS_PER_S
#define RETRY_MAX_NS (300 * ECO_NS_PER_S)
#define STEADY_NS    (60 * ECO_NS_PER_S) /* having worked so long, it is tried again soon */
#define END_MS_MAX   200
#define REQUESTS_MAX 64 /* read at once */

enum stage {
    STAGE_RESTING, /* until retry_ns */
    STAGE_RUNNING,
    STAGE_STUCK, /* killed, and has not ended: in the kernel for ever, perhaps */
    STAGE_OVER
};

struct watched {
    enum stage stage;
    pid_t pid;
    int control_fd;
    uint64_t began_ns, retry_ns, backoff_ns;
    bool was_open;
    struct eco_gpu_shared *shared;
};

struct daemon {
    const struct eco_gpu_daemon_options *options;
    struct watched watched[ECO_GPU_SOURCES_MAX];
    size_t count;
    bool is_closed;
};

static uint64_t mono_now_ns(void)
{
    return eco_clock_system.mono_ns(&eco_clock_system);
}

static uint64_t or_usual(uint64_t given, uint64_t usual)
{
    return given ? given : usual;
}

/* ---- start ---- */

static _Noreturn void be_worker(struct daemon *self, size_t place, int control_fd, pid_t parent)
{
    const struct eco_gpu_daemon_options *options = self->options;
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(ECO_GPU_WORKER_NONE);
    for (size_t i = 0; i < self->count; i++) {
        if (self->watched[i].control_fd >= 0)
            (void)close(self->watched[i].control_fd);
    }
    (void)signal(SIGCHLD, SIG_DFL);
    sigset_t none;
    (void)sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    const struct eco_gpu_worker worker = {.ops = options->sources[place],
                                          .env = options->env,
                                          .source = (uint32_t)place,
                                          .interval_ns = options->interval_ns,
                                          .fd = options->fd,
                                          .control_fd = control_fd,
                                          .shared = self->watched[place].shared};
    eco_gpu_worker_be(&worker);
}

static void rest(struct daemon *self, struct watched *watched)
{
    uint64_t now = mono_now_ns();
    uint64_t first = or_usual(self->options->retry_ns, RETRY_NS);
    if (watched->backoff_ns == 0 || now - watched->began_ns >= STEADY_NS)
        watched->backoff_ns = first;
    else
        watched->backoff_ns = watched->backoff_ns > RETRY_MAX_NS / 2 ? RETRY_MAX_NS : watched->backoff_ns * 2;
    watched->retry_ns = now + watched->backoff_ns;
    watched->stage = STAGE_RESTING;
}

static void start(struct daemon *self, size_t place)
{
    struct watched *watched = &self->watched[place];
    int ends[2];
    watched->began_ns = mono_now_ns();
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) {
        rest(self, watched);
        return;
    }
    atomic_store(&watched->shared->call_began_ns, 0);
    atomic_store(&watched->shared->look_count, 0);
    pid_t parent = getpid();
    pid_t pid = fork();
    if (pid == 0) {
        (void)close(ends[0]);
        be_worker(self, place, ends[1], parent);
    }
    (void)close(ends[1]);
    if (pid < 0) {
        (void)close(ends[0]);
        rest(self, watched);
        return;
    }
    watched->pid = pid;
    watched->control_fd = ends[0];
    watched->stage = STAGE_RUNNING;
}

/* ---- how they end ---- */

static void tell_crash(struct daemon *self, size_t place, int signo)
{
    char text[128];
    (void)snprintf(text, sizeof text, "%s: the driver's library crashed (%s); trying again",
                   self->options->sources[place]->name, strsignal(signo));
    (void)eco_gpu_tell_failed(self->options->fd, (uint32_t)place, -EFAULT, text);
}

static void on_end(struct daemon *self, size_t place, int status)
{
    struct watched *watched = &self->watched[place];
    bool was_stuck = watched->stage == STAGE_STUCK;
    (void)close(watched->control_fd);
    watched->control_fd = -1;
    watched->was_open = watched->was_open || atomic_load(&watched->shared->look_count) > 0;
    watched->pid = 0;
    bool found_none = WIFEXITED(status) && WEXITSTATUS(status) == ECO_GPU_WORKER_NONE;
    if (found_none && !watched->was_open) {
        watched->stage = STAGE_OVER;
        return;
    }
    if (found_none)
        (void)eco_gpu_tell_failed(self->options->fd, (uint32_t)place, -ENODEV, "the driver is gone");
    if (WIFSIGNALED(status) && !was_stuck)
        tell_crash(self, place, WTERMSIG(status));
    rest(self, watched);
}

static void reap(struct daemon *self)
{
    for (size_t i = 0; i < self->count; i++) {
        int status;
        if (self->watched[i].pid > 0 && waitpid(self->watched[i].pid, &status, WNOHANG) > 0)
            on_end(self, i, status);
    }
}

/* A call that has not come back: its process is killed, and left where even that does not end it. */
static void give_up_stuck(struct daemon *self)
{
    uint64_t patience = or_usual(self->options->patience_ns, PATIENCE_NS), now = mono_now_ns();
    for (size_t i = 0; i < self->count; i++) {
        struct watched *watched = &self->watched[i];
        uint64_t began = watched->stage == STAGE_RUNNING ? atomic_load(&watched->shared->call_began_ns) : 0;
        if (began == 0 || now < began || now - began < patience)
            continue;
        char text[128];
        (void)snprintf(text, sizeof text, "%s: the driver has not answered for %llu s",
                       self->options->sources[i]->name, (unsigned long long)((now - began) / ECO_NS_PER_S));
        (void)eco_gpu_tell_failed(self->options->fd, (uint32_t)i, -ETIMEDOUT, text);
        watched->stage = STAGE_STUCK;
        (void)kill(watched->pid, SIGKILL);
    }
}

/* ---- the loop ---- */

static void on_signal(int signo)
{
    (void)signo; /* it only ends the wait */
}

static void pass_requests(struct daemon *self)
{
    bool is_asked = false;
    for (int i = 0; i < REQUESTS_MAX; i++) {
        char words[64];
        ssize_t n = recv(self->options->fd, words, sizeof words, MSG_DONTWAIT);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno == EAGAIN)
            break;
        if (n <= 0) {
            self->is_closed = true;
            return;
        }
        is_asked = is_asked || memchr(words, 's', (size_t)n) != NULL;
    }
    for (size_t i = 0; is_asked && i < self->count; i++) {
        if (self->watched[i].stage == STAGE_RUNNING)
            (void)send(self->watched[i].control_fd, "s", 1, MSG_DONTWAIT | MSG_NOSIGNAL);
    }
}

static uint64_t next_wake_ns(const struct daemon *self)
{
    uint64_t patience = or_usual(self->options->patience_ns, PATIENCE_NS);
    uint64_t next = mono_now_ns() + (patience < 4 * LOOK_NS ? patience / 4 : LOOK_NS);
    for (size_t i = 0; i < self->count; i++) {
        if (self->watched[i].stage == STAGE_RESTING && self->watched[i].retry_ns < next)
            next = self->watched[i].retry_ns;
    }
    return next;
}

static bool is_any_left(const struct daemon *self)
{
    for (size_t i = 0; i < self->count; i++) {
        if (self->watched[i].stage != STAGE_OVER)
            return true;
    }
    return false;
}

static void await(struct daemon *self, const sigset_t *mask)
{
    uint64_t now = mono_now_ns(), until = next_wake_ns(self);
    uint64_t left = until > now ? until - now : 0;
    struct timespec span = {.tv_sec = (time_t)(left / ECO_NS_PER_S), .tv_nsec = (long)(left % ECO_NS_PER_S)};
    struct pollfd waiting = {.fd = self->options->fd, .events = POLLIN};
    if (ppoll(&waiting, 1, &span, mask) > 0)
        pass_requests(self);
}

static void run(struct daemon *self, const sigset_t *mask)
{
    while (!self->is_closed && is_any_left(self)) {
        uint64_t now = mono_now_ns();
        for (size_t i = 0; i < self->count; i++) {
            if (self->watched[i].stage == STAGE_RESTING && now >= self->watched[i].retry_ns)
                start(self, i);
        }
        await(self, mask);
        reap(self);
        give_up_stuck(self);
    }
}

/* They are waited for, so that they are not left to somebody else, but not for long: one may be stuck. */
static void end_all(struct daemon *self)
{
    const struct timespec pause = {.tv_nsec = (long)ECO_NS_PER_MS};
    for (size_t i = 0; i < self->count; i++) {
        if (self->watched[i].pid > 0)
            (void)kill(self->watched[i].pid, SIGKILL);
    }
    for (int attempt = 0; attempt < END_MS_MAX; attempt++) {
        bool is_any = false;
        for (size_t i = 0; i < self->count; i++) {
            struct watched *watched = &self->watched[i];
            if (watched->pid > 0 && waitpid(watched->pid, NULL, WNOHANG) != 0)
                watched->pid = 0;
            is_any = is_any || (watched->pid > 0 && watched->stage == STAGE_RUNNING);
        }
        if (!is_any)
            return;
        (void)nanosleep(&pause, NULL);
    }
}

void eco_gpu_daemon_be(const struct eco_gpu_daemon_options *options)
{
    struct daemon self = {.options = options};
    while (self.count < ECO_GPU_SOURCES_MAX && options->sources[self.count])
        self.count++;
    struct eco_gpu_shared *shared = mmap(NULL, sizeof *shared * ECO_GPU_SOURCES_MAX, PROT_READ | PROT_WRITE,
                                         MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED)
        return;
    sigset_t blocked, before;
    (void)sigemptyset(&blocked);
    (void)sigaddset(&blocked, SIGCHLD);
    (void)sigprocmask(SIG_BLOCK, &blocked, &before);
    const struct sigaction action = {.sa_handler = on_signal};
    (void)sigaction(SIGCHLD, &action, NULL);
    (void)sigdelset(&before, SIGCHLD);
    for (size_t i = 0; i < self.count; i++) {
        self.watched[i].shared = &shared[i];
        self.watched[i].control_fd = -1;
    }
    run(&self, &before);
    end_all(&self);
}
