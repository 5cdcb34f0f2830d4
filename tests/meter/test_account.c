/* SPDX-License-Identifier: MIT */
/* The ledger's accounts: found again, ended, folded; sums stay. */
#include "base/mem.h"
#include "meter/account.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

static double sum_of_energy(const struct eco_accounts *accounts)
{
    double sum = 0;
    for (size_t i = 0; i < accounts->count; i++)
        for (unsigned e = 0; accounts->all[i] && e < accounts->slots * accounts->domains; e++)
            sum += accounts->all[i]->energy_uj[e];
    return sum;
}

static uint64_t sum_of_counts(const struct eco_accounts *accounts)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < accounts->count; i++)
        sum += accounts->all[i] ? accounts->all[i]->name.count : 0;
    return sum;
}

static void many_ended_ones_fold(void **state)
{
    (void)state;
    struct eco_accounts accounts;
    assert_int_equal(eco_accounts_init(&accounts, 2, 3, 2), 0);
    const uint32_t n = 20000;
    for (uint32_t id = 1; id <= n; id++) {
        struct eco_account *account = eco_accounts_take(&accounts, id);
        assert_non_null(account);
        struct eco_proc proc = {
            .id = id, .parent_id = id % 7, .pid = (int32_t)id, .flags = ECO_PROC_JOB, .count = 1};
        (void)snprintf(proc.name, sizeof proc.name, "worker-%u", id % 500);
        assert_int_equal(eco_account_describe(account, &proc, true, 0), 0);
        account->energy_uj[id % 6] = id;
        assert_ptr_equal(eco_accounts_get(&accounts, id), account);
        if (id % 2)
            eco_accounts_end(&accounts, account, id / 100 + 1, id);
        eco_accounts_fold(&accounts, id / 100);
    }
    assert_true(accounts.ended_count <= ECO_ACCOUNTS_ENDED_MAX + 200);
    assert_true(accounts.fold_count <= ECO_ACCOUNTS_FOLD_MAX + 1);
    assert_int_equal((uint64_t)sum_of_energy(&accounts), (uint64_t)n * (n + 1) / 2);
    assert_int_equal(sum_of_counts(&accounts), n);
    for (uint32_t id = 2; id <= n; id += 2)
        assert_non_null(eco_accounts_get(&accounts, id)); /* the living stay */
    eco_accounts_finish(&accounts);
}

/* What a process used before it became another's stays where it was, and is found by nobody under its id. */
static void a_moved_one_leaves_its_past(void **state)
{
    (void)state;
    static const struct eco_identity before = {.id = 1}, after = {.id = 2};
    struct eco_accounts accounts;
    assert_int_equal(eco_accounts_init(&accounts, 1, 1, 2), 0);
    struct eco_account *old = eco_accounts_take(&accounts, 7);
    struct eco_proc proc = {.id = 7, .pid = 70, .count = 1, .identity = &before};
    assert_non_null(old);
    assert_int_equal(eco_account_describe(old, &proc, true, 0), 0);
    old->cpu_ns = 100;
    old->energy_uj[0] = 3;
    struct eco_account *next = eco_accounts_split(&accounts, old, 5, 9);
    assert_non_null(next);
    assert_ptr_equal(eco_accounts_get(&accounts, 7), next);
    assert_ptr_equal(eco_accounts_get(&accounts, old->name.id), old);
    assert_int_equal(next->before_ns, 100);
    assert_int_equal(next->cpu_ns, 0);
    assert_true(old->is_moved && old->ended_seq == 5 && old->name.identity == &before && old->name.pid == 70);
    proc.identity = &after;
    assert_int_equal(eco_account_describe(next, &proc, true, 0), 0);
    next->cpu_ns = 40;
    struct eco_account *third = eco_accounts_split(&accounts, next, 6, 10);
    assert_non_null(third);
    assert_int_equal(third->before_ns, 140);
    assert_true((uint64_t)sum_of_energy(&accounts) == 3);
    eco_accounts_finish(&accounts);
}

