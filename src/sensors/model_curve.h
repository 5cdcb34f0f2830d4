/* SPDX-License-Identifier: MIT */
/*
 * Power of a CPU from what is known without a sensor. Pure. The constants were fitted to 86 RAPL
 * readings of four machines (tests/fixtures/model/cpu_load_power_measured.csv); truth lies within
 * [/ECO_MODEL_RATIO, x ECO_MODEL_RATIO] in 95 % of them.
 */
#pragma once

#include <stddef.h>

#define ECO_MODEL_RATIO              2.2 /* 95 % interval by rated power, frequency known (covers 84 of 86) */
#define ECO_MODEL_RATIO_NO_FREQ      2.5 /* frequency unknown, taken as 1 (covers 83 of 86); watts per vCPU */
#define ECO_MODEL_RATIO_UNKNOWN      3.0 /* not even the CPU's name is known: judgement */
#define ECO_MODEL_RATIO_CALIBRATED   1.6 /* with known idle and full power */
#define ECO_MODEL_RAM_W_PER_GB       0.375 /* 3 W per 8 GB (Crucial; Cloud Carbon Footprint) */
#define ECO_MODEL_UNKNOWN_W_PER_CORE 4.0   /* CPU of unknown name (CodeCarbon) */

/*
 * P = TDP * (0.07 + f * (0.29 A + 0.36 u)).
 *
 * freq_ratio  mean frequency / highest frequency, 0-1; 1 when unknown
 * busy        mean share of logical CPUs that are busy, 0-1
 * awake       A = 1 - product of (1 - u_core): how much of the time some core is awake, 0-1
 */
double eco_model_power_w(double tdp_w, double freq_ratio, double busy, double awake);
/** The same shape between an idle and a full power that are known. */
double eco_model_between_w(double idle_w, double full_w, double freq_ratio, double busy, double awake);
double eco_model_idle_w(double tdp_w);
double eco_model_full_w(double tdp_w);

/** A for `count` cores with the given busy shares (values outside 0-1 are brought into it). */
double eco_model_awake(const double *core_busy, size_t count);

/** Standard uncertainty of the logarithm of a gain whose 95 % interval is [/ratio, x ratio]. */
double eco_model_alpha(double ratio);
