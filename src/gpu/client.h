/* SPDX-License-Identifier: MIT */
/*
 * What ecocode-sensord told, kept for the meter: the latest state of every device, who used it, how its
 * sources are. Nothing here waits, forks or starts anything; a daemon that says nothing is only old. What
 * comes in is checked (counts, indices, texts, kinds of records, sizes) and never believed further.
 *
 * Sums go on where a source is opened anew (its process died, the driver was reloaded): what was not seen is
 * not in them, and `breaks` counts it. Thread: one at a time.
 */
#pragma once

#include "base/macros.h"
#include "base/why.h"
#include "gpu/protocol.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ECO_GPU_SOURCES_MAX 8

struct eco_gpu_client;

struct eco_gpu_seen_source {
    char name[ECO_SOURCE_MAX]; /* "nvml" ...; "" = has not opened yet */
    bool is_open;
    int32_t error;       /* negative errno of the last failure, 0 none since it opened */
    struct eco_why why;  /* in words */
    uint64_t arrived_ns; /* when it last said anything */
    uint64_t cpu_ns;     /* CPU time that it used so far */
    uint32_t opened_count, look_count;
};

struct eco_gpu_seen_device {
    struct eco_gpu_device device;
    struct eco_gpu_state
        state;       /* as last told; its sums are those of the source, not to be compared over breaks */
    uint32_t source; /* its index */
    int32_t parent;  /* place here of the device that this is an instance of, or ECO_GPU_NO_PARENT */
    bool is_there;   /* false: its source is closed, or no longer names it */
    bool has_state;
    uint32_t look_count; /* states so far */
    uint32_t breaks;     /* how often energy went on without a part that nobody saw */
    uint64_t arrived_ns;
    uint64_t energy_uj, busy_ns, throttled_ns; /* since first seen */
    uint64_t power_max_uw, memory_max_bytes;
    int32_t temperature_max_mc; /* INT32_MIN unknown */
};

struct eco_gpu_seen_use {
    uint32_t device;                  /* place of its device or instance */
    int32_t pid;                      /* 0 = of another pid namespace, nobody here has a name for it */
    uint32_t flags;                   /* enum eco_gpu_use_flags */
    int32_t parents[ECO_GPU_PARENTS]; /* 0 = unknown from there on */
    uint64_t busy_ns, weight_ns;      /* since first seen */
    uint64_t energy_uj, span_ns;      /* where the card's state has ECO_GPU_HAS_DIVIDED */
    uint64_t memory_bytes, memory_max_bytes;
    uint64_t arrived_ns;
};

/** Takes the descriptor, on failure too. Returns 0 or -ENOMEM. */
int eco_gpu_client_new(int fd, struct eco_gpu_client **ret) ECO_MUST_CHECK;
/** Closing the descriptor ends the daemon. Accepts NULL, returns NULL. */
struct eco_gpu_client *eco_gpu_client_free(struct eco_gpu_client *client);

/** To be polled for reading; -1 once the daemon has ended. */
int eco_gpu_client_fd(const struct eco_gpu_client *client);
/** Ask for a sample now; what it says comes with a later read. Never waits. */
void eco_gpu_client_ask(struct eco_gpu_client *client);
/**
 * Take what has arrived; never waits, and takes a bounded number of messages.
 *
 * @return how many messages there were, or -EPIPE: the daemon has ended and everything is read
 */
int eco_gpu_client_read(struct eco_gpu_client *client, uint64_t now_ns);
/** One message, as eco_gpu_client_read does with each: 0, or -EPROTO (dropped whole). */
int eco_gpu_client_take(struct eco_gpu_client *client, const void *data, size_t size, uint64_t now_ns);

/* Places stay the same while the client lives; new ones come at the end. */
size_t eco_gpu_client_sources(const struct eco_gpu_client *client);
const struct eco_gpu_seen_source *eco_gpu_client_source(const struct eco_gpu_client *client, size_t place);
size_t eco_gpu_client_devices(const struct eco_gpu_client *client);
const struct eco_gpu_seen_device *eco_gpu_client_device(const struct eco_gpu_client *client, size_t place);
/* Uses keep their order, but move up when ended ones are forgotten. */
size_t eco_gpu_client_uses(const struct eco_gpu_client *client);
const struct eco_gpu_seen_use *eco_gpu_client_use(const struct eco_gpu_client *client, size_t place);
/** Drop the uses that have ended: everybody has read their last figures. */
void eco_gpu_client_forget_ended(struct eco_gpu_client *client);

/** Messages that were not understood, and uses that found no room: 0 unless something is wrong. */
uint64_t eco_gpu_client_refused(const struct eco_gpu_client *client);
uint64_t eco_gpu_client_dropped_uses(const struct eco_gpu_client *client);
