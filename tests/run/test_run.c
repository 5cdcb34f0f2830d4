/* SPDX-License-Identifier: MIT */
/* src/run with real processes: what the end-to-end tests cannot see from outside. */
#include "run/run.h"

#include "base/mem.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

static uint64_t now_ns(void)
{
    struct timespec now;
    assert_int_equal(clock_gettime(CLOCK_MONOTONIC, &now), 0);
    return (uint64_t)now.tv_sec * ECO_NS_PER_S + (uint64_t)now.tv_nsec;
}

static struct eco_run *start(char *const *argv, bool wait_all, bool no_cgroup)
{
    static char id[33];
    eco_run_new_id(id);
    struct eco_run_options options = {
        .argv = argv, .run_id = id, .no_cgroup = no_cgroup, .wait_all = wait_all};
    struct eco_run *run = NULL;
    assert_int_equal(eco_run_prepare(&options, &run, NULL), 0);
    assert_int_equal(eco_run_spawn(run, NULL), 0);
    assert_true(eco_run_pid(run) > 0);
    return run;
}

static struct eco_run *start_shell(char *script, bool wait_all, bool no_cgroup)
{
    static char shell[] = "sh", option[] = "-c";
    char *const argv[] = {shell, option, script, NULL};
    struct eco_run *run = start(argv, wait_all, no_cgroup);
    uint64_t started_ns;
    assert_int_equal(eco_run_release(run, &started_ns, NULL), 0);
    return run;
}

/* Waits for one kind, counts the others; fails after 10 s. */
static struct eco_run_event expect(struct eco_run *run, enum eco_run_event_kind kind, unsigned *counts)
{
    uint64_t deadline_ns = now_ns() + 10 * ECO_NS_PER_S;
    for (;;) {
        struct eco_run_event event;
        assert_int_equal(eco_run_wait(run, deadline_ns, &event), 0);
        if (event.kind == kind) {
            return event;
        }
        assert_int_not_equal(event.kind, ECO_RUN_DEADLINE);
        if (counts != NULL) {
            counts[event.kind]++;
        }
    }
}

static unsigned count_fds(void)
{
    unsigned count = 0;
    DIR *dir = opendir("/proc/self/fd");
    assert_non_null(dir);
    while (readdir(dir) != NULL) {
        count++;
    }
    (void)closedir(dir);
    return count;
}

static void test_command_runs_and_ends(void **state)
{
    (void)state;
    unsigned fds = count_fds();
    uint64_t before_ns = now_ns();
    char script[] = "exit 3";
    struct eco_run *run = start_shell(script, false, false);
    struct eco_run_event event = expect(run, ECO_RUN_EXITED, NULL);
    assert_int_equal(event.pid, eco_run_pid(run));
    assert_int_equal(eco_run_exit_status(event.status), 3);
    assert_true(event.at_ns > before_ns && event.at_ns <= now_ns());
    assert_true(event.usage.ru_maxrss > 0);
    assert_null(eco_run_finish(run));
    assert_int_equal(count_fds(), fds);
}

static void test_nothing_runs_before_release(void **state)
{
    (void)state;
    int fds[2];
    assert_int_equal(pipe(fds), 0);
    char echo[] = "echo", word[] = "word";
    char *const argv[] = {echo, word, NULL};
    int out = dup(1);
    assert_true(out > 0);
    assert_int_equal(dup2(fds[1], 1), 1);
    struct eco_run *run = start(argv, false, false);
    assert_int_equal(dup2(out, 1), 1);
    (void)close(out);
    (void)close(fds[1]);
    struct eco_run_event event;
    assert_int_equal(eco_run_wait(run, now_ns() + 30 * ECO_NS_PER_MS, &event), 0);
    assert_int_equal(event.kind, ECO_RUN_DEADLINE);
    pid_t pid = eco_run_pid(run);
    eco_run_abandon(run);
    assert_int_equal(kill(pid, 0), -1);
    char c;
    assert_int_equal(read(fds[0], &c, 1), 0);
    (void)close(fds[0]);
    uint64_t started_ns = 7;
    assert_int_equal(eco_run_release(run, &started_ns, NULL), -EINVAL);
    assert_int_equal(started_ns, 7);
    (void)eco_run_finish(run);
}

