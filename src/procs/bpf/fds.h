/* SPDX-License-Identifier: MIT */
/*
 * What the loader (load.h, in a program of its own) hands to the reader (reader.h): descriptors and nothing
 * else. They may go through a socket in this order; those that are not there are -1. The hooks stay in place
 * for as long as the links are open; closing all of them is the whole clean-up, also when the process dies.
 */
#pragma once

enum eco_bpf_fd {
    ECO_BPF_HEADER, /* maps; all are read by mmap() only */
    ECO_BPF_RING,
    ECO_BPF_CPUS, /* the last three only with the hook on switches */
    ECO_BPF_SLOTS,
    ECO_BPF_SPILL,
    ECO_BPF_LINK_FORK, /* links */
    ECO_BPF_LINK_EXEC,
    ECO_BPF_LINK_EXIT,
    ECO_BPF_LINK_FREE,
    ECO_BPF_LINK_SWITCH,
    ECO_BPF_FD_COUNT
};

struct eco_bpf_fds {
    int fd[ECO_BPF_FD_COUNT];
};

#define ECO_BPF_FDS_NONE ((struct eco_bpf_fds){.fd = {-1, -1, -1, -1, -1, -1, -1, -1, -1, -1}})

/** Closes what is open; all are -1 after it. */
void eco_bpf_fds_close(struct eco_bpf_fds *fds);
