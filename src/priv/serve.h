/* SPDX-License-Identifier: MIT */
/* Answers questions on fd 0 until the caller closes it. */
#pragma once

#include "priv/limit.h"
#include "priv/protocol.h"
#include "priv/zones.h"

#include <stdint.h>

struct eco_serve {
    uint64_t permitted;   /* capabilities that can still be raised */
    bool serves_counters; /* they are open, and no capability is left */
    struct eco_zones zones;
    struct eco_limit limit;
};

/** 0 when the caller has gone or everything is told; 1 when it was refused. */
int eco_serve(struct eco_serve *self);

/* accounting.c */
/** Load, attach, send the descriptors or the reason. Capabilities are gone after it. */
void eco_serve_accounting(struct eco_serve *self, const struct eco_priv_accounting *question);

/* counters.c */
/** Open what is needed at the first question, answer. False when there is nothing more to tell. */
bool eco_serve_counters(struct eco_serve *self, const struct eco_priv_counters *question);
