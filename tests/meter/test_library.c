/* SPDX-License-Identifier: MIT */
/* libecocode as a program meets it: the public header, the shared library, real threads, a fork in between.
 */
#include <ecocode/ecocode.h>

#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define MS       1000000ull
#define INTERVAL (10 * MS)

static void sleep_ns(uint64_t ns)
{
    struct timespec left = {(time_t)(ns / 1000000000ull), (long)(ns % 1000000000ull)};
    while (nanosleep(&left, &left) < 0 && errno == EINTR)
        continue;
}

static double thread_cpu_s(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static void burn(double cpu_s)
{
    double until = thread_cpu_s() + cpu_s;
    while (thread_cpu_s() < until)
        continue;
}

static struct eco_meter *open_meter(uint64_t interval_ns)
{
    struct eco_meter_options options = {.size = sizeof options, .interval_ns = interval_ns};
    struct eco_meter *meter = NULL;
    char why[256] = "";
    int r = eco_meter_open(&options, &meter, why, sizeof why);
    if (r < 0)
        fail_msg("eco_meter_open: %d %s", r, why);
    assert_int_equal(eco_meter_add_root(meter, getpid()), 0);
    return meter;
}

static void assert_adds_up(const struct eco_totals *totals)
{
    if (isnan(totals->machine_j))
        return; /* a machine of which nothing is known, not even its CPU */
    double sum = totals->job_j + totals->others_j + totals->idle_j + totals->unattributed_j;
    assert_true(fabs(sum - totals->machine_j) <= 1e-9 * fabs(totals->machine_j) + 1e-9);
    assert_true(totals->job_low_j <= totals->job_j && totals->job_j <= totals->job_high_j);
    assert_in_range(totals->quality, 1, 3);
}

static void test_options(void **state)
{
    (void)state;
    struct eco_meter *meter = NULL;
    char why[256], short_why[8];
    struct eco_meter_options options = {.size = 0};
    assert_int_equal(eco_meter_open(&options, &meter, why, sizeof why), -EINVAL);
    assert_true(why[0] != '\0');
    options = (struct eco_meter_options){.size = sizeof options, .interval_ns = 1000};
    assert_int_equal(eco_meter_open(&options, &meter, short_why, sizeof short_why), -EINVAL);
    assert_int_equal(strlen(short_why), sizeof short_why - 1);
    options = (struct eco_meter_options){.size = sizeof options, .policy = 99};
    assert_int_equal(eco_meter_open(&options, &meter, NULL, 0), -EINVAL);
    options = (struct eco_meter_options){.size = sizeof options, .idle_power = "much"};
    assert_int_equal(eco_meter_open(&options, &meter, why, sizeof why), -EINVAL);
    options = (struct eco_meter_options){.size = sizeof options, .procfs_path = "/nowhere/at/all"};
    assert_int_equal(eco_meter_open(&options, &meter, why, sizeof why), -ENOENT);
    assert_null(meter);
    assert_null(eco_meter_free(NULL));
    assert_null(eco_reader_free(NULL));
    eco_frame_unref(NULL);
    assert_null(eco_frame_ref(NULL));
    assert_true(strlen(eco_version()) >= 5);
}

/* A program built against an older or a newer header than the library's. */
static void test_sizes(void **state)
{
    (void)state;
    struct eco_meter_options options = {.size = offsetof(struct eco_meter_options, policy)};
    options.policy = 99; /* beyond its size: not looked at */
    struct eco_meter *meter = NULL;
    assert_int_equal(eco_meter_open(&options, &meter, NULL, 0), 0);
    assert_int_equal(eco_meter_tick(meter), 0);
    assert_int_equal(eco_meter_tick(meter), 0);

    struct {
        struct eco_totals totals;
        double newer;
    } longer = {.totals = {.size = sizeof longer}, .newer = 7};
    assert_int_equal(eco_meter_totals(meter, &longer.totals), 0);
    assert_int_equal(longer.totals.size, sizeof longer);
    assert_true(longer.totals.duration_s > 0 && longer.newer > 6.9);

    struct eco_totals older = {.size = offsetof(struct eco_totals, machine_j), .machine_j = -7};
    assert_int_equal(eco_meter_totals(meter, &older), 0);
    assert_true(older.duration_s > 0 && older.machine_j < -6.9);
    older.size = 1;
    assert_int_equal(eco_meter_totals(meter, &older), -EINVAL);
    assert_null(eco_meter_free(meter));
}

static void test_ticks(void **state)
{
    (void)state;
    struct eco_meter *meter = open_meter(0);
    struct eco_reader *reader;
    struct eco_frame *frame = NULL;
    struct eco_totals totals = {.size = sizeof totals};
    assert_int_equal(eco_meter_add_root(meter, 0x3ffffff), -ESRCH);
    assert_int_equal(eco_meter_tick(meter), 0);
    assert_int_equal(eco_meter_reader(meter, &reader), 0);
    assert_int_equal(eco_reader_next(reader, 0, &frame), -EAGAIN);
    assert_int_equal(eco_reader_next(reader, 5 * MS, &frame), -EAGAIN);
    assert_null(frame);
    burn(0.05);
    assert_int_equal(eco_meter_tick(meter), 0);
    assert_int_equal(eco_reader_next(reader, UINT64_MAX, &frame), 0);
    struct eco_frame_info info = {.size = sizeof info};
    assert_int_equal(eco_frame_get(frame, &info), 0);
    assert_true(info.seq == 1 && !info.keyframe && info.t1_ns > info.t0_ns && info.job_cpu_s >= 0.04);
    double machine_j = 0;
    for (unsigned d = 0; d < info.domain_count; d++) {
        struct eco_frame_domain_info domain = {.size = sizeof domain};
        assert_int_equal(eco_frame_get_domain(frame, d, &domain), 0);
        assert_true(domain.name && domain.name[0]);
        if (domain.counted && domain.known)
            machine_j += domain.machine_j;
    }
    assert_true(isnan(info.machine_j) || fabs(machine_j - info.machine_j) < 1e-9);
    struct eco_frame_domain_info none = {.size = sizeof none};
    assert_int_equal(eco_frame_get_domain(frame, info.domain_count, &none), -EINVAL);
    struct eco_frame_process_info process = {.size = sizeof process};
    assert_true(info.process_count >= 1);
    assert_int_equal(eco_frame_get_process(frame, 0, &process), 0);
    assert_true(process.pid == getpid() && process.cpu_s >= 0.04 && process.name[0]);
    assert_int_equal(eco_frame_get_process(frame, info.process_count, &process), -EINVAL);
    assert_int_equal(eco_meter_totals(meter, &totals), 0);
    assert_true(totals.job_cpu_s >= 0.04);
    assert_adds_up(&totals);
    assert_null(eco_reader_free(reader));
    assert_null(eco_meter_free(meter));
    /* A frame may outlive its meter: its own figures stay. */
    assert_int_equal(eco_frame_get(frame, &info), 0);
    assert_true(info.seq == 1);
    eco_frame_unref(frame);
}

static void test_child_ended(void **state)
{
    (void)state;
    struct eco_meter *meter = open_meter(0);
    struct rusage usage;
    int status;
    assert_int_equal(eco_meter_tick(meter), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        burn(0.1);
        _exit(0);
    }
    assert_int_equal(wait4(pid, &status, 0, &usage), pid);
    assert_int_equal(eco_meter_child_ended(meter, pid, &usage), 0);
    assert_int_equal(eco_meter_tick(meter), 0);
    struct eco_totals totals = {.size = sizeof totals};
    assert_int_equal(eco_meter_totals(meter, &totals), 0);
    assert_true(totals.job_cpu_s >= 0.09);
    assert_adds_up(&totals);
    assert_null(eco_meter_free(meter));
}

/* What a thread of the program saw; looked at only after it was joined. */
struct watcher {
    struct eco_meter *meter;
    struct eco_reader *reader;
    uint64_t pause_ns; /* before every look */
    unsigned wanted;   /* frames */
    pthread_t thread;
    unsigned frames, keyframes, gaps, errors;
    bool is_contiguous;
    double job_cpu_s, machine_j;
};

/* Frames follow each other in time without a gap; one of totals stands for all before it. */
static void take(struct watcher *watcher, const struct eco_frame *frame, struct eco_frame_info *last)
{
    struct eco_frame_info info = {.size = sizeof info};
    if (eco_frame_get(frame, &info) != 0 || info.t1_ns < info.t0_ns)
        watcher->errors++;
    if (last->seq && !info.keyframe && (info.seq != last->seq + 1 || info.t0_ns != last->t1_ns))
        watcher->gaps++;
    if (info.keyframe && last->seq && info.seq <= last->seq)
        watcher->errors++;
    for (unsigned d = 0; d < info.domain_count; d++) {
        struct eco_frame_domain_info domain = {.size = sizeof domain};
        if (eco_frame_get_domain(frame, d, &domain) != 0 || !domain.name[0])
            watcher->errors++;
    }
    for (uint32_t i = 0; i < info.process_count; i++) {
        struct eco_frame_process_info process = {.size = sizeof process};
        if (eco_frame_get_process(frame, i, &process) != 0 || memchr(process.name, 0, 256) == NULL)
            watcher->errors++;
    }
    watcher->keyframes += info.keyframe != 0;
    watcher->job_cpu_s = info.keyframe ? info.job_cpu_s : watcher->job_cpu_s + info.job_cpu_s;
    *last = info;
}

static void *watch(void *argument)
{
    struct watcher *watcher = argument;
    struct eco_frame_info last = {.size = sizeof last};
    while (watcher->frames < watcher->wanted) {
        struct eco_frame *frame, *held;
        sleep_ns(watcher->pause_ns);
        int r = eco_reader_next(watcher->reader, UINT64_MAX, &frame);
        if (r < 0) {
            watcher->errors++;
            break;
        }
        held = eco_frame_ref(frame);
        eco_frame_unref(frame);
        take(watcher, held, &last);
        eco_frame_unref(held);
        watcher->frames++;
    }
    return NULL;
}

static void start_watcher(struct watcher *watcher)
{
    assert_int_equal(eco_meter_reader(watcher->meter, &watcher->reader), 0);
    assert_int_equal(pthread_create(&watcher->thread, NULL, watch, watcher), 0);
}

static void test_thread_and_readers(void **state)
{
    (void)state;
    struct eco_meter *meter = open_meter(INTERVAL);
    struct watcher quick = {.meter = meter, .wanted = 60};
    struct watcher slow = {.meter = meter, .wanted = 4, .pause_ns = 20 * INTERVAL};
    assert_int_equal(eco_meter_stop(meter), 0);
    assert_int_equal(eco_meter_start(meter), 0);
    assert_int_equal(eco_meter_start(meter), -EALREADY);
    start_watcher(&quick);
    start_watcher(&slow);
    struct eco_totals totals = {.size = sizeof totals};
    double machine_j = 0, cpu_s = 0;
    for (int i = 0; i < 20; i++) { /* asked for while the thread looks */
        burn(0.01);
        assert_int_equal(eco_meter_tick(meter), 0); /* beside the thread */
        assert_int_equal(eco_meter_totals(meter, &totals), 0);
        assert_adds_up(&totals);
        assert_true(totals.job_cpu_s >= cpu_s && (isnan(totals.machine_j) || totals.machine_j >= machine_j));
        cpu_s = totals.job_cpu_s;
        machine_j = isnan(totals.machine_j) ? 0 : totals.machine_j;
    }
    (void)pthread_join(quick.thread, NULL);
    (void)pthread_join(slow.thread, NULL);
    assert_int_equal(eco_meter_stop(meter), 0);
    assert_int_equal(quick.errors + slow.errors, 0);
    assert_int_equal(quick.frames, 60);
    assert_int_equal(quick.gaps + slow.gaps, 0);
    assert_true(slow.keyframes >= 1);
    assert_int_equal(eco_meter_tick(meter), 0);
    assert_int_equal(eco_meter_totals(meter, &totals), 0);
    assert_true(totals.job_cpu_s >= 0.19 && quick.job_cpu_s <= totals.job_cpu_s + 1e-6);
    assert_true(slow.job_cpu_s <= totals.job_cpu_s + 1e-6);
    assert_adds_up(&totals);

    struct eco_frame *frame;
    assert_int_equal(eco_reader_next(quick.reader, 0, &frame), 0);
    eco_frame_unref(frame);
    assert_int_equal(eco_meter_start(meter), 0); /* and once more */
    while (eco_reader_next(quick.reader, 0, &frame) == 0)
        eco_frame_unref(frame);
    assert_int_equal(eco_reader_next(quick.reader, 20000 * MS, &frame), 0);
    eco_frame_unref(frame);
    assert_null(eco_reader_free(quick.reader));
    assert_null(eco_reader_free(slow.reader));
    assert_null(eco_meter_free(meter)); /* stops the thread */
}

/* In a child: everything is refused, freeing returns. The number of the first check that fails, 0 = none. */
static int child_checks(struct eco_meter *meter, struct eco_reader *reader)
{
    struct eco_totals totals = {.size = sizeof totals};
    struct eco_reader *other = NULL;
    struct eco_frame *frame = NULL;
    struct rusage usage;
    (void)alarm(20); /* a hang is a failure of its own */
    (void)getrusage(RUSAGE_SELF, &usage);
    const int results[] = {eco_meter_tick(meter),
                           eco_meter_totals(meter, &totals),
                           eco_meter_add_root(meter, getpid()),
                           eco_meter_child_ended(meter, getpid(), &usage),
                           eco_meter_start(meter),
                           eco_meter_stop(meter),
                           eco_meter_reader(meter, &other),
                           eco_reader_next(reader, 1000 * MS, &frame)};
    for (unsigned i = 0; i < sizeof results / sizeof results[0]; i++)
        if (results[i] != -ECANCELED)
            return (int)i + 1;
    (void)eco_reader_free(reader);
    if (eco_meter_free(meter) != NULL)
        return 20;
    /* The child may have a meter of its own. */
    struct eco_meter_options options = {.size = sizeof options};
    struct eco_meter *own;
    if (eco_meter_open(&options, &own, NULL, 0) < 0 || eco_meter_add_root(own, getpid()) < 0 ||
        eco_meter_tick(own) < 0 || eco_meter_tick(own) < 0 || eco_meter_totals(own, &totals) < 0)
        return 21;
    (void)eco_meter_free(own);
    return 0;
}

static void test_fork(void **state)
{
    (void)state;
    struct eco_meter *meter = open_meter(INTERVAL);
    struct watcher quick = {.meter = meter, .wanted = 50};
    assert_int_equal(eco_meter_start(meter), 0);
    start_watcher(&quick);
    struct eco_reader *reader;
    assert_int_equal(eco_meter_reader(meter, &reader), 0);
    for (int i = 0; i < 10; i++) { /* whatever the thread holds at that moment */
        int status;
        sleep_ns((uint64_t)i * MS);
        pid_t pid = fork();
        assert_true(pid >= 0);
        if (pid == 0)
            _exit(child_checks(meter, reader));
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_int_equal(status, 0);
    }
    (void)pthread_join(quick.thread, NULL);
    assert_int_equal(quick.errors + quick.gaps, 0);
    assert_int_equal(quick.frames, 50);
    assert_null(eco_reader_free(quick.reader));
    assert_null(eco_reader_free(reader));
    assert_null(eco_meter_free(meter));
}

static volatile sig_atomic_t caught;
static pthread_t catcher;

static void on_signal(int number)
{
    (void)number;
    catcher = pthread_self();
    caught++;
}

/* Signals are the program's: with all of its threads closed to one, it stays pending. */
static void test_signals(void **state)
{
    (void)state;
    static const int numbers[] = {SIGUSR1, SIGTERM, SIGCHLD, SIGALRM, SIGPROF};
    struct sigaction action = {.sa_handler = on_signal}, before[5];
    sigset_t set, pending, mask;
    struct eco_meter *meter = open_meter(INTERVAL);
    assert_int_equal(eco_meter_start(meter), 0);
    (void)sigemptyset(&set);
    for (unsigned i = 0; i < 5; i++) {
        assert_int_equal(sigaction(numbers[i], &action, &before[i]), 0);
        (void)sigaddset(&set, numbers[i]);
    }
    (void)pthread_sigmask(SIG_BLOCK, NULL, &mask);
    assert_false(sigismember(&mask, SIGUSR1)); /* eco_meter_start left ours as it was */
    assert_int_equal(pthread_sigmask(SIG_BLOCK, &set, NULL), 0);
    for (unsigned i = 0; i < 5; i++)
        assert_int_equal(kill(getpid(), numbers[i]), 0);
    sleep_ns(10 * INTERVAL);
    assert_int_equal(caught, 0);
    (void)sigpending(&pending);
    assert_true(sigismember(&pending, SIGUSR1) && sigismember(&pending, SIGPROF));
    assert_int_equal(pthread_sigmask(SIG_UNBLOCK, &set, NULL), 0);
    assert_int_equal(caught, 5);
    assert_true(pthread_equal(catcher, pthread_self()));
    for (unsigned i = 0; i < 5; i++)
        (void)sigaction(numbers[i], &before[i], NULL);
    assert_null(eco_meter_free(meter));
}

static void test_end(void **state)
{
    (void)state;
    struct eco_meter_options options = {.size = sizeof options};
    struct eco_meter *meter = NULL;
    struct eco_reader *reader = NULL;
    struct eco_frame *frame = NULL;
    char why[128] = "";
    assert_int_equal(eco_meter_open(NULL, &meter, why, sizeof why), -EINVAL);
    assert_true(why[0] != '\0');
    assert_int_equal(eco_meter_open(&options, &meter, why, sizeof why), 0);
    assert_int_equal(eco_meter_end(meter), -EINVAL);
    assert_int_equal(eco_meter_tick(meter), 0);
    assert_int_equal(eco_meter_reader(meter, &reader), 0);
    assert_int_equal(eco_meter_end(meter), 0);
    assert_int_equal(eco_reader_next(reader, 0, &frame), 0);
    struct eco_frame_info info = {.size = sizeof info};
    assert_int_equal(eco_frame_get(frame, &info), 0);
    assert_true(info.last);
    eco_frame_unref(frame);
    assert_int_equal(eco_reader_next(reader, 0, &frame), -EPIPE);
    assert_int_equal(eco_meter_tick(meter), -EPIPE);
    reader = eco_reader_free(reader);
    meter = eco_meter_free(meter);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_options),
                                       cmocka_unit_test(test_sizes),
                                       cmocka_unit_test(test_ticks),
                                       cmocka_unit_test(test_child_ended),
                                       cmocka_unit_test(test_thread_and_readers),
                                       cmocka_unit_test(test_fork),
                                       cmocka_unit_test(test_signals),
                                       cmocka_unit_test(test_end)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