static void test_parent_that_dies_before_release(void **state)
{
    (void)state;
    int fds[2];
    assert_int_equal(pipe(fds), 0);
    pid_t middle = fork();
    if (middle == 0) {
        (void)dup2(fds[1], 1);
        (void)close(fds[0]);
        (void)close(fds[1]);
        char echo[] = "echo";
        char *const argv[] = {echo, NULL};
        (void)start(argv, false, true);
        (void)kill(getpid(), SIGKILL);
    }
    (void)close(fds[1]);
    int status;
    assert_int_equal(waitpid(middle, &status, 0), middle);
    char c;
    assert_int_equal(read(fds[0], &c, 1), 0); /* the end of the pipe: the child is gone and wrote nothing */
    (void)close(fds[0]);
}

/* Nothing of ours lands on 0-2; what is printed there later goes nowhere, and not into the pipe that holds
 * the child. */
static bool is_stdio_plugged(void)
{
    for (int fd = 0; fd <= 2; fd++) {
        struct stat st;
        if (fstat(fd, &st) != 0 || !S_ISCHR(st.st_mode)) {
            return false;
        }
    }
    return true;
}

static void test_closed_stdio(void **state)
{
    (void)state;
    for (int no_cgroup = 0; no_cgroup < 2; no_cgroup++) {
        pid_t pid = fork();
        if (pid == 0) {
            for (int fd = 0; fd <= 2; fd++) {
                (void)close(fd);
            }
            char name[] = "true";
            char *const argv[] = {name, NULL};
            struct eco_run *run = start(argv, false, no_cgroup != 0);
            bool is_good = is_stdio_plugged() && (no_cgroup != 0 || eco_run_cgroup_fd(run) != 0);
            eco_run_abandon(run);
            (void)eco_run_finish(run);
            _exit(is_good ? 0 : 1);
        }
        int status;
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_int_equal(status, 0);
    }
}

static void test_exec_errors(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        int error;
    } cases[] = {{"no-such-command-here", -ENOENT}, {"/etc/passwd", -EACCES}, {"/", -EACCES}, {"", -ENOENT}};
    for (size_t i = 0; i < ECO_COUNT(cases); i++) {
        char name[64];
        (void)snprintf(name, sizeof(name), "%s", cases[i].name);
        char *const argv[] = {name, NULL};
        struct eco_run *run = start(argv, false, false);
        struct eco_why why = {"", ""};
        uint64_t started_ns = 7;
        assert_int_equal(eco_run_release(run, &started_ns, &why), cases[i].error);
        assert_int_equal(started_ns, 7);
        assert_true(why.text[0] != '\0');
        assert_int_equal(waitpid(eco_run_pid(run), NULL, WNOHANG), -1); /* reaped */
        (void)eco_run_finish(run);
    }
}

static void test_everything_is_given_back(void **state)
{
    (void)state;
    struct sigaction ignore, found;
    memset(&ignore, 0, sizeof(ignore));
    ignore.sa_handler = SIG_IGN;
    assert_int_equal(sigaction(SIGCHLD, &ignore, NULL), 0);
    sigset_t mask, after;
    (void)sigemptyset(&mask);
    (void)sigaddset(&mask, SIGUSR2);
    assert_int_equal(sigprocmask(SIG_SETMASK, &mask, NULL), 0);

    char script[] = "exit 0";
    struct eco_run *run = start_shell(script, false, false);
    (void)sigaction(SIGCHLD, NULL, &found);
    assert_true(found.sa_handler == SIG_DFL);
    (void)expect(run, ECO_RUN_EXITED, NULL);
    (void)eco_run_finish(run);

    (void)sigaction(SIGCHLD, NULL, &found);
    assert_true(found.sa_handler == SIG_IGN);
    (void)sigprocmask(SIG_SETMASK, NULL, &after);
    for (int signo = 1; signo < SIGRTMAX; signo++) {
        assert_int_equal(sigismember(&after, signo) == 1, signo == SIGUSR2);
    }
    int subreaper = 1;
    (void)prctl(PR_GET_CHILD_SUBREAPER, &subreaper);
    assert_int_equal(subreaper, 0);
    ignore.sa_handler = SIG_DFL;
    (void)sigaction(SIGCHLD, &ignore, NULL);
    (void)sigemptyset(&mask);
    (void)sigprocmask(SIG_SETMASK, &mask, NULL);
}

