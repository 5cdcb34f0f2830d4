/* SPDX-License-Identifier: MIT */
#include "model.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define NS_PER_S 1000000000ULL

/* The share of a package's dynamic power that its core zone shows, and what its graphics draws. */
#define CORE_RATIO 0.8
#define UNCORE_W   0.5
#define BOARD_W    5.0

static uint64_t now_ns(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * NS_PER_S + (uint64_t)ts.tv_nsec;
}

/* xorshift64*: seeded, so that a test repeats. */
static double random_unit(struct eco_sim *sim)
{
    sim->random ^= sim->random >> 12;
    sim->random ^= sim->random << 25;
    sim->random ^= sim->random >> 27;
    return (double)((sim->random * 2685821657736338717ULL) >> 11) / 9007199254740992.0;
}

static double random_normal(struct eco_sim *sim)
{
    double sum = 0;
    for (int i = 0; i < 12; i++) {
        sum += random_unit(sim);
    }
    return sum - 6.0;
}

/* "123 456 " with one number a CPU, in ns. */
static void add_cpuacct(struct eco_sim *sim, char *text, uint64_t *ret_ns)
{
    char *at = text;
    for (unsigned cpu = 0; cpu < sim->cpu_count; cpu++) {
        char *end = NULL;
        const unsigned long long value = strtoull(at, &end, 10);
        if (end == at) {
            return;
        }
        ret_ns[sim->package_of[cpu]] += value;
        sim->each_ns[cpu] = value;
        at = end;
    }
}

/* "cpuN user nice system idle iowait irq softirq steal ..." in clock ticks. */
static void add_stat(struct eco_sim *sim, char *text, uint64_t *ret_ns)
{
    const uint64_t tick_ns = NS_PER_S / (uint64_t)sysconf(_SC_CLK_TCK);
    char *save = NULL;
    for (char *line = strtok_r(text, "\n", &save); line != NULL; line = strtok_r(NULL, "\n", &save)) {
        unsigned cpu;
        unsigned long long user, nice, system, idle, iowait, irq, softirq;
        if (sscanf(line, "cpu%u %llu %llu %llu %llu %llu %llu %llu", &cpu, &user, &nice, &system, &idle,
                   &iowait, &irq, &softirq) == 8 &&
            line[3] != ' ' && cpu < sim->cpu_count) {
            sim->each_ns[cpu] = (user + nice + system + irq + softirq) * tick_ns;
            ret_ns[sim->package_of[cpu]] += (user + nice + system + irq + softirq) * tick_ns;
        }
    }
}

static void read_cpu(struct eco_sim *sim, uint64_t ret_ns[ECO_SIM_PACKAGES_MAX])
{
    char text[32768];
    memset(ret_ns, 0, sizeof(*ret_ns) * ECO_SIM_PACKAGES_MAX);
    const ssize_t n = pread(sim->cpu_fd, text, sizeof(text) - 1, 0);
    if (n <= 0) {
        return;
    }
    text[n] = '\0';
    if (sim->is_cpuacct) {
        add_cpuacct(sim, text, ret_ns);
    } else {
        add_stat(sim, text, ret_ns);
    }
}

static void grow(const struct eco_sim *sim, struct eco_sim_package *package, enum eco_sim_zone zone,
                 double joules)
{
    package->zone[zone].true_j += joules;
    package->zone[zone].shown_j += joules * sim->options.gain;
}

/* CPU seconds in which both threads of a core were busy, as far as the shares of a step tell. */
static double overlap_s(const struct eco_sim *sim, const struct eco_sim_package *package, double dt_s)
{
    double sum = 0;
    for (unsigned cpu = 0; cpu + 1 < sim->cpu_count && dt_s > 0; cpu += 2) {
        if (&sim->package[sim->package_of[cpu]] != package) {
            continue;
        }
        double share[2];
        for (unsigned i = 0; i < 2; i++) {
            share[i] = (double)(sim->each_ns[cpu + i] - sim->before_ns[cpu + i]) / 1e9 / dt_s;
        }
        sum += share[0] * share[1] * dt_s;
    }
    return sum;
}

