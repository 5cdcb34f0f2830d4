/* SPDX-License-Identifier: MIT */
/*
 * Graphics cards: who used them becomes weight of accounts, as CPU time does, but by card; what is above
 * their idle power is divided by attribution/gpu.h. What ecocode-sensord told since the last look is taken
 * before the sensors are read, so that energy and use are of the same moments.
 */
#include "attribution/gpu.h"
#include "base/counter.h"
#include "base/mem.h"
#include "meter/meter_internal.h"

#include <errno.h>
#include <math.h>
#include <poll.h>

#define REST_ID UINT64_MAX
/* At the end a daemon that has answered so far is asked once more; a slow one is not waited for. */
/* More than this above idle is somebody's work; it waits so long to be told whose. */
#define NAMELESS_RATIO 0.1
#define HOLD_NS        (1500 * ECO_NS_PER_MS)
#define LAST_WAIT_MS   25
#define LAST_WAITS     3
#define AWAIT_NS       (30 * ECO_NS_PER_S) /* a driver that is loaded only now takes seconds */
#define LEARNER_TAU_S  0.01
#define QUIET_RATIO    0.005 /* busy for less of the time: nothing ran */

struct eco_gpu_mark {
    uint32_t device;
    int32_t pid;
    uint64_t busy_ns, weight_ns;
    uint32_t account_id; /* 0 = of nobody that is known */
};

static struct eco_gpu_client *client_of(const struct eco_meter *meter)
{
    return meter->env->gpus;
}

/* Place of the card that a device is, or is an instance of. */
static size_t card_of(const struct eco_gpu_client *client, size_t place)
{
    const struct eco_gpu_seen_device *seen = eco_gpu_client_device(client, place);
    return seen && seen->parent >= 0 ? (size_t)seen->parent : place;
}

static struct eco_meter_gpu *gpu_of_place(struct eco_meter *meter, size_t place, unsigned *ret_domain)
{
    for (unsigned d = 0; d < meter->domain_count; d++)
        if (meter->d[d].gpu && meter->d[d].gpu->place == place) {
            *ret_domain = d;
            return meter->d[d].gpu;
        }
    return NULL;
}

/* ---- before the sensors are read ---- */

/* Cards with an energy figure: when there are more, they are domains from now on. */
static size_t count_figures(const struct eco_gpu_client *client)
{
    size_t count = 0;
    for (size_t i = 0; i < eco_gpu_client_devices(client); i++) {
        const struct eco_gpu_seen_device *seen = eco_gpu_client_device(client, i);
        count += seen->parent == ECO_GPU_NO_PARENT && (seen->state.fields & ECO_GPU_HAS_ENERGY);
    }
    return count;
}

static uint64_t newest_ns(const struct eco_gpu_client *client)
{
    uint64_t newest = 0;
    for (size_t i = 0; i < eco_gpu_client_devices(client); i++)
        if (eco_gpu_client_device(client, i)->state.begin_ns > newest)
            newest = eco_gpu_client_device(client, i)->state.begin_ns;
    return newest;
}

/* The measurement ends now: a figure of this moment, where it is to be had at once. */
static void ask_for_last(const struct eco_meter *meter, struct eco_gpu_client *client)
{
    const struct eco_clock *clock = meter->env->clock;
    uint64_t asked_ns = clock->mono_ns(clock);
    struct pollfd fd = {.fd = eco_gpu_client_fd(client), .events = POLLIN};
    if (fd.fd < 0 || count_figures(client) == 0)
        return;
    eco_gpu_client_ask(client);
    for (int i = 0; i < LAST_WAITS && newest_ns(client) < asked_ns; i++) {
        if (poll(&fd, 1, LAST_WAIT_MS) <= 0)
            return;
        (void)eco_gpu_client_read(client, clock->mono_ns(clock));
    }
}

void eco_meter_hear_gpus(struct eco_meter *meter, bool final)
{
    struct eco_gpu_client *client = client_of(meter);
    if (!client)
        return;
    (void)eco_gpu_client_read(client, meter->env->clock->mono_ns(meter->env->clock));
    if (final)
        ask_for_last(meter, client);
    size_t count = count_figures(client);
    if (count > meter->gpu_figures && eco_group_rescan(meter->group) >= 0)
        meter->gpu_figures = count;
}

bool eco_meter_awaits_gpus(const struct eco_meter *meter)
{
    const struct eco_clock *clock = meter->env->clock;
    return client_of(meter) && eco_gpu_client_fd(client_of(meter)) >= 0 && meter->gpu_figures == 0 &&
           eco_sub_sat(clock->mono_ns(clock), meter->begin_ns) < AWAIT_NS;
}

/* ---- books of a card ---- */

