/* SPDX-License-Identifier: MIT */
/* CPU time that the job's total has and no row's own clock told: whose it is. */
#include "base/counter.h"
#include "meter/meter_internal.h"

#include <errno.h>
#include <math.h>
#include <string.h>

/* Seen for less than this, a process has shown nothing of how busy it is. */
#define RATE_MIN_NS 1e6
/* A tick before the exit that was told, and to leave a big memory after it. */
#define CUT_MAX_NS (20 * ECO_NS_PER_MS)

/* What an ended row may have used after it was last seen: as busy as it had been, up to the present look. */
static double expected_tail_ns(const struct eco_meter *meter, const struct eco_account *account)
{
    if (!account->has_just_ended || !account->in_job)
        return 0;
    uint64_t born_ns = meter->begin_ns + account->name.start_offset_ns;
    double seen_ns = (double)eco_sub_sat(meter->look_before_ns, born_ns);
    double since_ns = (double)eco_sub_sat(meter->look_ns,
                                          meter->look_before_ns > born_ns ? meter->look_before_ns : born_ns);
    double rate = seen_ns > RATE_MIN_NS ? (double)(account->cpu_ns - account->look_cpu_ns) / seen_ns : 0;
    return fmax(0, rate * since_ns - (double)account->look_cpu_ns);
}

/* Time of a row that its own clock did not tell. */
static void give_row(struct eco_meter *meter, struct eco_account *account, uint64_t ns)
{
    account->cpu_ns += ns;
    account->frame_cpu_ns += ns;
    account->look_cpu_ns += ns;
    meter->rows_cpu_ns += ns;
}

/*
 * The last moments of rows that ended since the look before were seen by nobody, but the job's total has
 * them. They are given out as far as they can be expected, in these proportions: the total is exact, the rows
 * are approximate.
 *
 * @return what is left of `rest_ns`
 */
static uint64_t grant_tails(struct eco_meter *meter, uint64_t rest_ns)
{
    double expected_ns = 0;
    for (size_t i = 0; i < meter->pending_count; i++)
        expected_ns += expected_tail_ns(meter, meter->pending[i]);
    double ratio = expected_ns > 0 ? fmin(1, (double)rest_ns / expected_ns) : 0;
    uint64_t left_ns = rest_ns;
    for (size_t i = 0; i < meter->pending_count; i++) {
        struct eco_account *account = meter->pending[i];
        uint64_t tail_ns = (uint64_t)(ratio * expected_tail_ns(meter, account));
        tail_ns = tail_ns < left_ns ? tail_ns : left_ns;
        give_row(meter, account, tail_ns);
        account->has_just_ended = false;
        left_ns -= tail_ns;
    }
    /* what rounding left of a whole that was all expected is no process */
    return ratio < 1 && left_ns <= meter->pending_count ? 0 : left_ns;
}

/*
 * With the kernel's events no tail is unknown, but for those that were not waited for any longer at the end:
 * what they used after they began to exit, up to when the kernel let go of them. Each as much as the others.
 *
 * @return what is left of `rest_ns`
 */
static uint64_t grant_cut(struct eco_meter *meter, uint64_t rest_ns)
{
    uint64_t heirs = 0;
    for (size_t i = 0; i < meter->pending_count; i++)
        heirs += meter->pending[i]->is_cut;
    for (size_t i = 0; i < meter->pending_count && heirs > 0; i++) {
        struct eco_account *account = meter->pending[i];
        if (!account->is_cut)
            continue;
        uint64_t share_ns = rest_ns / heirs--, given_ns = share_ns < CUT_MAX_NS ? share_ns : CUT_MAX_NS;
        give_row(meter, account, given_ns);
        account->is_cut = false;
        rest_ns -= given_ns;
    }
    return rest_ns;
}

struct eco_account *eco_meter_short_account(struct eco_meter *meter)
{
    struct eco_account *account = eco_accounts_take(&meter->accounts, ECO_SHORT_ID);
    if (account && !account->in_job) {
        account->in_job = true;
        account->name.flags = ECO_PROC_JOB | ECO_PROC_GROUP;
        memcpy(account->name.name, "short-lived", sizeof "short-lived");
    }
    return account;
}

/*
 * What the job's total has and no row explains: processes that lived and died between two looks. While the
 * last CPU time of some is not told yet it may be theirs, however much it is: leaving a big memory takes
 * milliseconds, and it may be held up in it. Told as that of short-lived ones it would be told twice. The
 * last look waits for all.
 */
int eco_meter_grant_rest(struct eco_meter *meter)
{
    if ((meter->options.flags & ECO_METER_MACHINE) || meter->usage.awaited > 0)
        return 0;
    uint64_t job = eco_sub_sat(meter->usage.job_cpu_ns, meter->job_begin_ns);
    uint64_t rest = eco_sub_sat(job, meter->rows_cpu_ns + meter->short_cpu_ns);
    uint64_t delta = meter->feed.is_in_place ? grant_cut(meter, rest) : grant_tails(meter, rest);
    if (!delta)
        return 0;
    struct eco_account *account = eco_meter_short_account(meter);
    if (!account)
        return -ENOMEM;
    account->cpu_ns += delta;
    account->frame_cpu_ns += delta;
    account->look_cpu_ns = delta;
    meter->short_cpu_ns += delta;
    return eco_meter_add_pending(meter, account);
}
