/* SPDX-License-Identifier: MIT */
/* Sources that behave badly, each in the real daemon: nobody else suffers, and nothing is left behind. */
#include "gpu/client.h"
#include "gpu/daemon.h"

#include "support/test.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define TICK_NS (10 * ECO_NS_PER_MS)

struct fake {
    struct eco_gpu_source base;
    uint64_t looks;
};

static void sleep_ms(long ms)
{
    const struct timespec span = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
    (void)nanosleep(&span, NULL);
}

static int fake_open(struct eco_gpu_source *self, struct eco_why *why)
{
    (void)self;
    (void)why;
    return 0;
}

static int none_open(struct eco_gpu_source *self, struct eco_why *why)
{
    (void)self;
    (void)why;
    return -ENODEV;
}

static int refused_open(struct eco_gpu_source *self, struct eco_why *why)
{
    (void)self;
    eco_why_set(why, "not for you");
    return -EACCES;
}

static size_t fake_devices(struct eco_gpu_source *self, struct eco_gpu_device *ret, size_t capacity)
{
    assert_true(capacity > 0);
    ret[0] = (struct eco_gpu_device){.parent = ECO_GPU_NO_PARENT, .vendor = ECO_GPU_AMD, .name = "fake"};
    (void)strcpy(ret[0].uuid, self->ops->name);
    return 1;
}

static int fake_sample(struct eco_gpu_source *self, struct eco_gpu_state *states, size_t *state_count,
                       struct eco_gpu_use *uses, size_t *use_count)
{
    struct fake *fake = (struct fake *)self;
    fake->looks++;
    states[0] = (struct eco_gpu_state){.fields = ECO_GPU_HAS_BUSY, .busy_ns = fake->looks};
    /* one that stays, one that comes and ends within each look */
    uses[0] = (struct eco_gpu_use){.pid = 1, .busy_ns = fake->looks, .flags = ECO_GPU_USE_CONTEXT};
    uses[1] =
        (struct eco_gpu_use){.pid = 1000 + (int32_t)fake->looks, .busy_ns = 7, .flags = ECO_GPU_USE_ENDED};
    *state_count = 1;
    *use_count = 2;
    return 0;
}

static int crash_sample(struct eco_gpu_source *self, struct eco_gpu_state *states, size_t *state_count,
                        struct eco_gpu_use *uses, size_t *use_count)
{
    struct fake *fake = (struct fake *)self;
    if (fake->looks == 3)
        (void)raise(SIGSEGV);
    return fake_sample(self, states, state_count, uses, use_count);
}

static int hang_sample(struct eco_gpu_source *self, struct eco_gpu_state *states, size_t *state_count,
                       struct eco_gpu_use *uses, size_t *use_count)
{
    sigset_t all;
    (void)sigfillset(&all);
    (void)sigprocmask(SIG_SETMASK, &all, NULL);
    if (((struct fake *)self)->looks == 3)
        for (;;)
            sleep_ms(1000);
    return fake_sample(self, states, state_count, uses, use_count);
}

static const struct eco_gpu_source_ops good = {"good",       sizeof(struct fake), fake_open,
                                               fake_devices, fake_sample,         NULL};
static const struct eco_gpu_source_ops crashing = {"crashing",   sizeof(struct fake), fake_open,
                                                   fake_devices, crash_sample,        NULL};
static const struct eco_gpu_source_ops hanging = {"hanging",    sizeof(struct fake), fake_open,
                                                  fake_devices, hang_sample,         NULL};
static const struct eco_gpu_source_ops none = {"none",       sizeof(struct fake), none_open,
                                               fake_devices, fake_sample,         NULL};
static const struct eco_gpu_source_ops refused = {"refused",    sizeof(struct fake), refused_open,
                                                  fake_devices, fake_sample,         NULL};

struct running {
    pid_t pid;
    struct eco_gpu_client *client;
};

