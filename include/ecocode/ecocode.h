/* SPDX-License-Identifier: MIT */
/*
 * libecocode: what computing costs in energy, in your own program. ISO C99.
 *
 *     struct eco_meter_options options = {.size = sizeof options};
 *     struct eco_meter *meter;
 *     char why[256];
 *     if (eco_meter_open(&options, &meter, why, sizeof why) < 0) ...
 *     eco_meter_add_root(meter, getpid());
 *     eco_meter_tick(meter);                      // baseline
 *     work();
 *     eco_meter_tick(meter);
 *     struct eco_totals totals = {.size = sizeof totals};
 *     eco_meter_totals(meter, &totals);           // totals.job_active_j, ...
 *     eco_meter_free(meter);
 *
 * Units are in the names: _j joules, _w watts, _s seconds, _ns nanoseconds, _bytes. Not known is NaN
 * for doubles. Errors are negative errno values. The library never forks, reaps children, installs
 * signal handlers, prints or exits. A handle belongs to the process that opened it: in a forked child
 * every call says -ECANCELED and eco_meter_free only frees memory. Structs begin with their size, set by the
 * caller, so that they can grow. Calls on one meter are made by one thread at a time unless its own thread
 * runs (eco_meter_start); readers may be used from any thread, each by one at a time.
 */
#ifndef ECOCODE_H
#define ECOCODE_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define ECO_API __attribute__((visibility("default")))
#else
#define ECO_API
#endif

struct eco_meter;
struct eco_reader;
struct eco_frame;
struct rusage;

/* Who is charged for idle power: eco_meter_options.policy. */
#define ECO_BY_ACTIVE   1 /* nobody; the default */
#define ECO_BY_FULL     2 /* by share of use */
#define ECO_BY_EQUAL    3 /* the same for every tree that ran */
#define ECO_BY_RESERVED 4 /* by quota and cpuset */

/* Flags of eco_meter_options. */
#define ECO_METER_MACHINE    1u /* rows for every process, not only for the trees of add_root */
#define ECO_METER_NO_CMDLINE 2u
#define ECO_METER_NO_LEARN   4u /* do not keep what is learnt about idle power */

struct eco_meter_options {
    size_t size;             /* sizeof(struct eco_meter_options) */
    const char *procfs_path; /* NULL = /proc */
    const char *sysfs_path;  /* NULL = /sys */
    uint64_t interval_ns;    /* of the own thread; 0 = 1 s; 1 ms to 1 h */
    int policy;              /* ECO_BY_..., 0 = active */
    unsigned flags;
    const char *idle_power; /* "20W" or "package-0=20W,dram-0=2W"; NULL = learnt */
};

/* Sums over the counted domains since the first look. */
struct eco_totals {
    size_t size;
    double duration_s;
    double machine_j;
    double job_active_j; /* NaN while the idle power is not known */
    double job_full_j;
    double job_j;                            /* by the chosen policy (FULL when ACTIVE is not known) */
    double job_low_j, job_high_j;            /* 95 % */
    double others_j, idle_j, unattributed_j; /* job + these = machine */
    double job_cpu_s;
    int quality; /* 1 measured, 2 derived, 3 estimated, 0 nothing known */
};

/**
 * Find the sensors. Needs no privilege; without a readable sensor figures are estimated and say so.
 *
 * @param why  receives one sentence when the result is negative or no sensor is readable; may be NULL
 * @return 0, -EINVAL (options), -ENOMEM, -ENOTSUP (platform)
 */
ECO_API int eco_meter_open(const struct eco_meter_options *options, struct eco_meter **ret, char *why,
                           size_t why_size);
/** Accepts NULL, returns NULL. Stops the own thread. Readers of the meter are freed before it. */
ECO_API struct eco_meter *eco_meter_free(struct eco_meter *meter);

/** Measure this process and all that descends from it, from now on. -ESRCH when there is none. */
ECO_API int eco_meter_add_root(struct eco_meter *meter, int32_t pid);
/** Tell that a child was reaped by the caller, with its rusage (wait4). Makes the totals exact. */
ECO_API int eco_meter_child_ended(struct eco_meter *meter, int32_t pid, const struct rusage *usage);

/** End the present interval now and begin the next. The first call is the baseline. */
ECO_API int eco_meter_tick(struct eco_meter *meter);
/** The last interval ends now: every domain is closed, readers get their last frame and then -EPIPE.
 * Totals stay. -EINVAL before the first tick. */
ECO_API int eco_meter_end(struct eco_meter *meter);
/** Tick by a thread of the meter's own (all signals blocked) every interval_ns. -EALREADY when it runs. */
ECO_API int eco_meter_start(struct eco_meter *meter);
ECO_API int eco_meter_stop(struct eco_meter *meter);

ECO_API int eco_meter_totals(struct eco_meter *meter, struct eco_totals *ret);

/**
 * A reader sees every frame from now on. One that falls behind gets one frame of cumulative totals
 * (keyframe) in place of those it missed.
 */
ECO_API int eco_meter_reader(struct eco_meter *meter, struct eco_reader **ret);
ECO_API struct eco_reader *eco_reader_free(struct eco_reader *reader);
/**
 * The next frame, a reference that the caller gives back (eco_frame_unref).
 *
 * @param timeout_ns  how long to wait; 0 = not at all
 * @return 0, -EAGAIN when there is none in time, -EPIPE when the meter has ended
 */
ECO_API int eco_reader_next(struct eco_reader *reader, uint64_t timeout_ns, struct eco_frame **ret);

ECO_API struct eco_frame *eco_frame_ref(struct eco_frame *frame);
ECO_API void eco_frame_unref(struct eco_frame *frame);

struct eco_frame_info {
    size_t size;
    uint64_t seq, t0_ns, t1_ns, suspended_ns; /* CLOCK_MONOTONIC */
    int keyframe, last;
    unsigned domain_count;
    uint32_t process_count;
    double machine_j, job_active_j, job_full_j; /* counted domains */
    double job_cpu_s;
};
struct eco_frame_domain_info {
    size_t size;
    const char *name; /* lives as long as the meter */
    int counted;      /* part of the sum */
    int quality;      /* as in eco_totals */
    int known;        /* 0 = gap: the figures are NaN */
    double machine_j, idle_j, unattributed_j, others_j, job_active_j, job_full_j;
};
struct eco_frame_process_info {
    size_t size;
    int32_t pid;
    const char *name; /* lives as long as the frame; any bytes */
    double cpu_s, active_j, full_j;
    uint64_t rss_bytes;
    int ended;
};
ECO_API int eco_frame_get(const struct eco_frame *frame, struct eco_frame_info *ret);
ECO_API int eco_frame_get_domain(const struct eco_frame *frame, unsigned index,
                                 struct eco_frame_domain_info *ret);
ECO_API int eco_frame_get_process(const struct eco_frame *frame, uint32_t index,
                                  struct eco_frame_process_info *ret);

/** "0.1.0" */
ECO_API const char *eco_version(void);

#ifdef __cplusplus
}
#endif
#endif
