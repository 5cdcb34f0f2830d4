/* SPDX-License-Identifier: MIT */
/* Who was on a CPU, by the hook on switches, against wait4. The machine may have other work at the same time.
 */
#include "bpf_feed.h"
#include "procs/bpf/feed.h"

#include <fcntl.h>
#include <linux/perf_event.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#define PIDS_MAX 4194304

struct sums {
    uint64_t on_ns, shared_ns, by_cpu_ns[64];
    uint64_t own_ns;          /* of this process, which reads */
    uint64_t of_pid_ns[4096]; /* by pid modulo */
    uint64_t *of_each_ns;     /* by pid, NULL: not wanted */
    bool is_torn;
};

static int sums_add(void *context, const struct eco_feed_stint *stint)
{
    struct sums *sums = context;
    sums->is_torn |= stint->pid <= 0 || stint->pid > PIDS_MAX || stint->on_ns == 0 ||
                     stint->on_ns > 60 * ECO_NS_PER_S || stint->shared_ns > stint->on_ns;
    if (sums->of_each_ns && !sums->is_torn)
        sums->of_each_ns[stint->pid] += stint->on_ns;
    if (stint->pid == getpid()) {
        sums->own_ns += stint->on_ns;
        return 0;
    }
    sums->on_ns += stint->on_ns;
    sums->shared_ns += stint->shared_ns;
    sums->by_cpu_ns[stint->cpu % 64] += stint->on_ns;
    sums->of_pid_ns[stint->pid % 4096] += stint->on_ns;
    return 0;
}

static uint64_t wait_ns(pid_t pid)
{
    struct rusage usage;
    assert_int_equal(wait4(pid, NULL, 0, &usage), pid);
    return ((uint64_t)usage.ru_utime.tv_sec + (uint64_t)usage.ru_stime.tv_sec) * ECO_NS_PER_S +
           ((uint64_t)usage.ru_utime.tv_usec + (uint64_t)usage.ru_stime.tv_usec) * 1000;
}

static void look(struct eco_feed *feed, struct sums *sums)
{
    assert_int_equal(feed->ops->stints(feed, sums_add, sums), 0);
    assert_false(sums->is_torn);
}

static uint64_t lost_ns(const struct eco_feed *feed)
{
    struct eco_feed_health health;
    feed->ops->health(feed, &health);
    return health.lost_ns;
}

/* From fork on: a child has some time before it is pinned. */
static pid_t loop_on(int cpu, unsigned ms)
{
    pid_t pid = fork();
    if (pid == 0) {
        pin(cpu);
        spin_ms(ms);
        _exit(0);
    }
    return pid;
}

/*
 * A child that sleeps before and after its work, so that all clocks can be read of the same time. What the
 * host of a virtual machine takes from a CPU, and interrupts where the kernel has times of their own, is in
 * nobody's CPU time, though the process stays on the CPU all the same; the hook's time has it. perf's clock
 * of a task goes on meanwhile (kernel/events/core.c, task_clock_event_update): it tells how much that was.
 */
struct watched {
    pid_t pid;
    int clock_fd; /* -1: not permitted here, then nothing is known to be taken */
    clockid_t clock;
    uint64_t base_ns, used_ns, taken_ns;
};

struct gate {
    int fds[2];
};

static int open_task_clock(pid_t pid)
{
    struct perf_event_attr attr = {
        .type = PERF_TYPE_SOFTWARE, .size = sizeof(attr), .config = PERF_COUNT_SW_TASK_CLOCK};
    return (int)syscall(SYS_perf_event_open, &attr, pid, -1, -1, PERF_FLAG_FD_CLOEXEC);
}

static bool is_asleep(pid_t pid)
{
    char path[64], text[512];
    (void)snprintf(path, sizeof(path), "/proc/%d/stat", pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd >= 0 ? read(fd, text, sizeof(text) - 1) : 0;
    if (fd >= 0)
        (void)close(fd);
    text[n > 0 ? n : 0] = '\0';
    return strstr(text, ") S ") != NULL;
}

static void await_asleep(pid_t pid)
{
    for (unsigned i = 0; i < 10000 && !is_asleep(pid); i++)
        pause_ms(1);
    assert_true(is_asleep(pid));
}

static struct watched watch(struct gate *gate, void (*work)(unsigned), unsigned number)
{
    struct watched one = {.pid = fork()};
    if (one.pid == 0) {
        char go;
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL); /* for a test that fails meanwhile */
        (void)close(gate->fds[1]);
        (void)!read(gate->fds[0], &go, 1);
        work(number);
        for (;;)
            (void)pause();
    }
    await_asleep(one.pid);
    one.clock_fd = open_task_clock(one.pid);
    assert_int_equal(clock_getcpuclockid(one.pid, &one.clock), 0);
    one.base_ns = now_ns(one.clock);
    return one;
}

