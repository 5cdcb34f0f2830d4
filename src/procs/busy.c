/* SPDX-License-Identifier: MIT */
/* Where the kernel's books of CPU time are read, and how they become sums that never fall. */
#include "procs/busy.h"

#include "procs/busy_text.h"

#include "base/counter.h"
#include "base/mem.h"
#include "base/parse.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define TEXT_MIN 4096u
#define TEXT_MAX (8u << 20)
#define CPUS_MIN 64u
/*
 * /proc/stat sums the interrupts of all CPUs over all lines, whatever is wanted of it. Where that
 * costs more than this and busy time comes from elsewhere, the number of forks stays unknown.
 */
#define STAT_DEAR_NS (30 * ECO_NS_PER_US)
/* An idle time that falls by less than this is the rounding of iowait (proc(5)), more is a CPU that came
 * back. */
#define IDLE_BACK_NS ECO_NS_PER_S

enum source { SOURCE_NONE, SOURCE_CPUACCT, SOURCE_SCHEDSTAT, SOURCE_STAT };

static const char *const source_names[] = {"none", "cpuacct", "schedstat", "stat"};

/* The version 1 controller, alone or mounted with `cpu`, as distributions name it. */
static const char *const cpuacct_paths[] = {
    "fs/cgroup/cpuacct/cpuacct.usage_percpu",
    "fs/cgroup/cpu,cpuacct/cpuacct.usage_percpu",
    "fs/cgroup/cpuacct,cpu/cpuacct.usage_percpu",
};

/* One CPU between two reads. */
struct track {
    bool is_known;        /* it was there at the last read */
    uint64_t raw;         /* what the source said then: ns of tasks, or ticks of idle */
    uint64_t base_ns;     /* busy_ns when it (re)appeared: SOURCE_STAT only */
    uint64_t since_ns;    /* MONOTONIC then */
    uint64_t since_ticks; /* idle ticks then */
};

struct eco_busy {
    const struct eco_env *env;
    enum source source;
    int fd;      /* of the source */
    int stat_fd; /* of /proc/stat for the number of forks, -1 = not read */
    int loadavg_fd;
    uint64_t last_pid, forks; /* as long as no pid was given out, nothing was forked */
    uint64_t tick_ns;
    char *text;
    size_t text_size;
    uint64_t *values;
    bool *present;
    struct track *tracks;
    struct eco_cpu_busy *cpus;
    uint32_t cpu_count, cpu_capacity;
    bool has_fork_source;    /* chosen when it is first asked for */
    bool has_no_frequencies; /* as in most guests: not asked for again */
};

/* The whole file into busy->text. */
static ssize_t read_text(struct eco_busy *busy, int fd)
{
    for (;;) {
        ssize_t n =
            busy->text_size > 0 ? eco_root_pread(busy->env->root, fd, busy->text, busy->text_size) : -EFBIG;
        if (n != -EFBIG)
            return n;
        int rc = eco_grow((void **)&busy->text, &busy->text_size,
                          busy->text_size > 0 ? busy->text_size + 1 : TEXT_MIN, TEXT_MAX, 1);
        if (rc < 0)
            return rc;
    }
}

static int reserve(struct eco_busy *busy, uint32_t need)
{
    uint32_t old = busy->cpu_capacity;

    if (need <= old)
        return 0;
    uint64_t *values = eco_reallocarray(busy->values, old, need, sizeof(*values));
    busy->values = values != NULL ? values : busy->values;
    bool *present = eco_reallocarray(busy->present, old, need, sizeof(*present));
    busy->present = present != NULL ? present : busy->present;
    struct track *tracks = eco_reallocarray(busy->tracks, old, need, sizeof(*tracks));
    busy->tracks = tracks != NULL ? tracks : busy->tracks;
    struct eco_cpu_busy *cpus = eco_reallocarray(busy->cpus, old, need, sizeof(*cpus));
    busy->cpus = cpus != NULL ? cpus : busy->cpus;
    if (values == NULL || present == NULL || tracks == NULL || cpus == NULL)
        return -ENOMEM;
    busy->cpu_capacity = need;
    return 0;
}

