/* SPDX-License-Identifier: MIT */
/* Where our own cgroup is, from the kernel's text; and what the kernel tells of children. */
#include "platform/cgroup.h"
#include "platform/process.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

struct mount_case {
    const char *line, *group, *path; /* path NULL: `error` */
    int error;
};

static const struct mount_case mounts[] = {
    {"41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw", "/", "/sys/fs/cgroup/unified/",
     0},
    {"35 24 0:30 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate", "/user.slice/a b",
     "/sys/fs/cgroup/user.slice/a b", 0},
    {"35 24 0:30 / /odd\\040place rw shared:9 master:2 - cgroup2 x rw", "/a", "/odd place/a", 0},
    /* a container without a cgroup namespace: only its own part is mounted */
    {"35 24 0:30 /docker/12 /sys/fs/cgroup ro - cgroup2 cgroup rw", "/docker/12/x", "/sys/fs/cgroup/x", 0},
    {"35 24 0:30 /docker/12 /sys/fs/cgroup ro - cgroup2 cgroup rw", "/docker/12", "/sys/fs/cgroup", 0},
    {"35 24 0:30 /docker/12 /sys/fs/cgroup ro - cgroup2 cgroup rw", "/docker/123", NULL, -ENODEV},
    {"35 24 0:30 /docker/12 /sys/fs/cgroup ro - cgroup2 cgroup rw", "/", NULL, -ENODEV},
    /* the host's tree in a container with a cgroup namespace: its root is not ours */
    {"35 24 0:30 /../../.. /sys/fs/cgroup rw - cgroup2 cgroup rw", "/", NULL, -ENODEV},
    {"35 24 0:30 / /sys/fs/cgroup rw - cgroup2 cgroup rw", "/../other", NULL, -ENODEV},
    {"32 31 0:29 / /sys/fs/cgroup/cpu rw,relatime - cgroup cgroup rw,cpu", "/", NULL, -ENODEV},
    {"35 24 0:30 / /cgroup2 rw - ext4 cgroup2 rw", "/", NULL, -ENODEV},
    {"", "/", NULL, -EINVAL},
    {"35 24 0:30", "/", NULL, -EINVAL},
    {" - cgroup2 x rw", "/", NULL, -EINVAL},
    {"35 24 0:30 relative mount rw - cgroup2 x rw", "/", NULL, -EINVAL},
    {"35 24 0:30 / /a rw - cgroup2 x rw", "no slash", NULL, -EINVAL},
};

static void test_depth(void **state)
{
    (void)state;
    assert_int_equal(eco_cgroup_depth("/"), 0);
    assert_int_equal(eco_cgroup_depth("/a"), 1);
    assert_int_equal(eco_cgroup_depth("/a/b c/d"), 3);
    assert_int_equal(eco_cgroup_depth("/a/"), 1);
}

/* The number is that of the directory; what is no path of the first namespace has none. */
static void test_number(void **state)
{
    (void)state;
    char path[512];
    uint64_t id = 0;
    uint32_t depth = 77;
    struct stat st;
    int fd = eco_cgroup_open_own(path, sizeof(path), NULL);
    if (fd < 0)
        skip();
    int r = eco_cgroup_number(fd, path, &id, &depth);
    assert_int_equal(eco_cgroup_number(fd, "/../x", &id, &depth), -ENOTSUP);
    assert_int_equal(eco_cgroup_number(fd, "x", &id, &depth), -EINVAL);
    assert_int_equal(fstat(fd, &st), 0);
    (void)close(fd);
    if (r == -ENOTSUP)
        skip();
    assert_int_equal(r, 0);
    assert_int_equal(id, st.st_ino);
    assert_int_equal(depth, eco_cgroup_depth(path));
    assert_int_equal(eco_cgroup_number(-1, path, &id, &depth), -EINVAL);
}

static void test_mounts(void **state)
{
    (void)state;
    for (size_t i = 0; i < ECO_COUNT(mounts); i++) {
        char path[256] = "untouched";
        int r = eco_cgroup_mount_path(mounts[i].line, mounts[i].group, path, sizeof(path));
        assert_int_equal(r, mounts[i].error);
        assert_string_equal(path, mounts[i].path != NULL ? mounts[i].path : "untouched");
    }
}

static void test_too_long(void **state)
{
    (void)state;
    char path[16] = "untouched";
    assert_int_equal(eco_cgroup_mount_path(mounts[1].line, mounts[1].group, path, sizeof(path)),
                     -ENAMETOOLONG);
    static char line[20000];
    memset(line, 'x', sizeof(line) - 1);
    memcpy(line, "1 2 0:3 /", 9);
    memcpy(line + sizeof(line) - 20, " - cgroup2 a rw", 16);
    assert_int_equal(eco_cgroup_mount_path(line, "/", path, sizeof(path)), -EINVAL);
    assert_string_equal(path, "untouched");
    assert_int_equal(eco_cgroup_path(0, path, 1) == 0, 0);
}

