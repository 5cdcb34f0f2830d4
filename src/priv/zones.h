/* SPDX-License-Identifier: MIT */
/* The RAPL counters of this machine, found by ourselves below /sys/class/powercap. init/finish. */
#pragma once

#include "base/why.h"
#include "platform/counters.h"
#include "platform/root.h"

struct eco_zone_file {
    char name[ECO_COUNTER_NAME_MAX];
    int fd;
};

struct eco_zones {
    struct eco_root root;
    char boot_id[64];
    struct eco_zone_file files[ECO_COUNTERS_MAX];
    uint32_t count;
    bool is_cut;  /* there are more */
    bool is_lost; /* a file has gone since it was opened (a CPU package went offline) */
};

/** -ENODEV: none here; -EACCES: not even we may. What is closed by eco_zones_finish is always set. */
int eco_zones_open(struct eco_zones *zones, struct eco_why *why) ECO_MUST_CHECK;
/** All of them now; a counter that fails says so in its value. */
void eco_zones_read(struct eco_zones *zones, struct eco_counter_sample *ret);
void eco_zones_finish(struct eco_zones *zones);
