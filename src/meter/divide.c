/* SPDX-License-Identifier: MIT */
/* Every domain whose interval is closed by this look is divided among who ran in it (attribution/share.h). */
#include "base/counter.h"
#include "meter/meter_internal.h"

#include <errno.h>
#include <math.h>

#define UJ_PER_J 1e6
/* Timing slack of the limit on joules per CPU second: two scheduler ticks. */
#define LIMIT_SLACK_S 0.02

struct work { /* rows of one division; all arrays in the meter's scratch */
    size_t rows;
    struct eco_account **accounts;
    double *weight, *idle_weight, *chosen, *watts, *result;
    bool *holds;
    double *row_uj[ECO_SLOT_COUNT];
};

static double interval_s(const struct eco_meter *meter)
{
    return (double)meter->options.interval_ns * 1e-9;
}

/* Idle power of a domain now; where one figure was given for the whole machine, in proportion to what each
 * used. */
static double idle_power_uw(const struct eco_meter *meter, unsigned d)
{
    if (isnan(meter->given_total_uw))
        return meter->d[d].idle_uw;
    double sum = 0;
    for (unsigned i = 0; i < meter->domain_count; i++)
        if (meter->domains[i].counted && meter->energies[i].state == ECO_ENERGY_OK)
            sum += (double)meter->energies[i].delta_uj;
    return sum > 0 ? meter->given_total_uw * (double)meter->energies[d].delta_uj / sum : 0;
}

static double take_idle(struct eco_meter *meter, unsigned d, double span_s, double energy_uj)
{
    double power_uw = idle_power_uw(meter, d);
    if (isnan(power_uw))
        return ECO_NAN;
    double period_s = (double)meter->domains[d].period_ns * 1e-9;
    double bound_s = 2 * fmax(fmax(interval_s(meter), span_s), period_s);
    return eco_idle_balance_take(&meter->d[d].balance, power_uw, span_s, energy_uj, power_uw * bound_s);
}

/* RESERVED: the part of the machine that the job may use. */
static double reserved_ratio(const struct eco_meter *meter)
{
    double cpus = meter->env->host->topology.online_count;
    double quota = meter->env->host->cpu_quota;
    return cpus > 0 && !isnan(quota) && quota < cpus ? quota / cpus : 1;
}

/* Returns the job's share of idle power under slot CHOSEN. */
static double choose(const struct eco_meter *meter, struct work *work, struct eco_share_input *in)
{
    if (meter->slots <= ECO_SLOT_CHOSEN)
        return 0;
    in->chosen = meter->policy;
    in->chosen_weight = work->chosen;
    double sum = 0;
    for (size_t i = 0; i < work->rows; i++)
        sum += work->weight[i];
    bool is_equal = meter->policy == ECO_POLICY_EQUAL;
    bool others_ran = in->rest_weight > 0;
    double job = is_equal ? (sum > 0 ? (others_ran ? 0.5 : 1) : 0) : reserved_ratio(meter);
    for (size_t i = 0; i < work->rows; i++)
        work->chosen[i] = sum > 0 ? job * work->weight[i] / sum : 0;
    in->rest_chosen_weight = is_equal && others_ran ? 1 - job : 0;
    return sum > 0 ? job : 0;
}

static void fill_rows(struct eco_meter *meter, unsigned d, struct work *work)
{
    bool is_memory = meter->domains[d].kind == ECO_KIND_DRAM && meter->env->host->memory_bytes > 0;
    work->rows = 0;
    for (size_t i = 0; i < meter->pending_count; i++) {
        struct eco_account *account = meter->pending[i];
        if (!account->in_job)
            continue;
        size_t row = work->rows++;
        work->accounts[row] = account;
        if (meter->d[d].gpu) {
            uint64_t bytes = account->gpu ? account->gpu[d].memory_bytes : 0;
            work->idle_weight[row] = eco_meter_gpu_memory_ratio(meter, d, bytes);
            continue; /* its weight: eco_meter_weigh_gpu */
        }
        double weight = eco_meter_weight(meter, account->weight, d);
        work->weight[row] = fmax(0, weight - account->mark[d]);
        work->idle_weight[row] =
            is_memory ? (double)account->rss_bytes / (double)meter->env->host->memory_bytes : 0;
        account->mark[d] = weight;
    }
}

static struct work *make_work(struct eco_meter *meter, struct work *work)
{
    size_t n = meter->pending_count + 1;
    double *space = eco_meter_scratch(meter, n * (5 + ECO_SLOT_COUNT) + 2 * n);
    if (!space)
        return NULL;
    *work = (struct work){.weight = space, .idle_weight = space + n, .chosen = space + 2 * n};
    for (unsigned s = 0; s < meter->slots; s++)
        work->row_uj[s] = space + (3 + s) * n;
    _Static_assert(sizeof(struct eco_account *) <= sizeof(double), "rows' accounts share the scratch space");
    work->watts = space + (3 + ECO_SLOT_COUNT) * n;
    work->result = work->watts + n;
    void *tail = work->result + n, *last = work->result + 2 * n;
    work->accounts = tail;
    work->holds = last;
    return work;
}

