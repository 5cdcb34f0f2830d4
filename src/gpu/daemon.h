/* SPDX-License-Identifier: MIT */
/*
 * ecocode-sensord: one process that starts another one per source and watches them. A source whose driver
 * crashes, or never comes back from a call, touches no other; it is tried again at doubling intervals. The
 * processes of the sources write to the socket themselves. All of them end when the other end is closed, or
 * when the watching one dies.
 */
#pragma once

#include "gpu/protocol.h"
#include "gpu/source.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct eco_gpu_daemon_options {
    int fd; /* SOCK_SEQPACKET, the program's end */
    uint64_t interval_ns;
    const struct eco_gpu_source_ops *const *sources; /* NULL-ended */
    const struct eco_env *env;
    uint64_t patience_ns; /* for one call of a source; 0 = as usual */
    uint64_t retry_ns;    /* the first wait before a source is tried again; 0 = as usual */
};

/** Returns when no source is left or the other end is closed. Never waits for a stuck process. */
void eco_gpu_daemon_be(const struct eco_gpu_daemon_options *options);

/* ---- between the two (worker.c) ---- */

/* In memory that both share: what the watching process must know while a call does not return. */
struct eco_gpu_shared {
    _Atomic uint64_t call_began_ns; /* 0 = in none */
    _Atomic uint32_t look_count;
};

struct eco_gpu_worker {
    const struct eco_gpu_source_ops *ops;
    const struct eco_env *env;
    uint32_t source; /* its number in messages */
    uint64_t interval_ns;
    int fd;         /* messages go here */
    int control_fd; /* 's' comes from here; closed when the watching process is gone */
    struct eco_gpu_shared *shared;
};

/* How a source's process ends, but for signals. */
enum eco_gpu_worker_exit {
    ECO_GPU_WORKER_NONE = 0,  /* nothing of the kind is here */
    ECO_GPU_WORKER_FAILED = 1 /* it said why */
};

_Noreturn void eco_gpu_worker_be(const struct eco_gpu_worker *worker);

/** Never waits. 0 or negative errno. */
int eco_gpu_tell_failed(int fd, uint32_t source, int error, const char *text);
