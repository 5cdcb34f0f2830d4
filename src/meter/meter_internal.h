/* SPDX-License-Identifier: MIT */
/* What the files of meter/ share. Nobody else includes it. */
#pragma once

#include "attribution/balance.h"
#include "attribution/gpu.h"
#include "attribution/idle.h"
#include "attribution/share.h"
#include "attribution/weight.h"
#include "gpu/client.h"
#include "meter/account.h"
#include "meter/frame_pool.h"
#include "meter/meter.h"
#include "meter/regime.h"
#include "procs/busy.h"

#include <pthread.h>
#include <stdatomic.h>

#define ECO_SHORT_ID    0xfffffff8u /* account of the job's short-lived processes that nobody saw */
#define ECO_COLUMNS_MAX 64u         /* sockets told apart */
#define ECO_PLACES_MAX  64u         /* sockets and kinds of CPUs told apart */

enum eco_idle_method { ECO_IDLE_NONE, ECO_IDLE_GIVEN, ECO_IDLE_CALIBRATED, ECO_IDLE_LEARNT, ECO_IDLE_MODEL };

/* What the meter keeps of a graphics card, beside what it keeps of every domain: gpu.c. */
struct eco_meter_gpu {
    size_t place; /* in the client */
    struct eco_gpu_work others, others_mark;
    double others_recent; /* as eco_account_gpu.recent */
    uint64_t recent_seq;  /* of the last interval that was divided */
    bool is_last;         /* the measurement ends with this look */
    size_t others_holders;
    uint64_t others_memory_bytes;
    uint64_t busy_mark_ns;
    bool was_held;           /* a context was, when the last interval was closed */
    double quiet_s, quiet_j; /* the last interval, if nothing ran in it: not yet believed */
    double others_fed;       /* others.weight_ns then */
    struct eco_idle context; /* power while a context is held and nothing runs; domain.learner: without one */
    double context_uw;       /* step between the two, frozen when the measurement begins; nan unknown */
    struct eco_energy held;  /* what waits for the driver to say who used the card */
    struct eco_gpu_fit fit;
    bool has_begun;  /* an interval was divided since the measurement began, or since energy was unknown */
    bool has_unseen; /* some was divided by the size of instances alone */
    bool has_fit, has_split; /* some energy was divided by watts told apart; by uses that are an estimate */
    uint64_t busy_begin_ns, frame_busy_ns, throttled_begin_ns; /* as told when they began */
};

/* Rows of one division of a card's energy; arrays of `count` in the meter's scratch. */
struct eco_gpu_rows {
    size_t count;
    struct eco_account *const *accounts;
    double *weight, *watts, *result;
    bool *holds;
};

/* What the meter keeps of each domain. */
struct eco_meter_domain {
    struct eco_meter_gpu *gpu; /* owned; NULL = no graphics card: gpu.c */
    /* idle power, frozen when the measurement begins */
    enum eco_idle_method method;
    double idle_uw; /* nan = not known */
    double idle_u_uw;
    int64_t idle_at_real_s;
    struct eco_idle_balance balance;
    struct eco_idle learner;
    double others_mark, lost_mark, busy_mark_ns; /* weights and busy time when its interval was last closed */
    struct eco_frame_domain frame;               /* gathered since the last frame */
    /* the whole measurement */
    struct eco_split sum[ECO_SLOT_COUNT];
    double machine_uj;
    double job_share_s, others_share_s; /* integral of the share of all weights over time */
    double job_chosen_s;                /* integral of the job's share of idle power under slot CHOSEN */
    double covered_s, gap_s;
    double still_s; /* of the gap: its counter stood still */
    double first_w, last_w, peak_job_w;
    double bracket_s;
    double marginal_uj, alone_uj; /* by the calibrated curve; nan once it cannot be told */
    uint64_t closed;              /* intervals closed */
    uint64_t since_ns;     /* it appeared while the measurement ran: when; 0 = it was there from the start */
    uint64_t tail_busy_ns; /* of the meter's, when the tail's interval was last closed */
};

