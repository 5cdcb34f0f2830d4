/* SPDX-License-Identifier: MIT */
/*
 * The simulated machine as a file system in user space: powercap zones whose energy is a known function of
 * time and CPU time, so that a test knows the right answer (model.h, tree.h). Needs root and /dev/fuse;
 * run-on-machine mounts it where the real zones would be. Stays in the foreground until unmounted.
 *
 *   eco-sim-machine [options] MOUNTPOINT
 */
#define FUSE_USE_VERSION 31

#include "tree.h"

#include <errno.h>
#include <fuse3/fuse.h>
#include <getopt.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

static struct eco_sim sim;
static struct eco_sim_tree tree;

/* What one open file shows: made anew by every read at its start, as sysfs does it. */
struct snapshot {
    char text[4096];
    size_t length;
};

static mode_t node_type(const struct eco_sim_node *node)
{
    return node->kind == ECO_SIM_NODE_FOLDER ? S_IFDIR : node->kind == ECO_SIM_NODE_LINK ? S_IFLNK : S_IFREG;
}

static int machine_getattr(const char *path, struct stat *ret, struct fuse_file_info *file)
{
    (void)file;
    const struct eco_sim_node *node = eco_sim_tree_find(&tree, &sim, path);
    if (node == NULL) {
        return -ENOENT;
    }
    *ret = (struct stat){.st_mode = node_type(node) | node->mode, .st_nlink = 1};
    ret->st_size = node->kind == ECO_SIM_NODE_LINK ? (off_t)strlen(node->text) : 4096;
    ret->st_ino = (ino_t)(node - tree.node) + 2;
    return 0;
}

static int machine_readlink(const char *path, char *ret, size_t size)
{
    const struct eco_sim_node *node = eco_sim_tree_find(&tree, &sim, path);
    if (node == NULL || node->kind != ECO_SIM_NODE_LINK) {
        return node == NULL ? -ENOENT : -EINVAL;
    }
    snprintf(ret, size, "%s", node->text);
    return 0;
}

static int machine_readdir(const char *path, void *ret, fuse_fill_dir_t fill, off_t offset,
                           struct fuse_file_info *file, enum fuse_readdir_flags flags)
{
    (void)offset, (void)file, (void)flags;
    fill(ret, ".", NULL, 0, 0);
    fill(ret, "..", NULL, 0, 0);
    for (size_t i = 0; i < tree.count; i++) {
        const struct eco_sim_node *node = &tree.node[i];
        const char *name;
        if (eco_sim_node_is_in(node, path, &name) && eco_sim_tree_find(&tree, &sim, node->path) != NULL) {
            fill(ret, name, NULL, 0, 0);
        }
    }
    return 0;
}

static int machine_open(const char *path, struct fuse_file_info *file)
{
    const struct eco_sim_node *node = eco_sim_tree_find(&tree, &sim, path);
    if (node == NULL) {
        return -ENOENT;
    }
    const bool is_written = (file->flags & O_ACCMODE) != O_RDONLY;
    if (is_written && node->kind != ECO_SIM_NODE_CONTROL) {
        return -EACCES;
    }
    struct snapshot *snapshot = calloc(1, sizeof(*snapshot));
    if (snapshot == NULL) {
        return -ENOMEM;
    }
    file->fh = (uint64_t)(uintptr_t)snapshot;
    file->direct_io = 1;
    return 0;
}

static int machine_release(const char *path, struct fuse_file_info *file)
{
    (void)path;
    free((void *)(uintptr_t)file->fh);
    return 0;
}

static int show(const struct eco_sim_node *node, struct snapshot *ret)
{
    int n = 0;
    uint64_t uj = 0;
    if (node->kind == ECO_SIM_NODE_ENERGY) {
        const int r = eco_sim_read_uj(&sim, node->package, node->zone, &uj);
        if (r < 0) {
            return r;
        }
        n = snprintf(ret->text, sizeof(ret->text), "%llu\n", (unsigned long long)uj);
    } else if (node->kind == ECO_SIM_NODE_TRUTH) {
        n = eco_sim_truth(&sim, ret->text, sizeof(ret->text));
    } else {
        n = snprintf(ret->text, sizeof(ret->text), "%s", node->text);
    }
    ret->length = (size_t)n < sizeof(ret->text) ? (size_t)n : sizeof(ret->text) - 1;
    return 0;
}

