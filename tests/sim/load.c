/* SPDX-License-Identifier: MIT */
/*
 * Loads whose CPU time is known. Each says at its end, as JSON in the file of --out, what it used:
 *   rusage_s  getrusage of itself and of every child it has waited for
 *   clocks_s  what its processes read on their own clocks just before they ended (orphans too)
 *   cgroup_s  the same and what their start and end cost, from a v1 cpuacct group given by --group,
 *             which it enters first; null without one
 *   entered_s what of rusage_s it had used before it entered the group
 *
 *   eco-sim-load [--out FILE] [--group DIR] [--here FILE --on FILE] MODE ...
 *     busy SECONDS            one process
 *     threads N SECONDS       one process with N threads
 *     storm COUNT MS          children one after another, each busy for MS of CPU time
 *     deep COUNT MS           as storm, but each has a child that has a child, all busy for MS
 *     orphans COUNT MS        as storm, but grandchildren whose parent has ended
 *     ignored COUNT MS        as storm, with SIGCHLD ignored: nobody waits for them
 *     share A B SECONDS       two children on one core, busy A % and B % of so many seconds
 *     sleep SECONDS           nothing
 *
 * The two of `share` write a line into the file of --here when they have used all that, and end when they
 * have read one from that of --on.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define NS_PER_MS 1000000ULL
#define NS_PER_S  1000000000ULL

/* Shared with every child. */
struct shared {
    atomic_ullong ended_ns; /* CPU time of those that have ended, by their own clocks */
    atomic_ullong part_ns[2];
};

static struct shared *shared;

static uint64_t clock_ns(clockid_t clock)
{
    struct timespec ts;
    clock_gettime(clock, &ts);
    return (uint64_t)ts.tv_sec * NS_PER_S + (uint64_t)ts.tv_nsec;
}

static void sleep_until(uint64_t at_ns)
{
    const struct timespec at = {.tv_sec = (time_t)(at_ns / NS_PER_S), .tv_nsec = (long)(at_ns % NS_PER_S)};
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL) == EINTR) {
    }
}

static void spin_until(clockid_t clock, uint64_t until_ns)
{
    volatile unsigned work = 0;
    while (clock_ns(clock) < until_ns) {
        for (int i = 0; i < 200; i++) {
            work = work + 1;
        }
    }
}

static void spin_cpu(uint64_t cpu_ns)
{
    spin_until(CLOCK_PROCESS_CPUTIME_ID, clock_ns(CLOCK_PROCESS_CPUTIME_ID) + cpu_ns);
}

static _Noreturn void end_child(void)
{
    atomic_fetch_add(&shared->ended_ns, clock_ns(CLOCK_PROCESS_CPUTIME_ID));
    _exit(0);
}

static void *busy_thread(void *context)
{
    spin_until(CLOCK_MONOTONIC, *(uint64_t *)context);
    return NULL;
}

static int load_threads(unsigned count, double seconds)
{
    pthread_t thread[64];
    uint64_t until_ns = clock_ns(CLOCK_MONOTONIC) + (uint64_t)(seconds * 1e9);
    count = count < 64 ? count : 64;
    for (unsigned i = 0; i < count; i++) {
        if (pthread_create(&thread[i], NULL, busy_thread, &until_ns) != 0) {
            return 1;
        }
    }
    for (unsigned i = 0; i < count; i++) {
        pthread_join(thread[i], NULL);
    }
    return 0;
}

static int load_storm(unsigned count, double ms)
{
    for (unsigned i = 0; i < count; i++) {
        const pid_t pid = fork();
        if (pid == 0) {
            spin_cpu((uint64_t)(ms * 1e6));
            end_child();
        }
        if (pid < 0 || waitpid(pid, NULL, 0) != pid) {
            return 1;
        }
    }
    return 0;
}

#define DEPTH 3

static _Noreturn void deep_child(uint64_t cpu_ns)
{
    pid_t pid = 0;
    for (unsigned depth = 1; depth <= DEPTH && pid == 0; depth++) {
        spin_cpu(cpu_ns);
        pid = depth < DEPTH ? fork() : -1;
    }
    if (pid > 0) {
        waitpid(pid, NULL, 0);
    }
    end_child();
}

static int load_deep(unsigned count, double ms)
{
    for (unsigned i = 0; i < count; i++) {
        const pid_t pid = fork();
        if (pid == 0) {
            deep_child((uint64_t)(ms * 1e6));
        }
        if (pid < 0 || waitpid(pid, NULL, 0) != pid) {
            return 1;
        }
    }
    return 0;
}

