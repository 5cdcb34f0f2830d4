/* SPDX-License-Identifier: MIT */
/*
 * CPU time becomes weight. Everything is cumulative and only ever granted forward: where two sources
 * disagree for a moment (a counter of 10 ms grain, a clock read a little later), the difference is carried
 * to the next look and never cut off, so that nothing is lost over a run (docs/attribution.md, "Busy time").
 */
#include "base/counter.h"
#include "base/mem.h"
#include "meter/meter_internal.h"

#include <errno.h>
#include <math.h>
#include <string.h>

/* A socket that a row was not seen on may still have run it; the fit moves this as far as the margins ask. */
#define PRIOR_ELSEWHERE 0.02
/* Less than this is not worth a mean of its own. */
#define REST_MIN_NS 1e6

static bool is_machine(const struct eco_meter *meter)
{
    return meter->options.flags & ECO_METER_MACHINE;
}

/*
 * Where busy time goes that no row explains: in a tree to others, of whom nobody asks. On a whole machine,
 * and where events were lost in the present look and nothing else has the job's total, it is not known whose
 * it is.
 */
static double *rest_weight(struct eco_meter *meter)
{
    bool is_unknown = is_machine(meter) || (meter->has_just_lost && !meter->usage.job_is_exact);
    return is_unknown ? meter->lost_weight : meter->others_weight;
}

int eco_meter_add_pending(struct eco_meter *meter, struct eco_account *account)
{
    if (account->is_pending)
        return 0;
    void *pending = meter->pending;
    int r = eco_grow(&pending, &meter->pending_capacity, meter->pending_count + 1,
                     2 * (size_t)ECO_PROCS_LIMIT, sizeof(void *));
    if (r < 0)
        return r;
    meter->pending = pending;
    meter->pending[meter->pending_count++] = account;
    account->is_pending = true;
    return 0;
}

static void set_rss(struct eco_meter *meter, struct eco_account *account, uint64_t rss_bytes)
{
    if (account->in_job)
        meter->job_rss_bytes = eco_sub_sat(meter->job_rss_bytes + rss_bytes, account->rss_bytes);
    account->rss_bytes = rss_bytes;
    if (rss_bytes > account->max_rss_bytes)
        account->max_rss_bytes = rss_bytes;
    if (meter->job_rss_bytes > meter->job_peak_rss_bytes)
        meter->job_peak_rss_bytes = meter->job_rss_bytes;
}

static uint64_t start_offset(const struct eco_meter *meter, const struct eco_proc *proc)
{
    return proc->start_ns > meter->begin_boot_ns ? proc->start_ns - meter->begin_boot_ns : 0;
}

static bool is_of_job(const struct eco_meter *meter, const struct eco_proc *proc)
{
    const struct eco_selection *selection = meter->extra.selection;
    return (proc->flags & ECO_PROC_JOB) && (!selection || eco_selection_matches(selection, proc->identity));
}

/* Whose it is, or whether it belongs to the job, is not what it was: what it used before stays with whom it
 * was used for. */
static struct eco_account *move_account(struct eco_meter *meter, struct eco_account *account,
                                        const struct eco_proc *proc)
{
    uint64_t now_ns = eco_sub_sat(meter->look_ns, meter->begin_ns), rss_bytes = account->rss_bytes;
    set_rss(meter, account, 0);
    if (account->cpu_ns) {
        struct eco_account *next = eco_accounts_split(&meter->accounts, account, meter->seq + 1, now_ns);
        if (!next) {
            set_rss(meter, account, rss_bytes);
            return account;
        }
        account = next;
    }
    (void)eco_account_describe(account, proc, is_of_job(meter, proc), start_offset(meter, proc));
    return account;
}

struct eco_account *eco_meter_take_account(struct eco_meter *meter, const struct eco_proc *proc)
{
    struct eco_account *account = eco_accounts_get(&meter->accounts, proc->id);
    if (account)
        return account;
    account = eco_accounts_take(&meter->accounts, proc->id);
    if (!account ||
        eco_account_describe(account, proc, is_of_job(meter, proc), start_offset(meter, proc)) < 0)
        return NULL;
    /* What CPU time it used so far is granted with the look that finds it changed. */
    return account;
}