static int parse(struct eco_busy *busy, enum source source, size_t length)
{
    switch (source) {
    case SOURCE_CPUACCT:
        return eco_percpu_parse(busy->text, length, busy->values, busy->present, busy->cpu_capacity);
    case SOURCE_SCHEDSTAT:
        return eco_schedstat_parse(busy->text, length, busy->values, busy->present, busy->cpu_capacity);
    case SOURCE_STAT:
        return eco_cpustat_parse(busy->text, length, busy->values, busy->present, busy->cpu_capacity);
    case SOURCE_NONE:
        break;
    }
    return -ENODEV;
}

/* values[] and present[] as the source says now. Returns one more than the highest CPU. */
static int read_source(struct eco_busy *busy, enum source source, int fd, size_t *ret_length)
{
    ssize_t n = read_text(busy, fd);

    if (n < 0)
        return (int)n;
    *ret_length = (size_t)n;
    for (;;) {
        if (busy->cpu_capacity > 0)
            memset(busy->present, 0, busy->cpu_capacity * sizeof(*busy->present));
        int count = busy->cpu_capacity > 0 ? parse(busy, source, (size_t)n) : -E2BIG;
        if (count != -E2BIG || busy->cpu_capacity >= ECO_CPUS_MAX)
            return count;
        int rc = reserve(busy, busy->cpu_capacity > 0 ? busy->cpu_capacity * 2 : CPUS_MIN);
        if (rc < 0)
            return rc;
    }
}

/* ---- sums ---- */

/* ns of tasks: what went back is a counter that began anew, what is gone keeps its sum. */
static void add_tasks(struct track *track, struct eco_cpu_busy *cpu, uint64_t raw)
{
    if (track->is_known && raw >= track->raw)
        cpu->busy_ns += raw - track->raw;
    track->raw = raw;
}

/*
 * Elapsed less idle, from when the CPU appeared and not from read to read: the 10 ms grain then
 * stays below one grain for ever. Falls back to an equal sum, never below.
 */
static void add_idle(struct eco_busy *busy, struct track *track, struct eco_cpu_busy *cpu, uint64_t ticks,
                     uint64_t now_ns)
{
    if (!track->is_known || (ticks < track->raw && (track->raw - ticks) * busy->tick_ns > IDLE_BACK_NS)) {
        *track =
            (struct track){.raw = ticks, .base_ns = cpu->busy_ns, .since_ns = now_ns, .since_ticks = ticks};
        return;
    }
    if (ticks > track->raw)
        track->raw = ticks;
    uint64_t idle_ns = (track->raw - track->since_ticks) * busy->tick_ns;
    uint64_t total_ns = track->base_ns + eco_sub_sat(eco_sub_sat(now_ns, track->since_ns), idle_ns);
    if (total_ns > cpu->busy_ns)
        cpu->busy_ns = total_ns;
}

static void update(struct eco_busy *busy, uint32_t count, uint64_t now_ns)
{
    if (count > busy->cpu_count)
        busy->cpu_count = count;
    for (uint32_t i = 0; i < busy->cpu_count; i++) {
        struct track *track = &busy->tracks[i];
        bool is_there = i < count && busy->present[i];
        if (is_there && busy->source == SOURCE_STAT)
            add_idle(busy, track, &busy->cpus[i], busy->values[i], now_ns);
        else if (is_there)
            add_tasks(track, &busy->cpus[i], busy->values[i]);
        track->is_known = is_there;
    }
}

static uint64_t sum_of_values(const struct eco_busy *busy, int count)
{
    uint64_t sum = 0;

    for (int i = 0; i < count; i++)
        sum += busy->present[i] ? busy->values[i] : 0;
    return sum;
}

/* ---- sources ---- */

static bool is_near(uint64_t a_ns, uint64_t b_ns)
{
    uint64_t less = a_ns < b_ns ? a_ns : b_ns, more = a_ns < b_ns ? b_ns : a_ns;

    return more - less <= more / 4 + ECO_NS_PER_S;
}

