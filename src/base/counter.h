/* SPDX-License-Identifier: MIT */
/* Arithmetic on counters that wrap. Pure. */
#pragma once

#include <stdint.h>

/**
 * How far a wrapping counter moved between two reads.
 *
 * @param before   earlier value, in the counter's own unit
 * @param after    later value, same unit
 * @param modulus  the counter runs 0 .. modulus-1 and starts again; 0 means it uses all 64 bits
 * @return units moved, in [0, modulus). A whole lap between the two reads is invisible, so a
 *         caller must read at least once per half wrap time.
 */
uint64_t eco_counter_delta(uint64_t before, uint64_t after, uint64_t modulus);

/** a + b and a - b that stop at the ends instead of wrapping. */
uint64_t eco_add_sat(uint64_t a, uint64_t b);
uint64_t eco_sub_sat(uint64_t a, uint64_t b);