static void test_signal_before_release_comes_after_it(void **state)
{
    (void)state;
    char sleeper[] = "sleep", time[] = "20";
    char *const argv[] = {sleeper, time, NULL};
    struct eco_run *run = start(argv, false, false);
    pid_t sender = fork();
    if (sender == 0) {
        _exit(kill(getppid(), SIGTERM));
    }
    int status;
    assert_int_equal(waitpid(sender, &status, 0), sender);
    uint64_t started_ns;
    assert_int_equal(eco_run_release(run, &started_ns, NULL), 0);
    struct eco_run_event event = expect(run, ECO_RUN_SIGNAL, NULL);
    assert_int_equal(event.signo, SIGTERM);
    event = expect(run, ECO_RUN_EXITED, NULL);
    assert_true(WIFSIGNALED(event.status) && WTERMSIG(event.status) == SIGTERM);
    assert_int_equal(eco_run_exit_status(event.status), 128 + SIGTERM);
    (void)eco_run_finish(run);
}

static void test_held_child_that_is_killed(void **state)
{
    (void)state;
    char sleeper[] = "sleep", time[] = "20";
    char *const argv[] = {sleeper, time, NULL};
    struct eco_run *run = start(argv, false, false);
    (void)kill(eco_run_pid(run), SIGKILL);
    uint64_t started_ns;
    assert_int_equal(eco_run_release(run, &started_ns, NULL), 0);
    struct eco_run_event event = expect(run, ECO_RUN_EXITED, NULL);
    assert_true(WIFSIGNALED(event.status) && WTERMSIG(event.status) == SIGKILL);
    (void)eco_run_finish(run);
}

static void test_deadlines(void **state)
{
    (void)state;
    char script[] =
        "exec sleep 20"; /* a child of the shell would outlive it and be a stranger to the next test */
    struct eco_run *run = start_shell(script, false, true);
    struct eco_run_event event;
    for (int i = 0; i < 3; i++) {
        uint64_t deadline_ns = now_ns() + 5 * ECO_NS_PER_MS;
        assert_int_equal(eco_run_wait(run, deadline_ns, &event), 0);
        assert_int_equal(event.kind, ECO_RUN_DEADLINE);
        assert_true(event.at_ns >= deadline_ns);
    }
    assert_int_equal(eco_run_wait(run, 0, &event), 0); /* one that has passed */
    assert_int_equal(event.kind, ECO_RUN_DEADLINE);
    (void)kill(eco_run_pid(run), SIGKILL);
    (void)expect(run, ECO_RUN_EXITED, NULL);
    (void)eco_run_finish(run);
}

/* A storm must neither lose an orphan nor keep the caller from a deadline that has passed. */
static void test_orphans(void **state)
{
    (void)state;
    char script[] = "i=0; while [ $i -lt 300 ]; do (: & ) ; i=$((i+1)); done";
    for (int no_cgroup = 0; no_cgroup < 2; no_cgroup++) {
        struct eco_run *run = start_shell(script, true, no_cgroup != 0);
        unsigned counts[ECO_RUN_INTERRUPT + 1] = {0};
        (void)expect(run, ECO_RUN_EMPTY, counts);
        assert_int_equal(counts[ECO_RUN_EXITED], 1);
        assert_int_equal(counts[ECO_RUN_REAPED], 300);
        (void)eco_run_finish(run);
    }
    struct eco_run *run = start_shell(script, true, true);
    (void)usleep(400000);
    unsigned in_a_row = 0, longest = 0;
    for (;;) {
        struct eco_run_event event;
        assert_int_equal(eco_run_wait(run, 1, &event), 0);
        in_a_row = event.kind == ECO_RUN_DEADLINE ? 0 : in_a_row + 1;
        longest = in_a_row > longest ? in_a_row : longest;
        if (event.kind == ECO_RUN_EMPTY) {
            break;
        }
    }
    assert_in_range(longest, 1, 32);
    (void)eco_run_finish(run);
}

static void test_strangers(void **state)
{
    (void)state;
    pid_t stranger = fork();
    if (stranger == 0) {
        (void)usleep(50000);
        _exit(0);
    }
    char script[] = "sleep 0.2 & exit 0";
    for (int no_cgroup = 0; no_cgroup < 2; no_cgroup++) {
        struct eco_run *run = start_shell(script, true, no_cgroup != 0);
        unsigned counts[ECO_RUN_INTERRUPT + 1] = {0};
        (void)expect(run, ECO_RUN_EMPTY, counts);
        /* The first time there is a stranger: only the cgroup can tell whose orphan that was. */
        bool has_group = eco_run_cgroup_fd(run) >= 0;
        assert_in_range(counts[ECO_RUN_REAPED], has_group || no_cgroup != 0 ? 1 : 0, 1);
        (void)eco_run_finish(run);
        assert_int_equal(waitpid(stranger, NULL, WNOHANG), -1); /* reaped, quietly */
    }
}