/* Whether `pid` is in the group. */
static bool has_pid(int group_fd, pid_t pid)
{
    char pids[65536], line[32];
    int list = openat(group_fd, "cgroup.procs", O_RDONLY | O_CLOEXEC);
    ssize_t n = list >= 0 ? read(list, pids + 1, sizeof(pids) - 2) : -1;
    if (list >= 0)
        (void)close(list);
    if (n < 0)
        return false;
    pids[0] = '\n';
    pids[n + 1] = '\0';
    (void)snprintf(line, sizeof(line), "\n%d\n", pid);
    return strstr(pids, line) != NULL;
}

static void test_own_group(void **state)
{
    (void)state;
    char path[1024] = "untouched";
    struct eco_why why = {"", ""};
    int fd = eco_cgroup_open_own(path, sizeof(path), &why);
    if (fd < 0) {
        assert_true(why.text[0] != '\0');
        assert_string_equal(path, "untouched");
    } else {
        assert_true(fd > 2);
        char again[1024];
        assert_int_equal(eco_cgroup_path(getpid(), again, sizeof(again)), 0);
        assert_string_equal(path, again);
        assert_true(has_pid(fd, getpid()));
        (void)close(fd);
    }
    assert_int_equal(eco_cgroup_path(INT32_MAX, path, sizeof(path)), -ENOENT);
}

/* 0: right, 77: not permitted here; in a process of its own. */
static int look_from_namespace(const char *mount_point)
{
    char path[1024];
    if (unshare(CLONE_NEWCGROUP | CLONE_NEWNS) != 0)
        return 77;
    int fd = eco_cgroup_open_own(path, sizeof(path), NULL);
    if (fd >= 0 && !has_pid(fd, getpid()))
        return 1; /* somebody else's */
    if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
        mount("none", mount_point, "cgroup2", 0, NULL) != 0)
        return 77;
    fd = eco_cgroup_open_own(path, sizeof(path), NULL);
    return fd < 0 ? 2 : !has_pid(fd, getpid()) ? 3 : strcmp(path, "/") != 0 ? 4 : 0;
}

/* There the path is "/", which is not the topmost directory of the mounts that were there before. */
static void test_from_namespace(void **state)
{
    (void)state;
    char mount_point[] = "/tmp/eco-test-cgroup-XXXXXX";
    int status = 0;
    assert_non_null(mkdtemp(mount_point));
    pid_t pid = fork();
    if (pid == 0)
        _exit(look_from_namespace(mount_point));
    assert_int_equal(waitpid(pid, &status, 0), pid);
    (void)rmdir(mount_point);
    assert_true(WIFEXITED(status));
    if (WEXITSTATUS(status) == 77)
        skip();
    assert_int_equal(WEXITSTATUS(status), 0);
}

static int count_child(void *context, pid_t pid)
{
    unsigned *count = context;
    assert_true(pid > 1);
    (*count)++;
    return *count == 3000 ? -ECANCELED : 0;
}

/* More of them than fit into one read, and one that stops the walk. */
static void test_children(void **state)
{
    (void)state;
    pid_t pids[1200];
    unsigned count = 0;
    assert_int_equal(eco_process_children(count_child, &count), 0);
    assert_int_equal(count, 0);
    for (size_t i = 0; i < ECO_COUNT(pids); i++) {
        pids[i] = fork();
        assert_true(pids[i] >= 0);
        if (pids[i] == 0) {
            _exit(0); /* stays as a zombie */
        }
    }
    assert_int_equal(eco_process_children(count_child, &count), 0);
    assert_int_equal(count, ECO_COUNT(pids));
    count = 2990;
    assert_int_equal(eco_process_children(count_child, &count), -ECANCELED);
    for (size_t i = 0; i < ECO_COUNT(pids); i++) {
        assert_int_equal(waitpid(pids[i], NULL, 0), pids[i]);
    }
}

static void test_stopped(void **state)
{
    (void)state;
    pid_t pid = fork();
    if (pid == 0) {
        for (;;) {
            (void)pause();
        }
    }
    assert_int_equal(eco_process_is_stopped(pid), 0);
    int status;
    (void)kill(pid, SIGSTOP);
    assert_int_equal(waitpid(pid, &status, WUNTRACED), pid);
    assert_int_equal(eco_process_is_stopped(pid), 1);
    (void)kill(pid, SIGKILL);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(eco_process_is_stopped(pid), -ENOENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_depth),     cmocka_unit_test(test_number),
        cmocka_unit_test(test_mounts),    cmocka_unit_test(test_too_long),
        cmocka_unit_test(test_own_group), cmocka_unit_test(test_from_namespace),
        cmocka_unit_test(test_children),  cmocka_unit_test(test_stopped),
    };
    return cmocka_run_group_tests_name("cgroup", tests, NULL, NULL);
}
