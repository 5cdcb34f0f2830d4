/* SPDX-License-Identifier: MIT */
/*
 * Who used graphics cards: what is new of their work goes to accounts, as CPU time does, but by card. A
 * driver may tell of a process when it is gone already, so those that ended lately are known for a while.
 */
#include "base/counter.h"
#include "base/mem.h"
#include "meter/meter_internal.h"

#include <errno.h>

#define GONE_MAX 1024u
#define GONE_NS  (10 * ECO_NS_PER_S) /* no number is given out again so soon */

struct eco_gpu_mark {
    uint32_t device;
    int32_t pid;
    uint64_t busy_ns, weight_ns, energy_uj, span_ns;
    uint32_t account_id; /* 0 = of nobody that is known */
};

struct eco_gpu_gone {
    int32_t pid;
    uint32_t account_id;
    uint64_t at_ns;
};

static struct eco_meter_gpu *gpu_of_place(struct eco_meter *meter, size_t place, unsigned *ret_domain)
{
    for (unsigned d = 0; d < meter->domain_count; d++)
        if (meter->d[d].gpu && meter->d[d].gpu->place == place) {
            *ret_domain = d;
            return meter->d[d].gpu;
        }
    return NULL;
}

/* ---- which process ---- */

/* Those that ended in this look; without memory they are not known later. */
static void note_gone(struct eco_meter *meter)
{
    if (!meter->gpu_gone && eco_gpu_client_devices(eco_meter_gpu_client(meter)) > 0)
        meter->gpu_gone = eco_calloc(GONE_MAX, sizeof *meter->gpu_gone);
    for (uint32_t i = 0; meter->gpu_gone && i < meter->usage.changed_count; i++) {
        const struct eco_proc *proc = meter->usage.changed[i];
        if ((proc->flags & ECO_PROC_ENDED) && !(proc->flags & ECO_PROC_GROUP))
            meter->gpu_gone[meter->gpu_gone_count++ % GONE_MAX] =
                (struct eco_gpu_gone){.pid = proc->pid, .account_id = proc->id, .at_ns = meter->look_ns};
    }
}

/* The account of the last one that had this number, 0 = none that is remembered. */
static uint32_t find_gone(const struct eco_meter *meter, int32_t pid)
{
    uint64_t count = meter->gpu_gone_count < GONE_MAX ? meter->gpu_gone_count : GONE_MAX;
    for (uint64_t i = 1; meter->gpu_gone && i <= count; i++) {
        const struct eco_gpu_gone *gone = &meter->gpu_gone[(meter->gpu_gone_count - i) % GONE_MAX];
        if (eco_sub_sat(meter->look_ns, gone->at_ns) > GONE_NS)
            break;
        if (gone->pid == pid)
            return gone->account_id;
    }
    return 0;
}

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

static struct eco_account *account_of_pid(struct eco_meter *meter, int32_t pid)
{
    const struct eco_proc *proc = find_process(meter, pid);
    return proc ? eco_meter_take_account(meter, proc)
                : eco_accounts_get(&meter->accounts, find_gone(meter, pid));
}

/*
 * It lived and died between two looks, and was seen by whoever watches the cards alone: the nearest ancestor
 * that is known says whether it was the job's.
 */
static struct eco_account *account_of_kin(struct eco_meter *meter, const struct eco_gpu_seen_use *use)
{
    if (meter->options.flags & ECO_METER_MACHINE)
        return NULL;
    for (size_t i = 0; i < ECO_GPU_PARENTS && use->parents[i] > 0; i++) {
        const struct eco_account *account = account_of_pid(meter, use->parents[i]);
        if (account)
            return account->in_job ? eco_meter_short_account(meter) : NULL;
    }
    return NULL;
}