/* One process that did something: its account, and the time that is new, put into frame_cpu_ns. */
static int grant_row(struct eco_meter *meter, const struct eco_proc *proc)
{
    bool has_ended = proc->flags & ECO_PROC_ENDED;
    bool is_told = has_ended && proc->pid == meter->ended_pid && meter->ended_cpu_ns > 0;
    uint64_t cpu_ns = is_told ? meter->ended_cpu_ns : proc->cpu_ns;
    uint64_t used = eco_sub_sat(cpu_ns, proc->base_cpu_ns);
    struct eco_account *account = eco_accounts_get(&meter->accounts, proc->id);
    bool in_job = is_of_job(meter, proc);
    if (account && (account->name.identity != proc->identity || account->in_job != in_job))
        account = move_account(meter, account, proc);
    uint64_t delta = eco_sub_sat(used, account ? account->before_ns + account->cpu_ns : 0);
    bool is_job_news = in_job && !is_machine(meter);
    if (!account && !delta && !is_job_news)
        return 0;
    bool is_new = !account;
    if (is_new && !(account = eco_accounts_take(&meter->accounts, proc->id)))
        return -ENOMEM;
    if (is_new || (proc->flags & ECO_PROC_RENAMED))
        if (eco_account_describe(account, proc, in_job, start_offset(meter, proc)) < 0 && is_new)
            return -ENOMEM;
    account->last_cpu = proc->last_cpu;
    account->name.tree_id = proc->tree_id; /* another, once its ancestors have ended */
    account->name.tree_pid = proc->tree_pid;
    memcpy(account->name.tree_name, proc->tree_name, sizeof account->name.tree_name);
    account->name.count = proc->count ? proc->count : 1;
    if (proc->max_rss_bytes > account->max_rss_bytes)
        account->max_rss_bytes = proc->max_rss_bytes;
    set_rss(meter, account, has_ended ? 0 : proc->rss_bytes);
    if (has_ended)
        eco_accounts_end(&meter->accounts, account, meter->seq + 1,
                         eco_sub_sat(proc->end_ns, meter->begin_ns));
    account->has_just_ended = has_ended && !is_told;
    account->is_cut = account->in_job && !is_told && (proc->flags & ECO_PROC_CUT);
    eco_meter_note_places(meter, account, proc);
    account->cpu_ns += delta;
    account->frame_cpu_ns += delta;
    account->look_cpu_ns = delta;
    *(account->in_job ? &meter->rows_cpu_ns : &meter->foreign_cpu_ns) += delta;
    return delta || is_new || has_ended ? eco_meter_add_pending(meter, account) : 0;
}

/* Mean weight of a CPU's time for one account: of the CPU it was last seen on, else of its socket or machine.
 */
static double row_hg(const struct eco_meter *meter, const struct eco_account *account, double mean)
{
    if (!meter->cpu_hg || account->last_cpu < 0 || (uint32_t)account->last_cpu >= meter->cpu_hg_count)
        return mean;
    return meter->cpu_hg[account->last_cpu];
}

static unsigned column_of_cpu(const struct eco_meter *meter, int32_t cpu)
{
    const struct eco_topology *topology = &meter->env->host->topology;
    if (cpu < 0 || (uint32_t)cpu >= topology->cpu_count)
        return UINT32_MAX;
    int32_t package = topology->cpus[cpu].package;
    return package >= 0 && (unsigned)package < meter->columns ? (unsigned)package : UINT32_MAX;
}

/* h*g per CPU, busy time and mean per socket, for what happened since the last look. */
static bool weigh_cpus(struct eco_meter *meter, double *busy_ns, double *mean_hg)
{
    for (unsigned c = 0; c < meter->columns; c++)
        mean_hg[c] = 1;
    const struct eco_topology *topology = &meter->env->host->topology;
    uint32_t n = meter->activity.cpu_count;
    if (!meter->cpu_hg || !meter->has_topology || n > meter->cpus_before_count || n != topology->cpu_count ||
        n > meter->cpu_hg_count)
        return false;
    uint64_t elapsed = eco_sub_sat(meter->activity.time_ns, meter->activity_before_ns);
    eco_weight_cpus(topology, &meter->weights, meter->cpus_before, meter->activity.cpus, n, elapsed,
                    meter->cpu_hg, busy_ns, mean_hg);
    return true;
}

/* Mean weight of what is left of a socket's busy time when the rows are taken out of which it is known: what
 * ran beside a busy sibling all the time may be among those. */
static double mean_of_rest(double busy_ns, double mean, double known_ns, double known_weight)
{
    double left_ns = busy_ns - known_ns;
    if (known_ns <= 0 || left_ns <= REST_MIN_NS)
        return mean;
    double rest = (busy_ns * mean - known_weight) / left_ns;
    return fmin(fmax(rest, mean / 2), mean * 2);
}

static void add_one_column(struct eco_meter *meter, uint64_t others_ns, double busy_ns, double mean)
{
    double known_ns = 0, known_weight = 0, time_ns, weight;
    for (size_t i = 0; i < meter->pending_count; i++)
        if (eco_meter_weigh_known(meter, meter->pending[i], &time_ns, &weight)) {
            known_ns += time_ns;
            known_weight += weight;
        }
    if (meter->env->host->topology.package_count == 1)
        mean = mean_of_rest(busy_ns, mean, known_ns, known_weight);
    for (size_t i = 0; i < meter->pending_count; i++) {
        struct eco_account *account = meter->pending[i];
        if (!eco_meter_weigh_known(meter, account, &time_ns, &weight))
            weight = (double)account->look_cpu_ns * row_hg(meter, account, mean);
        account->weight[0] += weight;
        if (!account->in_job)
            meter->others_weight[0] += weight;
        meter->column_time_ns[0] += (double)account->look_cpu_ns;
    }
    double *rest = rest_weight(meter);
    rest[0] += (double)others_ns * mean;
    meter->column_time_ns[0] += (double)others_ns;
}