static void add_split(struct eco_split *to, const struct eco_split *from)
{
    to->job_uj += from->job_uj;
    to->others_uj += from->others_uj;
    to->idle_uj += from->idle_uj;
    to->unattributed_uj += from->unattributed_uj;
}

static void book_rows(struct eco_meter *meter, unsigned d, const struct work *work, double sum, double span_s)
{
    for (size_t i = 0; i < work->rows; i++) {
        struct eco_account *account = work->accounts[i];
        for (unsigned s = 0; s < meter->slots; s++) {
            account->energy_uj[s * meter->domain_count + d] += work->row_uj[s][i];
            account->frame_uj[s * meter->domain_count + d] += work->row_uj[s][i];
        }
        if (sum > 0) {
            account->share_s[d] += span_s * work->weight[i] / sum;
            meter->d[d].job_share_s += span_s * work->weight[i] / sum;
        }
    }
}

static void book_power(struct eco_meter_domain *own, double span_s, double energy_uj, double job_uj)
{
    if (span_s <= 0)
        return;
    double power_w = energy_uj / UJ_PER_J / span_s;
    if (!own->closed)
        own->first_w = power_w;
    own->last_w = power_w;
    if (job_uj / UJ_PER_J / span_s > own->peak_job_w)
        own->peak_job_w = job_uj / UJ_PER_J / span_s;
    own->closed++;
}

/* What the job added to what others drew, and what it would have taken alone, by the calibrated curve. */
static void book_curve(struct eco_meter *meter, unsigned d, const struct work *work, double others,
                       const struct eco_split *active, double span_s)
{
    struct eco_meter_domain *own = &meter->d[d];
    const struct eco_calibration_domain *calibrated = eco_meter_calibrated(meter, d);
    double job = 0, marginal = active->job_uj;
    double alone = marginal;
    if (!meter->calibration || !meter->domains[d].attributable)
        return;
    for (size_t i = 0; i < work->rows; i++)
        job += work->weight[i];
    bool has_curve = calibrated && calibrated->curve.count > 0;
    if (has_curve && span_s > 0 && job > 0) {
        const double cpus = 1e-9 / span_s;
        eco_curve_job(&calibrated->curve, active->job_uj * (job + others) / job, job * cpus, others * cpus,
                      &marginal, &alone);
    } else if (!has_curve && meter->domains[d].kind == ECO_KIND_CPU) {
        marginal = alone = ECO_NAN;
    }
    own->marginal_uj += marginal;
    own->alone_uj += alone;
}

/* Busy time of the CPUs that drive a domain, since its interval began. */
static double busy_since(struct eco_meter *meter, unsigned d)
{
    double busy_ns = eco_meter_weight(meter, meter->column_time_ns, d);
    double since = busy_ns - meter->d[d].busy_mark_ns;
    meter->d[d].busy_mark_ns = busy_ns;
    return since * 1e-9;
}

/* A card is divided by what processes did on it, and its idle power by their memory there. */
static void weigh_gpu(struct eco_meter *meter, unsigned d, struct work *work, double span_s,
                      struct eco_share_input *in)
{
    struct eco_gpu_rows rows = {.count = work->rows,
                                .accounts = work->accounts,
                                .weight = work->weight,
                                .watts = work->watts,
                                .result = work->result,
                                .holds = work->holds};
    eco_meter_weigh_gpu(meter, d, &rows, span_s, in->energy_uj, in->idle_uj, &in->rest_weight);
    in->lost_weight = 0;
    in->idle_weight = work->idle_weight;
    in->rest_idle_weight = eco_meter_gpu_memory_ratio(meter, d, meter->d[d].gpu->others_memory_bytes);
}

