/* SPDX-License-Identifier: MIT */
#include "base/counter.h"

uint64_t eco_counter_delta(uint64_t before, uint64_t after, uint64_t modulus)
{
    if (modulus == 0)
        return after - before;
    /* A driver that shows a value outside its own range must not make a delta outside it. */
    before %= modulus;
    after %= modulus;
    return after >= before ? after - before : modulus - before + after;
}

uint64_t eco_add_sat(uint64_t a, uint64_t b)
{
    return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

uint64_t eco_sub_sat(uint64_t a, uint64_t b)
{
    return a > b ? a - b : 0;
}
