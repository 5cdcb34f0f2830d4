/* SPDX-License-Identifier: MIT */
/* Stat files that stay open: never more than so many, only of those who live, and told by all is the truth.
 */
#include "procs/scan.h"

#include "support/test.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define CHILDREN (ECO_KEPT_STATS + 8)

static unsigned open_files(void)
{
    DIR *dir = opendir("/proc/self/fd");
    unsigned count = 0;
    assert_non_null(dir);
    while (readdir(dir) != NULL)
        count++;
    assert_int_equal(closedir(dir), 0);
    return count;
}

static unsigned kept_files(struct eco_procs *procs)
{
    const struct eco_scan *scan = (const struct eco_scan *)procs;
    unsigned count = 0;
    for (unsigned i = 0; i < ECO_KEPT_STATS; i++)
        count += scan->kept[i].pid != 0;
    return count;
}

static pid_t start_spinning(void)
{
    pid_t pid = fork();
    if (pid == 0)
        for (;;) {
            const struct timespec wait = {.tv_nsec = ECO_NS_PER_MS};
            (void)nanosleep(&wait, NULL);
        }
    return pid;
}

/* Until every child has run since its clock was last read, so that a look reads its stat. */
static void wait_for_all(struct eco_procs *procs, const pid_t *pids)
{
    const struct eco_clock *clock = &eco_clock_system;
    for (unsigned i = 0; i < CHILDREN; i++) {
        uint64_t cpu_ns = 0;
        do
            assert_int_equal(clock->process_cpu_ns(clock, pids[i], &cpu_ns), 0);
        while (cpu_ns <= eco_procs_find(procs, pids[i])->cpu_ns);
    }
}

static void look_at_all(struct eco_procs *procs, const pid_t *pids)
{
    uint64_t before_ns[CHILDREN];
    struct eco_usage usage;
    wait_for_all(procs, pids);
    for (unsigned i = 0; i < CHILDREN; i++)
        before_ns[i] = eco_procs_find(procs, pids[i])->cpu_ns;
    assert_int_equal(eco_procs_look(procs, false, &usage), 0);
    for (unsigned i = 0; i < CHILDREN; i++)
        assert_true(eco_procs_find(procs, pids[i])->cpu_ns > before_ns[i]);
}

static void test_kept(void **state)
{
    (void)state;
    const struct eco_procs_options options = {.scope = ECO_SCOPE_TREE, .cgroup_dir_fd = -1};
    struct eco_root root;
    const struct eco_env env = {.root = &root, .clock = &eco_clock_system};
    struct eco_procs *procs;
    struct eco_usage usage;
    pid_t pids[CHILDREN];
    unsigned first = open_files();
    assert_int_equal(eco_root_init(&root, NULL, NULL), 0);
    assert_int_equal(eco_procs_open(&eco_procs_scan, &env, &options, &procs, NULL), 0);
    for (unsigned i = 0; i < CHILDREN; i++) {
        pids[i] = start_spinning();
        assert_true(pids[i] > 0);
        assert_int_equal(eco_procs_add_root(procs, pids[i]), 0);
    }
    unsigned without = open_files();
    for (int i = 0; i < 3; i++) {
        look_at_all(procs, pids);
        assert_int_equal(kept_files(procs), ECO_KEPT_STATS);
        assert_int_equal(open_files(), without + ECO_KEPT_STATS);
    }
    for (unsigned i = 0; i < CHILDREN; i++) {
        assert_int_equal(kill(pids[i], SIGKILL), 0);
        assert_int_equal(waitpid(pids[i], NULL, 0), pids[i]);
    }
    assert_int_equal(eco_procs_look(procs, false, &usage), -ESRCH);
    assert_int_equal(kept_files(procs), 0);
    assert_int_equal(open_files(), without);
    procs = eco_procs_free(procs);
    eco_root_finish(&root);
    assert_int_equal(open_files(), first);
}

/* Files that are open when all ends. */
static void test_closed_at_the_end(void **state)
{
    (void)state;
    const struct eco_procs_options options = {.scope = ECO_SCOPE_TREE, .cgroup_dir_fd = -1};
    struct eco_root root;
    const struct eco_env env = {.root = &root, .clock = &eco_clock_system};
    struct eco_procs *procs;
    struct eco_usage usage;
    unsigned first = open_files();
    assert_int_equal(eco_root_init(&root, NULL, NULL), 0);
    assert_int_equal(eco_procs_open(&eco_procs_scan, &env, &options, &procs, NULL), 0);
    assert_int_equal(eco_procs_add_root(procs, getpid()), 0);
    assert_int_equal(eco_procs_look(procs, false, &usage), 0);
    assert_int_equal(kept_files(procs), 1);
    procs = eco_procs_free(procs);
    eco_root_finish(&root);
    assert_int_equal(open_files(), first);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_kept), cmocka_unit_test(test_closed_at_the_end)};
    return cmocka_run_group_tests_name("procs kept", tests, NULL, NULL);
}
