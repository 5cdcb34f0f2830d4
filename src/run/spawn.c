/* SPDX-License-Identifier: MIT */
/*
 * Fork, hold, release. The child is forked while we are still small (its peak resident set begins with
 * ours), waits on a pipe and execs when told to. A pipe that closes without a byte means that we are gone
 * or gave up: then it ends without having run anything.
 */
#include "run/run_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* How often a command that has not yet come to exec is looked at: it may have been stopped. */
#define RELEASE_LOOK_MS 20

struct pipe_ends {
    int read_fd, write_fd;
};

static void close_ends(struct pipe_ends *ends)
{
    if (ends->read_fd >= 0) {
        (void)close(ends->read_fd);
    }
    if (ends->write_fd >= 0) {
        (void)close(ends->write_fd);
    }
}

static int move_above_stdio(int *fd)
{
    if (*fd > 2) {
        return 0;
    }
    int high = fcntl(*fd, F_DUPFD_CLOEXEC, 3);
    if (high < 0) {
        return -errno;
    }
    (void)close(*fd);
    *fd = high;
    return 0;
}

static int open_pipe(struct pipe_ends *ret)
{
    int fds[2];
    if (pipe2(fds, O_CLOEXEC) != 0) {
        return -errno;
    }
    ret->read_fd = fds[0];
    ret->write_fd = fds[1];
    int r = move_above_stdio(&ret->read_fd);
    return r < 0 ? r : move_above_stdio(&ret->write_fd);
}

static _Noreturn void be_command(const struct eco_run *run, const struct pipe_ends *release,
                                 const struct pipe_ends *error)
{
    (void)close(release->write_fd);
    (void)close(error->read_fd);
    char go;
    ssize_t n;
    do {
        n = read(release->read_fd, &go, 1);
    } while (n < 0 && errno == EINTR);
    if (n != 1) {
        _exit(125);
    }
    eco_run_restore_for_command(run);
    int code = -eco_run_become(run->user, run->folder);
    if (code == 0) {
        (void)execvpe(run->argv[0], run->argv, run->environment);
        code = errno;
    }
    do {
        n = write(error->write_fd, &code, sizeof(code));
    } while (n < 0 && errno == EINTR);
    _exit(code == ENOENT ? 127 : 126);
}

/* Fork into the private cgroup. Returns as fork does, or negative errno. */
static pid_t fork_into_group(int group_fd)
{
    struct clone_args args;
    memset(&args, 0, sizeof(args));
    args.flags = CLONE_INTO_CGROUP;
    args.exit_signal = SIGCHLD;
    args.cgroup = (uint64_t)group_fd;
    long pid = syscall(SYS_clone3, &args, sizeof(args));
    return pid < 0 ? (pid_t)-errno : (pid_t)pid;
}

static pid_t fork_child(struct eco_run *run)
{
    if (run->group_fd >= 0) {
        pid_t pid = fork_into_group(run->group_fd);
        if (pid >= 0) {
            return pid;
        }
        eco_run_remove_group(run);
        eco_why_set(&run->group_why, "the command could not be started in a cgroup of its own: %s",
                    strerror(-pid));
    }
    pid_t pid = fork();
    return pid < 0 ? -errno : pid;
}

/*
 * What the command was given closed stays closed for it, but what we open from now on must not land on 0-2,
 * where a report would be written into it.
 */
void eco_run_plug_stdio(void)
{
    for (int fd = 0; fd <= 2; fd++) {
        if (fcntl(fd, F_GETFD) < 0 && errno == EBADF) {
            int null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
            if (null_fd > 2) {
                (void)close(null_fd);
            }
        }
    }
}

void eco_run_find_place(struct eco_run *run)
{
    if (!run->no_cgroup && !run->has_place) {
        eco_run_make_group(run);
    }
    run->has_place = true;
}

