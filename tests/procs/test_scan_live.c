/* SPDX-License-Identifier: MIT */
/*
 * Real processes: what the process source says of a tree against what getrusage says of it. No time
 * is asserted, only shares of what was used.
 */
#include "procs/procs.h"
#include "procs/scan.h"

#include "support/test.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define SEEN_MAX 4096

/* What the processes of a job say that they used, as they end. */
static _Atomic uint64_t *told_ns;

static uint64_t own_cpu_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (uint64_t)now.tv_sec * ECO_NS_PER_S + (uint64_t)now.tv_nsec;
}

static uint64_t thread_cpu_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (uint64_t)now.tv_sec * ECO_NS_PER_S + (uint64_t)now.tv_nsec;
}

static void burn(unsigned ms)
{
    uint64_t end = thread_cpu_ns() + ms * ECO_NS_PER_MS;
    while (thread_cpu_ns() < end)
        continue;
}

static _Noreturn void end_telling(void)
{
    *told_ns += own_cpu_ns();
    _exit(0);
}

static void pause_ms(unsigned ms)
{
    struct timespec time = {.tv_nsec = (long)(ms * ECO_NS_PER_MS)};
    nanosleep(&time, NULL);
}

/* ---- the jobs ---- */

static void job_alone(void)
{
    burn(300);
}

static void job_children(void)
{
    for (int i = 0; i < 3; i++)
        if (fork() == 0) {
            burn(100);
            if (fork() == 0) {
                burn(100);
                end_telling();
            }
            wait(NULL);
            end_telling();
        }
    while (wait(NULL) > 0)
        continue;
}

static void job_short(void)
{
    for (int i = 0; i < 150; i++) {
        pid_t pid = fork();
        if (pid == 0) {
            burn(2);
            end_telling();
        }
        waitpid(pid, NULL, 0);
    }
}

static void job_orphans(void)
{
    for (int i = 0; i < 10; i++) {
        pid_t pid = fork();
        if (pid == 0) {
            if (fork() == 0) {
                burn(30);
                end_telling();
            }
            end_telling();
        }
        waitpid(pid, NULL, 0);
    }
}

static void job_ignoring(void)
{
    signal(SIGCHLD, SIG_IGN);
    for (int i = 0; i < 3; i++)
        if (fork() == 0) {
            burn(300);
            end_telling();
        }
    while (wait(NULL) > 0)
        continue;
}

static void *burn_thread(void *ms)
{
    burn(*(unsigned *)ms);
    return NULL;
}

static void job_threads(void)
{
    pthread_t threads[4];
    unsigned ms = 100;
    for (int i = 0; i < 4; i++)
        pthread_create(&threads[i], NULL, burn_thread, &ms);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
}

static void job_exec(void)
{
    burn(50);
    execl("/bin/sh", "sh", "-c", "i=0; while [ $i -lt 100000 ]; do i=$((i+1)); done", (char *)NULL);
    _exit(127);
}

/* ---- the harness: what run/ does, in small ---- */

struct outcome {
    double job_s, rows_s, used_s, told_s;
    uint64_t count;
    unsigned ended, renamed, job_rows, looks;
    bool exact, went_back;
    char last_name[ECO_PROC_NAME_MAX];
};

struct watch {
    struct eco_procs *procs;
    uint64_t cpu_ns[SEEN_MAX], base_ns[SEEN_MAX], total_ns;
    struct outcome *outcome;
};

