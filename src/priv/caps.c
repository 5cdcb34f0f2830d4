/* SPDX-License-Identifier: MIT */
#include "priv/caps.h"

#include <errno.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define LAST_TRIED 63

static int get(uint64_t *ret_permitted)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[2] = {{0}, {0}};
    if (syscall(SYS_capget, &header, data) != 0)
        return -errno;
    *ret_permitted = (uint64_t)data[1].permitted << 32 | data[0].permitted;
    return 0;
}

static int set(uint64_t permitted, uint64_t effective)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    const struct __user_cap_data_struct data[2] = {
        {.effective = (uint32_t)effective, .permitted = (uint32_t)permitted},
        {.effective = (uint32_t)(effective >> 32), .permitted = (uint32_t)(permitted >> 32)}};
    return syscall(SYS_capset, &header, data) == 0 ? 0 : -errno;
}

/* Needs CAP_SETPCAP, which only root has here. Without exec, which no_new_privs makes harmless, the bounding
 * set gives nothing. */
static void drop_bounding(uint64_t permitted)
{
    if ((permitted & ECO_CAP(CAP_SETPCAP)) == 0 || set(permitted, ECO_CAP(CAP_SETPCAP)) < 0)
        return;
    for (unsigned long i = 0; i <= LAST_TRIED; i++)
        (void)prctl(PR_CAPBSET_DROP, i, 0ul, 0ul, 0ul);
}

int64_t eco_caps_keep(uint64_t keep)
{
    uint64_t permitted = 0;
    int r = get(&permitted);
    if (r < 0)
        return r;
    (void)prctl(PR_CAP_AMBIENT, (unsigned long)PR_CAP_AMBIENT_CLEAR_ALL, 0ul, 0ul, 0ul);
    drop_bounding(permitted);
    permitted &= keep;
    r = set(permitted, 0);
    return r < 0 ? r : (int64_t)permitted;
}

int eco_caps_raise(uint64_t wanted)
{
    uint64_t permitted = 0;
    int r = get(&permitted);
    return r < 0 ? r : set(permitted, wanted & permitted);
}