/* CPUs of one kind in one socket: places.c. */
struct eco_meter_place {
    int package;
    uint32_t capacity;
    double g; /* mean weight of their time in the present look, siblings apart */
};

/* Busy time of one CPU by its switches: fine_busy.c. */
struct eco_fine_busy {
    uint64_t since_ns;         /* MONOTONIC, 0 = not begun */
    uint64_t idle_ns, base_ns; /* then */
};

struct eco_meter {
    pid_t owner;
    /*
     * `look_lock` is held by the one thread that looks: what it reads of sensors and CPUs is its own.
     * `procs_lock` guards procs and what they lent; `lock` everything that is told: books, frames, totals.
     * Taken in this order.
     */
    pthread_mutex_t look_lock, procs_lock, lock;
    pthread_cond_t changed;
    struct eco_meter_options options;
    struct eco_meter_host_options extra;
    bool is_host_driven; /* looks are asked for by eco_meter_next_ns: some only keep counters from wrapping */
    enum eco_policy policy;
    enum eco_slot headline;
    unsigned slots;

    struct eco_root own_root;
    struct eco_host own_host;
    struct eco_env own_env;
    const struct eco_env *env;
    bool has_topology;
    struct eco_group *group;
    struct eco_busy *busy;
    struct eco_procs *procs;
    struct eco_procs *strangers; /* everybody else, to tell what a run without cgroup missed */
    struct eco_why sensor_why;

    struct eco_domain *domains; /* copies of the group's, renewed under the lock */
    unsigned domain_count, columns;
    struct eco_meter_domain *d;
    double given_total_uw; /* --idle-power 20W: of the whole machine; nan = none */
    bool has_refused_idle; /* given for what is only estimated */
    double doubted_idle_w; /* learnt since the calibration, and far from it; 0 = in accord */
    char given_names[ECO_DOMAINS_MAX][ECO_NAME_MAX];
    double given_uw[ECO_DOMAINS_MAX];
    unsigned given_count;
    char regime[ECO_REGIME_SIZE];

    /* what the kernel tells by itself: accounting.c */
    struct eco_feed_state feed;    /* as it was at the last look; under the lock */
    bool has_just_lost;            /* in the present look */
    _Atomic uint64_t drain_due_ns; /* of it, for whoever plans the next look */
    atomic_bool is_told;           /* it is in place, and nothing was lost */
    bool missed_before_feed;       /* something may have lived and ended before it came */
    uint64_t job_count_begin;
    uint64_t feed_job_ns; /* the job's total when it came */
    struct eco_meter_place places[ECO_PLACES_MAX];
    unsigned place_count;
    uint8_t *cpu_place; /* [cpu_place_count] */
    uint32_t cpu_place_count;

    struct eco_fine_busy *fine; /* [fine_count], with fine_cpus */
    struct eco_cpu_busy *fine_cpus;
    uint32_t fine_count;

    /* the present look */
    struct eco_activity activity;     /* borrowed from busy */
    uint64_t activity_before_ns;      /* time of the look before */
    bool has_new_busy;                /* `activity` is of the present look */
    struct eco_cpu_busy *cpus_before; /* copy of the look before */
    uint32_t cpus_before_count;
    struct eco_calibration *calibration; /* NULL = none */
    struct eco_calibration_source calibration_source;
    struct eco_weight_model weights; /* assumed, or calibrated */
    double *cpu_hg;                  /* scratch [cpu_hg_count] */
    uint32_t cpu_hg_count;
    struct eco_energy energies[ECO_DOMAINS_MAX];
    struct eco_usage usage;