static struct running start(const struct eco_gpu_source_ops *const *sources)
{
    struct running running = {0};
    int ends[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
    running.pid = fork();
    assert_true(running.pid >= 0);
    if (running.pid == 0) {
        (void)close(ends[0]);
        (void)setpgid(0, 0);
        (void)signal(SIGSEGV, SIG_DFL); /* cmocka's */
        struct eco_root root;
        if (eco_root_init(&root, NULL, NULL) < 0)
            _exit(1);
        const struct eco_env env = {.root = &root, .clock = &eco_clock_system};
        const struct eco_gpu_daemon_options options = {.fd = ends[1],
                                                       .interval_ns = TICK_NS,
                                                       .sources = sources,
                                                       .env = &env,
                                                       .patience_ns = 200 * ECO_NS_PER_MS,
                                                       .retry_ns = 50 * ECO_NS_PER_MS};
        eco_gpu_daemon_be(&options);
        _exit(0);
    }
    (void)setpgid(running.pid, running.pid);
    (void)close(ends[1]);
    assert_int_equal(eco_gpu_client_new(ends[0], &running.client), 0);
    return running;
}

static void read_for(struct running *running, int ms)
{
    for (int i = 0; i < ms / 10; i++) {
        sleep_ms(10);
        (void)eco_gpu_client_read(running->client, eco_clock_system.mono_ns(&eco_clock_system));
    }
}

/* The daemon ends, and so do all processes of its group: nobody is orphaned. */
static void stop(struct running *running)
{
    running->client = eco_gpu_client_free(running->client);
    assert_int_equal(waitpid(running->pid, NULL, 0), running->pid);
    bool is_gone = false;
    for (int i = 0; i < 200 && !is_gone; i++) {
        is_gone = kill(-running->pid, 0) != 0 && errno == ESRCH;
        sleep_ms(10);
    }
    assert_true(is_gone);
}

static const struct eco_gpu_seen_source *source_of(const struct running *running, size_t place)
{
    const struct eco_gpu_seen_source *source = eco_gpu_client_source(running->client, place);
    assert_non_null(source);
    return source;
}

static void test_crash_and_hang_touch_no_other(void **state)
{
    (void)state;
    const struct eco_gpu_source_ops *const sources[] = {&crashing, &hanging, &good, &none, &refused, NULL};
    struct running running = start(sources);
    read_for(&running, 800);
    assert_true(source_of(&running, 0)->opened_count >= 2); /* tried again */
    assert_true(source_of(&running, 1)->opened_count >= 2);
    assert_int_equal(source_of(&running, 4)->error, -EACCES);
    assert_string_equal(source_of(&running, 4)->why.text, "not for you");
    assert_int_equal(source_of(&running, 2)->opened_count, 1);
    assert_true(source_of(&running, 2)->look_count > 30);
    assert_int_equal(source_of(&running, 3)->opened_count, 0);
    assert_int_equal(*source_of(&running, 3)->why.text, 0); /* silent */
    assert_int_equal(eco_gpu_client_devices(running.client), 3);
    stop(&running);
}

static void test_reasons(void **state)
{
    (void)state;
    const struct eco_gpu_source_ops *const sources[] = {&crashing, &hanging, NULL};
    struct running running = start(sources);
    bool has_crash = false, has_hang = false;
    for (int i = 0; i < 80 && !(has_crash && has_hang); i++) {
        read_for(&running, 10);
        for (size_t k = 0; k < eco_gpu_client_sources(running.client); k++) {
            const struct eco_gpu_seen_source *source = source_of(&running, k);
            has_crash = has_crash || (source->error == -EFAULT && strstr(source->why.text, "crashed"));
            has_hang = has_hang || (source->error == -ETIMEDOUT && strstr(source->why.text, "not answered"));
        }
    }
    assert_true(has_crash && has_hang);
    stop(&running);
}

static void test_ends_when_nothing_is_here(void **state)
{
    (void)state;
    const struct eco_gpu_source_ops *const sources[] = {&none, &none, NULL};
    struct running running = start(sources);
    int status;
    assert_int_equal(waitpid(running.pid, &status, 0), running.pid);
    assert_int_equal(status, 0);
    assert_int_equal(eco_gpu_client_read(running.client, 1), -EPIPE);
    (void)eco_gpu_client_free(running.client);
}

/* A killed daemon takes its workers along. */
static void test_killed(void **state)
{
    (void)state;
    const struct eco_gpu_source_ops *const sources[] = {&good, &hanging, NULL};
    struct running running = start(sources);
    read_for(&running, 100);
    (void)kill(running.pid, SIGKILL);
    stop(&running);
}

/* A reader that sleeps loses no use: what ended meanwhile is told later, and sums are whole. */
static void test_reader_that_sleeps(void **state)
{
    (void)state;
    const struct eco_gpu_source_ops *const sources[] = {&good, NULL};
    struct running running = start(sources);
    for (int i = 0; i < 4; i++) {
        sleep_ms(1200);
        eco_gpu_client_ask(running.client);
        sleep_ms(50);
        (void)eco_gpu_client_read(running.client, 1);
    }
    read_for(&running, 100);
    uint64_t ended_ns = 0, looks = eco_gpu_client_device(running.client, 0)->busy_ns;
    for (size_t i = 0; i < eco_gpu_client_uses(running.client); i++) {
        const struct eco_gpu_seen_use *use = eco_gpu_client_use(running.client, i);
        if (use->pid >= 1000)
            ended_ns += use->busy_ns;
    }
    assert_true(looks > 300);
    assert_true(ended_ns / 7 >= looks - 2 && ended_ns / 7 <= looks + 2);
    stop(&running);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_crash_and_hang_touch_no_other),
        cmocka_unit_test(test_reasons),
        cmocka_unit_test(test_ends_when_nothing_is_here),
        cmocka_unit_test(test_killed),
        cmocka_unit_test(test_reader_that_sleeps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