/*
 * In a container the same path may be a cgroup of its own, which counts only itself: the sum must
 * be that of /proc/stat since boot, by its busy or by its idle ticks (the former can be far off).
 */
static bool is_root_cgroup(struct eco_busy *busy, uint64_t sum_ns, int cpu_count)
{
    struct eco_stat_sums sums;
    const struct eco_clock *clock = busy->env->clock;
    int fd = eco_root_open(busy->env->root, ECO_PROCFS, "stat");

    if (fd < 0)
        return false;
    ssize_t n = read_text(busy, fd);
    (void)close(fd);
    if (n < 0 || eco_stat_sums_parse(busy->text, (size_t)n, &sums) < 0)
        return false;
    uint64_t lifetime_ns = clock->mono_ns(clock) * (uint64_t)cpu_count;
    return is_near(sum_ns, sums.busy_ticks * busy->tick_ns) ||
           is_near(sum_ns, eco_sub_sat(lifetime_ns, sums.idle_ticks * busy->tick_ns));
}

static bool try_source(struct eco_busy *busy, enum source source, enum eco_tree tree, const char *path)
{
    size_t length;
    int fd = eco_root_open(busy->env->root, tree, path);

    if (fd < 0)
        return false;
    int count = read_source(busy, source, fd, &length);
    if (count <= 0 ||
        (source == SOURCE_CPUACCT && !is_root_cgroup(busy, sum_of_values(busy, count), count)) ||
        /* kernels that do not keep these statistics write zeros */
        (source == SOURCE_SCHEDSTAT && sum_of_values(busy, count) == 0)) {
        (void)close(fd);
        return false;
    }
    busy->source = source;
    busy->fd = fd;
    return true;
}

/* Two reads, for the first may find nothing in any cache. */
static void choose_fork_source(struct eco_busy *busy)
{
    const struct eco_clock *clock = busy->env->clock;
    uint64_t least_ns = UINT64_MAX;
    int fd = busy->source == SOURCE_STAT ? -1 : eco_root_open(busy->env->root, ECO_PROCFS, "stat");

    for (int i = 0; fd >= 0 && i < 2; i++) {
        uint64_t before_ns = clock->mono_ns(clock);
        if (read_text(busy, fd) < 0)
            break;
        uint64_t took_ns = clock->mono_ns(clock) - before_ns;
        least_ns = took_ns < least_ns ? took_ns : least_ns;
    }
    if (fd >= 0 && least_ns > STAT_DEAR_NS) {
        (void)close(fd);
        fd = -1;
    }
    busy->stat_fd = fd;
    busy->has_fork_source = true;
    /* Its last field is the last pid of our own pid namespace. */
    if ((fd >= 0 || busy->source == SOURCE_STAT) && busy->env->root->is_own[ECO_PROCFS])
        busy->loadavg_fd = eco_root_open(busy->env->root, ECO_PROCFS, "loadavg");
}

int eco_busy_open(const struct eco_env *env, struct eco_busy **ret)
{
    struct eco_busy *busy = eco_calloc(1, sizeof(*busy));
    long ticks = sysconf(_SC_CLK_TCK);
    bool found = false;

    if (busy == NULL)
        return -ENOMEM;
    *busy = (struct eco_busy){.env = env, .fd = -1, .stat_fd = -1, .loadavg_fd = -1};
    busy->tick_ns = ECO_NS_PER_S / (uint64_t)(ticks > 0 ? ticks : 100);
    if (eco_grow((void **)&busy->text, &busy->text_size, TEXT_MIN, TEXT_MAX, 1) < 0 ||
        reserve(busy, CPUS_MIN) < 0) {
        (void)eco_busy_free(busy);
        return -ENOMEM;
    }
    for (size_t i = 0; !found && i < ECO_COUNT(cpuacct_paths); i++)
        found = try_source(busy, SOURCE_CPUACCT, ECO_SYSFS, cpuacct_paths[i]);
    if (!found && !try_source(busy, SOURCE_SCHEDSTAT, ECO_PROCFS, "schedstat"))
        (void)try_source(busy, SOURCE_STAT, ECO_PROCFS, "stat");
    *ret = busy;
    return 0;
}

