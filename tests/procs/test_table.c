/* SPDX-License-Identifier: MIT */
#include "procs/account.h"

#include "support/alloc.h"
#include "support/test.h"

#include <errno.h>
#include <string.h>

/* Against a plain array: add, find, detach and remove in an order that no probe expects. */
static void test_like_an_array(void **state)
{
    (void)state;
    enum { PIDS = 3000 };
    static struct eco_row *known[PIDS];
    struct eco_table table;
    uint32_t random = 12345, last_id = 0;
    eco_table_init(&table, PIDS);
    for (int step = 0; step < 40000; step++) {
        random = random * 1664525u + 1013904223u;
        int32_t pid = (int32_t)(random >> 8) % PIDS;
        if (pid == 0)
            continue;
        if (known[pid] != NULL) {
            assert_int_equal(eco_table_find(&table, pid), known[pid]->slot);
            eco_table_detach(&table, known[pid]);
            assert_int_equal(eco_table_find(&table, pid), ECO_SLOT_NONE);
            eco_table_remove(&table, known[pid]);
            known[pid] = NULL;
        } else {
            assert_int_equal(eco_table_add(&table, pid, &known[pid]), 0);
            assert_true(known[pid]->proc.id > last_id);
            last_id = known[pid]->proc.id;
            assert_int_equal(eco_table_add(&table, pid, &known[pid]), -EEXIST);
        }
    }
    for (int32_t pid = 1; pid < PIDS; pid++) {
        uint32_t slot = eco_table_find(&table, pid);
        assert_true(known[pid] != NULL ? slot == known[pid]->slot : slot == ECO_SLOT_NONE);
        assert_true(known[pid] == NULL || known[pid] == eco_table_row(&table, slot));
    }
    eco_table_finish(&table);
}

/* The same command line as the parent's is held once, and lives as long as somebody has it. */
static void test_command_lines_are_shared(void **state)
{
    (void)state;
    struct eco_table table;
    struct eco_row *server, *worker;
    eco_table_init(&table, 10);
    assert_int_equal(eco_table_add(&table, 7, &server), 0);
    assert_int_equal(eco_table_add(&table, 8, &worker), 0);
    eco_row_set_cmdline(server, "serve -n 4", 10, NULL);
    eco_row_set_cmdline(worker, "serve -n 4", 10, server);
    assert_ptr_equal(server->proc.cmdline, worker->proc.cmdline);
    eco_row_set_cmdline(server, "serve -n 4", 10, worker);
    assert_ptr_equal(server->proc.cmdline, worker->proc.cmdline);
    eco_row_set_cmdline(worker, "serve", 5, server); /* the start of it is not the same */
    assert_string_equal(worker->proc.cmdline, "serve");
    assert_string_equal(server->proc.cmdline, "serve -n 4");
    eco_row_set_cmdline(worker, "serve -n 4", 10, server);
    eco_table_detach(&table, server);
    eco_table_remove(&table, server);
    assert_string_equal(worker->proc.cmdline, "serve -n 4");
    eco_table_finish(&table);
}

/* A pid that is used again is another row, while the old one still can be read. */
static void test_pid_is_used_again(void **state)
{
    (void)state;
    struct eco_table table;
    struct eco_row *first, *second;
    eco_table_init(&table, 10);
    assert_int_equal(eco_table_add(&table, 7, &first), 0);
    eco_table_detach(&table, first);
    assert_int_equal(eco_table_add(&table, 7, &second), 0);
    assert_ptr_not_equal(first, second);
    assert_int_not_equal(first->proc.id, second->proc.id);
    assert_int_equal(first->proc.pid, 7);
    eco_table_remove(&table, first);
    assert_int_equal(eco_table_find(&table, 7), second->slot);
    eco_table_finish(&table);
}

static void test_limit(void **state)
{
    (void)state;
    struct eco_table table;
    struct eco_row *row;
    eco_table_init(&table, 2);
    assert_int_equal(eco_table_add(&table, 1, &row), 0);
    assert_int_equal(eco_table_add(&table, 2, &row), 0);
    assert_int_equal(eco_table_add(&table, 3, &row), -E2BIG);
    assert_int_equal(eco_table_add(&table, 0, &row), 0);
    eco_table_finish(&table);
}

static void test_tree(void **state)
{
    (void)state;
    struct eco_table table;
    struct eco_row *rows[5];
    eco_table_init(&table, 10);
    for (int i = 0; i < 5; i++)
        assert_int_equal(eco_table_add(&table, i + 1, &rows[i]), 0);
    for (int i = 1; i < 4; i++)
        eco_tree_link(&table, rows[i], rows[0]->slot);
    eco_tree_link(&table, rows[2], ECO_SLOT_NONE);
    eco_tree_link(&table, rows[4], rows[3]->slot);
    assert_int_equal(rows[0]->first_child, rows[3]->slot);
    assert_int_equal(rows[3]->next, rows[1]->slot);
    assert_int_equal(rows[1]->previous, rows[3]->slot);
    assert_int_equal(rows[1]->next, ECO_SLOT_NONE);
    eco_tree_link(&table, rows[0], rows[4]->slot); /* a circle */
    assert_int_equal(rows[0]->parent, ECO_SLOT_NONE);
    eco_tree_link(&table, rows[0], rows[0]->slot);
    assert_int_equal(rows[0]->parent, ECO_SLOT_NONE);
    eco_table_detach(&table, rows[0]);
    eco_table_remove(&table, rows[0]);
    assert_int_equal(rows[1]->parent, ECO_SLOT_NONE);
    assert_int_equal(rows[3]->parent, ECO_SLOT_NONE);
    assert_int_equal(rows[4]->parent, rows[3]->slot);
    eco_table_finish(&table);
}