static void add_weight(struct eco_meter *meter, struct eco_account *account, unsigned c, double ns,
                       double weight)
{
    double *rest = rest_weight(meter);
    meter->column_time_ns[c] += ns;
    if (account)
        account->weight[c] += weight;
    if (!account)
        rest[c] += weight;
    else if (!account->in_job)
        meter->others_weight[c] += weight;
}

/* Rows of which the kernel told where they ran; what they leave of the sockets' busy time is for the others.
 */
static void add_known(struct eco_meter *meter, double *busy_ns, double *mean_hg)
{
    double time_ns[ECO_COLUMNS_MAX], weight[ECO_COLUMNS_MAX];
    double known_ns[ECO_COLUMNS_MAX] = {0}, known_weight[ECO_COLUMNS_MAX] = {0};
    for (size_t i = 0; i < meter->pending_count; i++) {
        if (!eco_meter_weigh_known(meter, meter->pending[i], time_ns, weight))
            continue;
        for (unsigned c = 0; c < meter->columns; c++) {
            add_weight(meter, meter->pending[i], c, time_ns[c], weight[c]);
            known_ns[c] += time_ns[c];
            known_weight[c] += weight[c];
        }
    }
    for (unsigned c = 0; c < meter->columns; c++) {
        mean_hg[c] = mean_of_rest(busy_ns[c], mean_hg[c], known_ns[c], known_weight[c]);
        busy_ns[c] = fmax(0, busy_ns[c] - known_ns[c]);
    }
}

static struct eco_account *next_unknown(const struct eco_meter *meter, size_t *at)
{
    while (*at < meter->pending_count && meter->pending[*at]->has_places)
        (*at)++;
    return *at < meter->pending_count ? meter->pending[(*at)++] : NULL;
}

/* Several sockets: where each row ran that is not known is fitted, so that rows keep their time and sockets
 * theirs. */
static int add_columns(struct eco_meter *meter, uint64_t others_ns, double *busy_ns, double *mean_hg)
{
    size_t rows = 0, columns = meter->columns, at = 0;
    double *time_ns = eco_meter_scratch(meter, (meter->pending_count + 1) * (columns + 1));
    if (!time_ns)
        return -ENOMEM;
    double *fit = time_ns + meter->pending_count + 1;
    struct eco_account *account;
    add_known(meter, busy_ns, mean_hg);
    do {
        account = next_unknown(meter, &at);
        unsigned home = account ? column_of_cpu(meter, account->last_cpu) : UINT32_MAX;
        time_ns[rows] = account ? (double)account->look_cpu_ns : (double)others_ns;
        for (size_t c = 0; c < columns; c++)
            fit[rows * columns + c] = home == UINT32_MAX ? busy_ns[c] : c == home ? 1 : PRIOR_ELSEWHERE;
        rows++;
    } while (account);
    (void)eco_fit_sockets(time_ns, rows, busy_ns, columns, fit, fit);
    at = 0;
    for (size_t i = 0; i < rows; i++) {
        account = next_unknown(meter, &at);
        unsigned home = account ? column_of_cpu(meter, account->last_cpu) : UINT32_MAX;
        for (unsigned c = 0; c < columns; c++) {
            double hg = account && c == home ? row_hg(meter, account, mean_hg[c]) : mean_hg[c];
            add_weight(meter, account, c, fit[i * columns + c], fit[i * columns + c] * hg);
        }
    }
    return 0;
}

int eco_meter_grant(struct eco_meter *meter)
{
    for (size_t i = 0; i < meter->pending_count; i++)
        meter->pending[i]->look_cpu_ns = meter->pending[i]->has_places = 0;
    int r = 0;
    for (uint32_t i = 0; i < meter->usage.changed_count && r >= 0; i++)
        r = grant_row(meter, meter->usage.changed[i]);
    if (r >= 0)
        r = eco_meter_grant_rest(meter);
    if (r < 0)
        return r;
    uint64_t busy = eco_sub_sat(meter->activity.busy_ns, meter->busy_begin_ns);
    uint64_t told = meter->rows_cpu_ns + meter->short_cpu_ns + meter->foreign_cpu_ns;
    uint64_t others = eco_sub_sat(busy, told + meter->others_cpu_ns);
    meter->others_cpu_ns += others;
    double busy_ns[ECO_COLUMNS_MAX] = {0}, mean_hg[ECO_COLUMNS_MAX] = {0};
    if (weigh_cpus(meter, busy_ns, mean_hg))
        eco_meter_weigh_places(meter);
    if (meter->columns == 1) {
        add_one_column(meter, others, busy_ns[0], mean_hg[0]);
        return 0;
    }
    return add_columns(meter, others, busy_ns, mean_hg);
}