static void test_stop_of_a_held_child(void **state)
{
    (void)state;
    char name[] = "true";
    char *const argv[] = {name, NULL};
    struct eco_run *run = start(argv, false, true);
    (void)kill(eco_run_pid(run), SIGSTOP);
    eco_run_abandon(run); /* must not wait for a stopped child for ever */
    (void)eco_run_finish(run);
}

static void test_cgroup(void **state)
{
    (void)state;
    char script[] = "exit 0";
    struct eco_run *run = start_shell(script, false, true);
    assert_int_equal(eco_run_cgroup_fd(run), -1);
    assert_null(eco_run_cgroup_path(run));
    assert_string_equal(eco_run_cgroup_why(run), "");
    (void)expect(run, ECO_RUN_EXITED, NULL);
    (void)eco_run_finish(run);

    run = start_shell(script, false, false);
    if (eco_run_cgroup_fd(run) < 0) {
        assert_true(eco_run_cgroup_why(run)[0] != '\0');
    } else {
        assert_string_equal(eco_run_cgroup_why(run), "");
        assert_non_null(strstr(eco_run_cgroup_path(run), "/ecocode-"));
        int fd = openat(eco_run_cgroup_fd(run), "cpu.stat", O_RDONLY | O_CLOEXEC);
        assert_true(fd > 2);
        (void)close(fd);
    }
    (void)expect(run, ECO_RUN_EXITED, NULL);
    (void)eco_run_finish(run);
}

static void test_bad_options(void **state)
{
    (void)state;
    char name[] = "true";
    char *const argv[] = {name, NULL};
    char *const nothing[] = {NULL};
    char too_long[100];
    memset(too_long, 'a', sizeof(too_long));
    too_long[sizeof(too_long) - 1] = '\0';
    const struct eco_run_options cases[] = {{.argv = NULL, .run_id = "1"},
                                            {.argv = nothing, .run_id = "1"},
                                            {.argv = argv},
                                            {.argv = argv, .run_id = too_long}};
    for (size_t i = 0; i < ECO_COUNT(cases); i++) {
        struct eco_run *run = NULL;
        struct eco_why why = {"", ""};
        assert_int_equal(eco_run_prepare(&cases[i], &run, &why), -EINVAL);
        assert_null(run);
        assert_true(why.text[0] != '\0');
    }
    assert_null(eco_run_finish(NULL));
}

/* Whatever allocation fails, nothing is left changed. */
static void test_no_memory(void **state)
{
    (void)state;
    char name[] = "true";
    char *const argv[] = {name, NULL};
    struct eco_run_options options = {.argv = argv, .run_id = "0123456789abcdef"};
    pid_t stranger = fork();
    if (stranger == 0) {
        (void)pause();
        _exit(0);
    }
    int r = -ENOMEM;
    unsigned long n = 0;
    while (r == -ENOMEM) {
        struct eco_run *run = NULL;
        eco_mem_fail_at(++n);
        r = eco_run_prepare(&options, &run, NULL);
        eco_mem_fail_at(0);
        sigset_t mask;
        (void)sigprocmask(SIG_SETMASK, NULL, &mask);
        assert_int_equal(sigismember(&mask, SIGTERM), r == 0);
        assert_int_equal(run != NULL, r == 0);
        (void)eco_run_finish(run);
    }
    assert_int_equal(r, 0);
    assert_true(n > 3); /* the run, two for the environment, the strangers */
    (void)kill(stranger, SIGKILL);
    assert_int_equal(waitpid(stranger, NULL, 0), stranger);
}

static void test_die_like(void **state)
{
    (void)state;
    static const int signals[] = {SIGTERM, SIGKILL, SIGINT, SIGSEGV};
    for (size_t i = 0; i < ECO_COUNT(signals); i++) {
        pid_t pid = fork();
        if (pid == 0) {
            (void)signal(signals[i], SIG_IGN);
            eco_run_die_like(0x300); /* an exit: returns */
            eco_run_die_like(signals[i]);
            _exit(99);
        }
        int status;
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFSIGNALED(status));
        assert_int_equal(WTERMSIG(status), signals[i]);
        assert_false(WCOREDUMP(status));
    }
}

