/* SPDX-License-Identifier: MIT */
/* Load of one's own: a child a CPU. The kernel ends them when we end, however that comes about. */
#include "base/mem.h"
#include "cli/calibrate.h"

#include <errno.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define TABLE 2048u /* words: 16 KiB, within any first-level cache */

/* Integers, floating point and a table in the first-level cache: nothing that another CPU would notice. */
static _Noreturn void be_busy(void)
{
    static volatile double sink;
    static volatile uint64_t table[TABLE];
    uint64_t state = 88172645463325252u;
    double sum = 1;
    for (;;) {
        for (unsigned i = 0; i < TABLE; i++) {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            table[state % TABLE] += state;
            sum = sum * 0.999999 + (double)(table[i] >> 40);
        }
        sink = 0.5 * sink + sum;
    }
}

static int pin(uint32_t cpu)
{
    size_t size = CPU_ALLOC_SIZE(ECO_CPUS_MAX);
    cpu_set_t *set = eco_calloc(1, size);
    if (!set)
        return -ENOMEM;
    CPU_SET_S(cpu, size, set);
    int r = sched_setaffinity(0, size, set) < 0 ? -errno : 0;
    free(set);
    return r;
}

static _Noreturn void be_child(pid_t parent, uint32_t cpu)
{
    static const int ends[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};
    for (size_t i = 0; i < ECO_COUNT(ends); i++)
        (void)signal(ends[i], SIG_DFL);
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    (void)prctl(PR_SET_NAME, "ecocode-load");
    if (getppid() != parent || pin(cpu) < 0)
        _exit(ECO_EXIT_MISUSE);
    be_busy();
}

int eco_load_start(struct eco_load *load, const uint32_t *cpus, unsigned count)
{
    pid_t parent = getpid();
    *load = (struct eco_load){.pids = eco_calloc(count ? count : 1, sizeof *load->pids)};
    if (!load->pids)
        return -ENOMEM;
    (void)fflush(NULL);
    for (unsigned i = 0; i < count; i++) {
        pid_t pid = fork();
        if (pid == 0)
            be_child(parent, cpus[i]);
        if (pid < 0) {
            int r = -errno;
            eco_load_stop(load);
            return r;
        }
        load->pids[load->count++] = pid;
    }
    return 0;
}

void eco_load_stop(struct eco_load *load)
{
    for (unsigned i = 0; i < load->count; i++)
        (void)kill(load->pids[i], SIGKILL);
    for (unsigned i = 0; i < load->count; i++)
        while (waitpid(load->pids[i], NULL, 0) < 0 && errno == EINTR) {
        }
    free(load->pids);
    *load = (struct eco_load){.pids = NULL};
}