static int watch_look(struct watch *watch, bool final)
{
    struct eco_usage usage;
    struct outcome *outcome = watch->outcome;
    int rc = eco_procs_look(watch->procs, final, &usage);
    outcome->looks++;
    for (uint32_t i = 0; i < usage.changed_count; i++) {
        const struct eco_proc *proc = usage.changed[i];
        assert_true(proc->id > 0 && proc->id < SEEN_MAX);
        outcome->went_back |= proc->cpu_ns < watch->cpu_ns[proc->id];
        watch->cpu_ns[proc->id] = proc->cpu_ns;
        watch->base_ns[proc->id] = proc->base_cpu_ns;
        outcome->ended += (proc->flags & ECO_PROC_ENDED) != 0;
        outcome->renamed += (proc->flags & ECO_PROC_RENAMED) != 0;
        outcome->job_rows += (proc->flags & ECO_PROC_NEW) != 0;
        (void)snprintf(outcome->last_name, sizeof(outcome->last_name), "%s", proc->name);
    }
    outcome->went_back |= usage.job_cpu_ns < watch->total_ns;
    watch->total_ns = usage.job_cpu_ns;
    outcome->job_s = (double)usage.job_cpu_ns / 1e9;
    outcome->exact = usage.job_is_exact;
    outcome->count = usage.job_count;
    outcome->rows_s = 0;
    for (int i = 0; i < SEEN_MAX; i++)
        outcome->rows_s += (double)(watch->cpu_ns[i] - watch->base_ns[i]) / 1e9;
    assert_true(outcome->rows_s <= outcome->job_s + 1e-6);
    return rc;
}

static double seconds_of(const struct rusage *usage)
{
    return (double)(usage->ru_utime.tv_sec + usage->ru_stime.tv_sec) +
           (double)(usage->ru_utime.tv_usec + usage->ru_stime.tv_usec) / 1e6;
}

static double children_s(void)
{
    struct rusage usage;
    getrusage(RUSAGE_CHILDREN, &usage);
    return seconds_of(&usage);
}

static pid_t start(void (*job)(void), int cgroup_fd, int *ret_go)
{
    int go[2];
    assert_int_equal(pipe(go), 0);
    pid_t pid = fork();
    if (pid == 0) {
        char byte;
        close(go[1]);
        if (cgroup_fd >= 0) {
            int fd = openat(cgroup_fd, "cgroup.procs", O_WRONLY);
            if (fd < 0 || write(fd, "0", 1) != 1)
                _exit(1);
            close(fd);
        }
        if (read(go[0], &byte, 1) < 0)
            _exit(1);
        job();
        end_telling();
    }
    close(go[0]);
    *ret_go = go[1];
    return pid;
}

static struct outcome measure(void (*job)(void), unsigned interval_ms, int cgroup_fd)
{
    struct eco_root root;
    struct eco_env env = {.root = &root, .clock = &eco_clock_system};
    struct eco_procs_options options = {.scope = ECO_SCOPE_TREE, .cgroup_dir_fd = cgroup_fd};
    struct outcome outcome = {0};
    struct watch *watch = calloc(1, sizeof(*watch));
    double before_s = children_s();
    int go, rc = 0;
    assert_non_null(watch);
    *told_ns = 0;
    assert_int_equal(eco_root_init(&root, NULL, NULL), 0);
    pid_t pid = start(job, cgroup_fd, &go);
    pause_ms(20);
    assert_int_equal(eco_procs_open(&eco_procs_scan, &env, &options, &watch->procs, NULL), 0);
    assert_int_equal(eco_procs_add_root(watch->procs, pid), 0);
    watch->outcome = &outcome;
    close(go);
    while (rc == 0) {
        pause_ms(interval_ms);
        rc = watch_look(watch, false);
        struct rusage usage;
        pid_t ended;
        while ((ended = wait4(-1, NULL, WNOHANG, &usage)) > 0)
            eco_procs_child_ended(watch->procs, ended, &usage);
    }
    assert_int_equal(rc, -ESRCH);
    /* orphans that were not seen alive have been reaped and told of after the look */
    assert_int_equal(watch_look(watch, true), -ESRCH);
    outcome.used_s = children_s() - before_s;
    outcome.told_s = (double)*told_ns / 1e9;
    watch->procs = eco_procs_free(watch->procs);
    eco_root_finish(&root);
    free(watch);
    assert_false(outcome.went_back);
    return outcome;
}

/* ---- tests ---- */

/* What the fork and the wait on the pipe cost before the root was added is not part of it: below 3 ms. */
static void assert_same(double job_s, double truth_s)
{
    if (fabs(job_s - truth_s) > 0.01 * truth_s + 0.003)
        print_error("job %.6f s, truth %.6f s\n", job_s, truth_s);
    eco_assert_near(job_s, truth_s, 0.01 * truth_s + 0.003);
}

