/* SPDX-License-Identifier: MIT */
/* What the files of meter/ share. Nobody else includes it. */
#pragma once

#include "attribution/balance.h"
#include "attribution/idle.h"
#include "attribution/share.h"
#include "attribution/weight.h"
#include "meter/account.h"
#include "meter/frame_pool.h"
#include "meter/meter.h"
#include "procs/busy.h"

#include <pthread.h>

#define ECO_SHORT_ID    0xfffffff8u /* account of the job's short-lived processes that nobody saw */
#define ECO_COLUMNS_MAX 64u         /* sockets told apart */

enum eco_idle_method { ECO_IDLE_NONE, ECO_IDLE_GIVEN, ECO_IDLE_CALIBRATED, ECO_IDLE_LEARNT, ECO_IDLE_MODEL };

/* What the meter keeps of each domain. */
struct eco_meter_domain {
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
    double first_w, last_w, peak_job_w;
    double bracket_s;
    uint64_t closed;       /* intervals closed */
    uint64_t tail_busy_ns; /* of the meter's, when the tail's interval was last closed */
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
    char given_names[ECO_DOMAINS_MAX][ECO_NAME_MAX];
    double given_uw[ECO_DOMAINS_MAX];
    unsigned given_count;
    char regime[17];

    /* the present look */
    struct eco_activity activity;     /* borrowed from busy */
    uint64_t activity_before_ns;      /* time of the look before */
    struct eco_cpu_busy *cpus_before; /* copy of the look before */
    uint32_t cpus_before_count;
    double *cpu_hg; /* scratch [cpu_count] */
    struct eco_energy energies[ECO_DOMAINS_MAX];
    struct eco_usage usage;

    /* progress */
    bool has_begun, has_ended;
    uint64_t begin_ns, begin_boot_ns, end_ns;
    int64_t begin_real_ns;
    uint64_t now_ns;  /* present look, of the thread that looks */
    uint64_t look_ns; /* last look that is in the books */
    uint64_t look_before_ns;
    uint64_t frame_ns, frame_boot_ns; /* last frame's end */
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

    struct eco_accounts accounts;
    struct eco_account **pending; /* accounts with weight in some open interval */
    size_t pending_count, pending_capacity;
    double *scratch; /* work space of one division */
    size_t scratch_capacity;

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
/* look.c: the two halves of a look. The second one under both locks. `final`: the job has ended. */
int eco_meter_look_at_sensors(struct eco_meter *meter, bool close_all);
int eco_meter_look_at_procs(struct eco_meter *meter, bool final);
/* grant.c: CPU time of this look becomes weights of accounts. 0 or -ENOMEM. */
int eco_meter_grant(struct eco_meter *meter);
/* divide.c: domains whose interval is closed are divided among the pending accounts. 0 or -ENOMEM. */
int eco_meter_divide(struct eco_meter *meter);
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
void eco_meter_feed_idle(struct eco_meter *meter, unsigned domain, double span_s, double energy_j,
                         double busy_s);
bool eco_meter_idle_known(const struct eco_meter *meter);
/* state.c */
void eco_meter_load_state(struct eco_meter *meter);
/* caught.c: what a run without a private cgroup missed */
void eco_meter_watch_strangers(struct eco_meter *meter, bool final);
uint64_t eco_meter_strangers_due_ns(const struct eco_meter *meter);

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
