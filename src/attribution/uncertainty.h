/* SPDX-License-Identifier: MIT */
/*
 * The 95 % interval of a job's energy over a whole measurement, from six components
 * (docs/attribution.md). Interior readings telescope: frames' errors are never added up. Pure.
 * Joules, watts, seconds; u_ are standard uncertainties.
 */
#pragma once

#include "model/report.h"

struct eco_u_domain {
    enum eco_policy policy;
    double job_j;         /* E_job under the policy */
    double dynamic_job_j; /* dynamic part of it */
    double unattributed_j;
    double share;          /* s: the job's share of all weights over the run, [0, 1] */
    double reserved_share; /* r, for RESERVED; EQUAL's mean share too */
    double duration_s;
    double first_w, last_w;     /* power of the first and last interval */
    double period_s, bracket_s; /* tau, delta */
    double quantum_j;
    double idle_u_w;    /* u(P_idle); 0 when policy does not need it */
    double alpha;       /* sensor gain */
    double model_ratio; /* > 1: estimated, truth within [/ratio, x ratio] */
    double rho;         /* .30/.20/.10/.05 for tier 0/1/2/3; dram .6; 0 when the job ran alone */
};

/** One domain. ret->job_low_j never below 0. Estimated domains give the asymmetric factor interval joined
 * with the rest. */
void eco_uncertainty_domain(const struct eco_u_domain *in, struct eco_uncertainty *ret);

/** Several domains: each component linearly over domains, then root of squares over components; estimated
 * factors linearly. */
void eco_uncertainty_total(const struct eco_u_domain *domains, size_t count, struct eco_uncertainty *ret);