int eco_run_spawn(struct eco_run *run, struct eco_why *why)
{
    if (run->pid != 0) {
        return -EINVAL;
    }
    struct pipe_ends release ECO_CLEANUP(close_ends) = {-1, -1};
    struct pipe_ends error ECO_CLEANUP(close_ends) = {-1, -1};
    int r = open_pipe(&release);
    if (r == 0) {
        r = open_pipe(&error);
    }
    if (r < 0) {
        eco_why_set(why, "no pipe to hold the command: %s", strerror(-r));
        return r;
    }
    eco_run_find_place(run);
    pid_t pid = fork_child(run);
    if (pid == 0) {
        be_command(run, &release, &error);
    }
    if (pid < 0) {
        eco_why_set(why, "no process for the command: %s", strerror(-pid));
        return pid;
    }
    run->pid = pid;
    run->release_fd = release.write_fd;
    run->error_fd = error.read_fd;
    release.write_fd = error.read_fd = -1;
    eco_run_plug_stdio();
    return 0;
}

pid_t eco_run_pid(const struct eco_run *run)
{
    return run->pid;
}

static void close_pipes(struct eco_run *run)
{
    if (run->release_fd >= 0) {
        (void)close(run->release_fd);
    }
    if (run->error_fd >= 0) {
        (void)close(run->error_fd);
    }
    run->release_fd = run->error_fd = -1;
}

static void reap_command(struct eco_run *run)
{
    pid_t r;
    do {
        r = waitpid(run->pid, NULL, 0);
    } while (r < 0 && errno == EINTR);
    run->has_ended = true;
}

/* A Ctrl-Z that came before exec stops the child here: then we must stop too, not wait for its pipe. */
static void stop_if_stopped(struct eco_run *run)
{
    int status;
    if (waitpid(run->pid, &status, WNOHANG | WUNTRACED) != run->pid) {
        return;
    }
    if (WIFSTOPPED(status)) {
        eco_run_stop_too(run, WSTOPSIG(status));
    }
}

/* Errno of exec, or 0 when the pipe was closed by it (or the child died before, which the loop will see). */
static int read_exec_error(struct eco_run *run)
{
    struct pollfd waiting = {.fd = run->error_fd, .events = POLLIN, .revents = 0};
    for (;;) {
        int r = poll(&waiting, 1, RELEASE_LOOK_MS);
        if (r > 0) {
            break;
        }
        siginfo_t info;
        info.si_pid = 0;
        if (waitid(P_PID, (id_t)run->pid, &info, WSTOPPED | WNOHANG | WNOWAIT) == 0 && info.si_pid != 0) {
            stop_if_stopped(run);
        }
    }
    int code = 0;
    ssize_t n;
    do {
        n = read(run->error_fd, &code, sizeof(code));
    } while (n < 0 && errno == EINTR);
    return n == (ssize_t)sizeof(code) ? code : 0;
}

int eco_run_release(struct eco_run *run, uint64_t *ret_started_ns, struct eco_why *why)
{
    if (run->pid == 0 || run->is_released || run->has_ended) {
        return -EINVAL;
    }
    uint64_t started_ns = eco_run_now_ns();
    ssize_t n;
    do {
        n = write(run->release_fd, "", 1);
    } while (n < 0 && errno == EINTR);
    run->is_released = true;
    /* EPIPE: the child was killed while it was held; the loop reaps it and tells how it ended. */
    int code = n == 1 ? read_exec_error(run) : 0;
    close_pipes(run);
    if (code != 0) {
        reap_command(run);
        eco_why_set(why, "%s: %s", run->argv[0], code == ENOENT ? "command not found" : strerror(code));
        return -code;
    }
    *ret_started_ns = started_ns;
    return 0;
}

void eco_run_abandon(struct eco_run *run)
{
    bool is_held = run->pid != 0 && !run->is_released && !run->has_ended;
    close_pipes(run);
    if (is_held) {
        (void)kill(run->pid, SIGCONT); /* it may have been stopped: it could not see the pipe close */
        reap_command(run);
    }
}
