/* SPDX-License-Identifier: MIT */
/*
 * The shortest decimal of 15 to 17 digits that reads back as the same double, by integer arithmetic: what
 * printf's "%.15g" to "%.17g" and strtod find in forty times as long. For the common range only.
 */
#pragma once

#include <stddef.h>

#define ECO_DECIMAL_MAX 32u

/**
 * @param value  of any sign
 * @param ret    [ECO_DECIMAL_MAX] "0.00123", "-12.5", "300"; without NUL, the point is '.'
 * @return its length; 0 = not below 10^15 or not from 10^-4 on (0 itself is): ask printf
 */
size_t eco_decimal(double value, char *ret);