/* An open file whose zone has gone gives ENODEV, as a removed kernfs node does. */
static int machine_read(const char *path, char *ret, size_t size, off_t offset, struct fuse_file_info *file)
{
    const struct eco_sim_node *node = eco_sim_tree_find(&tree, &sim, path);
    struct snapshot *snapshot = (struct snapshot *)(uintptr_t)file->fh;
    if (node == NULL) {
        return -ENODEV;
    }
    if (offset == 0) {
        const int r = show(node, snapshot);
        if (r < 0) {
            return r;
        }
    }
    if (offset < 0 || (size_t)offset >= snapshot->length) {
        return 0;
    }
    const size_t left = snapshot->length - (size_t)offset;
    const size_t n = left < size ? left : size;
    memcpy(ret, snapshot->text + offset, n);
    return (int)n;
}

static int machine_write(const char *path, const char *text, size_t size, off_t offset,
                         struct fuse_file_info *file)
{
    (void)path, (void)offset, (void)file;
    char line[128];
    const size_t n = size < sizeof(line) - 1 ? size : sizeof(line) - 1;
    memcpy(line, text, n);
    line[n] = '\0';
    const int r = eco_sim_control(&sim, line);
    return r < 0 ? r : (int)size;
}

static int machine_truncate(const char *path, off_t size, struct fuse_file_info *file)
{
    (void)path, (void)size, (void)file;
    return 0;
}

/* libfuse sends it to the thread whose request was given up; the request itself says so when asked. */
static void ignore_signal(int number)
{
    (void)number;
}

static bool is_interrupted(void)
{
    return fuse_interrupted() != 0;
}

/* No attribute is cached: zones come and go. */
static void *machine_init(struct fuse_conn_info *connection, struct fuse_config *config)
{
    (void)connection;
    config->use_ino = 1;
    config->intr = 1;
    config->intr_signal = SIGUSR1;
    config->entry_timeout = 0;
    config->attr_timeout = 0;
    config->negative_timeout = 0;
    if (eco_sim_start(&sim) < 0) {
        fuse_exit(fuse_get_context()->fuse);
    }
    return NULL;
}

static const struct fuse_operations operations = {
    .getattr = machine_getattr,
    .readlink = machine_readlink,
    .truncate = machine_truncate,
    .open = machine_open,
    .read = machine_read,
    .write = machine_write,
    .release = machine_release,
    .readdir = machine_readdir,
    .init = machine_init,
};

enum option_code {
    OPTION_IDLE = 256,
    OPTION_K,
    OPTION_DRAM_IDLE,
    OPTION_DRAM_K,
    OPTION_PACKAGES,
    OPTION_WRAP,
    OPTION_START,
    OPTION_MAX_POWER,
    OPTION_PERIOD,
    OPTION_EXPONENT,
    OPTION_NOISE,
    OPTION_SIGMA,
    OPTION_SEED,
    OPTION_MODE,
    OPTION_CORE,
    OPTION_UNCORE,
    OPTION_PSYS
};

static const struct option options_table[] = {
    {"idle", required_argument, NULL, OPTION_IDLE},
    {"k", required_argument, NULL, OPTION_K},
    {"dram-idle", required_argument, NULL, OPTION_DRAM_IDLE},
    {"dram-k", required_argument, NULL, OPTION_DRAM_K},
    {"packages", required_argument, NULL, OPTION_PACKAGES},
    {"wrap", required_argument, NULL, OPTION_WRAP},
    {"start", required_argument, NULL, OPTION_START},
    {"max-power", required_argument, NULL, OPTION_MAX_POWER},
    {"period", required_argument, NULL, OPTION_PERIOD},
    {"exponent", required_argument, NULL, OPTION_EXPONENT},
    {"noise", required_argument, NULL, OPTION_NOISE},
    {"sigma", required_argument, NULL, OPTION_SIGMA},
    {"seed", required_argument, NULL, OPTION_SEED},
    {"mode", required_argument, NULL, OPTION_MODE},
    {"core", no_argument, NULL, OPTION_CORE},
    {"uncore", no_argument, NULL, OPTION_UNCORE},
    {"psys", no_argument, NULL, OPTION_PSYS},
    {0},
};

