/* SPDX-License-Identifier: MIT */
#include "run/run_internal.h"

#include "base/mem.h"
#include "base/text.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

uint64_t eco_run_now_ns(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * ECO_NS_PER_S + (uint64_t)now.tv_nsec;
}

void eco_run_new_id(char ret[33])
{
    unsigned char bytes[16];
    if (getrandom(bytes, sizeof(bytes), GRND_NONBLOCK) != (ssize_t)sizeof(bytes)) {
        /* Before the system's source is seeded (early boot) time and pid must do: ids need only differ. */
        struct timespec now;
        (void)clock_gettime(CLOCK_REALTIME, &now);
        uint64_t parts[2] = {(uint64_t)now.tv_sec * ECO_NS_PER_S + (uint64_t)now.tv_nsec,
                             (uint64_t)getpid() * 0x9e3779b97f4a7c15ull};
        memcpy(bytes, parts, sizeof(bytes));
    }
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < sizeof(bytes); i++) {
        ret[2 * i] = digits[bytes[i] >> 4];
        ret[2 * i + 1] = digits[bytes[i] & 15];
    }
    ret[32] = '\0';
}

static struct eco_run *free_run(struct eco_run *run)
{
    if (run != NULL) {
        free(run->environment);
        free(run->own_texts);
        free(run->strangers);
        free(run);
    }
    return NULL;
}

static void cleanup_run(struct eco_run **run)
{
    *run = free_run(*run);
}

static struct eco_run *new_run(const struct eco_run_options *options)
{
    struct eco_run *run = eco_calloc(1, sizeof(*run));
    if (run == NULL) {
        return NULL;
    }
    run->release_fd = run->error_fd = run->own_group_fd = run->group_fd = -1;
    run->watch_fd = run->signal_fd = -1;
    run->argv = options->argv;
    run->no_cgroup = options->no_cgroup;
    run->wait_all = options->wait_all;
    run->may_reap = true;
    (void)eco_text_copy(run->run_id, sizeof(run->run_id), options->run_id);
    run->user = options->user;
    if (run->user && !getcwd(run->folder, sizeof(run->folder))) {
        run->folder[0] = '\0';
    }
    return eco_run_make_environment(run) == 0 ? run : free_run(run);
}

int eco_run_prepare(const struct eco_run_options *options, struct eco_run **ret, struct eco_why *why)
{
    if (options->argv == NULL || options->argv[0] == NULL || options->run_id == NULL ||
        strlen(options->run_id) >= sizeof((*ret)->run_id)) {
        eco_why_set(why, "no command to run, or no id for it");
        return -EINVAL;
    }
    struct eco_run *run ECO_CLEANUP(cleanup_run) = new_run(options);
    if (run == NULL) {
        eco_why_set(why, "no memory to prepare the run");
        return -ENOMEM;
    }
    eco_run_take_signals(run);
    /* Only now is SIGCHLD at its default: where it was ignored, the kernel reaped strangers by itself. */
    int r = eco_run_find_strangers(run);
    if (r < 0) {
        eco_run_give_signals_back(run);
        eco_why_set(why, "no memory to remember the children that are here already");
        return r;
    }
    (void)prctl(PR_GET_CHILD_SUBREAPER, &run->found.subreaper);
    (void)prctl(PR_GET_PDEATHSIG, &run->found.parent_death_signal);
    /* Where this fails (kernels before 3.4) orphans go to init and are missing from what is reaped. */
    (void)prctl(PR_SET_CHILD_SUBREAPER, 1ul, 0ul, 0ul, 0ul);
    *ret = run;
    run = NULL;
    return 0;
}

struct eco_run *eco_run_finish(struct eco_run *run)
{
    if (run == NULL) {
        return NULL;
    }
    eco_run_abandon(run);
    eco_run_remove_group(run);
    if (run->signal_fd >= 0) {
        (void)close(run->signal_fd);
    }
    (void)prctl(PR_SET_CHILD_SUBREAPER, (unsigned long)run->found.subreaper, 0ul, 0ul, 0ul);
    if (run->has_own_to_reap) {
        eco_run_reap_own(run);
    }
    eco_run_give_signals_back(run);
    return free_run(run);
}
