/* SPDX-License-Identifier: MIT */
/*
 * Whose a graphics card's energy is: what is above idle power is divided by attribution/gpu.h. Where the
 * driver's own samples say who used the card until when, only energy up to then is divided; the rest is kept
 * for the next look, and divided at the end as what came before it.
 */
#include "attribution/gpu.h"
#include "base/counter.h"
#include "meter/meter_internal.h"

#include <math.h>

#define REST_ID UINT64_MAX
/* More than this above idle is somebody's work; it waits so long to be told whose. */
#define NAMELESS_RATIO 0.1
#define HOLD_NS        (1500 * ECO_NS_PER_MS)

/*
 * Watts of each while busy, where they can be told apart; false = by time alone. The driver's first samples
 * reach back to before the measurement, so how busy the card was then does not belong to that energy.
 */
static bool fit_watts(struct eco_meter_gpu *gpu, const struct eco_gpu_rows *rows, double energy_j,
                      double span_s, double rest_busy_ns, double *ret_rest_watts)
{
    uint64_t id[ECO_GPU_FIT_MAX + 1];
    double busy_s[ECO_GPU_FIT_MAX + 1], watts[ECO_GPU_FIT_MAX + 1];
    size_t n = 0;
    for (size_t i = 0; i < rows->count && n <= ECO_GPU_FIT_MAX; i++)
        if (rows->weight[i] > 0) {
            id[n] = rows->accounts[i]->name.id;
            busy_s[n++] = rows->weight[i] * 1e-9;
        }
    if (rest_busy_ns > 0 && n <= ECO_GPU_FIT_MAX) {
        id[n] = REST_ID;
        busy_s[n++] = rest_busy_ns * 1e-9;
    }
    if (gpu->has_begun)
        eco_gpu_fit_add(&gpu->fit, span_s, energy_j, id, busy_s, n);
    gpu->has_begun = true;
    if (n < 2 || n > ECO_GPU_FIT_MAX || !eco_gpu_fit_watts(&gpu->fit, id, n, watts))
        return false;
    for (size_t i = 0, at = 0; i < rows->count; i++)
        rows->watts[i] = rows->weight[i] > 0 ? watts[at++] : 0;
    *ret_rest_watts = rest_busy_ns > 0 ? watts[n - 1] : 0;
    return true;
}

/* ---- shares ---- */

static bool is_sliced(const struct eco_meter *meter, unsigned d)
{
    const struct eco_gpu_seen_device *seen =
        eco_gpu_client_device(eco_meter_gpu_client(meter), meter->d[d].gpu->place);
    return seen && (seen->state.fields & ECO_GPU_HAS_DIVIDED);
}

/* What is new of somebody's work; all of it is marked as divided. */
static struct eco_gpu_work take_work(const struct eco_gpu_work *used, struct eco_gpu_work *mark)
{
    const struct eco_gpu_work fresh = {.weight_ns = fmax(0, used->weight_ns - mark->weight_ns),
                                       .energy_uj = fmax(0, used->energy_uj - mark->energy_uj),
                                       .span_ns = fmax(0, used->span_ns - mark->span_ns)};
    *mark = *used;
    return fresh;
}

/* Of the energy of the slices in which it worked, what is above `base_uw`; nan = that power is not known. */
static double above(const struct eco_gpu_work *work, double base_uw)
{
    return fmax(0, work->energy_uj - (isnan(base_uw) ? 0 : base_uw) * work->span_ns * 1e-9);
}

/* Who worked when it was last known: for the end, when nothing newer is told any more. */
static void use_recent(const struct eco_meter_gpu *gpu, unsigned d, struct eco_gpu_rows *rows,
                       double *ret_rest)
{
    for (size_t i = 0; i < rows->count; i++) {
        const struct eco_account_gpu *books = rows->accounts[i]->gpu ? &rows->accounts[i]->gpu[d] : NULL;
        rows->weight[i] = books && books->recent_seq == gpu->recent_seq ? books->recent : 0;
    }
    *ret_rest = gpu->others_recent;
}