static int divide_domain(struct eco_meter *meter, unsigned d)
{
    struct eco_meter_domain *own = &meter->d[d];
    const struct eco_energy *energy = &meter->energies[d];
    const struct eco_domain *domain = &meter->domains[d];
    struct work work;
    if (!make_work(meter, &work))
        return -ENOMEM;
    double span_s = (double)eco_sub_sat(energy->to_ns, energy->from_ns) * 1e-9;
    double energy_uj = (double)energy->delta_uj;
    double busy_s = own->gpu ? eco_meter_gpu_busy_s(meter, d) : busy_since(meter, d);
    fill_rows(meter, d, &work);
    double others = eco_meter_weight(meter, meter->others_weight, d);
    double lost = eco_meter_weight(meter, meter->lost_weight, d);
    struct eco_share_input in = {.energy_uj = energy_uj,
                                 .row_count = work.rows,
                                 .weight = work.weight,
                                 .idle_uj = take_idle(meter, d, span_s, energy_uj),
                                 .dynamic_limit_uj = ECO_NAN,
                                 .rest_weight = fmax(0, others - own->others_mark),
                                 .lost_weight = fmax(0, lost - own->lost_mark)};
    own->others_mark = others;
    own->lost_mark = lost;
    if (own->gpu)
        weigh_gpu(meter, d, &work, span_s, &in);
    if (domain->max_uw && domain->kind == ECO_KIND_CPU)
        in.dynamic_limit_uj = (double)domain->max_uw * (busy_s + LIMIT_SLACK_S);
    if (!domain->attributable) { /* an envelope: known, but nobody's */
        in.row_count = work.rows = 0;
        in.rest_weight = in.lost_weight = 0;
    }
    double job_rss = 0;
    if (domain->kind == ECO_KIND_DRAM && meter->env->host->memory_bytes > 0) {
        in.idle_weight = work.idle_weight;
        for (size_t i = 0; i < work.rows; i++)
            job_rss += work.idle_weight[i];
        in.rest_idle_weight = fmax(0, meter->mem_used_ratio - job_rss);
    }
    own->job_chosen_s += span_s * choose(meter, &work, &in);
    struct eco_share_output out = {.row_uj = {NULL}};
    for (unsigned s = 0; s < meter->slots; s++)
        out.row_uj[s] = work.row_uj[s];
    eco_share_domain(&in, &out);
    double sum = in.rest_weight + in.lost_weight;
    for (size_t i = 0; i < work.rows; i++)
        sum += work.weight[i];
    book_rows(meter, d, &work, sum, span_s);
    if (sum > 0)
        own->others_share_s += span_s * in.rest_weight / sum;
    for (unsigned s = 0; s < meter->slots; s++) {
        add_split(&own->sum[s], &out.split[s]);
        add_split(&own->frame.split[s], &out.split[s]);
    }
    book_curve(meter, d, &work, in.rest_weight + in.lost_weight, &out.split[ECO_SLOT_ACTIVE], span_s);
    own->machine_uj += energy_uj;
    own->covered_s += span_s;
    own->bracket_s = (double)energy->bracket_ns * 1e-9;
    own->frame.state = ECO_ENERGY_OK;
    own->frame.machine_uj += energy_uj;
    own->frame.span_ns += eco_sub_sat(energy->to_ns, energy->from_ns);
    if (energy->quality > own->frame.quality)
        own->frame.quality = energy->quality;
    book_power(own, span_s, energy_uj, out.split[meter->headline].job_uj);
    eco_meter_feed_idle(meter, d, span_s, energy_uj / UJ_PER_J, busy_s);
    return 0;
}

/* Unknown time: who ran in it is charged nothing, and nothing is carried across it. */
static void skip_domain(struct eco_meter *meter, unsigned d)
{
    struct eco_meter_domain *own = &meter->d[d];
    const struct eco_energy *energy = &meter->energies[d];
    uint64_t span_ns = eco_sub_sat(energy->to_ns, energy->from_ns);
    for (size_t i = 0; i < meter->pending_count; i++)
        meter->pending[i]->mark[d] = eco_meter_weight(meter, meter->pending[i]->weight, d);
    own->others_mark = eco_meter_weight(meter, meter->others_weight, d);
    own->lost_mark = eco_meter_weight(meter, meter->lost_weight, d);
    if (own->gpu) {
        (void)eco_meter_gpu_busy_s(meter, d);
        eco_meter_skip_gpu(meter, d);
    }
    (void)busy_since(meter, d);
    own->balance = (struct eco_idle_balance){0};
    eco_idle_break(&own->learner);
    own->gap_s += (double)span_ns * 1e-9;
    own->still_s += energy->error == -ETIMEDOUT ? (double)span_ns * 1e-9 : 0;
    own->frame.gap_ns += span_ns;
    own->frame.error = energy->error;
    if (own->frame.state != ECO_ENERGY_OK)
        own->frame.state = ECO_ENERGY_GAP;
}

/* What was kept of a card before an unknown time is divided now, among nobody if need be. */
static int divide_held(struct eco_meter *meter, unsigned d)
{
    struct eco_energy unknown = meter->energies[d];
    if (!meter->d[d].gpu || meter->d[d].gpu->held.state != ECO_ENERGY_OK)
        return 0;
    meter->energies[d] = meter->d[d].gpu->held;
    meter->d[d].gpu->held = (struct eco_energy){0};
    int r = divide_domain(meter, d);
    meter->energies[d] = unknown;
    return r;
}

int eco_meter_divide(struct eco_meter *meter, bool final)
{
    for (unsigned d = 0; d < meter->domain_count; d++) {
        int r = final && meter->d[d].gpu ? eco_meter_recall_gpu(meter, d) : 0;
        if (r < 0)
            return r;
        switch (meter->energies[d].state) {
        case ECO_ENERGY_OK:
            if (!meter->d[d].gpu || !eco_meter_hold_gpu(meter, d, final))
                r = divide_domain(meter, d);
            else if (meter->d[d].frame.state == ECO_ENERGY_NONE)
                meter->d[d].frame.state = ECO_ENERGY_WAITING;
            break;
        case ECO_ENERGY_GAP:
            r = divide_held(meter, d);
            skip_domain(meter, d);
            break;
        case ECO_ENERGY_WAITING:
            r = final ? divide_held(meter, d) : 0;
            if (meter->d[d].frame.state == ECO_ENERGY_NONE)
                meter->d[d].frame.state = ECO_ENERGY_WAITING;
            break;
        case ECO_ENERGY_NONE:
            break;
        }
        if (r < 0)
            return r;
    }
    return 0;
}
