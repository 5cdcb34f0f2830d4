/* SPDX-License-Identifier: MIT */
#include "platform/confine.h"

#include "base/macros.h"

#include <errno.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define NICE           5
#define FD_SCAN_MAX    65536
#define CAPABILITY_MAX 63

void eco_confine_close_from(int first)
{
#ifdef SYS_close_range
    if (syscall(SYS_close_range, (unsigned)first, ~0u, 0u) == 0)
        return;
#endif
    struct rlimit limit; /* before Linux 5.9 */
    int most = getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < FD_SCAN_MAX ? (int)limit.rlim_cur
                                                                                     : FD_SCAN_MAX;
    for (int fd = first; fd < most; fd++)
        (void)close(fd);
}

/* Files and /proc of other users; what NVML asks for to see instances of other users. */
static uint64_t kept_capabilities(void)
{
    return UINT64_C(1) << CAP_DAC_READ_SEARCH | UINT64_C(1) << CAP_SYS_PTRACE | UINT64_C(1) << CAP_SYS_ADMIN;
}

static void drop_capabilities(uint64_t kept)
{
    for (int capability = 0; capability <= CAPABILITY_MAX; capability++) {
        if (!(kept >> capability & 1))
            (void)prctl(PR_CAPBSET_DROP, capability, 0, 0, 0);
    }
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[2];
    if (syscall(SYS_capget, &header, data) != 0)
        return;
    for (int i = 0; i < 2; i++) {
        uint32_t part = (uint32_t)(kept >> (32 * i));
        data[i].effective &= part;
        data[i].permitted &= part;
        data[i].inheritable = 0;
    }
    (void)syscall(SYS_capset, &header, data);
}

static void confine(uint64_t kept)
{
    const struct rlimit no_core = {0};
    sigset_t none;
    (void)setsid();
    (void)sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    (void)signal(SIGPIPE, SIG_IGN);
    (void)setpriority(PRIO_PROCESS, 0, NICE);
    (void)setrlimit(RLIMIT_CORE, &no_core);
    (void)umask(S_IRWXG | S_IRWXO);
    (void)!chdir("/");
    (void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
    drop_capabilities(kept);
    (void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
}

void eco_confine_reader(void)
{
    confine(kept_capabilities());
}

void eco_confine_client(void)
{
    confine(0);
}