/* From here on all is counted, and nothing before. */
static void open_gate(struct gate *gate, struct eco_feed *feed, struct sums *sums)
{
    look(feed, sums);
    *sums = (struct sums){0};
    (void)close(gate->fds[0]);
    (void)close(gate->fds[1]);
}

/* Its work is done: fills used_ns and taken_ns, and ends it. */
static void look_at_end(struct watched *one, struct eco_feed *feed, struct sums *sums)
{
    uint64_t on_ns = 0;
    await_asleep(one->pid);
    look(feed, sums);
    one->used_ns = now_ns(one->clock) - one->base_ns;
    if (one->clock_fd >= 0) {
        assert_int_equal(read(one->clock_fd, &on_ns, sizeof(on_ns)), sizeof(on_ns));
        (void)close(one->clock_fd);
    }
    one->taken_ns = on_ns > one->used_ns ? on_ns - one->used_ns : 0;
    (void)kill(one->pid, SIGKILL);
    (void)wait_ns(one->pid);
}

enum verdict { WRONG, RIGHT, DISTURBED };

/*
 * The kernel begins the time of somebody whom it wakes when it decides so, the hook when the CPU changes
 * hands: on a machine that has other work these differ. So a comparison may be tried again.
 */
static bool is_near(uint64_t got, uint64_t truth, double share)
{
    print_message("# %.3f ms of %.3f ms\n", (double)got / 1e6, (double)truth / 1e6);
    return fabs((double)got - (double)truth) <= share * (double)truth;
}

/* Where more than a part in 500 was taken from them nothing can be said. */
static enum verdict judge(bool is_right, uint64_t taken_ns, uint64_t used_ns)
{
    if (taken_ns > used_ns / 500)
        print_message("# %.3f ms of it were taken by the host\n", (double)taken_ns / 1e6);
    return is_right ? RIGHT : taken_ns > used_ns / 500 ? DISTURBED : WRONG;
}

static void try_often(void **state)
{
    enum verdict (*once)(void) = *(enum verdict(**)(void)) * state;

    for (unsigned i = 0, wrong = 0; i < 30; i++) {
        enum verdict verdict = once();
        if (verdict == RIGHT)
            return;
        wrong += verdict == WRONG;
        if (wrong == 6)
            fail_msg("six times in vain");
    }
    print_message("the host takes too much of these CPUs\n");
    skip();
}

static void spin_and_sleep(unsigned number)
{
    for (unsigned k = 0; k < 10 + number; k++) {
        spin_ms(3);
        pause_ms(2);
    }
}

/* Every process by itself and all together, looked at while they run and sleep. */
static enum verdict truth_once(void)
{
    bool is_right = true;
    enum { N = 6 };
    struct eco_bpf_request request = {.has_switch = true};
    struct sums sums = {0};
    struct watched children[N];
    struct gate gate;
    uint64_t truth = 0, taken = 0;
    FEED_OR_SKIP(feed, &request);

    assert_int_equal(pipe(gate.fds), 0);
    for (unsigned i = 0; i < N; i++)
        children[i] = watch(&gate, spin_and_sleep, i);
    open_gate(&gate, feed, &sums);
    for (unsigned i = 0; i < 20; i++) {
        pause_ms(10);
        look(feed, &sums);
    }
    for (unsigned i = 0; i < N; i++)
        await_asleep(children[i].pid);
    look(feed, &sums);
    uint64_t all = sums.on_ns; /* before their ends add to it */
    for (unsigned i = 0; i < N; i++) {
        look_at_end(&children[i], feed, &sums);
        truth += children[i].used_ns;
        taken += children[i].taken_ns;
        is_right &= is_near(sums.of_pid_ns[children[i].pid % 4096], children[i].used_ns, 0.01);
    }
    is_right &= is_near(all, truth, 0.01);
    assert_int_equal(lost_ns(feed), 0);
    (void)eco_feed_free(feed);
    return judge(is_right, taken, truth);
}

/* Somebody who never leaves the CPU is seen while it runs. */
static enum verdict running_once(void)
{
    bool is_right = true;
    struct eco_bpf_request request = {.has_switch = true};
    struct sums sums = {0};
    struct gate gate;
    uint64_t last = 0;
    FEED_OR_SKIP(feed, &request);