static void test_alone(void **state)
{
    (void)state;
    struct outcome outcome = measure(job_alone, 20, -1);
    assert_same(outcome.job_s, outcome.used_s);
    assert_same(outcome.rows_s, outcome.used_s);
    assert_int_equal(outcome.count, 1);
    assert_int_equal(outcome.ended, 1);
}

static void test_children_and_grandchildren(void **state)
{
    (void)state;
    struct outcome outcome = measure(job_children, 20, -1);
    assert_same(outcome.job_s, outcome.used_s);
    assert_int_equal(outcome.count, 7);
    assert_int_equal(outcome.ended, 7);
    assert_true(outcome.rows_s > 0.85 * outcome.used_s);
}

static void test_short_children(void **state)
{
    (void)state;
    struct outcome outcome = measure(job_short, 50, -1);
    assert_same(outcome.job_s, outcome.used_s);
}

/* A look at every millisecond sees many of them half way: nothing may count twice. */
static void test_short_children_seen_often(void **state)
{
    (void)state;
    struct outcome outcome = measure(job_short, 1, -1);
    assert_same(outcome.job_s, outcome.used_s);
}

static void test_orphans(void **state)
{
    (void)state;
    struct outcome outcome = measure(job_orphans, 10, -1);
    assert_same(outcome.job_s, outcome.used_s);
    assert_true(outcome.told_s <= outcome.used_s);
}

/* The kernel drops what such children used: all that is known is what was seen while they lived. */
static void test_ignored_children(void **state)
{
    (void)state;
    struct outcome outcome = measure(job_ignoring, 10, -1);
    assert_true(outcome.job_s > 0.9 * outcome.told_s);
    assert_true(outcome.job_s < 1.01 * outcome.told_s + 0.003);
    assert_true(outcome.used_s < 0.2 * outcome.told_s);
}

static void test_threads(void **state)
{
    (void)state;
    struct outcome outcome = measure(job_threads, 20, -1);
    assert_same(outcome.job_s, outcome.used_s);
    assert_same(outcome.rows_s, outcome.used_s);
    assert_int_equal(outcome.count, 1);
}

static void test_exec_keeps_identity(void **state)
{
    (void)state;
    struct outcome outcome = measure(job_exec, 20, -1);
    assert_same(outcome.job_s, outcome.used_s);
    assert_int_equal(outcome.count, 1);
    assert_true(outcome.renamed >= 1);
    assert_string_equal(outcome.last_name, "sh");
}

/* A child that we had before is not the job's, nor what it leaves to us. */
static void test_strangers(void **state)
{
    (void)state;
    pid_t stranger = fork();
    if (stranger == 0) {
        burn(400);
        _exit(0);
    }
    struct eco_root root;
    struct eco_env env = {.root = &root, .clock = &eco_clock_system};
    struct eco_procs_options options = {.cgroup_dir_fd = -1};
    struct eco_procs *procs;
    struct eco_usage usage;
    struct rusage used;
    int go;
    assert_int_equal(eco_root_init(&root, NULL, NULL), 0);
    assert_int_equal(eco_procs_open(&eco_procs_scan, &env, &options, &procs, NULL), 0);
    pid_t pid = start(job_alone, -1, &go);
    assert_int_equal(eco_procs_add_root(procs, pid), 0);
    close(go);
    pause_ms(50);
    assert_int_equal(eco_procs_look(procs, false, &usage), 0);
    assert_int_equal(usage.job_count, 1);
    assert_int_equal(wait4(stranger, NULL, 0, &used), stranger);
    eco_procs_child_ended(procs, stranger, &used);
    assert_int_equal(wait4(pid, NULL, 0, &used), pid);
    eco_procs_child_ended(procs, pid, &used);
    assert_int_equal(eco_procs_look(procs, true, &usage), -ESRCH);
    assert_same((double)usage.job_cpu_ns / 1e9, 0.3);
    procs = eco_procs_free(procs);
    eco_root_finish(&root);
}

/* A helper that we start ourselves while the job runs is not the job's, though no mark tells the two apart.
 */
