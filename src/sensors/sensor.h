/* SPDX-License-Identifier: MIT */
/*
 * One source of energy or power figures. To add one: a file of static functions that ends in one
 * const table, a line in kinds.h, registry.c and meson.build, a fixture, a test, a row in
 * docs/hardware.md. Thread: one sensor belongs to one thread at a time.
 */
#pragma once

#include "base/why.h"
#include "model/activity.h"
#include "model/channel.h"
#include "platform/env.h"

#include <stddef.h>

struct eco_sensor;

/*
 * Something that was seen but is not used: shown by `sensors` and `doctor`, and in the report where
 * it explains why figures are estimated.
 */
struct eco_refusal {
    char what[ECO_NAME_MAX * 2]; /* "intel-rapl:0/energy_uj" */
    char domain[ECO_NAME_MAX];   /* "package-0" or "" */
    int error;                   /* -EACCES, -EIO ... */
    bool mendable;               /* `why.fix` is a command that helps */
    struct eco_why why;
};

/*
 * Operations of one kind of sensor. name, open, read and close are mandatory. Order of calls: open,
 * then read any number of times, then close; close also after a failed open.
 */
struct eco_sensor_ops {
    const char *name;       /* lower case, no spaces; part of stored series names, so never renamed */
    const char *summary;    /* one line for `sensors` and docs */
    size_t size;            /* bytes of the implementation's struct, which starts with eco_sensor */
    const char *appears_in; /* directory of sysfs whose names tell that one has come or gone; NULL = none */

    /*
     * Find the hardware and fill self->channels (eco_sensor_add_channel) and self->refusals
     * (eco_sensor_refuse). 0; -ENODEV when this machine has none (silent, normal); -EACCES when it
     * has but none of it may be read; another negative errno.
     */
    int (*open)(struct eco_sensor *self, const struct eco_env *env, struct eco_why *why);

    /*
     * Fill one reading per channel, in the order of self->channels. A broken channel is reported in
     * its own reading; one with `standby` may be left at NONE. `activity` is the machine's latest (models
     * need it; may be NULL for hardware). A negative return means that the whole sensor failed; it is retried
     * at doubling intervals.
     */
    int (*read)(struct eco_sensor *self, const struct eco_activity *activity, struct eco_reading *readings);

    /* Release everything. Must cope with a sensor whose open() failed half way. */
    void (*close)(struct eco_sensor *self);
};

#define ECO_CHANNELS_MAX 512 /* per sensor */
#define ECO_REFUSALS_MAX 64

struct eco_sensor {
    const struct eco_sensor_ops *ops;
    const struct eco_env *env;
    struct eco_channel *channels; /* owned by the core */
    size_t channel_count, channel_capacity;
    struct eco_refusal *refusals;
    size_t refusal_count, refusal_capacity;
};

/**
 * Allocate, open. When there are refusals to tell, a failure other than -ENOMEM sets *ret all the same,
 * to a sensor without channels; otherwise *ret is untouched on failure.
 */
int eco_sensor_open(const struct eco_sensor_ops *ops, const struct eco_env *env, struct eco_sensor **ret,
                    struct eco_why *why) ECO_MUST_CHECK;
struct eco_sensor *eco_sensor_free(struct eco_sensor *sensor);
/** A zeroed channel at the end of self->channels (key fields -1, quantum 1), or NULL: no memory or over the
 * limit. */
struct eco_channel *eco_sensor_add_channel(struct eco_sensor *sensor) ECO_MUST_CHECK;
/** A zeroed refusal, or NULL. */
struct eco_refusal *eco_sensor_refuse(struct eco_sensor *sensor, int error, const char *what,
                                      const char *domain);
