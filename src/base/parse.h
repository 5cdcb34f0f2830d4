/* SPDX-License-Identifier: MIT */
/*
 * Text to numbers. Locale plays no part. Out-parameters stay untouched on failure. The whole text
 * must be used up but for white space at its end; a leading sign, white space or an empty text is
 * -EINVAL, a number that does not fit -ERANGE.
 */
#pragma once

#include "base/macros.h"

#include <stdbool.h>
#include <stdint.h>

int eco_parse_u64(const char *text, uint64_t *ret) ECO_MUST_CHECK;
int eco_parse_hex(const char *text, uint64_t *ret) ECO_MUST_CHECK;
/** May begin with '-'. */
int eco_parse_i64(const char *text, int64_t *ret) ECO_MUST_CHECK;
/** Decimal with an optional fraction and exponent, never nan or inf; may begin with '-'. */
int eco_parse_double(const char *text, double *ret) ECO_MUST_CHECK;
/** "250ms", "5s", "1.5m", "1h", "100us", "2" (seconds): nanoseconds. 0 and negative are -EINVAL. */
int eco_parse_duration(const char *text, uint64_t *ret_ns) ECO_MUST_CHECK;
/** "20W", "500mW", "1.5kW" or a bare number of watts, not negative. */
int eco_parse_power(const char *text, double *ret_w) ECO_MUST_CHECK;
/** "5%" or "2.5 %": 0.05, 0.025. Not negative; the sign must stand there, so that 0.05 cannot mean two
 * things. */
int eco_parse_percent(const char *text, double *ret_ratio) ECO_MUST_CHECK;
/** "yes/no, true/false, on/off, 1/0". */
int eco_parse_bool(const char *text, bool *ret) ECO_MUST_CHECK;

/**
 * The number that begins at *cursor; *cursor moves behind it. For parsers of kernel text, which
 * hold many numbers in a row. Leading blanks are skipped.
 *
 * @return 0, -EINVAL when there is no digit, -ERANGE when it does not fit
 */
int eco_scan_u64(const char **cursor, uint64_t *ret) ECO_MUST_CHECK;

/** Kernel list of CPUs "0-3,8,10-11" into `set[0..limit)`. Returns how many, or -EINVAL/-ERANGE. */
int eco_parse_cpulist(const char *text, bool *set, unsigned limit) ECO_MUST_CHECK;