static void test_own_helpers(void **state)
{
    (void)state;
    struct eco_root root;
    struct eco_env env = {.root = &root, .clock = &eco_clock_system};
    struct eco_procs_options options = {.cgroup_dir_fd = -1};
    struct eco_procs *procs;
    struct eco_usage usage;
    struct rusage used;
    int go, named[2];
    char ready;
    assert_int_equal(eco_root_init(&root, NULL, NULL), 0);
    assert_int_equal(eco_procs_open(&eco_procs_scan, &env, &options, &procs, NULL), 0);
    pid_t pid = start(job_alone, -1, &go);
    assert_int_equal(eco_procs_add_root(procs, pid), 0);
    assert_int_equal(pipe(named), 0);
    pid_t helper = fork();
    if (helper == 0) {
        (void)prctl(PR_SET_NAME, "ecocode-priv");
        (void)!write(named[1], "x", 1);
        burn(400);
        _exit(0);
    }
    assert_int_equal(read(named[0], &ready, 1), 1);
    close(go);
    pause_ms(50);
    assert_int_equal(eco_procs_look(procs, false, &usage), 0);
    assert_int_equal(usage.job_count, 1);
    assert_int_equal(wait4(helper, NULL, 0, &used), helper);
    assert_int_equal(wait4(pid, NULL, 0, &used), pid);
    eco_procs_child_ended(procs, pid, &used);
    assert_int_equal(eco_procs_look(procs, true, &usage), -ESRCH);
    assert_same((double)usage.job_cpu_ns / 1e9, seconds_of(&used));
    close(named[0]);
    close(named[1]);
    procs = eco_procs_free(procs);
    eco_root_finish(&root);
}

/* All that ran, whoever it was; what a shell's short children used has a row of its own. */
static void test_machine(void **state)
{
    (void)state;
    struct eco_root root;
    struct eco_env env = {.root = &root, .clock = &eco_clock_system};
    struct eco_procs_options options = {.scope = ECO_SCOPE_MACHINE, .cgroup_dir_fd = -1};
    struct eco_procs *procs;
    struct eco_usage usage;
    double rows_s = 0, group_s = 0, parent_s = 0, before_s = children_s();
    bool self = false;
    int go;
    assert_int_equal(eco_root_init(&root, NULL, NULL), 0);
    pid_t pid = start(job_short, -1, &go);
    pause_ms(20);
    assert_int_equal(eco_procs_open(&eco_procs_scan, &env, &options, &procs, NULL), 0);
    assert_int_equal(eco_procs_add_root(procs, pid), 0);
    close(go);
    siginfo_t ended = {0};
    *told_ns = 0;
    while (ended.si_pid == 0) {
        pause_ms(100);
        (void)waitid(P_PID, (id_t)pid, &ended, WEXITED | WNOWAIT | WNOHANG);
        assert_int_equal(eco_procs_look(procs, ended.si_pid != 0, &usage), 0);
        rows_s = 0;
        for (uint32_t i = 0; i < usage.changed_count; i++) {
            const struct eco_proc *proc = usage.changed[i];
            self |= (proc->flags & ECO_PROC_SELF) != 0 && proc->pid == getpid();
            if ((proc->flags & ECO_PROC_JOB) == 0)
                continue;
            rows_s += (double)(proc->cpu_ns - proc->base_cpu_ns) / 1e9;
            if ((proc->flags & ECO_PROC_GROUP) != 0)
                group_s = (double)proc->cpu_ns / 1e9;
            else if (proc->pid == pid)
                parent_s = (double)proc->cpu_ns / 1e9;
        }
    }
    assert_true(self);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    /* 20 ms: ticks of the parent's books */
    eco_assert_near((double)usage.job_cpu_ns / 1e9, children_s() - before_s, 0.02 + 0.01 * children_s());
    /* but for children that a look happened to see */
    assert_true(group_s > 0.8 * ((double)usage.job_cpu_ns / 1e9 - parent_s));
    assert_true(rows_s <= (double)usage.job_cpu_ns / 1e9 + 1e-6);
    procs = eco_procs_free(procs);
    eco_root_finish(&root);
}