struct eco_busy *eco_busy_free(struct eco_busy *busy)
{
    if (busy == NULL)
        return NULL;
    if (busy->fd >= 0)
        (void)close(busy->fd);
    if (busy->stat_fd >= 0)
        (void)close(busy->stat_fd);
    if (busy->loadavg_fd >= 0)
        (void)close(busy->loadavg_fd);
    free(busy->text);
    free(busy->values);
    free(busy->present);
    free(busy->tracks);
    free(busy->cpus);
    free(busy);
    return NULL;
}

/* ---- reading ---- */

/* The last pid given out, 0 unknown: a seventh of the price of /proc/stat. */
static uint64_t read_last_pid(const struct eco_busy *busy)
{
    char text[128];
    uint64_t pid = 0;
    ssize_t n =
        busy->loadavg_fd >= 0 ? eco_root_pread(busy->env->root, busy->loadavg_fd, text, sizeof(text)) : 0;
    const char *last = n > 0 ? strrchr(text, ' ') : NULL;

    return last != NULL && eco_parse_u64(last + 1, &pid) == 0 ? pid : 0;
}

uint64_t eco_busy_read_forks(struct eco_busy *busy)
{
    struct eco_stat_sums sums;

    if (!busy->has_fork_source && busy->source != SOURCE_NONE)
        choose_fork_source(busy);
    uint64_t last_pid = read_last_pid(busy);
    int fd = busy->source == SOURCE_STAT ? busy->fd : busy->stat_fd;

    if (last_pid != 0 && last_pid == busy->last_pid)
        return busy->forks;
    ssize_t n = fd >= 0 ? read_text(busy, fd) : -ENODATA;
    bool known = n > 0 && eco_stat_sums_parse(busy->text, (size_t)n, &sums) == 0;

    busy->last_pid = known ? last_pid : 0;
    busy->forks = known ? sums.forks : 0;
    return busy->forks;
}

static void read_frequencies(struct eco_busy *busy)
{
    bool any = false;
    if (busy->has_no_frequencies)
        return;
    for (uint32_t i = 0; i < busy->cpu_count; i++) {
        char path[ECO_PATH_MAX];
        uint64_t khz = 0;
        busy->cpus[i].freq_khz = 0;
        if (busy->tracks[i].is_known &&
            eco_path(path, "devices/system/cpu/cpu%u/cpufreq/scaling_cur_freq", i) == 0 &&
            eco_root_read_u64(busy->env->root, ECO_SYSFS, path, &khz) == 0 && khz <= UINT32_MAX)
            busy->cpus[i].freq_khz = (uint32_t)khz;
        any |= khz > 0;
    }
    busy->has_no_frequencies = !any;
}

int eco_busy_read(struct eco_busy *busy, bool with_freq, struct eco_activity *ret)
{
    const struct eco_clock *clock = busy->env->clock;
    size_t length = 0;
    uint64_t busy_ns = 0;

    if (busy->source == SOURCE_NONE)
        return -ENODEV;
    uint64_t now_ns = clock->mono_ns(clock);
    int count = read_source(busy, busy->source, busy->fd, &length);
    if (count < 0)
        return count;
    update(busy, (uint32_t)count, now_ns);
    for (uint32_t i = 0; i < busy->cpu_count; i++)
        busy_ns += busy->cpus[i].busy_ns;
    if (with_freq)
        read_frequencies(busy);
    *ret = (struct eco_activity){
        .time_ns = now_ns,
        .busy_ns = busy_ns,
        .cpu_count = busy->cpu_count,
        .cpus = busy->cpus,
        .grain_ns = busy->source == SOURCE_STAT ? busy->tick_ns : 1,
    };
    return 0;
}

const char *eco_busy_source(const struct eco_busy *busy)
{
    return source_names[busy->source];
}
