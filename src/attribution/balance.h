/* SPDX-License-Identifier: MIT */
/*
 * How much of an interval's energy was idle power (method: docs/attribution.md). What the counter
 * did not yet deliver is carried to the next interval: E_idle = min(dE, P_idle * dt) per interval
 * alone would depend on the interval's length. Pure.
 */
#pragma once

struct eco_idle_balance {
    double due_uj; /* idle energy owed by earlier intervals, >= 0 */
};

/**
 * @param power_uw  idle power, frozen for the measurement, >= 0
 * @param dt_s      length of the interval, > 0
 * @param energy_uj what the domain used in it, >= 0
 * @param bound_uj  the most that may stay owed: power x max(two intervals, two periods of the counter)
 * @return idle part, in [0, energy_uj]
 */
double eco_idle_balance_take(struct eco_idle_balance *balance, double power_uw, double dt_s, double energy_uj,
                             double bound_uj);
