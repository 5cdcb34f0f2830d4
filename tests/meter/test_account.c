/* SPDX-License-Identifier: MIT */
/* The ledger's accounts: found again, ended, folded; sums stay. */
#include "meter/account.h"

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
        assert_int_equal(eco_account_describe(account, &proc, 0), 0);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(many_ended_ones_fold),
        cmocka_unit_test(pending_ones_do_not_fold),
    };
    return cmocka_run_group_tests_name("account", tests, NULL, NULL);
}