static void test_cgroup(void **state)
{
    (void)state;
    static const char path[] = "/sys/fs/cgroup/unified/ecocode-test-procs",
                      other[] = "/sys/fs/cgroup/ecocode-test-procs";
    char file[256];
    const char *made = path;
    if (mkdir(path, 0755) < 0 && errno != EEXIST)
        made = other;
    if (made == other && mkdir(other, 0755) < 0 && errno != EEXIST)
        skip();
    (void)snprintf(file, sizeof(file), "%s/cpu.stat", made);
    int fd = open(made, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 || access(file, R_OK) < 0) {
        (void)rmdir(made);
        skip();
    }
    struct outcome outcome = measure(job_short, 50, fd);
    struct outcome ignoring = measure(job_ignoring, 50, fd);
    close(fd);
    (void)rmdir(made);
    assert_true(outcome.exact && ignoring.exact);
    assert_same(outcome.job_s, outcome.used_s);
    assert_same(ignoring.job_s, ignoring.told_s);
}

static void test_gone_and_bad_pids(void **state)
{
    (void)state;
    struct eco_root root;
    struct eco_env env = {.root = &root, .clock = &eco_clock_system};
    struct eco_procs_options options = {.cgroup_dir_fd = -1};
    struct eco_procs *procs;
    struct eco_usage usage;
    pid_t pid = fork();
    if (pid == 0)
        _exit(0);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    assert_int_equal(eco_root_init(&root, NULL, NULL), 0);
    assert_int_equal(eco_procs_open(&eco_procs_scan, &env, &options, &procs, NULL), 0);
    assert_int_equal(eco_procs_add_root(procs, pid), -ESRCH);
    assert_int_equal(eco_procs_add_root(procs, 0), -ESRCH);
    assert_int_equal(eco_procs_add_root(procs, -1), -ESRCH);
    assert_int_equal(eco_procs_look(procs, false, &usage), -ESRCH);
    assert_int_equal(usage.job_cpu_ns, 0);
    procs = eco_procs_free(procs);
    eco_root_finish(&root);
}

