/* SPDX-License-Identifier: MIT */
/* cmocka with the headers that it needs before it. */
#pragma once

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* Equal but for rounding: within `tolerance`. A nan is near nothing. */
#define eco_assert_near(value, expected, tolerance) assert_true(fabs((value) - (expected)) <= (tolerance))
