/* SPDX-License-Identifier: MIT */
/* Inside of the powercap sensor: shared by powercap.c and powercap_read.c only. */
#pragma once

#include "sensors/powercap_zone.h"
#include "sensors/sensor.h"

#define ZONE_NAME_MAX 40

struct zone {
    char name[ZONE_NAME_MAX]; /* "intel-rapl:0:1" */
    int fd;                   /* -1 = lost, to be opened again */
    bool is_told;             /* by env->counters: this user may not read it */
    uint64_t told_ns;         /* of the last value */
    unsigned fails;           /* in a row */
    bool reopened;            /* next good value is a new baseline */
    uint64_t retry_ns, backoff_ns;
};

struct found {
    struct eco_powercap_id id;
    char name[ZONE_NAME_MAX];
    struct eco_key key; /* kind NONE when its name could not be read */
    int fd;             /* of energy_uj, or why there is none */
    bool is_told;       /* has no fd, but env->counters tells its value */
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
    bool has_asked; /* env->counters, while open() looks around */
    int told_error; /* what it said */
    struct eco_why told_why;
    struct eco_counter_sample told; /* its newest values */
};

/** Value of a zone in the newest sample. -EACCES when it is not among them. */
int eco_powercap_told(const struct powercap *self, const char *zone, uint64_t *ret);

/** The sensor's read: every zone that does not stand by. */
int eco_powercap_read(struct eco_sensor *base, const struct eco_activity *activity,
                      struct eco_reading *readings);
