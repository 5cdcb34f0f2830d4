/* SPDX-License-Identifier: MIT */
/*
 * Energy -> CO2e, water, money, embodied carbon, SCI (docs/impact.md). Pure arithmetic; nothing is looked up
 * on a network, no place is guessed.
 *
 *     struct eco_factors factors;
 *     r = eco_factors_init(&factors, &choices, &why);      what was asked for -> factors with their sources
 *     eco_impact_reckon(&factors, &input, &impact);        energy -> figures
 */
#pragma once

#include "base/why.h"
#include "model/impact.h"

#define ECO_J_PER_KWH 3.6e6

/**
 * Factors from what was asked for. Without a location they are the world's mean, and location_origin is NULL.
 *
 * @return 0, -EINVAL with a reason ("--price: not a price ...")
 */
int eco_factors_init(struct eco_factors *ret, const struct eco_impact_choices *choices,
                     struct eco_why *why) ECO_MUST_CHECK;

/** All of it; a row per policy of the input. */
void eco_impact_reckon(const struct eco_factors *factors, const struct eco_impact_input *input,
                       struct eco_impact *ret);

/** Grams of CO2e of `joules` measured in `duration_s` by a job that used `share` of the machine; for budgets.
 */
double eco_impact_co2e_g(const struct eco_factors *factors, double joules, double duration_s, double share);
/** Price of the same in price_kwh.currency, nan without a price. */
double eco_impact_cost(const struct eco_factors *factors, double joules, double duration_s, double share);