    /* progress */
    bool has_begun, has_ended;
    uint64_t begin_ns, begin_boot_ns, end_ns;
    int64_t begin_real_ns;
    uint64_t now_ns;  /* present look, of the thread that looks */
    uint64_t look_ns; /* last look that is in the books */
    uint64_t look_before_ns;
    uint64_t frame_ns;                   /* last frame's end */
    uint64_t asleep_ns, frame_asleep_ns; /* BOOTTIME - MONOTONIC, at this look and at the last frame */
    uint64_t suspended_ns, seq, frames_made;
    uint64_t busy_begin_ns;  /* machine's busy time at the baseline */
    uint64_t job_begin_ns;   /* job's total at the baseline */
    uint64_t rows_cpu_ns;    /* granted to rows of the job, short-lived ones apart */
    uint64_t short_cpu_ns;   /* granted to short-lived ones */
    uint64_t others_cpu_ns;  /* granted to others (a tree), or unexplained (whole machine) */
    uint64_t foreign_cpu_ns; /* rows that are not of the job */
    double others_weight[ECO_COLUMNS_MAX], lost_weight[ECO_COLUMNS_MAX]; /* cumulative, ns */
    double column_time_ns[ECO_COLUMNS_MAX];                              /* cumulative busy time by socket */
    uint64_t frame_job_ns, frame_busy_ns;                                /* of them at the last frame */
    uint64_t job_rss_bytes;
    uint64_t tail_busy_ns; /* machine's busy time before and after the measurement, cumulative */
    uint64_t self_begin_ns, helper_cpu_ns;
    double peak_job_w;
    int32_t ended_pid; /* told by eco_meter_child_own_cpu, 0 none */
    uint64_t ended_cpu_ns;
    uint64_t child_max_rss_bytes, job_peak_rss_bytes;
    double user_s, system_s;
    double caught_ratio;
    uint64_t forks_begin;
    double mem_used_ratio; /* of the whole machine, for the idle power of memory */
    uint64_t strangers_begin_busy_ns, strangers_cpu_ns;
    bool has_looked_at_strangers, strangers_ready;
    double lost_cpu_ns; /* of the job, as far as can be told: caught.c */

    /* what comes and goes: hotplug.c */
    uint64_t watch_ns, fingerprint; /* next time to look; 0 = not looked yet */
    char cpus_online[256];          /* "0-7"; what is longer is told apart by its beginning and its hash */
    uint64_t cpus_changed_ns;       /* when CPUs last came or went, 0 = never */
    uint32_t cpus_at_begin;
    bool is_other_regime; /* CPUs came or went: what idle power is seen now is not that of the regime */

    struct eco_accounts accounts;
    struct eco_account **pending; /* accounts with weight in some open interval */
    size_t pending_count, pending_capacity;
    double *scratch; /* work space of one division */
    size_t scratch_capacity;

    /* graphics cards: gpu.c */
    struct eco_gpu_mark *gpu_marks; /* beside the client's uses */
    size_t gpu_mark_count, gpu_mark_capacity;
    struct eco_gpu_gone *gpu_gone; /* [ECO_GPU_GONE_MAX] who ended lately, a ring */
    uint64_t gpu_gone_count;
    size_t gpu_figures; /* cards with an energy figure when sensors were last looked for */

    struct eco_frame_pool *pool;
    struct eco_frame *ring[ECO_FRAMES]; /* newest at ring[seq % ECO_FRAMES]; a reference each */
    bool made_frame;

    pthread_t thread;
    bool has_thread, stop;
};

struct eco_reader {
    struct eco_meter *meter;
    uint64_t next_seq;
};

/* meter.c: the look that eco_meter_next_ns asked for; eco_meter_tick of a stranger always makes a frame. */
int eco_meter_tick_on_grid(struct eco_meter *meter);
/* open.c: packages, cores and siblings, once. */
void eco_meter_see_topology(struct eco_meter *meter);
/* hotplug.c: the same anew, in the array that there is. Without a lock. */
void eco_meter_see_cpus_again(struct eco_meter *meter);
/* hotplug.c: has anything come or gone? Before a look, without a lock. */
void eco_meter_watch_hardware(struct eco_meter *meter);
/* hotplug.c: domains that the group found since get their books. Under both locks, between grant and divide.
 */
