/* SPDX-License-Identifier: MIT */
/*
 * What `ecocode calibrate` finds out about a machine from levels of load that were held for a while: power by
 * busy CPUs, the second sibling's share, kinds of cores, frequency (docs/attribution.md, "Calibration"). What
 * the points cannot tell stays unknown, with the reason. Pure.
 */
#pragma once

#include "attribution/curve.h"
#include "attribution/weight.h"
#include "model/channel.h"

#include <stdint.h>

#define ECO_CALIBRATION_POINTS  64
#define ECO_CALIBRATION_SAMPLES 512
#define ECO_CALIBRATION_DOMAINS 24

/** One level of load as one domain saw it. Kind 0 is the largest kind of core. */
struct eco_calibration_point {
    unsigned threads;               /* of the load; points of the same number and kind are one level */
    bool has_siblings;              /* more threads than cores */
    int only_kind;                  /* threads on cores of this kind alone, -1 = on all of them in order */
    double busy[ECO_CORE_TYPES];    /* mean busy CPUs by kind of core */
    double overlap[ECO_CORE_TYPES]; /* sum over cores of the product of what its two siblings were busy */
    double power_w, u_w;
    double freq_khz; /* mean of the busy CPUs, nan not known */
};

/** A part of a level, for what changes while the load does not. */
struct eco_calibration_sample {
    unsigned level; /* any number that tells levels apart */
    double power_w, freq_khz;
};

/** A constant, or why it is not known. */
struct eco_constant {
    bool is_known;
    double value, u;
    char why[128]; /* "" when known */
};

struct eco_calibration_input {
    const struct eco_calibration_point *points;
    size_t count;
    double idle_w, idle_u_w;
    double limit_w; /* power limit of the domain, nan or 0 = not known */
};

/**
 * Weighted busy CPUs of a point: what a curve is drawn over.
 */
double eco_calibration_x(const struct eco_weight_model *model, const uint32_t capacity[ECO_CORE_TYPES],
                         const struct eco_calibration_point *point);

/** Is this level held down by a power limit? With more threads less power, or hardly more at a lower
 * frequency; or at the limit itself. */
bool eco_calibration_is_limited(const struct eco_calibration_input *in, size_t index);

/** sigma = (P of all siblings - P of all cores) / (P of all cores - P awake), cores only. In [0, 1]. */
void eco_calibration_sigma(const struct eco_calibration_input *in, struct eco_constant *ret);
/** Dynamic power of a core of that kind over one of kind 0. */
void eco_calibration_core(const struct eco_calibration_input *in, int kind, struct eco_constant *ret);
/** Exponent of frequency: only where the frequency changed while the load did not. */
void eco_calibration_gamma(const struct eco_calibration_sample *samples, size_t count, double idle_w,
                           struct eco_constant *ret);

/** The curve of a domain and how far it is off. */
struct eco_calibration_fit {
    struct eco_curve curve; /* count 0: not known */
    double worst_w;         /* largest difference between a level and the curve */
    double worst_ratio;     /* the same over that level's power */
    char why[128];
};

void eco_calibration_curve(const struct eco_calibration_input *in, const struct eco_weight_model *model,
                           const uint32_t capacity[ECO_CORE_TYPES], struct eco_calibration_fit *ret);

/** What is kept of one domain. */
struct eco_calibration_domain {
    char name[ECO_NAME_MAX], source[ECO_SOURCE_MAX];
    double idle_w, idle_u_w;
    double fit_ratio; /* worst_ratio of the curve; nan without one */
    struct eco_curve curve;
};

/** A calibration as it is kept: of one machine in one regime. */
struct eco_calibration {
    int64_t at_real_s; /* 0 = there is none */
    char cpu_model[96];
    struct eco_weight_model weights;
    double sigma_u, gamma_u;         /* standard uncertainty; nan = assumed, not found */
    double wall_idle_w, wall_busy_w; /* by a wall meter; nan = none */
    unsigned domain_count;
    struct eco_calibration_domain domains[ECO_CALIBRATION_DOMAINS];
};

void eco_calibration_init(struct eco_calibration *calibration);
/** The domain of that name as that source sees it, or NULL. */
const struct eco_calibration_domain *eco_calibration_find(const struct eco_calibration *calibration,
                                                          const char *name, const char *source);