static void advance_package(struct eco_sim *sim, struct eco_sim_package *package, uint64_t cpu_ns,
                            double dt_s)
{
    const struct eco_sim_options *o = &sim->options;
    const double cpu_s = cpu_ns > package->cpu_ns ? (double)(cpu_ns - package->cpu_ns) / 1e9 : 0.0;
    double dynamic_j = o->k_j * cpu_s;
    if (o->exponent < 1.0 && dt_s > 0) {
        dynamic_j = o->k_j * pow(cpu_s / dt_s, o->exponent) * dt_s;
    }
    if (o->sigma >= 0) {
        dynamic_j -= o->k_j * (1.0 - o->sigma) * overlap_s(sim, package, dt_s);
    }
    double idle_j = o->idle_w * dt_s;
    if (o->noise_ratio > 0) {
        idle_j += o->idle_w * o->noise_ratio * sqrt(dt_s) * random_normal(sim);
    }
    const double package_j = fmax(idle_j + dynamic_j, 0.0);
    const double dram_j = o->dram_idle_w * dt_s + o->dram_k_j * cpu_s;
    grow(sim, package, ECO_SIM_PACKAGE, package_j);
    grow(sim, package, ECO_SIM_CORE, CORE_RATIO * dynamic_j);
    grow(sim, package, ECO_SIM_UNCORE, UNCORE_W * dt_s);
    grow(sim, package, ECO_SIM_DRAM, dram_j);
    /* The whole board's zone is kept with the first package. */
    grow(sim, &sim->package[0], ECO_SIM_PSYS,
         package_j + dram_j + (package == sim->package ? BOARD_W * dt_s : 0.0));
    package->cpu_ns = cpu_ns > package->cpu_ns ? cpu_ns : package->cpu_ns;
    package->cpu_s += cpu_s;
}

/* Bring everything up to now. The curve of a concave machine needs CPU time that is not one tick old. */
static void advance(struct eco_sim *sim)
{
    uint64_t cpu_ns[ECO_SIM_PACKAGES_MAX];
    const uint64_t before_ns = now_ns();
    if ((sim->options.exponent < 1.0 || sim->options.sigma >= 0) && before_ns - sim->last_ns < 20000000) {
        return;
    }
    read_cpu(sim, cpu_ns);
    const uint64_t at_ns = before_ns + (now_ns() - before_ns) / 2;
    const double dt_s = (double)(at_ns - sim->last_ns) / 1e9;
    for (unsigned i = 0; i < sim->options.packages; i++) {
        advance_package(sim, &sim->package[i], cpu_ns[i], dt_s);
    }
    memcpy(sim->before_ns, sim->each_ns, sizeof(sim->before_ns));
    sim->last_ns = at_ns;
}

static void step(struct eco_sim *sim)
{
    for (unsigned i = 0; i < sim->options.packages; i++) {
        for (int zone = 0; zone < ECO_SIM_ZONES; zone++) {
            sim->package[i].zone[zone].stepped_j = sim->package[i].zone[zone].shown_j;
        }
    }
}

/* Counters with a period move on a grid, whoever reads them or not. */
static void *step_thread(void *context)
{
    struct eco_sim *sim = context;
    const uint64_t period_ns = (sim->options.period_ms > 0 ? sim->options.period_ms : 25) * 1000000ULL;
    for (uint64_t next_ns = now_ns() + period_ns;; next_ns += period_ns) {
        const struct timespec until = {.tv_sec = (time_t)(next_ns / NS_PER_S),
                                       .tv_nsec = (long)(next_ns % NS_PER_S)};
        while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) == EINTR) {
        }
        pthread_mutex_lock(&sim->lock);
        advance(sim);
        step(sim);
        pthread_mutex_unlock(&sim->lock);
    }
    return NULL;
}

int eco_sim_init(struct eco_sim *sim, const struct eco_sim_options *options)
{
    static const char *const roots[] = {"/sys/fs/cgroup/cpuacct", "/sys/fs/cgroup/cpu,cpuacct"};
    const long cpus = sysconf(_SC_NPROCESSORS_CONF);
    if (options->packages < 1 || options->packages > ECO_SIM_PACKAGES_MAX || cpus < 1 ||
        cpus > ECO_SIM_CPUS_MAX) {
        return -EINVAL;
    }
    *sim = (struct eco_sim){.options = *options, .cpu_count = (unsigned)cpus, .cpu_fd = -1};
    sim->random = options->seed | 1;
    pthread_mutex_init(&sim->lock, NULL);
    pthread_cond_init(&sim->released, NULL);
    for (unsigned i = 0; i < sim->cpu_count; i++) {
        sim->package_of[i] = i * options->packages / sim->cpu_count;
    }
    for (size_t i = 0; i < sizeof(roots) / sizeof(*roots) && sim->cpu_fd < 0; i++) {
        char path[128];
        snprintf(path, sizeof(path), "%s/cpuacct.usage_percpu", roots[i]);
        sim->cpu_fd = open(path, O_RDONLY | O_CLOEXEC);
    }
    sim->is_cpuacct = sim->cpu_fd >= 0;
    if (sim->cpu_fd < 0) {
        sim->cpu_fd = open("/proc/stat", O_RDONLY | O_CLOEXEC);
    }
    if (sim->cpu_fd < 0) {
        return -errno;
    }
    uint64_t cpu_ns[ECO_SIM_PACKAGES_MAX];
    sim->start_ns = sim->last_ns = now_ns();
    read_cpu(sim, cpu_ns);
    memcpy(sim->before_ns, sim->each_ns, sizeof(sim->before_ns));
    for (unsigned i = 0; i < options->packages; i++) {
        sim->package[i].cpu_ns = cpu_ns[i];
        for (int zone = 0; zone < ECO_SIM_ZONES; zone++) {
            sim->package[i].zone[zone].shown_j = options->start_j;
        }
    }
    step(sim);
    return 0;
}