static void keep_recent(struct eco_meter_gpu *gpu, unsigned d, const struct eco_gpu_rows *rows, double rest)
{
    gpu->recent_seq++;
    for (size_t i = 0; i < rows->count; i++) {
        struct eco_account_gpu *books = rows->accounts[i]->gpu ? &rows->accounts[i]->gpu[d] : NULL;
        if (!books)
            continue;
        books->recent = rows->weight[i];
        books->recent_seq = gpu->recent_seq;
    }
    gpu->others_recent = rest;
}

/* Work of each row and of all others; and what it is by slices, where these are known: in rows->result. */
static bool take_rows(const struct eco_meter *meter, unsigned d, struct eco_gpu_rows *rows, double base_uw,
                      double *ret_rest_ns, double *ret_rest_uj)
{
    struct eco_meter_gpu *gpu = meter->d[d].gpu;
    struct eco_gpu_work rest = take_work(&gpu->others, &gpu->others_mark);
    double sum_ns = *ret_rest_ns = rest.weight_ns, sum_uj = *ret_rest_uj = above(&rest, base_uw);
    for (size_t i = 0; i < rows->count; i++) {
        struct eco_account_gpu *books = rows->accounts[i]->gpu ? &rows->accounts[i]->gpu[d] : NULL;
        struct eco_gpu_work work = {0};
        if (books)
            work = take_work(&books->used, &books->mark);
        rows->weight[i] = work.weight_ns;
        rows->result[i] = above(&work, base_uw);
        rows->holds[i] = books && books->holds;
        sum_ns += rows->weight[i];
        sum_uj += rows->result[i];
    }
    if (gpu->is_last && !(sum_ns > 0))
        use_recent(gpu, d, rows, ret_rest_ns);
    else
        keep_recent(gpu, d, rows, rest.weight_ns);
    return sum_uj > 0 && is_sliced(meter, d);
}

void eco_meter_weigh_gpu(struct eco_meter *meter, unsigned d, struct eco_gpu_rows *rows, double span_s,
                         double energy_uj, double idle_uj, double *ret_rest)
{
    struct eco_meter_gpu *gpu = meter->d[d].gpu;
    double rest_ns, rest_uj, rest_watts = 0;
    double idle_uw = span_s > 0 ? idle_uj / span_s : ECO_NAN;
    double context_uw = isnan(gpu->context_uw) ? 0 : gpu->context_uw;
    bool has_slices = take_rows(meter, d, rows, idle_uw + context_uw, &rest_ns, &rest_uj);
    double dynamic_uj = fmax(0, energy_uj - (isnan(idle_uj) ? 0 : idle_uj));
    double context_uj = isnan(idle_uj) ? ECO_NAN : gpu->context_uw * span_s;
    struct eco_gpu_share_input in = {.dynamic_uj = dynamic_uj,
                                     .context_uj = context_uj,
                                     .row_count = rows->count,
                                     .busy_ns = rows->weight,
                                     .holds = rows->holds,
                                     .rest_busy_ns = rest_ns,
                                     .rest_holders = gpu->others_holders};
    double above_uj = fmax(0, dynamic_uj - (isnan(context_uj) ? 0 : context_uj));
    if (!gpu->is_last && !isnan(idle_uj) &&
        fit_watts(gpu, rows, above_uj * 1e-6, span_s, rest_ns, &rest_watts)) {
        in.watts = rows->watts;
        in.rest_watts = rest_watts;
        gpu->has_fit = true;
    } else if (has_slices) {
        for (size_t i = 0; i < rows->count; i++)
            rows->weight[i] = rows->result[i];
        in.rest_busy_ns = rest_uj;
    }
    eco_gpu_weights(&in, rows->result, ret_rest);
    for (size_t i = 0; i < rows->count; i++)
        rows->weight[i] = rows->result[i];
}