void eco_meter_adopt_domains(struct eco_meter *meter);
/* meter.c: what is in use of the memory, for domains that are memory */
void eco_meter_see_memory(struct eco_meter *meter, unsigned first);
/* look.c: the two halves of a look. The second one under both locks. `final`: the job has ended. */
int eco_meter_look_at_sensors(struct eco_meter *meter, bool close_all);
int eco_meter_look_at_procs(struct eco_meter *meter, bool final);
/* places.c */
int eco_meter_make_places(struct eco_meter *meter, struct eco_places *ret);
/* After cpu_hg is known. */
void eco_meter_weigh_places(struct eco_meter *meter);
void eco_meter_note_places(const struct eco_meter *meter, struct eco_account *account,
                           const struct eco_proc *proc);
/* Time and weight by socket of what is new in the present look; false when it is not known where it ran. */
bool eco_meter_weigh_known(const struct eco_meter *meter, const struct eco_account *account,
                           double *ret_time_ns, double *ret_weight);
/* accounting.c: how the feed does now. */
void eco_meter_see_feed(struct eco_meter *meter);
/* For how long something may have lived and ended unseen, although there is a feed now. */
uint64_t eco_meter_before_feed_ns(const struct eco_meter *meter);
bool eco_meter_is_fed(const struct eco_meter *meter);
void eco_meter_warn_of_feed(const struct eco_meter *meter, struct eco_report *report);
/* fine_busy.c: better than ticks, where the kernel tells of switches. Of the thread that looks. */
void eco_meter_refine_busy(struct eco_meter *meter);
/* gpu.c: the client; place of the card that a device is, or is an instance of */
struct eco_gpu_client *eco_meter_gpu_client(const struct eco_meter *meter);
size_t eco_meter_card_of(const struct eco_gpu_client *client, size_t place);
/* gpu.c: what came since the last look; before the sensors are read, without a lock. */
void eco_meter_hear_gpus(struct eco_meter *meter, bool final);
/* A card may be here and has told nothing yet: it is looked for soon, so that little is missed. */
bool eco_meter_awaits_gpus(const struct eco_meter *meter);
#define ECO_GPU_SOON_NS (100 * ECO_NS_PER_MS)
/* Its books, where a domain is a card. 0 or -ENOMEM. */
int eco_meter_begin_gpu(struct eco_meter *meter, unsigned d);
/* gpu_uses.c: who used cards since the last look becomes weight; `is_base`: what was used so far is not of
 * the measurement. */
int eco_meter_grant_gpus(struct eco_meter *meter, bool is_base);
/* gpu_divide.c: parts of a card's energy, for eco_share_domain: rows->weight is set, and that of others. */
void eco_meter_weigh_gpu(struct eco_meter *meter, unsigned d, struct eco_gpu_rows *rows, double span_s,
                         double energy_uj, double idle_uj, double *ret_rest);
/* What nobody can be named for yet is kept, and joined with the next interval: true = all of it, to be told
 * as WAITING. */
bool eco_meter_hold_gpu(struct eco_meter *meter, unsigned d, bool final);
void eco_meter_skip_gpu(struct eco_meter *meter, unsigned d);
/* At the end, those whom the last of a card's energy may be: they are pending again. 0 or -ENOMEM. */
int eco_meter_recall_gpu(struct eco_meter *meter, unsigned d);
/* Something ran: the interval before teaches no idle power. */
void eco_meter_gpu_not_quiet(struct eco_meter *meter, unsigned d);
/* Busy seconds of the card since the last call. */
double eco_meter_gpu_busy_s(struct eco_meter *meter, unsigned d);
/* A closed interval teaches the card's idle levels (after the job: in the tail). */
void eco_meter_feed_gpu_idle(struct eco_meter *meter, unsigned d, double span_s, double energy_j,
                             double busy_s, bool is_tail);
