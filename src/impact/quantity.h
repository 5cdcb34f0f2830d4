/* SPDX-License-Identifier: MIT */
/*
 * Quantities as people type them. Each has its unit, and one of another kind is refused: nothing is converted
 * that does not convert. -EINVAL with what is expected ("a price: 0.25EUR").
 */
#pragma once

#include "base/why.h"
#include "model/impact.h"

/** "0.25EUR", "0.25 eur/kWh", "4.10USD/h": not negative; `per` is what may stand behind the '/': "kWh", "h".
 */
int eco_parse_price(const char *text, const char *per, struct eco_price *ret,
                    struct eco_why *why) ECO_MUST_CHECK;
/** "56", "56g", "56g/kWh", "0.056kg/kWh": g per kWh, at most 5000. */
int eco_parse_intensity(const char *text, double *ret_g_per_kwh, struct eco_why *why) ECO_MUST_CHECK;
/** "180kg", "1.2t", "90000g": g. A bare number has no unit and is refused. */
int eco_parse_mass(const char *text, double *ret_g, struct eco_why *why) ECO_MUST_CHECK;
/** "4y", "48mo", "1460d", "35040h": s. A year has 365.25 days, a month a twelfth of it. */
int eco_parse_lifetime(const char *text, double *ret_s, struct eco_why *why) ECO_MUST_CHECK;
/** Power usage effectiveness, 1 to 5. */
int eco_parse_pue(const char *text, double *ret, struct eco_why *why) ECO_MUST_CHECK;
/** "0.18", "0.18L/kWh": litres per kWh, 0 to 100. */
int eco_parse_wue(const char *text, double *ret, struct eco_why *why) ECO_MUST_CHECK;
/** "85,1.21" or "85W,1.21": watts and factor. */
int eco_parse_wall(const char *text, double *ret_w, double *ret_ratio, struct eco_why *why) ECO_MUST_CHECK;
/** "epoch=20", "epoch": name and count (1). */
int eco_parse_per(const char *text, char *ret_name, size_t size, double *ret_count,
                  struct eco_why *why) ECO_MUST_CHECK;
