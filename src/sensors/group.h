/* SPDX-License-Identifier: MIT */
/*
 * All sensors as one: opens every kind, elects one source per domain, decides what counts (the only
 * place that does), fails over with a new baseline, turns counters and power into energy since the
 * last look. Life cycle: open, read ..., free. Thread: one.
 *
 * What counts: package counts; dram is added; core and uncore are within package; psys, system and
 * battery are envelopes, counted only when nothing inside them is known, not even by estimate (nothing
 * of them can be given to a process); estimated domains stand in only where no measured one of that
 * kind exists. AMD and Hygon: at most one zone
 * per package. Several dies of an Intel package are summed into one domain.
 */
#pragma once

#include "model/domain.h"
#include "sensors/sensor.h"

struct eco_group;

struct eco_group_options {
    bool no_estimate; /* leave the model out */
    bool no_perf;
    const char *only; /* comma-separated kinds of sensor, NULL = all */
    bool read_all; /* read every source at every look, not only the elected ones: for `sensors`, `doctor` */
};

/** Everything `sensors` and `doctor` show about one channel, refused ones too. */
struct eco_finding {
    const char *sensor;                /* ops->name */
    const struct eco_channel *channel; /* NULL when refused */
    const struct eco_refusal *refusal; /* NULL when open */
    int domain;                        /* index of its domain, -1 none */
    bool elected;                      /* gives the domain's figure now */
    struct eco_reading last;           /* present reading, state NONE when there is none yet */
    double power_w;                    /* over the last two looks, nan unknown */
    bool stands_still; /* an energy counter that has not moved although nothing can use so little: no counter
                        */
};

/**
 * @param ret_why  why there is no measured package domain and what to type, empty when there is one
 * @return 0, also when nothing was found (no domains); -ENOMEM
 */
int eco_group_open(const struct eco_env *env, const struct eco_group_options *options, struct eco_group **ret,
                   struct eco_why *ret_why) ECO_MUST_CHECK;
struct eco_group *eco_group_free(struct eco_group *group);

/** The domains; the array stays at its place, `sources` and `quality` in it are kept up to date. Counted ones
 * come first. */
const struct eco_domain *eco_group_domains(const struct eco_group *group, unsigned *ret_count);

/**
 * Read everything once. The first read is the baseline: all domains WAITING.
 *
 * @param activity    the machine's busy time, read just before
 * @param close_all   the measurement starts or ends now: domains do not wait for their counter to move
 * @param ret         one per domain; OK and GAP close the domain's interval, WAITING leaves it open
 */
void eco_group_read(struct eco_group *group, const struct eco_activity *activity, bool close_all,
                    struct eco_energy *ret);

/** Longest time between two reads in which no counter can lap by half, ns. */
uint64_t eco_group_max_interval_ns(const struct eco_group *group);

/** Names of the places where sensors appear and vanish, as one number; differs when one has come or gone.
 * Costs a listing of a few small directories. */
uint64_t eco_group_fingerprint(const struct eco_group *group);
/**
 * Look again at what there is. Existing domains keep their index, what counted goes on counting, and a
 * counter that is still there keeps its baseline; new domains are appended. Between two reads.
 *
 * @return 0; -ENOMEM when something was not looked at: ask again
 */
int eco_group_rescan(struct eco_group *group) ECO_MUST_CHECK;

/** What there is, in the order of probing. Borrowed until the next read. Without `read_all` only elected
 * sources have a present reading. */
size_t eco_group_findings(const struct eco_group *group, struct eco_finding *ret, size_t capacity);

/** The model in words with its inputs ("AMD EPYC, 2 vCPU at 0.74-2.28 W each, ..."), "" when nothing is
 * estimated. */
const char *eco_group_model_text(const struct eco_group *group);