    assert_int_equal(pipe(gate.fds), 0);
    struct watched child = watch(&gate, spin_ms, 300);
    open_gate(&gate, feed, &sums);
    for (unsigned i = 0; i < 4; i++) {
        pause_ms(60);
        look(feed, &sums);
        assert_true(sums.on_ns > last);
        last = sums.on_ns;
    }
    look_at_end(&child, feed, &sums);
    is_right &= is_near(sums.on_ns, child.used_ns, 0.01);
    (void)eco_feed_free(feed);
    return judge(is_right, child.taken_ns, child.used_ns);
}

static uint64_t idle_all(const struct eco_feed *feed)
{
    uint64_t sum = 0, one;
    for (int i = 0; i < sysconf(_SC_NPROCESSORS_ONLN); i++) {
        assert_int_equal(feed->ops->idle_ns(feed, (uint32_t)i, &one), 0);
        sum += one;
    }
    return sum;
}

enum { HAMMERS_MAX = 40 };

#define EDGE_MAX_NS (200 * 1000u)

struct hammers {
    unsigned count, ms;
    pid_t pids[HAMMERS_MAX]; /* the first half of them stays until it is killed */
};

struct edge {
    uint64_t at_ns, idle_ns;
};

/* Whether every CPU is said to have this process, one of the hammers or nobody. */
static bool all_are_ours(const struct bpf_feed *feed, const struct hammers *hammers)
{
    for (uint32_t cpu = 0; cpu < feed->cpu_count; cpu++) {
        uint32_t on = __atomic_load_n(&feed->cpus[cpu].tgid, __ATOMIC_ACQUIRE);
        bool is_ours = on == 0 || on == (uint32_t)getpid();
        for (unsigned i = 0; i < hammers->count; i++)
            is_ours |= on == (uint32_t)hammers->pids[i];
        if (!is_ours)
            return false;
    }
    return true;
}

/*
 * A moment from which, or up to which, time can be added up. Of somebody whom the kernel does not show
 * leaving a CPU (switches.bpf.h) it is known only with the next switch there whose the time was: it must be
 * on none of them. Nor must we be off the CPU between reading the times and the clock.
 */
static struct edge find_edge(struct eco_feed *feed, struct sums *sums, const struct hammers *hammers)
{
    uint64_t give_up_ns = now_ns(CLOCK_MONOTONIC) + 10 * ECO_NS_PER_S, begin_ns;
    struct edge edge;
    bool is_known;
    do {
        begin_ns = now_ns(CLOCK_MONOTONIC);
        assert_true(begin_ns < give_up_ns);
        is_known = all_are_ours((const struct bpf_feed *)feed, hammers);
        look(feed, sums);
        edge.idle_ns = idle_all(feed);
        edge.at_ns = now_ns(CLOCK_MONOTONIC);
    } while (!is_known || edge.at_ns - begin_ns > EDGE_MAX_NS);
    return edge;
}

static pid_t hammer(unsigned number, bool stays, unsigned ms)
{
    pid_t pid = fork();
    if (pid != 0)
        return pid;
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL); /* for a test that fails meanwhile */
    uint64_t end = now_ns(CLOCK_MONOTONIC) + ms * ECO_NS_PER_MS;
    while (stays || now_ns(CLOCK_MONOTONIC) < end)
        (void)(number % 2 ? sched_yield() : usleep(20));
    _exit(0);
}

/* What was told of somebody before it turned out that the kernel does not show it leaving: its successor has
 * got that time too. */
static uint64_t twice_ns(const struct eco_feed *feed, const struct sums *sums)
{
    uint32_t pid = ((const struct bpf_feed *)feed)->header->untraced_tgid;
    return pid > 0 && pid <= PIDS_MAX ? sums->of_each_ns[pid] : 0;
}

/*
 * Switches as fast as can be: nothing torn, nothing twice, nothing missing. Everybody's time and idle time
 * are all of the time.
 *
 * @return what was counted as lost
 */