int eco_meter_begin_gpu(struct eco_meter *meter, unsigned d)
{
    struct eco_meter_domain *own = &meter->d[d];
    const struct eco_domain *domain = &meter->domains[d];
    if (domain->kind != ECO_KIND_GPU || !client_of(meter) || own->gpu)
        return 0;
    own->gpu = eco_calloc(1, sizeof *own->gpu);
    if (!own->gpu)
        return -ENOMEM;
    const struct eco_gpu_seen_device *seen =
        eco_gpu_client_device(client_of(meter), (size_t)domain->key.device);
    own->gpu->place = (size_t)domain->key.device;
    own->gpu->context_uw = ECO_NAN;
    own->gpu->busy_begin_ns = own->gpu->busy_mark_ns = own->gpu->frame_busy_ns = seen ? seen->busy_ns : 0;
    own->gpu->throttled_begin_ns = seen ? seen->throttled_ns : 0;
    /* A card's energy comes with the time it speaks for: the counter's step is no noise in its power. */
    eco_idle_init(&own->gpu->context, LEARNER_TAU_S);
    eco_idle_init(&own->learner, LEARNER_TAU_S);
    return 0;
}

/* Whether somebody holds a context on the card now. */
static bool is_held(const struct eco_gpu_client *client, size_t place)
{
    for (size_t i = 0; i < eco_gpu_client_uses(client); i++) {
        const struct eco_gpu_seen_use *use = eco_gpu_client_use(client, i);
        if (card_of(client, use->device) == place && (use->flags & ECO_GPU_USE_CONTEXT))
            return true;
    }
    return false;
}

double eco_meter_gpu_busy_s(struct eco_meter *meter, unsigned d)
{
    struct eco_meter_gpu *gpu = meter->d[d].gpu;
    const struct eco_gpu_seen_device *seen = eco_gpu_client_device(client_of(meter), gpu->place);
    uint64_t before = gpu->busy_mark_ns;
    gpu->busy_mark_ns = seen ? seen->busy_ns : before;
    return (double)eco_sub_sat(gpu->busy_mark_ns, before) * 1e-9;
}

static void forget_quiet(struct eco_meter *meter, unsigned d)
{
    struct eco_meter_gpu *gpu = meter->d[d].gpu;
    eco_idle_break(&gpu->context);
    eco_idle_break(&meter->d[d].learner);
    gpu->quiet_s = 0;
}

/*
 * Only time in which nothing ran teaches a level: power does not go with utilisation as with CPUs, so nothing
 * could be subtracted. Whether a context was held is told late: an interval is believed once the next one has
 * said the same. After the job nobody comes any more, and it is believed at once.
 */
void eco_meter_feed_gpu_idle(struct eco_meter *meter, unsigned d, double span_s, double energy_j,
                             double busy_s, bool is_tail)
{
    struct eco_meter_gpu *gpu = meter->d[d].gpu;
    const struct eco_clock *clock = meter->env->clock;
    int64_t now_s = clock->real_ns(clock) / (int64_t)ECO_NS_PER_S;
    bool held = is_held(client_of(meter), gpu->place), is_same = held == gpu->was_held;
    struct eco_idle *learner = held ? &gpu->context : &meter->d[d].learner;
    gpu->was_held = held;
    if (!is_same || busy_s > QUIET_RATIO * span_s || gpu->others_weight > gpu->others_fed) {
        gpu->others_fed = gpu->others_weight;
        forget_quiet(meter, d);
        return;
    }
    if (gpu->quiet_s > 0)
        eco_idle_feed(learner, gpu->quiet_s, gpu->quiet_j, 0, now_s);
    gpu->quiet_s = is_tail ? 0 : span_s;
    gpu->quiet_j = energy_j;
    if (is_tail)
        eco_idle_feed(learner, span_s, energy_j, 0, now_s);
}

/* ---- who used them ---- */

/* The one that a pid is now, or was until this look. */
static const struct eco_proc *find_process(const struct eco_meter *meter, int32_t pid)
{
    const struct eco_proc *proc = eco_procs_find(meter->procs, pid);
    for (uint32_t i = 0; !proc && i < meter->usage.changed_count; i++) {
        const struct eco_proc *ended = meter->usage.changed[i];
        if (ended->pid == pid && (ended->flags & ECO_PROC_ENDED) && !(ended->flags & ECO_PROC_GROUP))
            proc = ended;
    }
    return proc;
}

static struct eco_account *account_of(struct eco_meter *meter, const struct eco_gpu_seen_use *use,
                                      const struct eco_gpu_mark *mark)
{
    const struct eco_proc *proc = use->pid > 0 ? find_process(meter, use->pid) : NULL;
    if (proc)
        return eco_meter_take_account(meter, proc);
    return eco_accounts_get(&meter->accounts, mark->account_id);
}

