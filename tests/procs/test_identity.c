/* SPDX-License-Identifier: MIT */
/* Whose a process is: every shape of path there is a fixture for, environments, interning, selection. */
#include "procs/identity.h"
#include "procs/selection.h"

#include "platform/users.h"
#include "support/test.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COLUMNS 9
#define ID_A    "aaefb9d8feed2d453b543f6d928cede7a4dbefa6a0ae7c9b990dd234c56e93b9"
#define POD     "5ba385ca-b6e6-4246-bd66-d48d429dbc12"

static size_t read_fixture(const char *name, char *ret, size_t size)
{
    char path[512];
    const char *folder = getenv("ECO_FIXTURES") != NULL ? getenv("ECO_FIXTURES") : ECO_FIXTURES_DIR;
    (void)snprintf(path, sizeof(path), "%s/cgroup/%s", folder, name);
    FILE *file = fopen(path, "re");
    assert_non_null(file);
    size_t length = fread(ret, 1, size - 1, file);
    (void)fclose(file);
    ret[length] = '\0';
    return length;
}

static void check_fixture(char *const columns[COLUMNS])
{
    char name[128], text[8192], task[16] = "";
    struct eco_cgroup_names names;
    (void)snprintf(name, sizeof(name), "%s.txt", columns[0]);
    size_t length = read_fixture(name, text, sizeof(text));
    eco_cgroup_names_parse(text, length, &names);
    if (names.slurm_task >= 0)
        (void)snprintf(task, sizeof(task), "%d", names.slurm_task);
    const char *const found[COLUMNS] = {
        columns[0], names.container, names.runtime != NULL ? names.runtime : "",
        names.pod,  names.slurm_job, names.slurm_step,
        task,       names.unit,      names.is_user_unit ? "1" : ""};
    for (int i = 1; i < COLUMNS; i++)
        if (strcmp(found[i], columns[i]) != 0)
            fail_msg("%s, column %d: found '%s', not '%s'", columns[0], i, found[i], columns[i]);
}

static void test_every_shape(void **state)
{
    (void)state;
    char table[32768];
    unsigned checked = 0;
    (void)read_fixture("expected.tsv", table, sizeof(table));
    char *rest = table;
    (void)strsep(&rest, "\n"); /* the header */
    for (char *line = strsep(&rest, "\n"); line != NULL && *line != '\0'; line = strsep(&rest, "\n")) {
        char *columns[COLUMNS];
        for (int i = 0; i < COLUMNS; i++) {
            columns[i] = strsep(&line, "\t");
            assert_non_null(columns[i]);
        }
        check_fixture(columns);
        checked++;
    }
    assert_true(checked >= 60);
}

static bool parse_env(const char *text, size_t length, struct eco_slurm_env *ret)
{
    return eco_slurm_env_parse(text, length, ret);
}

static void test_environment(void **state)
{
    (void)state;
    struct eco_slurm_env env;
    static const char array[] = "PATH=/bin\0SLURM_JOB_ID=3\0SLURM_ARRAY_JOB_ID=2\0SLURM_ARRAY_TASK_ID=1\0"
                                "SLURM_PROCID=12\0SLURM_STEP_ID=0\0SLURM_JOB_NAME=a b\0SLURM_CLUSTER_NAME=c1";
    assert_true(parse_env(array, sizeof(array), &env));
    assert_string_equal(env.job, "3");
    assert_string_equal(env.shown, "2_1");
    assert_string_equal(env.step, "0");
    assert_int_equal(env.task, 12);
    assert_string_equal(env.name, "a b");
    assert_string_equal(env.cluster, "c1");
    static const char plain[] = "SLURM_JOB_ID=77";
    assert_true(parse_env(plain, sizeof(plain), &env));
    assert_string_equal(env.shown, "77");
    assert_int_equal(env.task, -1);
    static const char none[] = "SLURM_JOB_NAME=x\0SLURM_JOB_IDX=4\0NOT_SLURM_JOB_ID=4\0SLURM_JOB_ID=rm -rf";
    assert_false(parse_env(none, sizeof(none), &env));
    assert_false(parse_env(plain, sizeof(plain) - 1, &env)); /* cut: half a number is none */
}

static void test_interning(void **state)
{
    (void)state;
    static const char docker[] = "0::/docker/" ID_A "\n", unit[] = "0::/system.slice/a.service\n";
    struct eco_identities all;
    eco_identities_init(&all, true);
    const struct eco_identity *a = eco_identities_get(&all, docker, strlen(docker), 0, NULL);
    const struct eco_identity *b = eco_identities_get(&all, docker, strlen(docker), 1234567, NULL);
    const struct eco_identity *c = eco_identities_get(&all, unit, strlen(unit), 0, NULL);
    assert_non_null(a);
    assert_true(a != b && b != c && a != c);
    assert_ptr_equal(eco_identities_get(&all, docker, strlen(docker), 0, NULL), a);
    assert_int_equal(all.count, 3);
    assert_string_equal(a->container, ID_A);
    assert_string_equal(a->runtime, "docker");
    assert_string_equal(a->user, "root");
    assert_null(b->user);
    assert_null(c->container);
    assert_string_equal(c->unit, "a.service");
    eco_identities_finish(&all);
}

