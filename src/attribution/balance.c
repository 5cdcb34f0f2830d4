/* SPDX-License-Identifier: MIT */
#include "attribution/balance.h"

#include <math.h>

/* Anything that is not a finite number above 0 counts as nothing. */
static double positive(double value)
{
    return isfinite(value) && value > 0 ? value : 0;
}

double eco_idle_balance_take(struct eco_idle_balance *balance, double power_uw, double dt_s, double energy_uj,
                             double bound_uj)
{
    if (isnan(power_uw))
        return (double)NAN;
    double energy = positive(energy_uj);
    double due = positive(balance->due_uj) + positive(power_uw) * positive(dt_s);
    double taken = fmin(due, energy);

    /* Bounded after taking: a long interval owes its whole idle, only what it leaves is cut. */
    balance->due_uj = fmin(due - taken, positive(bound_uj));
    return taken;
}