static int book_use(struct eco_meter *meter, const struct eco_gpu_seen_use *use, struct eco_gpu_mark *mark,
                    bool is_base)
{
    unsigned d = 0;
    struct eco_meter_gpu *gpu = gpu_of_place(meter, card_of(client_of(meter), use->device), &d);
    double weight_ns = is_base ? 0 : (double)eco_sub_sat(use->weight_ns, mark->weight_ns);
    uint64_t busy_ns = is_base ? 0 : eco_sub_sat(use->busy_ns, mark->busy_ns);
    bool holds = use->flags & ECO_GPU_USE_CONTEXT;
    mark->weight_ns = use->weight_ns;
    mark->busy_ns = use->busy_ns;
    if (!gpu || is_base)
        return 0;
    gpu->has_split |= (use->flags & ECO_GPU_USE_SPLIT) != 0;
    struct eco_account *account = account_of(meter, use, mark);
    mark->account_id = account ? account->name.id : mark->account_id;
    if (!account || !account->in_job) {
        gpu->others_weight += weight_ns;
        gpu->others_holders += holds;
        gpu->others_memory_bytes += use->memory_bytes;
    }
    if (!account)
        return 0;
    if (!account->gpu && !(account->gpu = eco_calloc(ECO_DOMAINS_MAX, sizeof *account->gpu)))
        return -ENOMEM;
    account->gpu[d].weight += weight_ns;
    account->gpu[d].holds |= holds;
    account->gpu[d].memory_bytes += use->memory_bytes;
    account->gpu_busy_ns += busy_ns;
    account->gpu_memory_bytes += use->memory_bytes;
    if (account->gpu_memory_bytes > account->gpu_memory_max_bytes)
        account->gpu_memory_max_bytes = account->gpu_memory_bytes;
    return weight_ns > 0 || holds ? eco_meter_add_pending(meter, account) : 0;
}

static void forget_holders(struct eco_meter *meter)
{
    for (unsigned d = 0; d < meter->domain_count; d++)
        if (meter->d[d].gpu) {
            meter->d[d].gpu->others_holders = 0;
            meter->d[d].gpu->others_memory_bytes = 0;
        }
    for (size_t i = 0; i < meter->accounts.count; i++) {
        struct eco_account *account = meter->accounts.all[i];
        if (!account || !account->gpu)
            continue;
        account->gpu_memory_bytes = 0;
        for (unsigned d = 0; d < meter->domain_count; d++) {
            account->gpu[d].holds = false;
            account->gpu[d].memory_bytes = 0;
        }
    }
}

/* Uses keep their order; new ones come at the end, ended ones are dropped from both lists at once. */
static struct eco_gpu_mark *mark_of(struct eco_meter *meter, size_t at, const struct eco_gpu_seen_use *use)
{
    if (at == meter->gpu_mark_count) {
        if (eco_grow((void **)&meter->gpu_marks, &meter->gpu_mark_capacity, at + 1, ECO_GPU_USES_MAX,
                     sizeof *meter->gpu_marks) < 0)
            return NULL;
        meter->gpu_marks[meter->gpu_mark_count++] =
            (struct eco_gpu_mark){.device = use->device, .pid = use->pid};
    }
    struct eco_gpu_mark *mark = &meter->gpu_marks[at];
    if (mark->device != use->device || mark->pid != use->pid)
        *mark = (struct eco_gpu_mark){
            .device = use->device, .pid = use->pid, .busy_ns = use->busy_ns, .weight_ns = use->weight_ns};
    return mark;
}

int eco_meter_grant_gpus(struct eco_meter *meter, bool is_base)
{
    struct eco_gpu_client *client = client_of(meter);
    if (!client)
        return 0;
    int r = 0;
    size_t kept = 0, count = eco_gpu_client_uses(client);
    forget_holders(meter);
    for (size_t i = 0; i < count; i++) {
        const struct eco_gpu_seen_use *use = eco_gpu_client_use(client, i);
        struct eco_gpu_mark *mark = mark_of(meter, i, use);
        if (!mark)
            return -ENOMEM;
        int booked = book_use(meter, use, mark, is_base);
        r = r < 0 ? r : booked;
    }
    for (size_t i = 0; i < count; i++)
        if (!(eco_gpu_client_use(client, i)->flags & ECO_GPU_USE_ENDED))
            meter->gpu_marks[kept++] = meter->gpu_marks[i];
    meter->gpu_mark_count = kept;
    eco_gpu_client_forget_ended(client);
    return r;
}

/* ---- their energy ---- */

/* Watts of each while busy, where they can be told apart; false = by time alone. */
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
    eco_gpu_fit_add(&gpu->fit, span_s, energy_j, id, busy_s, n);
    if (n < 2 || n > ECO_GPU_FIT_MAX || !eco_gpu_fit_watts(&gpu->fit, id, n, watts))
        return false;
    for (size_t i = 0, at = 0; i < rows->count; i++)
        rows->watts[i] = rows->weight[i] > 0 ? watts[at++] : 0;
    *ret_rest_watts = rest_busy_ns > 0 ? watts[n - 1] : 0;
    return true;
}

