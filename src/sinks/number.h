/* SPDX-License-Identifier: MIT */
/* Numbers and times as the machine-readable outputs write them. */
#pragma once

#include "base/buf.h"

#include <stdint.h>

/**
 * Decimal number, rounded to the twelfth place behind the point, without trailing zeros: a picojoule is below
 * what any sensor can tell, and this is ten times as fast as the shortest form that reads back, which streams
 * would pay for in every interval. Larger values than 1e6 take that form. Nothing is written for nan and
 * infinity.
 */
void eco_number_add(struct eco_buf *out, double value);
void eco_number_add_u64(struct eco_buf *out, uint64_t value);

#define ECO_TIME_TEXT_MAX 40

/** "2026-11-22T10:00:00.000Z" of nanoseconds of CLOCK_REALTIME. */
void eco_time_format(int64_t real_ns, char ret[ECO_TIME_TEXT_MAX]);