static int set_up(void **state)
{
    (void)state;
    told_ns = mmap(NULL, sizeof(*told_ns), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    return told_ns == MAP_FAILED || prctl(PR_SET_CHILD_SUBREAPER, 1) != 0;
}

/* ---- who is new, by numbers ---- */

/* As clone3(2) takes it, up to set_tid_size. */
struct clone_request {
    uint64_t flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls, set_tid, set_tid_size;
};

/* A child with a number that was asked for: below those that are given out now. -1 where that may not be. */
static pid_t fork_as(pid_t wanted)
{
    struct clone_request request = {
        .exit_signal = SIGCHLD, .set_tid = (uint64_t)(uintptr_t)&wanted, .set_tid_size = 1};
    return (pid_t)syscall(SYS_clone3, &request, sizeof request);
}

static void *sleep_in_thread(void *context)
{
    (void)context;
    pause_ms(400);
    return NULL;
}

static bool is_known(struct eco_procs *procs, struct eco_usage *usage, pid_t pid)
{
    struct eco_scan *scan = (struct eco_scan *)procs;
    (void)usage;
    return eco_table_find(&scan->table, pid) != ECO_SLOT_NONE;
}

/* However many come and go, with threads among them: whoever lives is known at the look after. */
static void test_nobody_new_is_missed(void **state)
{
    (void)state;
    struct eco_root root;
    assert_int_equal(eco_root_init(&root, NULL, NULL), 0);
    const struct eco_env env = {.root = &root, .clock = &eco_clock_system};
    const struct eco_procs_options options = {.scope = ECO_SCOPE_MACHINE, .cgroup_dir_fd = -1};
    struct eco_procs *procs;
    struct eco_usage usage;
    assert_int_equal(eco_procs_open(&eco_procs_scan, &env, &options, &procs, NULL), 0);
    assert_int_equal(eco_procs_look(procs, false, &usage), 0);
    uint64_t listed_ns = ((struct eco_scan *)procs)->members.numbers.listed_ns;
    for (int round = 0; round < 20; round++) {
        pid_t living[20];
        pthread_t thread;
        assert_int_equal(pthread_create(&thread, NULL, sleep_in_thread, NULL), 0);
        (void)pthread_detach(thread);
        for (size_t i = 0; i < ECO_COUNT(living); i++) {
            pid_t brief = fork();
            if (brief == 0)
                _exit(0);
            assert_int_equal(waitpid(brief, NULL, 0), brief);
            living[i] = fork();
            if (living[i] == 0) {
                prctl(PR_SET_PDEATHSIG, SIGKILL); /* a test that fails leaves nobody behind */
                pause();
                _exit(0);
            }
        }
        assert_int_equal(eco_procs_look(procs, false, &usage), 0);
        for (size_t i = 0; i < ECO_COUNT(living); i++)
            assert_true(is_known(procs, &usage, living[i]));
        for (size_t i = 0; i < ECO_COUNT(living); i++) {
            kill(living[i], SIGKILL);
            waitpid(living[i], NULL, 0);
        }
        assert_int_equal(eco_procs_look(procs, false, &usage), 0);
        for (size_t i = 0; i < ECO_COUNT(living); i++)
            assert_false(is_known(procs, &usage, living[i]));
    }
    /* What is meant to be cheap was: not every look listed /proc. */
    assert_true(((struct eco_scan *)procs)->members.numbers.given > 0 ||
                ((struct eco_scan *)procs)->members.numbers.listed_ns == listed_ns);
    procs = eco_procs_free(procs);
    eco_root_finish(&root);
}

static void test_numbers_that_were_asked_for(void **state)
{
    (void)state;
    struct eco_root root;
    assert_int_equal(eco_root_init(&root, NULL, NULL), 0);
    const struct eco_env env = {.root = &root, .clock = &eco_clock_system};
    const struct eco_procs_options options = {.scope = ECO_SCOPE_MACHINE, .cgroup_dir_fd = -1};
    struct eco_procs *procs;
    struct eco_usage usage;
    pid_t first = fork(), again = -1;
    if (first == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        pause();
    }
    assert_int_equal(eco_procs_open(&eco_procs_scan, &env, &options, &procs, NULL), 0);
    assert_int_equal(eco_procs_look(procs, false, &usage), 0);
    for (int round = 0; round < 3; round++) {
        pid_t wanted = first - 1;
        while (wanted > 300 && kill(wanted, 0) == 0)
            wanted--;
        again = fork_as(wanted);
        if (again == 0) {
            prctl(PR_SET_PDEATHSIG, SIGKILL);
            pause();
        }
        if (again < 0)
            break;
        /* The last number given out does not move for it: something else has to. */
        pid_t brief = fork();
        if (brief == 0)
            _exit(0);
        assert_int_equal(waitpid(brief, NULL, 0), brief);
        assert_int_equal(eco_procs_look(procs, false, &usage), 0);
        assert_true(is_known(procs, &usage, again));
        kill(again, SIGKILL);
        waitpid(again, NULL, 0);
    }
    kill(first, SIGKILL);
    waitpid(first, NULL, 0);
    procs = eco_procs_free(procs);
    eco_root_finish(&root);
    if (again < 0)
        skip();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nobody_new_is_missed),
        cmocka_unit_test(test_numbers_that_were_asked_for),
        cmocka_unit_test(test_alone),
        cmocka_unit_test(test_children_and_grandchildren),
        cmocka_unit_test(test_short_children),
        cmocka_unit_test(test_short_children_seen_often),
        cmocka_unit_test(test_orphans),
        cmocka_unit_test(test_ignored_children),
        cmocka_unit_test(test_threads),
        cmocka_unit_test(test_exec_keeps_identity),
        cmocka_unit_test(test_strangers),
        cmocka_unit_test(test_own_helpers),
        cmocka_unit_test(test_machine),
        cmocka_unit_test(test_cgroup),
        cmocka_unit_test(test_gone_and_bad_pids),
    };
    return cmocka_run_group_tests_name("procs scan, live", tests, set_up, NULL);
}
