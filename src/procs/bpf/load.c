/* SPDX-License-Identifier: MIT */
#include "procs/bpf/load.h"

#include "base/mem.h"
#include "procs/bpf/layout.h"
#include "procs/bpf/load_why.h"
#include "procs/bpf/offsets.h"

/* Generated; what it does is not ours to mend. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wcast-qual"
#pragma GCC diagnostic ignored "-Woverlength-strings"
#include "procs/bpf/events.skel.h"
#pragma GCC diagnostic pop

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#define RING_DEFAULT      (1u << 20)
#define RING_MIN          4096u
#define SPILL_BYTES       (64u << 10)
#define SLOTS_DEFAULT     4096u /* on up to FEW_CPUS */
#define SLOTS_MANY        1024u
#define SLOTS_MIN         16u
#define FEW_CPUS          32u
#define PROCESSES_DEFAULT 16384u
#define PROCESSES_MAX     (1u << 20)

static int load_quiet(enum libbpf_print_level level, const char *format, va_list arguments)
{
    (void)level;
    (void)format;
    (void)arguments;
    return 0;
}

/*
 * libbpf would read all of the kernel's types for a program that gets typed pointers (12 ms). So it takes it
 * for one that does not, until this is called, just before the kernel gets it.
 */
static uint32_t load_switch_type;

static int load_typed(struct bpf_program *program, struct bpf_prog_load_opts *options, long cookie)
{
    (void)cookie;
    options->expected_attach_type = BPF_TRACE_RAW_TP;
    options->attach_btf_id = load_switch_type;
    return bpf_program__set_type(program, BPF_PROG_TYPE_TRACING);
}

/* Once: libbpf 1.1 corrupts its heap when the last such handler is taken back. */
static int load_register(void)
{
    static int handler = 0;
    const struct libbpf_prog_handler_opts typed = {.sz = sizeof(typed), .prog_prepare_load_fn = load_typed};

    if (handler <= 0)
        handler = libbpf_register_prog_handler("eco_typed+", BPF_PROG_TYPE_RAW_TRACEPOINT, 0, &typed);
    return handler;
}

static uint32_t load_power(uint32_t wanted, uint32_t usual, uint32_t min, uint32_t max)
{
    uint32_t n = min;

    if (wanted == 0)
        wanted = usual;
    while (n < wanted && n < max)
        n *= 2;
    return n;
}

/* Since 6.1 elements of a hash map may be made when they are needed; before, the kernel warns in its log. */
static bool load_may_allocate(void)
{
    struct utsname name;
    unsigned major = 0, minor = 0;

    return uname(&name) == 0 && eco_bpf_kernel_version(name.release, &major, &minor) &&
           (major > 6 || (major == 6 && minor >= 1));
}

static uint32_t load_cpu_count(void)
{
    int n = libbpf_num_possible_cpus();

    return n < 1 ? 1 : n > ECO_BPF_CPUS_MAX ? ECO_BPF_CPUS_MAX : (uint32_t)n;
}

static int load_configure(const struct eco_bpf_request *request, struct events_bpf *skel, struct eco_why *why)
{
    struct eco_bpf_config *config = &skel->rodata->config;
    uint32_t cpus = load_cpu_count();
    int r = eco_bpf_offsets(config, why);

    if (r < 0)
        return r;
    config->only_uid = request->only_uid;
    config->uid = request->uid;
    config->cgroup_id = request->cgroup_id;
    config->cgroup_depth = request->cgroup_level;
    config->only_tree = request->seed_count > 0;
    config->has_switch = request->has_switch;
#if !defined(__x86_64__) && !defined(__i386__)
    config->is_weakly_ordered = 1;
#endif
    uint32_t slots = load_power(request->slots_per_cpu, cpus > FEW_CPUS ? SLOTS_MANY : SLOTS_DEFAULT,
                                SLOTS_MIN, ECO_BPF_SLOTS_MAX);
    (void)bpf_map__set_max_entries(skel->maps.ring,
                                   load_power(request->ring_bytes, RING_DEFAULT, RING_MIN, ECO_BPF_RING_MAX));
    (void)bpf_map__set_max_entries(skel->maps.births,
                                   load_power(request->processes_limit, PROCESSES_DEFAULT, 1, PROCESSES_MAX));
    if (load_may_allocate())
        (void)bpf_map__set_map_flags(skel->maps.births, BPF_F_NO_PREALLOC);
    if (request->has_switch) {
        (void)bpf_map__set_max_entries(skel->maps.spill, SPILL_BYTES);
        (void)bpf_map__set_max_entries(skel->maps.cpus, cpus);
        (void)bpf_map__set_max_entries(skel->maps.own, cpus);
        (void)bpf_map__set_max_entries(skel->maps.slots, cpus * slots);
        return 0;
    }
    (void)bpf_program__set_autoload(skel->progs.eco_switch, false);
    (void)bpf_program__set_autoload(skel->progs.eco_begin, false);
    (void)bpf_map__set_autocreate(skel->maps.spill, false);
    (void)bpf_map__set_autocreate(skel->maps.cpus, false);
    (void)bpf_map__set_autocreate(skel->maps.own, false);
    (void)bpf_map__set_autocreate(skel->maps.slots, false);
    return 0;
}

