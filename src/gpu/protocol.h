/* SPDX-License-Identifier: MIT */
/*
 * What ecocode-sensord tells, in datagrams over a SOCK_SEQPACKET pair: a header, then `count` records of the
 * kind (structs of model/gpu.h; both ends are of one build, `version` refuses another). The other end may
 * write one byte 's' to ask for a sample now; closing it ends the daemon. The reader trusts no count, index
 * or text in it.
 */
#pragma once

#include "base/macros.h"
#include "model/gpu.h"

#define ECO_GPU_MAGIC        0x55504745u /* "EGPU" */
#define ECO_GPU_VERSION      3u
#define ECO_GPU_DATAGRAM_MAX 65536u

enum eco_gpu_message {
    ECO_GPU_OPENED = 1, /* a source is ready: text is its name; records: eco_gpu_device */
    ECO_GPU_STATES,     /* eco_gpu_state, all devices of a source at one look */
    ECO_GPU_USES,       /* eco_gpu_use: all of a look, so that who is missing has ended; may be split, `more`
                           says that another one follows, and the last is sent only when all others were */
    ECO_GPU_FAILED      /* the source cannot be used now: text says why, `error` the errno */
};

struct eco_gpu_header {
    uint32_t magic, version;
    uint32_t kind; /* enum eco_gpu_message */
    uint32_t source;
    uint32_t count;
    uint32_t more;
    int32_t error;
    uint32_t seq;     /* of the look; counts up from 1 */
    uint64_t sent_ns; /* MONOTONIC */
    uint64_t self_ns; /* CPU time of the daemon's process so far */
    char text[320];
};