/* The pipe's end closes when the grandchild, the last that holds it, has ended. */
static int one_orphan(uint64_t cpu_ns)
{
    int ends[2];
    if (pipe(ends) != 0) {
        return 1;
    }
    const pid_t pid = fork();
    if (pid == 0) {
        if (fork() == 0) {
            spin_cpu(cpu_ns);
        }
        end_child();
    }
    close(ends[1]);
    char byte;
    const bool good = pid > 0 && waitpid(pid, NULL, 0) == pid && read(ends[0], &byte, 1) == 0;
    close(ends[0]);
    return good ? 0 : 1;
}

static int load_orphans(unsigned count, double ms)
{
    for (unsigned i = 0; i < count; i++) {
        if (one_orphan((uint64_t)(ms * 1e6)) != 0) {
            return 1;
        }
    }
    return 0;
}

static int load_ignored(unsigned count, double ms)
{
    signal(SIGCHLD, SIG_IGN);
    for (unsigned i = 0; i < count; i++) {
        const pid_t pid = fork();
        if (pid == 0) {
            spin_cpu((uint64_t)(ms * 1e6));
            end_child();
        }
        /* With SIGCHLD ignored this waits for all children and then gives ECHILD. */
        if (pid < 0 || waitpid(pid, NULL, 0) >= 0 || errno != ECHILD) {
            return 1;
        }
    }
    return 0;
}

static const char *gate_here, *gate_on;

/* Nothing is used any more: wait until we may end. */
static void wait_at_gate(void)
{
    char line = '\n';
    const int here = open(gate_here, O_WRONLY | O_CLOEXEC), on = open(gate_on, O_RDONLY | O_CLOEXEC);
    if (here < 0 || on < 0 || write(here, &line, 1) != 1 || read(on, &line, 1) != 1) {
        _exit(1);
    }
}

/*
 * Busy for `percent` of every 20 ms, counted in CPU time, so that a neighbour on the core takes nothing away:
 * where it makes us late we are busy without a pause until we are not.
 */
static _Noreturn void share_child(unsigned index, double percent, double seconds)
{
    const uint64_t period_ns = 20 * NS_PER_MS, count = (uint64_t)(seconds * 1e9 / (double)period_ns + 0.5);
    uint64_t next_ns = clock_ns(CLOCK_MONOTONIC);
    for (uint64_t i = 0; i < count; i++) {
        spin_cpu((uint64_t)((double)period_ns * percent / 100.0));
        next_ns += period_ns;
        sleep_until(next_ns);
    }
    atomic_store(&shared->part_ns[index], clock_ns(CLOCK_PROCESS_CPUTIME_ID));
    if (gate_here != NULL && gate_on != NULL) {
        wait_at_gate();
    }
    end_child();
}

static int load_share(double first, double second, double seconds)
{
    const double percent[2] = {first, second};
    cpu_set_t core;
    CPU_ZERO(&core);
    CPU_SET(0, &core);
    if (sched_setaffinity(0, sizeof(core), &core) != 0) {
        return 1;
    }
    pid_t pid[2];
    for (unsigned i = 0; i < 2; i++) {
        pid[i] = fork();
        if (pid[i] == 0) {
            share_child(i, percent[i], seconds);
        }
    }
    for (unsigned i = 0; i < 2; i++) {
        if (pid[i] < 0 || waitpid(pid[i], NULL, 0) != pid[i]) {
            return 1;
        }
    }
    return 0;
}

static int enter_group(const char *folder)
{
    char path[512], text[32];
    snprintf(path, sizeof(path), "%s/cgroup.procs", folder);
    const int fd = open(path, O_WRONLY | O_CLOEXEC);
    const int n = snprintf(text, sizeof(text), "%d", getpid());
    const int r = fd >= 0 && write(fd, text, (size_t)n) == n ? 0 : 1;
    if (fd >= 0) {
        close(fd);
    }
    return r;
}

static bool read_file(const char *folder, const char *name, char *ret, size_t size)
{
    char path[512];
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    const ssize_t n = fd >= 0 ? read(fd, ret, size - 1) : -1;
    if (fd >= 0) {
        close(fd);
    }
    if (n < 0) {
        return false;
    }
    ret[n] = '\0';
    return true;
}

