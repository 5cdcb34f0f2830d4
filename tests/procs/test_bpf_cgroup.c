/* SPDX-License-Identifier: MIT */
/* Only what lives in a cgroup, what is below it, and what those who were born there make elsewhere. */
#include "bpf_feed.h"

#include "platform/cgroup.h"

#include <fcntl.h>
#include <sys/stat.h>

/* own / wanted / below */
struct groups {
    int own_fd, wanted_fd, below_fd;
    char name[64], path[600];
};

static bool groups_open(struct groups *groups)
{
    char own[512];
    *groups = (struct groups){.own_fd = eco_cgroup_open_own(own, sizeof(own), NULL), .wanted_fd = -1};
    if (groups->own_fd < 0)
        return false;
    (void)snprintf(groups->name, sizeof(groups->name), "eco-test-%d", (int)getpid());
    (void)snprintf(groups->path, sizeof(groups->path), "%s/%s", strcmp(own, "/") == 0 ? "" : own,
                   groups->name);
    if (mkdirat(groups->own_fd, groups->name, 0755) < 0)
        return false;
    groups->wanted_fd = openat(groups->own_fd, groups->name, O_RDONLY | O_DIRECTORY);
    assert_int_equal(mkdirat(groups->wanted_fd, "below", 0755), 0);
    groups->below_fd = openat(groups->wanted_fd, "below", O_RDONLY | O_DIRECTORY);
    return groups->below_fd >= 0;
}

static void groups_close(struct groups *groups)
{
    (void)close(groups->below_fd);
    (void)unlinkat(groups->wanted_fd, "below", AT_REMOVEDIR);
    (void)close(groups->wanted_fd);
    (void)unlinkat(groups->own_fd, groups->name, AT_REMOVEDIR);
    (void)close(groups->own_fd);
}

static void enter(int group_fd)
{
    int fd = openat(group_fd, "cgroup.procs", O_WRONLY);
    if (fd < 0 || write(fd, "0", 1) != 1)
        _exit(1);
    (void)close(fd);
}

/* The numbers of three processes, told by a pipe. */
struct family {
    int32_t entered, born, later;
};

static void be_family(const struct groups *groups, int group_fd, int out)
{
    struct family family = {.entered = (int32_t)getpid()};
    enter(group_fd);
    pause_ms(1); /* whether it is told of is decided when it comes onto a CPU */
    spin_ms(3);
    pid_t born = fork();
    if (born == 0) {
        enter(groups->own_fd); /* it leaves, and makes another outside */
        family.born = (int32_t)getpid();
        pid_t later = fork();
        if (later == 0) {
            family.later = (int32_t)getpid();
            spin_ms(3);
            _exit(write(out, &family, sizeof(family)) != (ssize_t)sizeof(family));
        }
        (void)waitpid(later, NULL, 0);
        _exit(0);
    }
    (void)waitpid(born, NULL, 0);
    _exit(0);
}

static struct family run_family(const struct groups *groups, int group_fd)
{
    struct family family;
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    pid_t pid = fork();
    if (pid == 0)
        be_family(groups, group_fd, ends[1]);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    assert_int_equal(read(ends[0], &family, sizeof(family)), sizeof(family));
    (void)close(ends[0]);
    (void)close(ends[1]);
    return family;
}

/* CPU time of some processes, by who was on a CPU. */
struct ran {
    const int32_t *pids;
    uint64_t ns[9];
};

static int ran_add(void *context, const struct eco_feed_stint *stint)
{
    struct ran *ran = context;
    for (size_t i = 0; i < ECO_COUNT(ran->ns); i++)
        if (ran->pids[i] == stint->pid)
            ran->ns[i] += stint->on_ns;
    return 0;
}

/* Three families: outside, inside, deeper. Of the first nobody is told; who has left is told of once he is
 * known to. */
static void assert_stints(struct eco_feed *feed, const struct family *families)
{
    struct ran ran = {.pids = &families->entered};
    if (!feed || !feed->ops->stints)
        return;
    assert_int_equal(feed->ops->stints(feed, ran_add, &ran), 0);
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(ran.ns[i], 0);
    for (size_t i = 3; i < ECO_COUNT(ran.ns); i += 3) {
        assert_true(ran.ns[i] >= 2 * ECO_NS_PER_MS);     /* entered */
        assert_true(ran.ns[i + 2] >= 2 * ECO_NS_PER_MS); /* later */
    }
}

static void test_only_inside(void **state)
{
    struct groups groups;
    struct eco_bpf_request request = {.has_switch = *state != NULL};
    struct told told = {0};
    if (getuid() != 0 || !groups_open(&groups))
        skip();
    int r = eco_cgroup_number(groups.wanted_fd, groups.path, &request.cgroup_id, &request.cgroup_level);
    struct eco_feed *feed = r == 0 ? feed_try(&request, false) : NULL;
    if (!feed) {
        groups_close(&groups);
        skip();
    }
    const struct family families[] = {run_family(&groups, groups.own_fd),
                                      run_family(&groups, groups.wanted_fd),
                                      run_family(&groups, groups.below_fd)};
    assert_stints(feed, families);
    told_read(feed, &told, 6);
    (void)eco_feed_free(feed);
    groups_close(&groups);
    for (size_t i = 0; i < told.count; i++)
        assert_true(told.events[i].pid != families->entered && told.events[i].pid != families->born &&
                    told.events[i].pid != families->later);
    const struct family *told_of = families + 1;
    for (size_t i = 0; i < 2; i++) {
        /* it was there before it entered: its end is told where it is, its birth was elsewhere */
        assert_int_equal(told_count(&told, ECO_FEED_FORK, told_of[i].entered), 0);
        assert_int_equal(told_count(&told, ECO_FEED_END, told_of[i].entered), 1);
        assert_int_equal(told_find(&told, ECO_FEED_FORK, told_of[i].born)->ppid, told_of[i].entered);
        assert_int_equal(told_find(&told, ECO_FEED_FORK, told_of[i].later)->ppid, told_of[i].born);
        assert_int_equal(told_count(&told, ECO_FEED_END, told_of[i].born), 1);
        assert_int_equal(told_count(&told, ECO_FEED_END, told_of[i].later), 1);
    }
    assert_int_equal(told_count(&told, ECO_FEED_FORK, 0), 4);
    told_free(&told);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_only_inside),
        {"test_only_inside_with_switches", test_only_inside, NULL, NULL, (void *)(uintptr_t) "s"}};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