/** Busy time and memory for a frame, since the last one or since the beginning. */
void eco_meter_frame_gpu(struct eco_meter *meter, unsigned d, bool is_keyframe, struct eco_frame_domain *ret);
/* report_warn.c, under the lock */
void eco_meter_warn(const struct eco_meter *meter, struct eco_report *report);
void eco_meter_warn_of_gpus(const struct eco_meter *meter, struct eco_report *report);
double eco_meter_gpu_memory_ratio(const struct eco_meter *meter, unsigned d, uint64_t bytes);
void eco_meter_tell_gpu(const struct eco_meter *meter, unsigned d, struct eco_report_device *ret);
/* grant.c: the account of a process, made if need be; NULL without memory. */
struct eco_account *eco_meter_take_account(struct eco_meter *meter, const struct eco_proc *proc);
int eco_meter_add_pending(struct eco_meter *meter, struct eco_account *account);
/* grant.c: CPU time of this look becomes weights of accounts. 0 or -ENOMEM. */
int eco_meter_grant(struct eco_meter *meter);
/* grant_rest.c: after the rows, what the job's total has beyond them. 0 or -ENOMEM. */
int eco_meter_grant_rest(struct eco_meter *meter);
/* Of the job's processes that nobody saw, together; NULL without memory. */
struct eco_account *eco_meter_short_account(struct eco_meter *meter);
/* divide.c: domains whose interval is closed are divided among the pending accounts. 0 or -ENOMEM. */
int eco_meter_divide(struct eco_meter *meter, bool final);
/* emit.c: what was gathered since the last frame becomes one. Without a free frame it is kept for the next.
 */
void eco_meter_emit(struct eco_meter *meter, bool last);
/* The totals so far as a frame outside the pool, NULL without memory. Under the lock. */
struct eco_frame *eco_meter_keyframe(struct eco_meter *meter);
/* Room for n doubles, not kept between calls; NULL without memory. */
double *eco_meter_scratch(struct eco_meter *meter, size_t n);
/* idle_basis.c */
int eco_meter_parse_idle(struct eco_meter *meter, const char *text, struct eco_why *why);
void eco_meter_freeze_idle(struct eco_meter *meter);
void eco_meter_freeze_late_idle(struct eco_meter *meter, unsigned first); /* of domains that came later */
void eco_meter_feed_idle(struct eco_meter *meter, unsigned domain, double span_s, double energy_j,
                         double busy_s);
bool eco_meter_idle_known(const struct eco_meter *meter);
/* state.c */
const char *eco_meter_source_name(const struct eco_meter *meter, unsigned domain);
/* Of this domain by its present source, NULL none. */
const struct eco_calibration_domain *eco_meter_calibrated(const struct eco_meter *meter, unsigned domain);
void eco_meter_load_calibration(struct eco_meter *meter);
void eco_meter_load_state(struct eco_meter *meter, unsigned first); /* of domains from `first` on */
/* caught.c: what a run without a private cgroup missed */
void eco_meter_watch_strangers(struct eco_meter *meter, bool final);
uint64_t eco_meter_strangers_due_ns(const struct eco_meter *meter);

/* Whether something of the job may escape: only what has a private cgroup, or is the whole machine, is exact.
 */
static inline bool eco_meter_needs_strangers(const struct eco_meter *meter)
{
    return !meter->usage.job_is_exact && !(meter->options.flags & ECO_METER_MACHINE);
}

static inline unsigned eco_meter_column(const struct eco_meter *meter, unsigned domain)
{
    int package = meter->domains[domain].package;
    return package >= 0 && (unsigned)package < meter->columns && meter->columns > 1 ? (unsigned)package
                                                                                    : UINT32_MAX;
}

/* Weight of a column, or of all of them where the domain belongs to no socket. */
static inline double eco_meter_weight(const struct eco_meter *meter, const double *columns, unsigned domain)
{
    unsigned column = eco_meter_column(meter, domain);
    if (column != UINT32_MAX)
        return columns[column];
    double sum = 0;
    for (unsigned c = 0; c < meter->columns; c++)
        sum += columns[c];
    return sum;
}