int eco_sim_start(struct eco_sim *sim)
{
    /* A curve is integrated in small steps, as nobody may be reading. */
    if (sim->steps ||
        (sim->options.period_ms == 0 && sim->options.exponent >= 1.0 && sim->options.sigma < 0)) {
        return 0;
    }
    const int r = -pthread_create(&sim->stepper, NULL, step_thread, sim);
    sim->steps = r == 0;
    return r;
}

bool eco_sim_has(struct eco_sim *sim, unsigned package, enum eco_sim_zone zone)
{
    const struct eco_sim_options *o = &sim->options;
    const bool built[ECO_SIM_ZONES] = {
        [ECO_SIM_PACKAGE] = true,
        [ECO_SIM_CORE] = o->core,
        [ECO_SIM_UNCORE] = o->uncore,
        [ECO_SIM_DRAM] = o->dram_idle_w > 0 || o->dram_k_j > 0,
        [ECO_SIM_PSYS] = o->psys && package == 0,
    };
    pthread_mutex_lock(&sim->lock);
    const bool has = package < o->packages && built[zone] && !sim->package[package].gone;
    pthread_mutex_unlock(&sim->lock);
    return has;
}

static int read_locked(struct eco_sim *sim, unsigned package, enum eco_sim_zone zone, uint64_t *ret_uj)
{
    while (sim->hangs || sim->stalls) {
        if (!sim->hangs && sim->is_interrupted != NULL && sim->is_interrupted()) {
            return -EINTR;
        }
        struct timespec until;
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_nsec += 20000000;
        until.tv_sec += until.tv_nsec / (long)NS_PER_S;
        until.tv_nsec %= (long)NS_PER_S;
        sim->waiting++;
        pthread_cond_timedwait(&sim->released, &sim->lock, &until);
        sim->waiting--;
    }
    const struct eco_sim_package *p = &sim->package[package];
    if (p->gone) {
        return -ENODEV;
    }
    if (p->error != 0) {
        return -p->error;
    }
    advance(sim);
    const double shown_j = sim->options.period_ms > 0 ? p->zone[zone].stepped_j : p->zone[zone].shown_j;
    const double wrapped_j = fmod(shown_j, sim->options.range_j);
    *ret_uj = (uint64_t)(wrapped_j * 1e6);
    return 0;
}

int eco_sim_read_uj(struct eco_sim *sim, unsigned package, enum eco_sim_zone zone, uint64_t *ret_uj)
{
    pthread_mutex_lock(&sim->lock);
    const int r = read_locked(sim, package, zone, ret_uj);
    pthread_mutex_unlock(&sim->lock);
    return r;
}

int eco_sim_truth(struct eco_sim *sim, char *ret, size_t size)
{
    pthread_mutex_lock(&sim->lock);
    advance(sim);
    size_t n = (size_t)snprintf(
        ret, size, "{\"t\": %.9f, \"cpu_clock\": \"%s\", \"waiting\": %u, \"packages\": [",
        (double)(sim->last_ns - sim->start_ns) / 1e9, sim->is_cpuacct ? "cpuacct" : "stat", sim->waiting);
    for (unsigned i = 0; i < sim->options.packages && n < size; i++) {
        const struct eco_sim_package *p = &sim->package[i];
        n += (size_t)snprintf(
            ret + n, size - n, "%s{\"cpu_s\": %.9f, \"energy_j\": %.6f, \"dram_j\": %.6f, \"laps\": %.0f}",
            i > 0 ? ", " : "", p->cpu_s, p->zone[ECO_SIM_PACKAGE].true_j, p->zone[ECO_SIM_DRAM].true_j,
            floor(p->zone[ECO_SIM_PACKAGE].shown_j / sim->options.range_j));
    }
    pthread_mutex_unlock(&sim->lock);
    if (n < size) {
        n += (size_t)snprintf(ret + n, size - n, "]}\n");
    }
    return (int)n;
}
