/* SPDX-License-Identifier: MIT */
/* Checks of what a user gets through ecocode-priv. */
#include "cli/doctor.h"
#include "cli/fix.h"
#include "cli/priv.h"
#include "run/user.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define FIX         "sudo ecocode doctor --fix"
#define BPF_WAIT_MS 2000

static void say(struct eco_check_result *ret, enum eco_verdict verdict, const char *text)
{
    ret->verdict = verdict;
    eco_why_set(&ret->why, "%s", text);
}

static void warn(struct eco_check_result *ret, const char *text)
{
    say(ret, ECO_WARN, text);
    eco_why_fix(&ret->why, FIX);
}

void eco_check_priv_installed(const struct eco_checkup *checkup, struct eco_check_result *ret)
{
    char path[PATH_MAX];
    (void)checkup;
    if (eco_priv_find(path, sizeof path) == ECO_PRIV_ABSENT) {
        warn(ret,
             "ecocode-priv is not installed: only root gets exact accounting, and energy counters that only "
             "root may read");
        return;
    }
    ret->verdict = ECO_PASS;
    eco_why_set(&ret->why, "%.200s", path);
}

void eco_check_priv_caps(const struct eco_checkup *checkup, struct eco_check_result *ret)
{
    char path[PATH_MAX];
    (void)checkup;
    enum eco_priv_place place = eco_priv_find(path, sizeof path);
    if (geteuid() == 0 && !eco_fix_has_caps(path))
        say(ret, ECO_SKIP, "root needs none; users do: " FIX);
    else if (place == ECO_PRIV_ABSENT)
        say(ret, ECO_SKIP, "ecocode-priv is not installed");
    else if (eco_fix_has_caps(path))
        say(ret, ECO_PASS, "ecocode-priv has the capabilities that it needs, and no others");
    else if (place == ECO_PRIV_FORBIDDEN)
        say(ret, ECO_SKIP, "this user cannot see the capabilities of ecocode-priv");
    else
        warn(ret, "ecocode-priv has no capabilities, or others than it needs");
}

static bool has_gid(gid_t gid)
{
    gid_t groups[ECO_USER_GROUPS_MAX];
    int count = getgroups(ECO_USER_GROUPS_MAX, groups);
    for (int i = 0; i < count; i++)
        if (groups[i] == gid)
            return true;
    return getegid() == gid;
}

void eco_check_priv_group(const struct eco_checkup *checkup, struct eco_check_result *ret)
{
    gid_t gid;
    (void)checkup;
    if (geteuid() == 0) {
        say(ret, ECO_SKIP, "root needs no group");
        return;
    }
    if (eco_group_find(ECO_FIX_GROUP, &gid) < 0) {
        warn(ret, "there is no group " ECO_FIX_GROUP);
        return;
    }
    if (has_gid(gid)) {
        say(ret, ECO_PASS, "this user is in the group " ECO_FIX_GROUP);
        return;
    }
    struct eco_user user;
    char number[16];
    (void)snprintf(number, sizeof number, "%u", (unsigned)getuid());
    if (eco_user_find(number, &user, NULL) == 0 && eco_group_has_member(ECO_FIX_GROUP, user.name)) {
        say(ret, ECO_WARN, "this user is in the group " ECO_FIX_GROUP ", but this session began before");
        eco_why_fix(&ret->why, "newgrp " ECO_FIX_GROUP "  # or log in again");
    } else {
        warn(ret, "this user is not in the group " ECO_FIX_GROUP);
    }
}

void eco_check_priv_counters(const struct eco_checkup *checkup, struct eco_check_result *ret)
{
    struct eco_counter_sample sample;
    struct eco_counters *counters = checkup->probe->counters;
    if (geteuid() == 0) {
        say(ret, ECO_SKIP, "root reads the energy counters itself");
        return;
    }
    if (!counters) {
        say(ret, ECO_SKIP,
            checkup->call->settings.sysfs ? "sysfs is elsewhere (--path.sysfs)"
                                          : "ecocode-priv cannot be run by this user");
        return;
    }
    int r = counters->read(counters, &sample, &ret->why);
    if (r == 0)
        say(ret, ECO_PASS, "ecocode-priv tells the energy counters, at most ten times a second");
    else
        ret->verdict = r == -ENODEV ? ECO_SKIP : ECO_WARN;
}

/* By doing it: the feed is given back at once. */
void eco_check_bpf(const struct eco_checkup *checkup, struct eco_check_result *ret)
{
    const struct eco_priv_wish wish = {.wants_switches = true, .topology = &checkup->probe->host.topology};
    struct eco_priv_feed *asked = NULL;
    struct eco_feed *feed = NULL;
    char path[PATH_MAX];
    if (eco_priv_find(path, sizeof path) == ECO_PRIV_ABSENT) {
        say(ret, ECO_SKIP, "ecocode-priv is not installed");
        return;
    }
    int r = eco_priv_ask_feed(&wish, &asked, &ret->why);
    if (r == 0) {
        struct pollfd waiting = {.fd = eco_priv_feed_fd(asked), .events = POLLIN};
        (void)poll(&waiting, 1, BPF_WAIT_MS);
        r = eco_priv_take_feed(asked, &feed, &ret->why);
        if (r == 0)
            eco_why_set(&ret->why, "ecocode-priv does not answer");
    }
    if (r == 1)
        say(ret, ECO_PASS,
            geteuid() == 0 ? "exact accounting by the kernel (eBPF) works"
                           : "exact accounting by the kernel (eBPF) works, for the processes of this user");
    else
        ret->verdict = r == -ENOTSUP ? ECO_SKIP : ECO_WARN;
    feed = eco_feed_free(feed);
    asked = eco_priv_feed_free(asked);
}