static struct eco_account *account_of(struct eco_meter *meter, const struct eco_gpu_seen_use *use,
                                      const struct eco_gpu_mark *mark)
{
    const struct eco_proc *proc = use->pid > 0 ? find_process(meter, use->pid) : NULL;
    if (proc)
        return eco_meter_take_account(meter, proc);
    if (mark->account_id > 0)
        return eco_accounts_get(&meter->accounts, mark->account_id);
    struct eco_account *account = use->pid > 0 ? account_of_pid(meter, use->pid) : NULL;
    return account ? account : account_of_kin(meter, use);
}

/* ---- their work ---- */

/* What is new since the last look; all of it is marked as seen. */
static struct eco_gpu_work take_new(const struct eco_gpu_seen_use *use, struct eco_gpu_mark *mark,
                                    uint64_t *ret_busy_ns)
{
    const struct eco_gpu_work fresh = {.weight_ns = (double)eco_sub_sat(use->weight_ns, mark->weight_ns),
                                       .energy_uj = (double)eco_sub_sat(use->energy_uj, mark->energy_uj),
                                       .span_ns = (double)eco_sub_sat(use->span_ns, mark->span_ns)};
    *ret_busy_ns = eco_sub_sat(use->busy_ns, mark->busy_ns);
    mark->weight_ns = use->weight_ns;
    mark->energy_uj = use->energy_uj;
    mark->span_ns = use->span_ns;
    mark->busy_ns = use->busy_ns;
    return fresh;
}

static void add_work(struct eco_gpu_work *to, const struct eco_gpu_work *from)
{
    to->weight_ns += from->weight_ns;
    to->energy_uj += from->energy_uj;
    to->span_ns += from->span_ns;
}

static int book_use(struct eco_meter *meter, const struct eco_gpu_seen_use *use, struct eco_gpu_mark *mark,
                    bool is_base)
{
    unsigned d = 0;
    uint64_t busy_ns;
    struct eco_meter_gpu *gpu =
        gpu_of_place(meter, eco_meter_card_of(eco_meter_gpu_client(meter), use->device), &d);
    const struct eco_gpu_work fresh = take_new(use, mark, &busy_ns);
    bool holds = use->flags & ECO_GPU_USE_CONTEXT;
    if (!gpu || is_base)
        return 0;
    gpu->has_split |= (use->flags & ECO_GPU_USE_SPLIT) != 0;
    gpu->has_unseen |= (use->flags & ECO_GPU_USE_UNSEEN) && fresh.weight_ns > 0;
    struct eco_account *account = account_of(meter, use, mark);
    mark->account_id = account ? account->name.id : mark->account_id;
    if (!account || !account->in_job) {
        add_work(&gpu->others, &fresh);
        gpu->others_holders += holds;
        gpu->others_memory_bytes += use->memory_bytes;
    }
    if (!account)
        return 0;
    if (!account->gpu && !(account->gpu = eco_calloc(ECO_DOMAINS_MAX, sizeof *account->gpu)))
        return -ENOMEM;
    add_work(&account->gpu[d].used, &fresh);
    account->gpu[d].holds |= holds;
    account->gpu[d].memory_bytes += use->memory_bytes;
    account->gpu_busy_ns += busy_ns;
    account->gpu_memory_bytes += use->memory_bytes;
    if (account->gpu_memory_bytes > account->gpu_memory_max_bytes)
        account->gpu_memory_max_bytes = account->gpu_memory_bytes;
    return fresh.weight_ns > 0 || holds ? eco_meter_add_pending(meter, account) : 0;
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
        *mark = (struct eco_gpu_mark){.device = use->device,
                                      .pid = use->pid,
                                      .busy_ns = use->busy_ns,
                                      .weight_ns = use->weight_ns,
                                      .energy_uj = use->energy_uj,
                                      .span_ns = use->span_ns};
    return mark;
}

int eco_meter_grant_gpus(struct eco_meter *meter, bool is_base)
{
    struct eco_gpu_client *client = eco_meter_gpu_client(meter);
    if (!client)
        return 0;
    int r = 0;
    size_t kept = 0, count = eco_gpu_client_uses(client);
    note_gone(meter);
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