static int fill(void *context)
{
    struct eco_table table;
    int rc = 0;
    (void)context;
    eco_table_init(&table, 1000);
    for (int32_t pid = 1; rc == 0 && pid <= 600; pid++) {
        struct eco_row *row;
        rc = eco_table_add(&table, pid, &row);
        if (rc == 0)
            assert_int_equal(eco_table_find(&table, pid), row->slot);
    }
    eco_table_finish(&table);
    return rc;
}

static void test_no_memory(void **state)
{
    (void)state;
    assert_true(eco_alloc_fail_each(fill, NULL) > 10);
}

/* ---- books ---- */

#define MS ECO_NS_PER_MS

/* A parent that waits for its child: the child's time moves, the total stays. */
static void test_child_is_waited_for(void **state)
{
    (void)state;
    struct eco_account account = {.slack_ns = 20 * MS};
    struct eco_row parent = {.proc.cpu_ns = 5 * MS}, child = {.proc.cpu_ns = 100 * MS};
    eco_account_count(&account, &parent);
    eco_account_count(&account, &child);
    assert_int_equal(eco_account_total(&account), 105 * MS);
    parent.claimed_ns = eco_account_claim(&child);
    eco_account_end(&account, &child, true);
    parent.children_ns = parent.grown_ns = 130 * MS; /* 30 ms since it was last looked at */
    assert_int_equal(eco_account_settle(&account, &parent), 30 * MS);
    eco_account_count(&account, &parent);
    assert_int_equal(eco_account_total(&account), 135 * MS);
}

/* One that is not waited for keeps its last known time, and ticks that come late are no new time. */
static void test_child_is_dropped(void **state)
{
    (void)state;
    struct eco_account account = {.slack_ns = 20 * MS};
    struct eco_row parent = {0};
    parent.claimed_ns = 100 * MS;
    assert_int_equal(eco_account_settle(&account, &parent), 0);
    assert_int_equal(parent.extra_ns, 80 * MS);
    assert_int_equal(parent.provisional_ns, 20 * MS);
    eco_account_count(&account, &parent);
    assert_int_equal(eco_account_total(&account), 100 * MS);
    parent.children_ns = parent.grown_ns = 50 * MS;
    assert_int_equal(eco_account_settle(&account, &parent), 30 * MS);
    eco_account_count(&account, &parent);
    assert_int_equal(eco_account_total(&account), 130 * MS);
}

static void test_base_reaped_and_unseen(void **state)
{
    (void)state;
    struct eco_account account = {.slack_ns = 20 * MS};
    struct eco_row row = {.proc.cpu_ns = 50 * MS, .user_ns = 30 * MS, .system_ns = 20 * MS};
    uint64_t user_ns, system_ns;
    eco_account_count(&account, &row);
    eco_account_base(&account, &row);
    assert_int_equal(eco_account_total(&account), 0);
    eco_account_split(&account, 0, &user_ns, &system_ns);
    assert_int_equal(user_ns + system_ns, 0);
    row.proc.cpu_ns = 70 * MS;
    eco_account_count(&account, &row);
    assert_int_equal(eco_account_total(&account), 20 * MS);
    row.is_reaped = true;
    row.reaped_ns = 80 * MS;
    row.user_ns = 60 * MS;
    eco_account_end(&account, &row, false);
    assert_int_equal(eco_account_total(&account), 30 * MS);
    eco_account_unseen(&account, 5 * MS, 5 * MS);
    assert_int_equal(eco_account_total(&account), 40 * MS);
    eco_account_split(&account, 40 * MS, &user_ns, &system_ns);
    assert_int_equal(user_ns + system_ns, 40 * MS);
    assert_int_equal(user_ns, 35 * MS);
    account.carried_ns = 0; /* never falls */
    assert_int_equal(eco_account_total(&account), 40 * MS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_like_an_array),
        cmocka_unit_test(test_command_lines_are_shared),
        cmocka_unit_test(test_pid_is_used_again),
        cmocka_unit_test(test_limit),
        cmocka_unit_test(test_tree),
        cmocka_unit_test(test_no_memory),
        cmocka_unit_test(test_child_is_waited_for),
        cmocka_unit_test(test_child_is_dropped),
        cmocka_unit_test(test_base_reaped_and_unseen),
    };
    return cmocka_run_group_tests_name("procs table and books", tests, NULL, NULL);
}
