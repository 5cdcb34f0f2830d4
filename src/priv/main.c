/* SPDX-License-Identifier: MIT */
/*
 * ecocode-priv: the one program of EcoCode that has capabilities. It loads the kernel's side of accounting
 * and hands descriptors over, or tells energy counters that only root may read, at a limited rate. Started by
 * `ecocode` with one end of a socket pair as fd 0; it takes no options, no environment and no paths.
 */
#include "priv/caps.h"
#include "priv/guard.h"
#include "priv/serve.h"

#include <linux/capability.h>
#include <string.h>
#include <unistd.h>

#define MAY_NEED                                                                                       \
    (ECO_CAP(CAP_BPF) | ECO_CAP(CAP_PERFMON) | ECO_CAP(CAP_SYS_ADMIN) | ECO_CAP(CAP_DAC_READ_SEARCH) | \
     ECO_CAP(CAP_DAC_OVERRIDE))

static int complain(const char *text)
{
    static const char name[] = "ecocode-priv ";
    (void)!write(STDERR_FILENO, name, sizeof name - 1);
    (void)!write(STDERR_FILENO, text, strlen(text));
    (void)!write(STDERR_FILENO, "\n", 1);
    return 2;
}

int main(int argc, char **argv)
{
    static struct eco_serve serve;
    const char *why = "cannot begin";
    (void)argv;
    int64_t permitted = eco_caps_keep(MAY_NEED);
    if (permitted < 0)
        return complain("cannot give its capabilities up");
    if (eco_guard_begin(argc, &why) < 0)
        return complain(why);
    serve.permitted = (uint64_t)permitted;
    return eco_serve(&serve);
}