static int load_seeds(const struct eco_bpf_request *request, struct events_bpf *skel)
{
    uint32_t one = 1;

    for (size_t i = 0; i < request->seed_count; i++) {
        uint32_t tgid = (uint32_t)request->seeds[i];
        int r = bpf_map_update_elem(bpf_map__fd(skel->maps.seeds), &tgid, &one, BPF_ANY);
        if (r < 0)
            return r;
    }
    return 0;
}

static void *load_map(const struct bpf_map *map, size_t size)
{
    void *at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, bpf_map__fd(map), 0);

    return at != MAP_FAILED ? at : NULL;
}

static uint32_t load_slots_per_cpu(const struct events_bpf *skel)
{
    return bpf_map__max_entries(skel->maps.slots) / bpf_map__max_entries(skel->maps.cpus);
}

/* What every CPU has to know: its sibling, and which slots are its own. */
static int load_cpus(const struct eco_bpf_request *request, struct events_bpf *skel)
{
    uint32_t cpus = bpf_map__max_entries(skel->maps.cpus), slots = load_slots_per_cpu(skel);
    struct eco_bpf_cpu *cpu = load_map(skel->maps.cpus, cpus * sizeof(*cpu));
    struct eco_bpf_own *own = load_map(skel->maps.own, cpus * sizeof(*own));

    for (uint32_t i = 0; cpu && own && i < cpus; i++) {
        int32_t sibling = request->siblings && i < request->sibling_count ? request->siblings[i] : -1;
        cpu[i].sibling = sibling >= 0 && (uint32_t)sibling < cpus && (uint32_t)sibling != i
                             ? (uint32_t)sibling
                             : ECO_BPF_NO_SIBLING;
        own[i].first_slot = i * slots;
        own[i].slot_mask = slots - 1;
    }
    int r = cpu && own ? 0 : -ENOMEM;
    if (cpu)
        (void)munmap(cpu, cpus * sizeof(*cpu));
    if (own)
        (void)munmap(own, cpus * sizeof(*own));
    return r;
}

static uint64_t load_now_ns(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * ECO_NS_PER_S + (uint64_t)t.tv_nsec;
}

static int load_header(const struct eco_bpf_request *request, struct events_bpf *skel)
{
    struct eco_bpf_header header = {.magic = ECO_BPF_MAGIC, .version = ECO_BPF_VERSION, .epoch = 1};
    uint32_t zero = 0;

    header.ring_bytes = bpf_map__max_entries(skel->maps.ring);
    header.since_ns = load_now_ns();
    if (request->has_switch) {
        header.flags = ECO_BPF_HAS_SWITCH;
        header.cpu_count = bpf_map__max_entries(skel->maps.cpus);
        header.slots_per_cpu = load_slots_per_cpu(skel);
        header.spill_bytes = bpf_map__max_entries(skel->maps.spill);
    }
    return bpf_map_update_elem(bpf_map__fd(skel->maps.data_header), &zero, &header, BPF_ANY);
}

