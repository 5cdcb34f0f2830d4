/* SPDX-License-Identifier: MIT */
/* The kernel's description of its types: whatever it is, an answer or -EINVAL, and soon. */
#include "base/macros.h"
#include "fuzz/fuzz.h"
#include "procs/bpf/btf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint32_t offset[4] = {7, 7, 7, 7};
    struct eco_btf_query queries[] = {
        {.type = "task_struct", .member = "pid", .ret = &offset[0]},
        {.type = "task_struct", .member = "se.sum_exec_runtime", .ret = &offset[1]},
        {.type = "btf_trace_sched_switch", .ret = &offset[2]},
        {.type = "cgroup", .member = "ancestors", .ret = &offset[3]},
    };
    char *copy = fuzz_copy(data, size);
    int r = eco_btf_find(copy, size, queries, ECO_COUNT(queries));

    require(r == 0 || r == -EINVAL);
    for (unsigned i = 0; i < ECO_COUNT(queries); i++)
        require(queries[i].is_found || offset[i] == 7);
    require(!queries[2].is_found || offset[2] <= 0xffff);
    free(copy);
    return 0;
}
