/* SPDX-License-Identifier: MIT */
#include "base/mem.h"
#include "platform/host.h"

#include <errno.h>

/* One CPU: the least that whoever divides by their number can live with. */
int eco_host_read_topology(const struct eco_root *root, struct eco_host *ret)
{
    (void)root;
    struct eco_cpu_place *cpu = eco_calloc(1, sizeof(*cpu));
    if (!cpu)
        return -ENOMEM;
    *cpu = (struct eco_cpu_place){.package = -1, .die = -1, .core = 0, .sibling = -1, .online = true};
    eco_host_finish(ret);
    ret->topology = (struct eco_topology){
        .cpus = cpu, .cpu_count = 1, .online_count = 1, .core_count = 1, .package_count = 1};
    return 0;
}

int eco_host_sketch_topology(const struct eco_root *root, struct eco_host *ret)
{
    return eco_host_read_topology(root, ret);
}
