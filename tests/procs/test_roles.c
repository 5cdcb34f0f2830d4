/* SPDX-License-Identifier: MIT */
#include "procs/scan.h"

#include "support/test.h"

static void is(const char *role, const char *name, const char *cmdline, bool same)
{
    const char *found = eco_role_find(name, cmdline, same);
    assert_non_null(found);
    assert_string_equal(found, role);
}

static void test_roles(void **state)
{
    (void)state;
    is("data worker", "pt_data_worker", "python3 train.py", true);
    is("worker", "python3", "python3 train.py", true);
    is("worker", "python3",
       "python -c from multiprocessing.spawn import spawn_main; spawn_main(tracker_fd=5)", false);
    is("resource tracker", "python3", "python -c from multiprocessing.resource_tracker import main;main(4)",
       false);
    is("fork server", "python3", "python -c from multiprocessing.forkserver import main; main(3)", false);
    is("joblib worker", "python3", "python -m joblib.externals.loky.backend.popen_loky_posix --name", false);
    is("Ray worker", "ray::train", "ray::train()", false);
    is("web worker", "gunicorn", "python3 /usr/bin/gunicorn app:app", true);
    is("web server", "gunicorn", "python3 /usr/bin/gunicorn app:app", false);
    is("notebook kernel", "python3", "python3 -m ipykernel_launcher -f x.json", false);
    is("training launcher", "torchrun", "python torchrun x.py", false);
    is("compiler", "cc1", "cc1 -quiet", false);
    assert_null(eco_role_find("python3", "python3 train.py", false));
    assert_null(eco_role_find("bash", "bash", true));
    assert_null(eco_role_find("", "", false));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_roles)};
    return cmocka_run_group_tests_name("procs roles", tests, NULL, NULL);
}