/* Until we are alone in the group: an orphan's last work is its own removal. */
static void wait_alone(const char *folder)
{
    char text[256];
    for (int i = 0; i < 200; i++) {
        if (!read_file(folder, "cgroup.procs", text, sizeof(text)) ||
            strchr(text, '\n') == strrchr(text, '\n')) {
            return;
        }
        sleep_until(clock_ns(CLOCK_MONOTONIC) + 2 * NS_PER_MS);
    }
}

static double rusage_s(int who)
{
    struct rusage u;
    getrusage(who, &u);
    return (double)u.ru_utime.tv_sec + (double)u.ru_stime.tv_sec +
           ((double)u.ru_utime.tv_usec + (double)u.ru_stime.tv_usec) / 1e6;
}

static int say(const char *out, const char *group, double entered_s)
{
    char text[64] = "null";
    if (group != NULL) {
        wait_alone(group);
        if (read_file(group, "cpuacct.usage", text, sizeof(text))) {
            snprintf(text, sizeof(text), "%.9f", (double)strtoull(text, NULL, 10) / 1e9);
        }
    }
    const double clocks_s =
        (double)(clock_ns(CLOCK_PROCESS_CPUTIME_ID) + atomic_load(&shared->ended_ns)) / 1e9;
    FILE *file = out != NULL ? fopen(out, "we") : stdout;
    if (file == NULL) {
        return 1;
    }
    fprintf(file,
            "{\"rusage_s\": %.6f, \"entered_s\": %.6f, \"clocks_s\": %.9f, \"cgroup_s\": %s, \"parts_s\": "
            "[%.9f, %.9f]}\n",
            rusage_s(RUSAGE_SELF) + rusage_s(RUSAGE_CHILDREN), entered_s, clocks_s, text,
            (double)atomic_load(&shared->part_ns[0]) / 1e9, (double)atomic_load(&shared->part_ns[1]) / 1e9);
    return out != NULL && fclose(file) != 0 ? 1 : 0;
}

/* -1: no such load. */
static int run_load(int count, char **words)
{
    double number[3] = {0};
    for (int i = 1; i < count && i < 4; i++) {
        number[i - 1] = strtod(words[i], NULL);
    }
    const char *mode = count > 0 ? words[0] : "";
    if (strcmp(mode, "busy") == 0) {
        spin_until(CLOCK_MONOTONIC, clock_ns(CLOCK_MONOTONIC) + (uint64_t)(number[0] * 1e9));
        return 0;
    }
    if (strcmp(mode, "sleep") == 0) {
        sleep_until(clock_ns(CLOCK_MONOTONIC) + (uint64_t)(number[0] * 1e9));
        return 0;
    }
    if (strcmp(mode, "threads") == 0) {
        return load_threads((unsigned)number[0], number[1]);
    }
    if (strcmp(mode, "storm") == 0) {
        return load_storm((unsigned)number[0], number[1]);
    }
    if (strcmp(mode, "deep") == 0) {
        return load_deep((unsigned)number[0], number[1]);
    }
    if (strcmp(mode, "orphans") == 0) {
        return load_orphans((unsigned)number[0], number[1]);
    }
    if (strcmp(mode, "ignored") == 0) {
        return load_ignored((unsigned)number[0], number[1]);
    }
    if (strcmp(mode, "share") == 0) {
        return load_share(number[0], number[1], number[2]);
    }
    return -1;
}

int main(int argc, char **argv)
{
    static const struct option table[] = {{"out", required_argument, NULL, 'o'},
                                          {"group", required_argument, NULL, 'g'},
                                          {"here", required_argument, NULL, 'h'},
                                          {"on", required_argument, NULL, 'n'},
                                          {0}};
    const char *out = NULL, *group = NULL;
    int option;
    while ((option = getopt_long(argc, argv, "+", table, NULL)) != -1) {
        if (option == 'o') {
            out = optarg;
        } else if (option == 'g') {
            group = optarg;
        } else if (option == 'h') {
            gate_here = optarg;
        } else if (option == 'n') {
            gate_on = optarg;
        } else {
            return 2;
        }
    }
    shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED || (group != NULL && enter_group(group) != 0)) {
        fputs("eco-sim-load: cannot prepare\n", stderr);
        return 1;
    }
    const double entered_s = rusage_s(RUSAGE_SELF);
    const int r = run_load(argc - optind, argv + optind);
    if (r < 0) {
        fputs("usage: eco-sim-load [--out FILE] [--group DIR] "
              "busy|threads|storm|orphans|ignored|share|sleep NUMBER...\n",
              stderr);
        return 2;
    }
    return r != 0 ? 1 : say(out, group, entered_s);
}
