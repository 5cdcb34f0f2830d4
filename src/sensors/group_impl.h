/* SPDX-License-Identifier: MIT */
/* Inside of the group: shared by group*.c only. */
#pragma once

#include "sensors/group.h"

__extension__ typedef unsigned __int128 wide; /* 200 W pass 64 bits of 1e-15 J in 92 s */

#define KINDS_MAX   8 /* kinds of sensor */
#define MEMBERS_MAX 8 /* dies of a package that are summed */

/* A channel: which sensor, which of its channels. */
struct channel_ref {
    uint8_t sensor;
    uint16_t channel;
};

/* What was seen of a channel lately, for the findings and for learning its period. */
struct look {
    bool has_value;
    bool learns;         /* the sensor does not know its period */
    uint64_t value;      /* last good one */
    uint64_t ns;         /* valid_to of it */
    uint64_t changed_ns; /* when the value last differed from the one before */
    bool repeated;       /* seen unchanged since then */
    double power_w;      /* over the last two different looks, nan unknown */
};

/* One way to know a domain: a channel, or the dies of one package together. */
struct source {
    struct channel_ref members[MEMBERS_MAX];
    unsigned member_count;
    bool has_base;
    uint64_t base[MEMBERS_MAX];
    uint64_t base_ns, base_bracket_ns;
    uint64_t base_suspended_ns; /* BOOTTIME - MONOTONIC then */
    unsigned good_streak;
    /* of power: */
    uint64_t last_uw, last_ns; /* newest reading */
    uint64_t done_ns;          /* integrated up to here */
    wide acc_fj;               /* integrated, not yet given out; uW x ns = 1e-15 J */
};

/* What the group knows of domains[i] beside the domain itself. */
struct slot {
    struct source sources[ECO_DOMAIN_SOURCES_MAX]; /* preferred first, as in the domain */
    bool is_lost;                                  /* no source was readable at the last look */
    bool has_start;                                /* the domain was read at least once */
    uint64_t closed_ns;                            /* end of the last closed interval */
    uint64_t moved_ns;                             /* when the elected counter last moved, or was given up */
    uint64_t rest_ns, rest_until_ns; /* it stands still and does not count: not read until then */
    bool stood_still;                /* and has not moved since */
    bool is_resting;                 /* it was not read in the present look */
};

struct kind_state {
    const struct eco_sensor_ops *ops;
    struct eco_sensor *sensor;    /* NULL = not there; without channels when it was only refused */
    struct eco_reading *readings; /* one per channel */
    struct look *looks;
    uint64_t retry_ns, backoff_ns;
};

struct eco_group {
    const struct eco_env *env;
    struct kind_state kinds[KINDS_MAX];
    unsigned kind_count;
    struct eco_domain domains[ECO_DOMAINS_MAX];
    struct slot slots[ECO_DOMAINS_MAX];
    unsigned domain_count;
    bool read_all; /* somebody looks at the findings: stand-by channels are read as well */
    bool has_read;
    uint64_t suspended_ns; /* BOOTTIME - MONOTONIC at the last look */
    struct eco_group_options options;
    char only[128];
};

/* group.c */
int eco_group_open_kind(struct eco_group *group, const struct eco_sensor_ops *ops, struct kind_state *ret);
void eco_group_drop_kind(struct kind_state *kind);

/* group_elect.c */
void eco_group_add_kind(struct eco_group *group, unsigned kind);
void eco_group_remove_kind(struct eco_group *group, unsigned kind);
/* What counts, and the order where `first` is 0; domains before `first` stay as and where they are. */
void eco_group_decide(struct eco_group *group, unsigned first);
void eco_group_set_standby(struct eco_group *group);
void eco_group_describe_domain(struct eco_group *group, unsigned domain);

/* group_read.c */
void eco_group_read_kind(struct eco_group *group, struct kind_state *kind,
                         const struct eco_activity *activity);

/* group_look.c */
#define ECO_STILL_PERIODS 20
void eco_group_note(struct kind_state *kind);
/* Kinds that no running machine can do without: the counter of one moves at every update, or is none. Cards
 * and rails may be switched off. */
bool eco_group_must_move(enum eco_kind kind);
bool eco_group_is_sure_still(uint64_t period_ns, uint64_t still_ns);

/* group_power.c */
uint64_t eco_group_longest_line_ns(uint64_t period_ns);
struct eco_energy eco_group_read_power(struct eco_group *group, unsigned domain, struct source *source,
                                       bool close_all);

static inline const struct eco_channel *group_channel(const struct eco_group *group, struct channel_ref ref)
{
    return &group->kinds[ref.sensor].sensor->channels[ref.channel];
}

static inline const struct eco_reading *group_reading(const struct eco_group *group, struct channel_ref ref)
{
    return &group->kinds[ref.sensor].readings[ref.channel];
}
