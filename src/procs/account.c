/* SPDX-License-Identifier: MIT */
#include "procs/account.h"

#include "base/counter.h"

uint64_t eco_account_claim(const struct eco_row *row)
{
    return row->proc.cpu_ns + row->children_ns + row->provisional_ns + row->extra_ns;
}

/* Unsigned sums: a difference below zero comes out right modulo 2^64. */
void eco_account_count(struct eco_account *account, struct eco_row *row)
{
    uint64_t claim = eco_account_claim(row);

    account->living_ns += claim - row->counted_ns;
    account->living_user_ns += row->user_ns - row->counted_user_ns;
    account->living_system_ns += row->system_ns - row->counted_system_ns;
    row->counted_ns = claim;
    row->counted_user_ns = row->user_ns;
    row->counted_system_ns = row->system_ns;
}

void eco_account_base(struct eco_account *account, struct eco_row *row)
{
    row->counted_base_ns = row->counted_ns;
    account->base_ns += row->counted_ns;
    account->base_user_ns += row->counted_user_ns;
    account->base_system_ns += row->counted_system_ns;
}

void eco_account_end(struct eco_account *account, struct eco_row *row, bool covered)
{
    uint64_t claim = eco_account_claim(row);

    account->living_ns -= row->counted_ns;
    account->living_user_ns -= row->counted_user_ns;
    account->living_system_ns -= row->counted_system_ns;
    row->counted_ns = row->counted_user_ns = row->counted_system_ns = 0;
    if (covered)
        return;
    account->carried_ns += row->is_reaped && row->reaped_ns > claim ? row->reaped_ns : claim;
    account->carried_user_ns += row->user_ns;
    account->carried_system_ns += row->system_ns;
}

void eco_account_unseen(struct eco_account *account, uint64_t user_ns, uint64_t system_ns)
{
    account->carried_ns += user_ns + system_ns;
    account->carried_user_ns += user_ns;
    account->carried_system_ns += system_ns;
}

uint64_t eco_account_settle(const struct eco_account *account, struct eco_row *row)
{
    uint64_t growth = row->grown_ns, claims = row->claimed_ns;

    row->grown_ns = row->claimed_ns = 0;
    if (claims >= growth) {
        uint64_t held = row->provisional_ns + (claims - growth);
        row->provisional_ns = held < account->slack_ns ? held : account->slack_ns;
        row->extra_ns += held - row->provisional_ns;
        return 0;
    }
    uint64_t left = growth - claims;
    uint64_t paid = left < row->provisional_ns ? left : row->provisional_ns;
    row->provisional_ns -= paid;
    return left - paid;
}

void eco_account_feed(struct eco_account *account)
{
    account->fed_base_ns = eco_account_total(account);
    account->fed_rows_ns = account->rows_ns;
    account->is_fed = true;
}

void eco_account_unfeed(struct eco_account *account)
{
    uint64_t total = eco_account_total(account);

    account->is_fed = false;
    account->unseen_ns = 0;
    account->carried_ns = total;
    account->base_ns = account->living_ns;
}

uint64_t eco_account_total(struct eco_account *account)
{
    uint64_t total =
        account->is_fed
            ? account->fed_base_ns + eco_sub_sat(account->rows_ns, account->fed_rows_ns) + account->unseen_ns
            : eco_sub_sat(account->living_ns + account->carried_ns, account->base_ns);

    if (total < account->rows_ns)
        total = account->rows_ns;
    if (total < account->least_ns)
        total = account->least_ns;
    if (total > account->reported_ns)
        account->reported_ns = total;
    return account->reported_ns;
}

void eco_account_split(const struct eco_account *account, uint64_t total_ns, uint64_t *ret_user_ns,
                       uint64_t *ret_system_ns)
{
    uint64_t user = eco_sub_sat(account->living_user_ns + account->carried_user_ns, account->base_user_ns);
    uint64_t system =
        eco_sub_sat(account->living_system_ns + account->carried_system_ns, account->base_system_ns);

    *ret_user_ns = *ret_system_ns = 0;
    if (user + system == 0)
        return;
    *ret_user_ns = (uint64_t)((double)total_ns * ((double)user / ((double)user + (double)system)));
    if (*ret_user_ns > total_ns)
        *ret_user_ns = total_ns;
    *ret_system_ns = total_ns - *ret_user_ns;
}