static const char usage[] =
    "usage: eco-sim-machine [--idle W] [--k J] [--dram-idle W] [--dram-k J] [--packages N] [--wrap J]\n"
    "       [--start J] [--max-power W] [--period MS] [--exponent P] [--noise X] [--sigma S] [--seed N] "
    "[--mode OCTAL]\n"
    "       [--core] [--uncore] [--psys] MOUNTPOINT\n";

static bool set_option(int option, struct eco_sim_options *o, mode_t *energy_mode)
{
    const double number = optarg != NULL ? strtod(optarg, NULL) : 0;
    double *const numbers[] = {
        &o->idle_w,   &o->k_j,         NULL,     NULL, NULL, &o->range_j, &o->start_j, &o->max_power_w, NULL,
        &o->exponent, &o->noise_ratio, &o->sigma};
    switch (option) {
    case OPTION_DRAM_IDLE:
        o->dram_idle_w = number;
        return true;
    case OPTION_DRAM_K:
        o->dram_k_j = number;
        return true;
    case OPTION_PACKAGES:
        o->packages = (unsigned)number;
        return true;
    case OPTION_PERIOD:
        o->period_ms = (unsigned)number;
        return true;
    case OPTION_SEED:
        o->seed = strtoull(optarg, NULL, 10);
        return true;
    case OPTION_MODE:
        *energy_mode = (mode_t)strtoul(optarg, NULL, 8);
        return true;
    case OPTION_CORE:
        o->core = true;
        return true;
    case OPTION_UNCORE:
        o->uncore = true;
        return true;
    case OPTION_PSYS:
        o->psys = true;
        return true;
    default:
        break;
    }
    if (option < OPTION_IDLE || option > OPTION_SIGMA) {
        return false;
    }
    *numbers[option - OPTION_IDLE] = number;
    return true;
}

static int serve(const char *program, const char *mountpoint)
{
    struct fuse_args args = FUSE_ARGS_INIT(0, NULL);
    if (fuse_opt_add_arg(&args, program) != 0 ||
        fuse_opt_add_arg(&args, "-oallow_other,default_permissions,fsname=eco-sim-machine") != 0) {
        return 1;
    }
    struct fuse *fuse = fuse_new(&args, &operations, sizeof(operations), NULL);
    int r = fuse == NULL || fuse_mount(fuse, mountpoint) != 0 ? 1 : 0;
    if (r == 0) {
        /* Threads, so that a read that hangs does not stop the others. */
        r = fuse_set_signal_handlers(fuse_get_session(fuse)) != 0 || fuse_loop_mt(fuse, 0) < 0 ? 1 : 0;
        fuse_unmount(fuse);
    }
    if (fuse != NULL) {
        fuse_destroy(fuse);
    }
    fuse_opt_free_args(&args);
    return r;
}

int main(int argc, char **argv)
{
    struct eco_sim_options options = {.packages = 1,
                                      .idle_w = 20,
                                      .k_j = 30,
                                      .exponent = 1,
                                      .sigma = -1,
                                      .gain = 1,
                                      .range_j = 262143.328850,
                                      .start_j = 12345,
                                      .max_power_w = 150,
                                      .seed = 1};
    mode_t energy_mode = 0400;
    int option;
    while ((option = getopt_long(argc, argv, "", options_table, NULL)) != -1) {
        if (!set_option(option, &options, &energy_mode)) {
            fputs(usage, stderr);
            return 2;
        }
    }
    if (optind != argc - 1 || options.range_j <= 0) {
        fputs(usage, stderr);
        return 2;
    }
    const pid_t parent = getppid();
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    /* A real counter is read at once: ours must not wait for its turn while every CPU is busy. */
    const struct sched_param urgent = {.sched_priority = 10};
    if (sched_setscheduler(0, SCHED_FIFO, &urgent) != 0) {
        fputs("eco-sim-machine: no real-time priority; reads may be late on a busy machine\n", stderr);
    }
    const int r = eco_sim_init(&sim, &options);
    sim.is_interrupted = is_interrupted;
    sigaction(SIGUSR1, &(struct sigaction){.sa_handler = ignore_signal}, NULL);
    if (r < 0 || getppid() != parent || eco_sim_tree_build(&tree, &sim, energy_mode) < 0) {
        fprintf(stderr, "eco-sim-machine: %s\n", r < 0 ? strerror(-r) : "cannot start");
        return 1;
    }
    return serve(argv[0], argv[optind]);
}
