/* SPDX-License-Identifier: MIT */
/* usage: eco-nvml-calls FILE [--reset]    What ECO_NVML_CALLS has counted, as JSON; --reset sets it to 0
 * then. */
#include "calls.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    const int reset = argc == 3 && strcmp(argv[2], "--reset") == 0;
    if (argc != 2 && !reset) {
        fprintf(stderr, "usage: eco-nvml-calls FILE [--reset]\n");
        return 2;
    }
    struct nv_calls *calls = access(argv[1], R_OK) == 0 ? nv_calls_open(argv[1]) : NULL;
    if (calls == NULL) {
        fprintf(stderr, "eco-nvml-calls: %s cannot be read\n", argv[1]);
        return 1;
    }
    uint64_t sum = 0, cpu_ns = 0;
    printf("{\"functions\": {");
    for (uint32_t i = 0; i < calls->count; i++) {
        struct nv_calls_row *row = &calls->row[i];
        printf("%s\"%s\": {\"calls\": %" PRIu64 ", \"cpu_ns\": %" PRIu64 "}", i > 0 ? ", " : "", row->name,
               row->calls, row->cpu_ns);
        sum += row->calls;
        cpu_ns += row->cpu_ns;
        if (reset) {
            __atomic_store_n(&row->calls, 0, __ATOMIC_RELAXED);
            __atomic_store_n(&row->cpu_ns, 0, __ATOMIC_RELAXED);
        }
    }
    printf("}, \"calls\": %" PRIu64 ", \"cpu_ns\": %" PRIu64 "}\n", sum, cpu_ns);
    return 0;
}
