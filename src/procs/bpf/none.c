/* SPDX-License-Identifier: MIT */
/* Built without clang, bpftool or libbpf. */
#include "procs/bpf/load.h"

#include <errno.h>

int eco_bpf_load(const struct eco_bpf_request *request, struct eco_bpf_fds *ret, struct eco_why *why)
{
    (void)request;
    (void)ret;
    eco_why_set(why, "built without BPF");
    return -ENOTSUP;
}