/* Beyond the groups by parent and name there is one for each identity: whose it was is not forgotten. */
static void folding_keeps_identities(void **state)
{
    (void)state;
    static struct eco_identity identities[5];
    struct eco_accounts accounts;
    assert_int_equal(eco_accounts_init(&accounts, 1, 1, 2), 0);
    double wanted[5] = {0}, found[5] = {0};
    for (uint32_t id = 1; id <= 12000; id++) {
        struct eco_account *account = eco_accounts_take(&accounts, id);
        struct eco_proc proc = {.id = id, .parent_id = id % 997, .count = 1, .identity = &identities[id % 5]};
        assert_non_null(account);
        (void)snprintf(proc.name, sizeof proc.name, "n%u", id % 1999);
        assert_int_equal(eco_account_describe(account, &proc, true, 0), 0);
        account->energy_uj[0] = 1;
        wanted[id % 5] += 1;
        eco_accounts_end(&accounts, account, 1, 1);
        eco_accounts_fold(&accounts, 100);
    }
    for (size_t i = 0; i < accounts.count; i++)
        if (accounts.all[i] && accounts.all[i]->name.identity)
            found[accounts.all[i]->name.identity - identities] += accounts.all[i]->energy_uj[0];
    for (int i = 0; i < 5; i++)
        assert_int_equal((int)found[i], (int)wanted[i]);
    eco_accounts_finish(&accounts);
}

static void pending_ones_do_not_fold(void **state)
{
    (void)state;
    struct eco_accounts accounts;
    assert_int_equal(eco_accounts_init(&accounts, 1, 1, 2), 0);
    for (uint32_t id = 1; id <= ECO_ACCOUNTS_ENDED_MAX + 10; id++) {
        struct eco_account *account = eco_accounts_take(&accounts, id);
        assert_non_null(account);
        account->is_pending = true;
        eco_accounts_end(&accounts, account, 1, 1);
    }
    eco_accounts_fold(&accounts, 100);
    assert_non_null(eco_accounts_get(&accounts, 1));
    assert_null(eco_accounts_get(&accounts, 0));
    assert_null(eco_accounts_get(&accounts, 999999));
    eco_accounts_finish(&accounts);
}

/* Books get wider under the accounts; without memory they stay as they are, whichever allocation fails. */
static void widened_books_keep_what_they_hold(void **state)
{
    (void)state;
    struct eco_accounts accounts;
    assert_int_equal(eco_accounts_init(&accounts, 1, 2, 2), 0);
    for (uint32_t id = 1; id <= 3; id++) {
        struct eco_account *account = eco_accounts_take(&accounts, id);
        assert_non_null(account);
        account->weight[0] = account->mark[1] = account->share_s[1] = id;
        account->energy_uj[1 * 2 + 1] = account->frame_uj[1 * 2 + 0] = id * 10.0;
    }
    int r = -ENOMEM;
    unsigned long n = 0;
    while (r == -ENOMEM) {
        eco_mem_fail_at(++n);
        r = eco_accounts_widen(&accounts, 2, 3);
        eco_mem_fail_at(0);
        assert_int_equal(accounts.domains, r < 0 ? 2 : 3);
    }
    assert_int_equal(n, 5);
    for (uint32_t id = 1; id <= 3; id++) {
        const struct eco_account *account = eco_accounts_get(&accounts, id);
        const double wanted[8] = {id, 0, 0, id, 0, 0, id, 0}; /* weight, mark, share_s */
        assert_memory_equal(account->weight, wanted, 8 * sizeof(double));
        assert_memory_equal(account->energy_uj + 3, ((double[3]){0, id * 10.0, 0}), 3 * sizeof(double));
        assert_memory_equal(account->frame_uj + 3, ((double[3]){id * 10.0, 0, 0}), 3 * sizeof(double));
    }
    eco_accounts_finish(&accounts);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(many_ended_ones_fold),
        cmocka_unit_test(a_moved_one_leaves_its_past),
        cmocka_unit_test(folding_keeps_identities),
        cmocka_unit_test(pending_ones_do_not_fold),
        cmocka_unit_test(widened_books_keep_what_they_hold),
    };
    return cmocka_run_group_tests_name("account", tests, NULL, NULL);
}