void eco_meter_weigh_gpu(struct eco_meter *meter, unsigned d, struct eco_gpu_rows *rows, double span_s,
                         double energy_uj, double idle_uj, double *ret_rest)
{
    struct eco_meter_gpu *gpu = meter->d[d].gpu;
    double rest_busy_ns = fmax(0, gpu->others_weight - gpu->others_mark), rest_watts = 0;
    gpu->others_mark = gpu->others_weight;
    for (size_t i = 0; i < rows->count; i++) {
        struct eco_account_gpu *books = rows->accounts[i]->gpu ? &rows->accounts[i]->gpu[d] : NULL;
        rows->weight[i] = books ? fmax(0, books->weight - books->mark) : 0;
        rows->holds[i] = books && books->holds;
        if (books)
            books->mark = books->weight;
    }
    double dynamic_uj = fmax(0, energy_uj - (isnan(idle_uj) ? 0 : idle_uj));
    double context_uj = isnan(idle_uj) ? ECO_NAN : gpu->context_uw * span_s;
    struct eco_gpu_share_input in = {.dynamic_uj = dynamic_uj,
                                     .context_uj = context_uj,
                                     .row_count = rows->count,
                                     .busy_ns = rows->weight,
                                     .holds = rows->holds,
                                     .rest_busy_ns = rest_busy_ns,
                                     .rest_holders = gpu->others_holders};
    double above_uj = fmax(0, dynamic_uj - (isnan(context_uj) ? 0 : context_uj));
    if (!isnan(idle_uj) && fit_watts(gpu, rows, above_uj * 1e-6, span_s, rest_busy_ns, &rest_watts)) {
        in.watts = rows->watts;
        in.rest_watts = rest_watts;
        gpu->has_fit = true;
    }
    eco_gpu_weights(&in, rows->result, ret_rest);
    for (size_t i = 0; i < rows->count; i++)
        rows->weight[i] = rows->result[i];
}

/* Somebody works there whom the driver has not named yet: its lists are up to half a second old. */
static bool is_nameless(const struct eco_meter *meter, unsigned d, const struct eco_energy *energy)
{
    const struct eco_meter_gpu *gpu = meter->d[d].gpu;
    double span_s = (double)eco_sub_sat(energy->to_ns, energy->from_ns) * 1e-9;
    double idle_uj = meter->d[d].idle_uw * span_s;
    if (isnan(idle_uj) || (double)energy->delta_uj < (1 + NAMELESS_RATIO) * idle_uj ||
        energy->to_ns > energy->from_ns + HOLD_NS || gpu->others_holders > 0 ||
        gpu->others_weight > gpu->others_mark)
        return false;
    for (size_t i = 0; i < meter->pending_count; i++) {
        const struct eco_account_gpu *books = meter->pending[i]->gpu ? &meter->pending[i]->gpu[d] : NULL;
        if (books && (books->holds || books->weight > books->mark))
            return false;
    }
    return true;
}

bool eco_meter_hold_gpu(struct eco_meter *meter, unsigned d, bool final)
{
    struct eco_meter_gpu *gpu = meter->d[d].gpu;
    struct eco_energy *energy = &meter->energies[d];
    if (gpu->held.state == ECO_ENERGY_OK && energy->from_ns == gpu->held.to_ns) {
        energy->delta_uj += gpu->held.delta_uj;
        energy->from_ns = gpu->held.from_ns;
    }
    gpu->held = (struct eco_energy){0};
    if (final || !is_nameless(meter, d, energy))
        return false;
    gpu->held = *energy;
    energy->state = ECO_ENERGY_WAITING;
    return true;
}

/* Unknown energy: what was used meanwhile is charged nothing. */
void eco_meter_skip_gpu(struct eco_meter *meter, unsigned d)
{
    struct eco_meter_gpu *gpu = meter->d[d].gpu;
    gpu->others_mark = gpu->others_weight;
    for (size_t i = 0; i < meter->pending_count; i++)
        if (meter->pending[i]->gpu)
            meter->pending[i]->gpu[d].mark = meter->pending[i]->gpu[d].weight;
    forget_quiet(meter, d);
}

double eco_meter_gpu_memory_ratio(const struct eco_meter *meter, unsigned d, uint64_t bytes)
{
    const struct eco_gpu_seen_device *seen = eco_gpu_client_device(client_of(meter), meter->d[d].gpu->place);
    return seen && seen->device.memory_bytes > 0 ? (double)bytes / (double)seen->device.memory_bytes : 0;
}
