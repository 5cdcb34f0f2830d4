/* SPDX-License-Identifier: MIT */
/* Inside of the powercap sensor: shared by powercap.c and powercap_read.c only. */
#pragma once

#include "sensors/powercap_zone.h"
#include "sensors/sensor.h"

#define ZONE_NAME_MAX 40

struct zone {
    char name[ZONE_NAME_MAX]; /* "intel-rapl:0:1" */
    int fd;                   /* -1 = lost, to be opened again */
    unsigned fails;           /* in a row */
    bool reopened;            /* next good value is a new baseline */
    uint64_t retry_ns, backoff_ns;
};

struct found {
    struct eco_powercap_id id;
    char name[ZONE_NAME_MAX];
    struct eco_key key; /* kind NONE when its name could not be read */
    int fd;             /* of energy_uj, or why there is none */
    bool is_kept;       /* fd belongs to a zone now */
    uint64_t value;
};

struct powercap {
    struct eco_sensor base;
    struct zone *zones; /* parallel to base.channels */
    size_t zone_capacity;
    struct found *found; /* while open() looks around */
    size_t found_count, found_capacity;
    unsigned passed_over; /* zones above the limit */
    bool is_amd;
};

/** The sensor's read: every zone that does not stand by. */
int eco_powercap_read(struct eco_sensor *base, const struct eco_activity *activity,
                      struct eco_reading *readings);