static void test_ids(void **state)
{
    (void)state;
    char a[33], b[33];
    eco_run_new_id(a);
    eco_run_new_id(b);
    assert_int_equal(strspn(a, "0123456789abcdef"), 32);
    assert_int_equal(a[32], '\0');
    assert_string_not_equal(a, b);
}

static void test_interrupt_after_the_end(void **state)
{
    (void)state;
    char script[] = "sleep 1 & exit 0";
    struct eco_run *run = start_shell(script, true, false);
    (void)expect(run, ECO_RUN_EXITED, NULL);
    (void)kill(getpid(), SIGWINCH);
    (void)kill(getpid(), SIGUSR1); /* there is nobody left to pass it on to */
    (void)kill(getpid(), SIGINT);
    struct eco_run_event event = expect(run, ECO_RUN_INTERRUPT, NULL);
    assert_int_equal(event.signo, SIGINT);
    (void)eco_run_finish(run);
}

static void test_timers_are_the_commands(void **state)
{
    (void)state;
    struct itimerval timer = {.it_value = {.tv_usec = 100000}}, left;
    assert_int_equal(setitimer(ITIMER_REAL, &timer, NULL), 0);
    char sleeper[] = "sleep", time[] = "20";
    char *const argv[] = {sleeper, time, NULL};
    struct eco_run *run = start(argv, false, true);
    assert_int_equal(getitimer(ITIMER_REAL, &left), 0);
    assert_int_equal(left.it_value.tv_usec, 0);
    uint64_t started_ns;
    assert_int_equal(eco_run_release(run, &started_ns, NULL), 0);
    struct eco_run_event event = expect(run, ECO_RUN_EXITED, NULL);
    assert_true(WIFSIGNALED(event.status) && WTERMSIG(event.status) == SIGALRM);
    (void)eco_run_finish(run);
}

static struct eco_run *start_with_own(char *script, bool wait_all, unsigned own_ms, pid_t *ret_own)
{
    static char shell[] = "sh", option[] = "-c";
    char *const argv[] = {shell, option, script, NULL};
    struct eco_run *run = start(argv, wait_all, true);
    uint64_t started_ns;
    *ret_own = eco_run_fork_own(run);
    if (*ret_own == 0) {
        (void)usleep(own_ms * 1000);
        _exit(3);
    }
    assert_true(*ret_own > 0);
    assert_int_equal(eco_run_fork_own(run), -EINVAL);
    assert_int_equal(eco_run_release(run, &started_ns, NULL), 0);
    return run;
}

/* Our own process ends before, and after the job: it is never told, and the job is empty without it. */
static void test_own_process_is_not_the_jobs(void **state)
{
    (void)state;
    for (unsigned own_ms = 10; own_ms <= 5000; own_ms += 4990) {
        char script[] = "(sleep 0.2 & exec sleep 0.1) & exit 4";
        pid_t own;
        unsigned counts[ECO_RUN_READABLE + 1] = {0};
        struct eco_run *run = start_with_own(script, true, own_ms, &own);
        uint64_t begin_ns = now_ns();
        assert_int_equal(WEXITSTATUS(expect(run, ECO_RUN_EXITED, counts).status), 4);
        (void)expect(run, ECO_RUN_EMPTY, counts);
        assert_int_equal(counts[ECO_RUN_REAPED], 2);
        assert_true(now_ns() - begin_ns < 3 * ECO_NS_PER_S);
        eco_run_reap_rest(run);
        assert_int_equal(kill(own, SIGKILL), 0); /* not reaped by anybody: a zombie, or alive */
        eco_run_reap_own(run);
        assert_int_equal(kill(own, 0), -1);
        run = eco_run_finish(run);
    }
}

/* All signals are blocked in it but those that cannot be, and it does not keep a held command from ending. */
static void test_own_process_is_left_alone(void **state)
{
    (void)state;
    static char name[] = "true";
    char *const argv[] = {name, NULL};
    struct eco_run *run = start(argv, false, true);
    pid_t own = eco_run_fork_own(run);
    if (own == 0) {
        (void)usleep(5000000);
        _exit(3);
    }
    assert_int_equal(kill(own, SIGTERM), 0);
    assert_int_equal(kill(own, SIGINT), 0);
    int fds[2];
    assert_int_equal(pipe(fds), 0);
    eco_run_watch(run, fds[0]);
    struct eco_run_event event;
    assert_int_equal(eco_run_wait(run, now_ns() + 20 * ECO_NS_PER_MS, &event), 0);
    assert_int_equal(event.kind, ECO_RUN_DEADLINE);
    assert_int_equal(write(fds[1], "x", 1), 1);
    assert_int_equal(eco_run_wait(run, now_ns() + ECO_NS_PER_S, &event), 0);
    assert_int_equal(event.kind, ECO_RUN_READABLE);
    eco_run_watch(run, -1);
    assert_int_equal(waitpid(own, NULL, __WALL | WNOHANG), 0);
    eco_run_abandon(run); /* waits for the held command: its pipe must be closed everywhere */
    assert_int_equal(kill(own, SIGKILL), 0);
    eco_run_reap_own(run);
    run = eco_run_finish(run);
    (void)close(fds[0]);
    (void)close(fds[1]);
}