static uint64_t add_up_under(struct hammers *hammers, bool reads, double share)
{
    struct eco_bpf_request request = {.has_switch = true, .slots_per_cpu = 16};
    struct sums sums = {0};
    struct eco_feed *feed = feed_try(&request, false); /* everybody */
    if (!feed) {
        skip();
        return 0;
    }
    unsigned looks = 0, stay = hammers->count / 2;

    for (unsigned i = 0; i < hammers->count; i++)
        hammers->pids[i] = hammer(i, i < stay, hammers->ms * 9 / 10);
    struct edge begin = find_edge(feed, &sums, hammers);
    uint64_t lost_before = lost_ns(feed);
    sums = (struct sums){.of_each_ns = calloc(PIDS_MAX + 1, sizeof(uint64_t))};
    assert_non_null(sums.of_each_ns);
    if (!reads)
        pause_ms(hammers->ms);
    for (; now_ns(CLOCK_MONOTONIC) < begin.at_ns + hammers->ms * ECO_NS_PER_MS; looks++)
        look(feed, &sums);
    for (unsigned i = stay; i < hammers->count; i++)
        (void)wait_ns(hammers->pids[i]);
    struct edge end = find_edge(feed, &sums, hammers);
    uint64_t lost = lost_ns(feed) - lost_before;
    for (unsigned i = 0; i < stay; i++) {
        (void)kill(hammers->pids[i], SIGKILL);
        (void)wait_ns(hammers->pids[i]);
    }
    uint64_t took = (end.at_ns - begin.at_ns) * (uint64_t)sysconf(_SC_NPROCESSORS_ONLN),
             idle = end.idle_ns - begin.idle_ns, twice = twice_ns(feed, &sums);
    print_message("# %u looks, lost %.3f ms, idle %.3f ms, told twice %.3f ms\n", looks, (double)lost / 1e6,
                  (double)idle / 1e6, (double)twice / 1e6);
    assert_true(is_near(sums.on_ns + sums.own_ns + lost + idle - twice, took, share));
    free(sums.of_each_ns);
    (void)eco_feed_free(feed);
    return lost;
}

/* Read as fast as can be, too. */
static void test_hammered(void **state)
{
    (void)state;
    struct hammers hammers = {.count = 20, .ms = 3000};
    (void)add_up_under(&hammers, true, 0.001);
}

/* Processes that take the same slots from each other, and nobody who reads: lost time is counted. */
static void test_slots_full(void **state)
{
    (void)state;
    struct hammers hammers = {.count = 40, .ms = 300};
    assert_true(add_up_under(&hammers, false, 0.003) > 0);
}

/* Before everybody else of this machine, so that they are not in between. Without the right to it: as it is.
 */
static void go_first(pid_t pid, int priority)
{
    const struct sched_param param = {.sched_priority = priority};
    (void)sched_setscheduler(pid, SCHED_FIFO, &param);
}

/*
 * CPU 0 has a loop of ours and CPU 1, said to be its sibling, whoever the machine gives it: what the loop
 * shares is what CPU 1 was busy with, less what of that can have been while the loop was off.
 *
 * @return true when this says most: the loop was on all the time, and CPU 1 was not
 */
static bool shares_what_the_other_does(struct eco_feed *feed)
{
    struct sums sums = {0};
    uint64_t idle[2];

    look(feed, &sums);
    sums = (struct sums){0};
    uint64_t begin = now_ns(CLOCK_MONOTONIC);
    assert_int_equal(feed->ops->idle_ns(feed, 1, &idle[0]), 0);
    pause_ms(40);
    assert_int_equal(feed->ops->idle_ns(feed, 1, &idle[1]), 0);
    look(feed, &sums);
    uint64_t took = now_ns(CLOCK_MONOTONIC) - begin, busy = took - (idle[1] - idle[0]);
    uint64_t on = sums.by_cpu_ns[0], off = took > on ? took - on : 0;
    print_message("# on %.2f %%, the other CPU busy %.2f %%, shared %.2f %%\n",
                  100.0 * (double)on / (double)took, 100.0 * (double)busy / (double)took,
                  100.0 * (double)sums.shared_ns / (double)took);
    assert_true(sums.shared_ns <= busy + took / 100);
    assert_true(sums.shared_ns + off + took / 100 >= busy);
    return off <= took / 100 && busy <= took / 2;
}

static double shared_ratio(struct eco_feed *feed, unsigned ms)
{
    struct sums sums = {0};

    look(feed, &sums);
    sums = (struct sums){0};
    pause_ms(ms);
    look(feed, &sums);
    return (double)sums.shared_ns / (double)sums.on_ns;
}

