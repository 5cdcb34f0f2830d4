/* SPDX-License-Identifier: MIT */
/*
 * The way to ecocode-priv, the one program that has capabilities (src/priv/protocol.h). It is started without
 * an exit signal, so that a wait for "any child" does not see it; nothing waits for it, and a helper that
 * hangs or dies costs nothing but what it would have told. Only for programs. Thread: one at a time.
 */
#pragma once

#include "base/why.h"
#include "platform/counters.h"
#include "procs/feed.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct eco_topology;

/* ---- where it is ---- */

enum eco_priv_place {
    ECO_PRIV_ABSENT,    /* not installed */
    ECO_PRIV_FORBIDDEN, /* it is, but this user may not run it (not of the group) */
    ECO_PRIV_POWERLESS, /* it can be run, but has no capabilities and would have none */
    ECO_PRIV_THERE
};

/** Path of the helper that would be started, and how that stands. `ret` holds PATH_MAX bytes. */
enum eco_priv_place eco_priv_find(char *ret, size_t size);

/** Says why it is not used as it stands. Negative errno, always. */
int eco_priv_refuse(enum eco_priv_place place, const char *path, struct eco_why *why);

/* ---- accounting by the kernel ---- */

struct eco_priv_wish {
    bool wants_switches;   /* the hook on switches: struct eco_feed_ops.stints */
    uint64_t cgroup_id;    /* of cgroup v2: only what is or was born in or below it; 0 = wherever */
    uint32_t cgroup_level; /* its depth below the root of the tree */
    const int32_t *seeds;  /* only these and what descends from them; NULL = all */
    uint32_t seed_count;
    const struct eco_topology *topology;                 /* who is whose SMT sibling; NULL = nobody */
    uint32_t ring_bytes, slots_per_cpu, processes_limit; /* 0 = the helper's choice */
};

struct eco_priv_feed;

/**
 * Start the helper and ask; returns at once. A caller that is not root gets processes of its own user only.
 *
 * @return 0; -ENOENT not installed, -EACCES this user may not run it, another negative errno
 */
int eco_priv_ask_feed(const struct eco_priv_wish *wish, struct eco_priv_feed **ret,
                      struct eco_why *why) ECO_MUST_CHECK;
/** Can be polled: readable when there is something to take. */
int eco_priv_feed_fd(const struct eco_priv_feed *asked);
/**
 * Never waits.
 *
 * @param ret  the feed, owned by the caller
 * @return 1 = *ret is set; 0 = not yet; negative errno with the reason: there will be none
 */
int eco_priv_take_feed(struct eco_priv_feed *asked, struct eco_feed **ret,
                       struct eco_why *why) ECO_MUST_CHECK;
/** Gives the helper up, if it has not answered; a feed that was taken goes on. Accepts NULL, returns NULL. */
struct eco_priv_feed *eco_priv_feed_free(struct eco_priv_feed *asked);

/* ---- counters that only root may read ---- */

/**
 * A service for struct eco_env. Starts nothing: the helper is started at the first read.
 *
 * @return NULL for root, who needs none; when there is no helper that this user may run; or no memory
 */
struct eco_counters *eco_priv_counters_new(void);
/** The next sample ends a measurement: worth waiting up to 100 ms for. So are, from the beginning on, those
 * that begin one, until this is called for the first time. Thread: any. */
void eco_priv_counters_edge(struct eco_counters *counters, bool is_edge);
/** Ends the helper of a service that another thread may be using still: this process ends now. Accepts NULL.
 */
void eco_priv_counters_leave(struct eco_counters *counters);
/** Ends the helper. Accepts NULL, returns NULL. */
struct eco_counters *eco_priv_counters_free(struct eco_counters *counters);