static void test_many(void **state)
{
    (void)state;
    struct eco_identities all;
    char text[128];
    eco_identities_init(&all, false);
    for (uint32_t i = 0; i < ECO_IDENTITIES_MAX + 10; i++) {
        int n = snprintf(text, sizeof(text), "0::/system.slice/u%u.service\n", i);
        const struct eco_identity *one = eco_identities_get(&all, text, (size_t)n, i % 3, NULL);
        assert_int_equal(one == NULL, i >= ECO_IDENTITIES_MAX);
    }
    assert_int_equal(all.count, ECO_IDENTITIES_MAX);
    assert_int_equal(all.overflow, 10);
    int n = snprintf(text, sizeof(text), "0::/system.slice/u%u.service\n", 4711u);
    assert_string_equal(eco_identities_get(&all, text, (size_t)n, 4711 % 3, NULL)->unit, "u4711.service");
    eco_identities_finish(&all);
}

/* What a job is called comes with the first process that may be read; who was seen before learns it too. */
static void test_array_job(void **state)
{
    (void)state;
    static const char path[] = "0::/system.slice/slurmstepd.scope/job_3/step_batch/user/task_0\n";
    struct eco_slurm_env env = {.job = "3", .shown = "2_1", .name = "train"},
                         other = {.job = "4", .shown = "9_9"};
    struct eco_identities all;
    eco_identities_init(&all, false);
    const struct eco_identity *one = eco_identities_get(&all, path, strlen(path), 0, NULL);
    assert_string_equal(eco_identity_job(one), "3");
    eco_identities_tell(&all, one, &other); /* another job's environment (sbatch within a job) */
    assert_string_equal(eco_identity_job(one), "3");
    eco_identities_tell(&all, one, &env);
    assert_string_equal(eco_identity_job(one), "2_1");
    assert_true(eco_selection_is_job("3", one) && eco_selection_is_job("2_1", one) &&
                eco_selection_is_job("2", one));
    assert_false(eco_selection_is_job("2_", one) || eco_selection_is_job("2_11", one) ||
                 eco_selection_is_job("", one));
    eco_identities_finish(&all);
}

static void test_env_only_job(void **state)
{
    (void)state;
    static const char path[] = "0::/system.slice/slurmd.service\n";
    struct eco_slurm_env env = {.job = "8", .shown = "8", .step = "1", .task = 2};
    struct eco_identities all;
    eco_identities_init(&all, false);
    const struct eco_identity *without = eco_identities_get(&all, path, strlen(path), 0, NULL);
    const struct eco_identity *with = eco_identities_get(&all, path, strlen(path), 0, &env);
    assert_true(without != with);
    assert_null(without->slurm);
    assert_string_equal(with->slurm->id, "8");
    assert_string_equal(with->slurm_step, "1");
    assert_int_equal(with->slurm_task, 2);
    eco_identities_finish(&all);
}

static void test_selection(void **state)
{
    (void)state;
    const struct eco_identity docker = {
        .uid = 5, .container = ID_A, .pod = POD, .cgroup = "/kubepods/x/" ID_A};
    const struct eco_identity named = {
        .uid = 6, .container = "abc-1", .unit = "a.service", .cgroup = "/s.slice/a.service/b"};
    static const char *const containers[] = {"aaefb9d8feed", "abc-1"}, *const units[] = {"a"};
    static const uint32_t uids[] = {6, 7};
    struct eco_selection selection = {.containers = containers, .container_count = 2};
    assert_true(eco_selection_matches(&selection, &docker) && eco_selection_matches(&selection, &named));
    assert_false(eco_selection_matches(&selection, NULL));
    selection.uids = uids;
    selection.uid_count = 2;
    assert_false(eco_selection_matches(&selection, &docker)); /* and between kinds */
    assert_true(eco_selection_matches(&selection, &named));
    selection.units = units;
    selection.unit_count = 1;
    assert_true(eco_selection_matches(&selection, &named));
    assert_true(eco_selection_is_unit("s.slice", &named) && eco_selection_is_unit("a.service", &named));
    assert_false(eco_selection_is_unit("a.serv", &named) || eco_selection_is_unit("service", &named));
    assert_true(eco_selection_is_container("5ba385ca", &docker));
    assert_false(eco_selection_is_container("abc-", &named) || eco_selection_is_container("", &docker));
}

static void test_users(void **state)
{
    (void)state;
    size_t length = 0;
    uint32_t uid = 99;
    char name[64];
    assert_int_equal(eco_user_parse("alice:x:1000:1000:A:/home/a:/bin/sh\n", &length, &uid), 0);
    assert_int_equal(length, 5);
    assert_int_equal(uid, 1000);
    static const char *const bad[] = {"",         "alice",      "alice:x",
                                      "alice:x:", "alice:x:12", "alice:x:-1:",
                                      ":x:1:",    "+:x:1:1",    "a:x:4294967296:0:"};
    for (size_t i = 0; i < ECO_COUNT(bad); i++)
        assert_int_equal(eco_user_parse(bad[i], &length, &uid), -EINVAL);
    assert_int_equal(eco_user_name(0, name, sizeof(name)), 0);
    assert_string_equal(name, "root");
    assert_int_equal(eco_user_id("root", &uid), 0);
    assert_int_equal(uid, 0);
    assert_int_equal(eco_user_id("nobody-of-that-name", &uid), -ENOENT);
    assert_int_equal(eco_user_name(0, name, 4), -ENOBUFS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_shape), cmocka_unit_test(test_environment),
        cmocka_unit_test(test_interning),   cmocka_unit_test(test_many),
        cmocka_unit_test(test_array_job),   cmocka_unit_test(test_env_only_job),
        cmocka_unit_test(test_selection),   cmocka_unit_test(test_users),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
