/* SPDX-License-Identifier: MIT */
/*
 * Idle power learnt from what is seen, one learner per domain and regime: local and robust
 * (docs/attribution.md). Pure data; serialised by meter/state.c.
 *
 * The ring is shared by three classes of chunks: 48 places for at most 0.5 busy CPUs, 12 for at most
 * 2, 4 for more. A class that is full takes one chunk a minute in place of its oldest, so that hours
 * of load never push out the quiet seconds.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ECO_IDLE_RING 64

struct eco_idle_chunk {
    double length_s;   /* T */
    double busy_cpus;  /* x: mean busy CPUs in it */
    double power_w;    /* y */
    double heat_w;     /* H: power low-passed over 60 s, before the chunk */
    int64_t at_real_s; /* when, seconds of CLOCK_REALTIME */
};

struct eco_idle {
    struct eco_idle_chunk ring[ECO_IDLE_RING]; /* oldest first */
    size_t count;
    double tau_s; /* counter's period */
    /* the open chunk and the low pass */
    double open_length_s, open_energy_j, open_busy_s, open_heat_w;
    double heat_w;       /* nan before the first chunk */
    double last_added_s; /* seconds fed since a chunk was added; for one a minute once full */
};

enum eco_idle_trust { ECO_IDLE_UNKNOWN, ECO_IDLE_EXTRAPOLATED, ECO_IDLE_TRUSTED };

struct eco_idle_estimate {
    enum eco_idle_trust trust;
    double power_w; /* a; for UNKNOWN half the least power seen, nan when nothing was ever seen */
    double u_w;     /* standard uncertainty */
    size_t chunks;
    int64_t at_real_s; /* newest chunk used */
};

void eco_idle_init(struct eco_idle *idle, double tau_s);
/**
 * One closed interval of any length. Short ones are merged; gaps are not fed. A step of the regime is looked
 * for with every chunk. busy_s may be slightly below 0 (a signed remainder). `real_s` stamps the chunk.
 */
void eco_idle_feed(struct eco_idle *idle, double length_s, double energy_j, double busy_s, int64_t real_s);
/** A gap or suspend: what is open is dropped. */
void eco_idle_break(struct eco_idle *idle);
/** Forget chunks older than 30 days, more than a day in the future or impossible (after loading); detect a
 * step. */
void eco_idle_expire(struct eco_idle *idle, int64_t now_real_s);
void eco_idle_estimate(const struct eco_idle *idle, struct eco_idle_estimate *ret);
