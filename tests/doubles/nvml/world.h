/* SPDX-License-Identifier: MIT */
/* What is true in a scenario, and what the driver's sensors make of it. Times are seconds since its start. */
#pragma once

#include "scenario.h"

/** True while the process holds a context. */
bool nv_process_is_open(const struct nv_process *process, double t_s);
/** Integral of the engine's utilisation (0..1) over the time in which the process holds a context. */
double nv_process_busy_s(const struct nv_process *process, enum nv_engine engine, double from_s, double to_s);
/** What the process drew above idle, by its watts; NAN where the device's power is given as a curve. */
double nv_process_energy_j(const struct nv_scenario *scenario, const struct nv_process *process,
                           double from_s, double to_s);

struct nv_energy {
    double total_j, idle_j, context_j, dynamic_j; /* the last two NAN where the power is given as a curve */
};
struct nv_energy nv_device_energy(const struct nv_scenario *scenario, size_t device, double from_s,
                                  double to_s);
/** Share of the time (0..1) that the engine was busy: the processes' sum, at most 1. */
double nv_device_busy(const struct nv_scenario *scenario, size_t device, enum nv_engine engine, double from_s,
                      double to_s);

/* What the sensors see. */
/** Joules that the sensor has seen since the start (part-time sensors miss some); 0 before it. */
double nv_seen_j(const struct nv_scenario *scenario, size_t device, double t_s);
/** The energy counter: moves once per period, begins anew at a reset. */
uint64_t nv_counter_mj(const struct nv_scenario *scenario, size_t device, double t_s, double *ret_stamp_s);
double nv_power_instant_w(const struct nv_scenario *scenario, size_t device, double t_s);
double nv_power_mean_w(const struct nv_scenario *scenario, size_t device, double t_s, double mean_s);
/** The last moment of a period that is not after t_s. */
double nv_grid(double t_s, double period_ms);
