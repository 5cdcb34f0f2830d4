/* SPDX-License-Identifier: MIT */
/* cmocka with its prerequisites, and a comparison that does not round to float. */
#pragma once

/* clang-format off */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
/* clang-format on */

#define assert_near(value, expected, tolerance) assert_true(fabs((value) - (expected)) <= (tolerance))
