/* SPDX-License-Identifier: MIT */
/* Figures of comparisons as bench, compare and check write them. */
#pragma once

#include "base/buf.h"
#include "base/json.h"
#include "history/verdict.h"

#define ECO_FIGURE_TEXT_MAX 64

/** "12.3 J" with the digits that an interval from `low` to `high` allows (three where it is not known). "-"
 * for nan. */
void eco_format_energy(double value_j, double low_j, double high_j, char ret[ECO_FIGURE_TEXT_MAX]);
/** "±5 %" ("+-5 %" without UTF-8), "(10 to 60 J)" where the ends are not alike; "" where they are not known.
 */
void eco_format_spread(double value_j, double low_j, double high_j, bool utf8, char ret[ECO_FIGURE_TEXT_MAX]);
/** "+10.4 %" of a ratio of 1.104; "x3.21" beyond a factor of two. */
void eco_format_change(double ratio, char ret[ECO_FIGURE_TEXT_MAX]);
/** "+9.8 to +11.0 %" of an interval; "" where there is none. */
void eco_format_range(const struct eco_interval *ratio, char ret[ECO_FIGURE_TEXT_MAX]);
/** "95 %", "99.5 %" */
void eco_format_level(double level, char ret[ECO_FIGURE_TEXT_MAX]);
/** The verdict as a sentence without a full stop: "B uses 10.4 % more energy than A". */
void eco_add_verdict(struct eco_buf *out, const struct eco_judgement *judgement, const char *a, const char *b,
                     double margin);
/** The judgement as members of an object: "ratio", "low_ratio", "high_ratio", "level", "verdict" ... */
void eco_json_judgement(struct eco_json *json, const char *key, const struct eco_judgement *judgement);