static bool is_open(const struct stat *wanted)
{
    for (int fd = 3; fd < 64; fd++) {
        struct stat st;
        if (fstat(fd, &st) == 0 && st.st_ino == wanted->st_ino && st.st_dev == wanted->st_dev)
            return true;
    }
    return false;
}

/*
 * Forked before the command, with 0-2 closed: it knows the cgroup, has its own 0-2 plugged and nothing of
 * what holds the command, which is born into that cgroup.
 */
static void test_own_process_comes_first(void **state)
{
    (void)state;
    pid_t pid = fork();
    if (pid == 0) {
        static char name[] = "true", id[33];
        char *const argv[] = {name, NULL};
        eco_run_new_id(id);
        const struct eco_run_options options = {.argv = argv, .run_id = id};
        struct eco_run *run = NULL;
        (void)close(STDIN_FILENO);
        (void)close(STDOUT_FILENO);
        if (eco_run_prepare(&options, &run, NULL) < 0)
            _exit(1);
        eco_run_find_place(run);
        struct stat group = {0};
        bool has_group = eco_run_cgroup_fd(run) >= 0 && fstat(eco_run_cgroup_fd(run), &group) == 0;
        pid_t own = eco_run_fork_own(run);
        if (own == 0)
            _exit(fcntl(STDIN_FILENO, F_GETFD) >= 0 && fcntl(STDOUT_FILENO, F_GETFD) >= 0 &&
                          eco_run_pid(run) == 0 && (!has_group || is_open(&group))
                      ? 0
                      : 2);
        int status = 0;
        if (waitpid(own, &status, __WALL) != own || status != 0 || eco_run_spawn(run, NULL) < 0)
            _exit(3);
        char path[64], text[4096] = "";
        (void)snprintf(path, sizeof(path), "/proc/%d/cgroup", (int)eco_run_pid(run));
        FILE *file = fopen(path, "r");
        size_t length = file ? fread(text, 1, sizeof(text) - 1, file) : 0;
        bool is_inside = !has_group || (length > 0 && strstr(text, eco_run_cgroup_path(run)));
        uint64_t started_ns;
        bool is_good = is_inside && eco_run_release(run, &started_ns, NULL) == 0;
        struct eco_run_event event = expect(run, ECO_RUN_EXITED, NULL);
        _exit(is_good && event.status == 0 && !eco_run_finish(run) ? 0 : 4);
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_command_runs_and_ends),
        cmocka_unit_test(test_nothing_runs_before_release),
        cmocka_unit_test(test_parent_that_dies_before_release),
        cmocka_unit_test(test_closed_stdio),
        cmocka_unit_test(test_exec_errors),
        cmocka_unit_test(test_everything_is_given_back),
        cmocka_unit_test(test_signal_before_release_comes_after_it),
        cmocka_unit_test(test_held_child_that_is_killed),
        cmocka_unit_test(test_deadlines),
        cmocka_unit_test(test_orphans),
        cmocka_unit_test(test_strangers),
        cmocka_unit_test(test_stop_of_a_held_child),
        cmocka_unit_test(test_cgroup),
        cmocka_unit_test(test_bad_options),
        cmocka_unit_test(test_no_memory),
        cmocka_unit_test(test_die_like),
        cmocka_unit_test(test_ids),
        cmocka_unit_test(test_own_process_is_not_the_jobs),
        cmocka_unit_test(test_own_process_is_left_alone),
        cmocka_unit_test(test_own_process_comes_first),
        cmocka_unit_test(test_timers_are_the_commands),
        cmocka_unit_test(test_interrupt_after_the_end), /* last: it leaves a sleeper */
    };
    return cmocka_run_group_tests_name("run", tests, NULL, NULL);
}