int eco_meter_recall_gpu(struct eco_meter *meter, unsigned d)
{
    struct eco_meter_gpu *gpu = meter->d[d].gpu;
    int r = 0;
    gpu->is_last = true;
    for (size_t i = 0; r == 0 && i < meter->accounts.count; i++) {
        struct eco_account *account = meter->accounts.all[i];
        const struct eco_account_gpu *books = account && account->gpu ? &account->gpu[d] : NULL;
        if (books && books->recent > 0 && books->recent_seq == gpu->recent_seq)
            r = eco_meter_add_pending(meter, account);
    }
    return r;
}

/* ---- what waits ---- */

/* Somebody works there whom the driver has not named yet: its lists are up to half a second old. */
static bool is_nameless(const struct eco_meter *meter, unsigned d, const struct eco_energy *energy)
{
    const struct eco_meter_gpu *gpu = meter->d[d].gpu;
    double span_s = (double)eco_sub_sat(energy->to_ns, energy->from_ns) * 1e-9;
    double idle_uj = meter->d[d].idle_uw * span_s;
    if (isnan(idle_uj) || (double)energy->delta_uj < (1 + NAMELESS_RATIO) * idle_uj ||
        energy->to_ns > energy->from_ns + HOLD_NS || gpu->others_holders > 0 ||
        gpu->others.weight_ns > gpu->others_mark.weight_ns)
        return false;
    for (size_t i = 0; i < meter->pending_count; i++) {
        const struct eco_account_gpu *books = meter->pending[i]->gpu ? &meter->pending[i]->gpu[d] : NULL;
        if (books && (books->holds || books->used.weight_ns > books->mark.weight_ns))
            return false;
    }
    return true;
}

static void join(struct eco_energy *energy, const struct eco_energy *before)
{
    if (before->state != ECO_ENERGY_OK || energy->from_ns != before->to_ns)
        return;
    energy->delta_uj += before->delta_uj;
    energy->from_ns = before->from_ns;
}

/* Cut off what is later than it is known who used the card. Too old a knowledge is none, and is not waited
 * for. */
static struct eco_energy cut_late(const struct eco_meter *meter, unsigned d, struct eco_energy *energy)
{
    struct eco_energy late = {0};
    const struct eco_gpu_seen_device *seen =
        eco_gpu_client_device(eco_meter_gpu_client(meter), meter->d[d].gpu->place);
    if (!is_sliced(meter, d) || seen->state.divided_ns + HOLD_NS < energy->to_ns ||
        seen->state.divided_ns >= energy->to_ns)
        return late;
    uint64_t rest_uj = eco_sub_sat(seen->state.energy_uj, seen->state.divided_uj);
    late = *energy;
    if (seen->state.divided_ns > energy->from_ns) {
        late.from_ns = seen->state.divided_ns;
        late.delta_uj = rest_uj < energy->delta_uj ? rest_uj : energy->delta_uj;
    }
    energy->to_ns = late.from_ns;
    energy->delta_uj -= late.delta_uj;
    return late;
}

bool eco_meter_hold_gpu(struct eco_meter *meter, unsigned d, bool final)
{
    struct eco_meter_gpu *gpu = meter->d[d].gpu;
    struct eco_energy *energy = &meter->energies[d];
    join(energy, &gpu->held);
    gpu->held = (struct eco_energy){0};
    if (final)
        return false;
    const struct eco_energy whole = *energy, late = cut_late(meter, d, energy);
    bool is_known = late.state != ECO_ENERGY_OK || energy->to_ns > energy->from_ns;
    if (is_known && !is_nameless(meter, d, energy)) {
        gpu->held = late;
        return false;
    }
    gpu->held = whole;
    *energy = whole;
    energy->state = ECO_ENERGY_WAITING;
    return true;
}

/* Unknown energy: what was used meanwhile is charged nothing. */
void eco_meter_skip_gpu(struct eco_meter *meter, unsigned d)
{
    struct eco_meter_gpu *gpu = meter->d[d].gpu;
    gpu->others_mark = gpu->others;
    gpu->has_begun = false;
    for (size_t i = 0; i < meter->pending_count; i++)
        if (meter->pending[i]->gpu)
            meter->pending[i]->gpu[d].mark = meter->pending[i]->gpu[d].used;
    eco_meter_gpu_not_quiet(meter, d);
}