/* Two CPUs that are said to be one core: a loop on each of them shares it, as long as both are on. */
static void test_siblings(void **state)
{
    (void)state;
    static const int32_t siblings[] = {1, 0};
    struct eco_bpf_request request = {.has_switch = true, .siblings = siblings, .sibling_count = 2};
    unsigned sharp = 0;
    if (sysconf(_SC_NPROCESSORS_ONLN) < 2)
        skip();
    FEED_OR_SKIP(feed, &request);

    pid_t pids[2] = {loop_on(0, 5000), loop_on(1, 5000)};
    go_first(pids[0], 1);
    pause_ms(50);
    double ratio = shared_ratio(feed, 200);
    print_message("# two loops: shared %.2f %%\n", 100.0 * ratio);
    assert_true(ratio >= 0.99);

    /* One alone: it shares with what it did not bring along, and nothing else. */
    (void)kill(pids[1], SIGKILL);
    (void)wait_ns(pids[1]);
    go_first(0, 2);
    for (unsigned i = 0; i < 40 && sharp < 3; i++)
        sharp += shares_what_the_other_does(feed);
    const struct sched_param usual = {0};
    (void)sched_setscheduler(0, SCHED_OTHER, &usual);
    (void)kill(pids[0], SIGKILL);
    (void)wait_ns(pids[0]);
    (void)eco_feed_free(feed);
}

static void migrate(unsigned ms)
{
    for (unsigned i = 0; i < 8; i++) {
        pin(i % 4 == 0);
        spin_ms(ms);
    }
}

/* Without a declared sibling nothing is shared, and where a process ran is told. */
static enum verdict migration_once(void)
{
    bool is_right = true;
    struct eco_bpf_request request = {.has_switch = true};
    struct sums sums = {0};
    struct gate gate;
    if (sysconf(_SC_NPROCESSORS_ONLN) < 2)
        skip();
    FEED_OR_SKIP(feed, &request);

    assert_int_equal(pipe(gate.fds), 0);
    struct watched child = watch(&gate, migrate, 10);
    open_gate(&gate, feed, &sums);
    look_at_end(&child, feed, &sums);
    is_right &= is_near(sums.on_ns, child.used_ns, 0.01);
    is_right &= is_near(sums.by_cpu_ns[1], 20 * ECO_NS_PER_MS, 0.02);
    assert_int_equal(sums.shared_ns, 0);
    (void)eco_feed_free(feed);
    return judge(is_right, child.taken_ns, child.used_ns);
}

/* Idle time of a CPU by its switches: idle and busy are all of the time. */
static enum verdict idle_once(void)
{
    bool is_right = true;
    struct eco_bpf_request request = {.has_switch = true};
    struct sums sums = {0};
    uint64_t before, after;
    struct eco_feed *feed = feed_try(&request, false); /* everybody */
    if (!feed) {
        skip();
        return RIGHT;
    }

    look(feed, &sums);
    sums = (struct sums){0};
    uint64_t begin = now_ns(CLOCK_MONOTONIC);
    assert_int_equal(feed->ops->idle_ns(feed, 0, &before), 0);
    pid_t pid = loop_on(0, 100);
    (void)wait_ns(pid);
    look(feed, &sums);
    assert_int_equal(feed->ops->idle_ns(feed, 0, &after), 0);
    uint64_t took = now_ns(CLOCK_MONOTONIC) - begin;
    assert_true(after >= before && after - before <= took - 100 * ECO_NS_PER_MS);
    is_right &= is_near(sums.by_cpu_ns[0] + (after - before), took, 0.01);
    assert_int_equal(feed->ops->idle_ns(feed, 100000, &after), -EINVAL);
    (void)eco_feed_free(feed);
    return is_right ? RIGHT : WRONG;
}

/* Descriptors that are something else: refused, and all are closed. */
static void test_strange_maps(void **state)
{
    (void)state;
    struct eco_feed *feed = NULL;
    struct eco_bpf_fds fds = ECO_BPF_FDS_NONE;
    int pair[2];

    assert_true(eco_bpf_feed_open(&fds, &feed, NULL) < 0);
    assert_int_equal(pipe(pair), 0);
    fds.fd[ECO_BPF_HEADER] = pair[0];
    assert_true(eco_bpf_feed_open(&fds, &feed, NULL) < 0);
    assert_int_equal(close(pair[0]), -1);
    assert_int_equal(fds.fd[ECO_BPF_HEADER], -1);
    (void)close(pair[1]);
    assert_null(feed);
}

#define OFTEN(name)                                        \
    {                                                      \
        "test_" #name, try_often, NULL, NULL, &name##_body \
    }

int main(void)
{
    static enum verdict (*truth_body)(void) = truth_once, (*running_body)(void) = running_once,
                        (*migration_body)(void) = migration_once, (*idle_body)(void) = idle_once;
    const struct CMUnitTest tests[] = {OFTEN(truth),
                                       OFTEN(running),
                                       cmocka_unit_test(test_hammered),
                                       cmocka_unit_test(test_slots_full),
                                       OFTEN(migration),
                                       OFTEN(idle),
                                       cmocka_unit_test(test_siblings),
                                       cmocka_unit_test(test_strange_maps)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
