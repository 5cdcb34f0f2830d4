/* SPDX-License-Identifier: MIT */
#include "platform/host.h"

#include <math.h>
#include <stdlib.h>

void eco_host_read(const struct eco_root *root, struct eco_host *ret)
{
    (void)root;
    struct eco_topology topology = ret->topology;
    *ret = (struct eco_host){.topology = topology, .cpu_quota = (double)NAN};
}

void eco_host_read_early(const struct eco_root *root, struct eco_host *ret)
{
    eco_host_read(root, ret);
}

void eco_host_read_limits(const struct eco_root *root, struct eco_host *ret)
{
    (void)root;
    (void)ret;
}

void eco_host_finish(struct eco_host *host)
{
    free(host->topology.cpus);
    host->topology = (struct eco_topology){0};
}
