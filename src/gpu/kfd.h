/* SPDX-License-Identifier: MIT */
/*
 * Who computes on AMD cards: ROCm's queues are not in fdinfo, but in /sys/class/kfd/kfd (amdkfd; names as in
 * rocm_smi_kfd.cc). What the kernel tells of a process is how many compute units it occupies at a moment, so
 * busy time is sampled, not counted. Thread: one.
 */
#pragma once

#include "gpu/use_books.h"
#include "platform/env.h"

#define ECO_KFD_NODES_MAX 32

struct eco_kfd_node {
    uint64_t gpu_id;
    char pdev[32];
    uint32_t units; /* compute units */
};

struct eco_kfd {
    const struct eco_env *env;
    struct eco_kfd_node nodes[ECO_KFD_NODES_MAX];
    size_t node_count;
    uint64_t looked_ns;
    struct eco_use_books *books; /* of the look in progress */
    int32_t (*index_of)(const void *context, const char *pdev);
    const void *context;
    struct eco_kfd_sdma { /* of copying, cumulative in the kernel; told in growth */
        int32_t pid;
        uint64_t gpu_id, last_us;
        bool is_seen;
    } * sdma;
    size_t sdma_count, sdma_capacity;
    double span_ns;
    int32_t pid;
};

/** Finds the nodes; none where there is no kfd. */
void eco_kfd_open(struct eco_kfd *kfd, const struct eco_env *env);
void eco_kfd_close(struct eco_kfd *kfd);
/** Adds to the books. */
void eco_kfd_look(struct eco_kfd *kfd, struct eco_use_books *books,
                  int32_t (*index_of)(const void *context, const char *pdev), const void *context);
