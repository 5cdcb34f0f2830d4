/* SPDX-License-Identifier: MIT */
#include "platform/clock.h"
#include "platform/perf.h"

#include "support/clock.h"
#include "support/perf.h"
#include "support/test.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static const struct eco_clock *const system_clock = &eco_clock_system;

static void clocks_go_on(void **state)
{
    (void)state;
    uint64_t mono = system_clock->mono_ns(system_clock), boot = system_clock->boot_ns(system_clock);
    int64_t real = system_clock->real_ns(system_clock);
    assert_true(mono > 0 && boot >= mono);
    assert_true(system_clock->mono_ns(system_clock) >= mono);
    assert_true(real / (int64_t)ECO_NS_PER_S - (int64_t)time(NULL) <= 1);
}

static void burn(uint64_t ns)
{
    uint64_t until = eco_clock_self_cpu_ns() + ns;
    while (eco_clock_self_cpu_ns() < until) {
    }
}

static void our_own_time(void **state)
{
    (void)state;
    uint64_t used = 0, before = eco_clock_self_cpu_ns();
    burn(5 * ECO_NS_PER_MS);
    assert_int_equal(system_clock->process_cpu_ns(system_clock, getpid(), &used), 0);
    assert_true(used >= before + 5 * ECO_NS_PER_MS);
    assert_true(eco_clock_self_cpu_ns() >= used);
}

/* Waits until a child that died is a zombie, not yet reaped. */
static void wait_until_dead(pid_t pid)
{
    siginfo_t info;
    assert_int_equal(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
}

static void anothers_time(void **state)
{
    (void)state;
    uint64_t used = 77;
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        burn(10 * ECO_NS_PER_MS);
        _exit(0);
    }
    wait_until_dead(pid);
    assert_int_equal(system_clock->process_cpu_ns(system_clock, pid, &used),
                     0); /* a zombie's time is still known */
    assert_true(used >= 10 * ECO_NS_PER_MS);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    uint64_t untouched = used;
    assert_int_equal(system_clock->process_cpu_ns(system_clock, pid, &used), -ESRCH);
    assert_true(used == untouched);
}

static void nobodys_time(void **state)
{
    (void)state;
    uint64_t used = 77;
    assert_int_equal(system_clock->process_cpu_ns(system_clock, 0, &used), -ESRCH); /* not our own */
    assert_int_equal(system_clock->process_cpu_ns(system_clock, -1, &used), -ESRCH);
    assert_int_equal(system_clock->process_cpu_ns(system_clock, 0x1fffffff, &used), -ESRCH);
    assert_true(used == 77);
}

static void our_own_size(void **state)
{
    (void)state;
    struct rusage usage;
    uint64_t bytes = eco_clock_self_max_rss_bytes();
    assert_int_equal(getrusage(RUSAGE_SELF, &usage), 0);
    assert_true(bytes > 100u << 10);
    assert_true(bytes <= (uint64_t)usage.ru_maxrss * 1024 + (4u << 20));
}

/* What the kernel has everywhere: a software clock, and no event of a type that does not exist. */
static void counters_open_and_close(void **state)
{
    (void)state;
    const struct eco_perf *perf = &eco_perf_system;
    uint64_t values[3] = {7, 7, 7};
    assert_true(perf->open(perf, 0xfffffff0u, 0, 0) < 0);
    int fd = perf->open(perf, 1, 0, 0); /* PERF_TYPE_SOFTWARE, PERF_COUNT_SW_CPU_CLOCK */
    if (fd < 0) {
        /* Not allowed here (seccomp, perf_event_paranoid): said, and no descriptor. */
        assert_true(fd == -EACCES || fd == -EPERM || fd == -ENOSYS || fd == -ENOENT);
        return;
    }
    burn(2 * ECO_NS_PER_MS);
    assert_int_equal(perf->read(perf, fd, values), 0);
    assert_true(values[0] > 0 && values[1] > 0 && values[1] >= values[2]);
    perf->close(perf, fd);
    assert_int_equal(perf->read(perf, fd, values), -EBADF);
    perf->close(perf, -1);
}

static void the_fake_clock_is_scripted(void **state)
{
    (void)state;
    static struct eco_fake_clock fake;
    eco_fake_clock_init(&fake);
    const struct eco_clock *clock = &fake.clock;
    uint64_t mono = clock->mono_ns(clock), used = 0;
    eco_fake_clock_advance(&fake, 5);
    eco_fake_clock_suspend(&fake, 100);
    assert_true(clock->mono_ns(clock) == mono + 5);
    assert_true(clock->boot_ns(clock) == mono + 105);
    eco_fake_clock_set(&fake, 10, 1234);
    assert_int_equal(clock->process_cpu_ns(clock, 10, &used), 0);
    assert_true(used == 1234);
    eco_fake_clock_drop(&fake, 10);
    assert_int_equal(clock->process_cpu_ns(clock, 10, &used), -ESRCH);
    fake.process_error = -ENOTSUP;
    assert_int_equal(clock->process_cpu_ns(clock, 10, &used), -ENOTSUP);
}

static void the_fake_counters_are_a_table(void **state)
{
    (void)state;
    static struct eco_fake_perf fake;
    uint64_t values[3];
    eco_fake_perf_init(&fake);
    const struct eco_perf *perf = &fake.perf;
    struct eco_fake_event *event = eco_fake_perf_add(&fake, 31, 2, 0, 1000);
    assert_int_equal(perf->open(perf, 31, 2, 1), -ENOENT);
    int fd = perf->open(perf, 31, 2, 0);
    assert_true(fd >= 0 && fake.open_count == 1);
    event->value = 1500;
    assert_int_equal(perf->read(perf, fd, values), 0);
    assert_true(values[0] == 1500);
    event->read_error = -EIO;
    assert_int_equal(perf->read(perf, fd, values), -EIO);
    perf->close(perf, fd);
    assert_int_equal(perf->read(perf, fd, values), -EBADF);
    assert_int_equal(fake.open_count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(clocks_go_on),
        cmocka_unit_test(our_own_time),
        cmocka_unit_test(anothers_time),
        cmocka_unit_test(nobodys_time),
        cmocka_unit_test(our_own_size),
        cmocka_unit_test(counters_open_and_close),
        cmocka_unit_test(the_fake_clock_is_scripted),
        cmocka_unit_test(the_fake_counters_are_a_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