/* Tell the hook who is on each CPU now, on that CPU. One that is offline begins with its first switch. */
static void load_begin(struct events_bpf *skel)
{
    uint32_t cpus = bpf_map__max_entries(skel->maps.cpus);

    for (uint32_t i = 0; i < cpus; i++) {
        uint64_t arguments[4] = {0};
        struct bpf_test_run_opts options = {.sz = sizeof(options),
                                            .ctx_in = arguments,
                                            .ctx_size_in = sizeof(arguments),
                                            .flags = BPF_F_TEST_RUN_ON_CPU,
                                            .cpu = i};
        (void)bpf_prog_test_run_opts(bpf_program__fd(skel->progs.eco_begin), &options);
    }
}

static int load_attach(const struct eco_bpf_request *request, struct events_bpf *skel,
                       struct eco_bpf_fds *fds)
{
    const struct {
        enum eco_bpf_fd fd;
        const char *name;
        struct bpf_program *program;
    } hooks[] = {
        /* What takes away first, then what adds: nobody is followed whose end would be missed. */
        {ECO_BPF_LINK_SWITCH, NULL /* its type says it */, skel->progs.eco_switch},
        {ECO_BPF_LINK_FREE, "sched_process_free", skel->progs.eco_free},
        {ECO_BPF_LINK_EXIT, "sched_process_exit", skel->progs.eco_exit},
        {ECO_BPF_LINK_EXEC, "sched_process_exec", skel->progs.eco_exec},
        {ECO_BPF_LINK_FORK, "sched_process_fork", skel->progs.eco_fork},
    };

    for (unsigned i = request->has_switch ? 0 : 1; i < ECO_COUNT(hooks); i++) {
        int fd = bpf_raw_tracepoint_open(hooks[i].name, bpf_program__fd(hooks[i].program));
        if (fd < 0)
            return fd;
        fds->fd[hooks[i].fd] = fd;
        if (hooks[i].fd == ECO_BPF_LINK_SWITCH)
            load_begin(skel);
    }
    return 0;
}

static int load_keep(const struct bpf_map *map, enum eco_bpf_fd which, struct eco_bpf_fds *fds)
{
    int fd = fcntl(bpf_map__fd(map), F_DUPFD_CLOEXEC, 3);

    if (fd < 0)
        return -errno;
    fds->fd[which] = fd;
    return 0;
}

static int load_hand_over(const struct eco_bpf_request *request, struct events_bpf *skel,
                          struct eco_bpf_fds *fds)
{
    int r = load_keep(skel->maps.data_header, ECO_BPF_HEADER, fds);

    if (r == 0)
        r = load_keep(skel->maps.ring, ECO_BPF_RING, fds);
    if (r < 0 || !request->has_switch)
        return r;
    r = load_keep(skel->maps.cpus, ECO_BPF_CPUS, fds);
    if (r == 0)
        r = load_keep(skel->maps.slots, ECO_BPF_SLOTS, fds);
    if (r == 0)
        r = load_keep(skel->maps.spill, ECO_BPF_SPILL, fds);
    return r;
}

int eco_bpf_load(const struct eco_bpf_request *request, struct eco_bpf_fds *ret, struct eco_why *why)
{
    struct eco_bpf_fds fds = ECO_BPF_FDS_NONE;
    const char *step = "open";
    int r = eco_bpf_check_kernel(why);

    if (r < 0)
        return r;
    if (request->seed_count > ECO_BPF_SEEDS_MAX)
        return -EINVAL;
    (void)libbpf_set_print(load_quiet);
    struct events_bpf *skel = load_register() < 0 ? NULL : events_bpf__open();
    if (skel == NULL) {
        r = errno > 0 ? -errno : -EINVAL;
        eco_bpf_say_why(step, r, why);
        return r;
    }
    r = load_configure(request, skel, why);
    if (r < 0)
        goto done;
    step = "load";
    load_switch_type = skel->rodata->config.switch_type;
    r = events_bpf__load(skel);
    if (r == 0)
        r = load_seeds(request, skel);
    if (r == 0 && request->has_switch)
        r = load_cpus(request, skel);
    if (r == 0)
        r = load_hand_over(request, skel, &fds);
    if (r == 0) {
        step = "attach";
        r = load_header(request, skel); /* the programs read it */
    }
    if (r == 0)
        r = load_attach(request, skel, &fds);
    if (r == 0)
        r = load_header(request, skel);
    if (r < 0) {
        eco_bpf_fds_close(&fds);
        eco_bpf_say_why(step, r, why);
    } else {
        *ret = fds;
    }
done:
    events_bpf__destroy(skel);
    return r;
}
