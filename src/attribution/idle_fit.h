/* SPDX-License-Identifier: MIT */
/* How idle power follows from chunks: the estimate, and what idle.c needs of it to see a step. Private to
 * attribution. */
#pragma once

#include "attribution/idle.h"

#define ECO_IDLE_NEAR    0.5  /* chunks that the intercept is taken from */
#define ECO_IDLE_MID     2.0  /* chunks that tell the slope */
#define ECO_IDLE_LEAKAGE 0.02 /* of the excess of the low-passed power over idle */

enum eco_idle_class { ECO_IDLE_CLASS_NEAR, ECO_IDLE_CLASS_MID, ECO_IDLE_CLASS_HIGH };

enum eco_idle_class eco_idle_class_of(const struct eco_idle_chunk *chunk);

/** Watts of a low-passed power above idle; its leakage is ECO_IDLE_LEAKAGE of this. */
double eco_idle_heat_excess(double heat_w, double idle_w);

/**
 * The estimate from some chunks, at most ECO_IDLE_RING, oldest first.
 *
 * @param ret_slope watts per busy CPU assumed before the fit (k0), 0 when nothing is known; may be NULL
 */
void eco_idle_fit(const struct eco_idle_chunk *chunks, size_t count, double tau_s,
                  struct eco_idle_estimate *ret, double *ret_slope);
