/* SPDX-License-Identifier: MIT */
#include "cli/fix.h"

#include "base/text.h"
#include "platform/process.h"
#include "run/user.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define STEPS_MAX 8
#define INSTALLED ECO_LIBEXECDIR "/ecocode/ecocode-priv"

/* The helper that belongs to this very program. */
static int find_source(struct eco_fix *fix, struct eco_why *why)
{
    char own[PATH_MAX] = "";
    struct stat st;
    uid_t owner = 0; /* of this program, whom we have trusted already */
    eco_text_copy(fix->helper, sizeof fix->helper, INSTALLED);
    eco_text_copy(fix->source, sizeof fix->source, INSTALLED);
    if (eco_process_own_path(own, sizeof own) == 0) {
        owner = stat(own, &st) == 0 ? st.st_uid : 0;
        char *slash = strrchr(own, '/');
        if (slash)
            *slash = '\0';
        if (strcmp(own, ECO_BINDIR) != 0)
            (void)snprintf(fix->source, sizeof fix->source, "%.*s/ecocode-priv", (int)sizeof fix->source - 16,
                           own);
    }
    fix->is_in_place = strcmp(fix->source, fix->helper) == 0;
    if (lstat(fix->source, &st) == 0 && S_ISREG(st.st_mode)) {
        if ((st.st_uid == 0 || st.st_uid == owner) && (st.st_mode & (S_IWGRP | S_IWOTH)) == 0)
            return 0;
        eco_why_set(why, "%.200s: others than its owner may write to it", fix->source);
        return -EPERM;
    }
    eco_why_set(why, "ecocode-priv is not where it should be: %.200s", fix->source);
    return -ENOENT;
}

/* Who called sudo; root itself needs no group. */
static int find_user(struct eco_fix *fix, struct eco_why *why)
{
    struct eco_user user;
    const char *name = getenv("SUDO_USER");
    if (!name || !*name || strcmp(name, "root") == 0)
        return 0;
    int r = eco_user_find(name, &user, why);
    if (r == 0 && user.uid != 0)
        eco_text_copy(fix->user, sizeof fix->user, user.name);
    return r;
}

static size_t count_open(const struct eco_fix *fix, const struct eco_fix_step *steps)
{
    size_t count = 0;
    for (size_t i = 0; steps[i].what; i++)
        count += !steps[i].is_done(fix);
    return count;
}

static void show_open(const struct eco_fix *fix, const struct eco_fix_step *steps)
{
    for (size_t i = 0; steps[i].what; i++)
        if (!steps[i].is_done(fix))
            steps[i].show(fix, stdout);
}

static void warn_of_udev(void)
{
    (void)puts("# Everybody in the group " ECO_FIX_GROUP
               " will be able to read the energy counters as often as they\n"
               "# like. From that it can be told what other users compute (PLATYPUS, CVE-2020-8694):\n"
               "# that is why the kernel shows them to root only. The helper (--fix without --udev)\n"
               "# tells them at most ten times a second.");
}

static bool is_agreed(void)
{
    char answer[16];
    (void)printf("\nDo this? [y/N] ");
    (void)fflush(stdout);
    return fgets(answer, sizeof answer, stdin) && (answer[0] == 'y' || answer[0] == 'Y');
}

static int make_all(const struct eco_call *call, const struct eco_fix *fix, const struct eco_fix_step *steps)
{
    for (size_t i = 0; steps[i].what; i++) {
        struct eco_why why = {0};
        if (steps[i].is_done(fix)) {
            (void)printf("as it should be  %s\n", steps[i].what);
            continue;
        }
        int r = steps[i].make(fix, &why);
        if (r == 0 && !steps[i].is_done(fix)) {
            eco_why_set(&why, "it was done, but does not hold: %s", steps[i].what);
            r = -EIO;
        }
        if (r < 0) {
            (void)printf("failed           %s\n", steps[i].what);
            (void)fflush(stdout);
            if (!*why.text)
                eco_why_set(&why, "%s: %s", steps[i].what, strerror(-r));
            return eco_fail(call->command, ECO_EXIT_MISUSE, &why);
        }
        (void)printf("done             %s\n", steps[i].what);
        (void)fflush(stdout);
    }
    return 0;
}

static int refuse_without_root(const struct eco_call *call)
{
    char own[PATH_MAX];
    struct eco_why why = {0};
    const struct eco_settings *settings = &call->settings;
    bool is_known =
        eco_process_own_path(own, sizeof own) == 0 && strncmp(own, ECO_BINDIR "/", sizeof ECO_BINDIR) != 0;
    eco_why_set(&why, "only root can do this");
    eco_why_fix(&why, "sudo %.200s doctor --%s%s", is_known ? own : "ecocode", settings->fix ? "fix" : "undo",
                settings->udev ? " --udev" : "");
    return eco_fail(call->command, ECO_EXIT_MISUSE, &why);
}

static int go(const struct eco_call *call, const struct eco_fix *fix, const struct eco_fix_step *steps)
{
    const struct eco_settings *settings = &call->settings;
    size_t open = count_open(fix, steps);
    if (geteuid() != 0 && !settings->dry_run)
        return refuse_without_root(call);
    if (settings->dry_run || (open > 0 && !settings->yes)) {
        if (settings->udev && settings->fix)
            warn_of_udev();
        show_open(fix, steps);
    }
    if (settings->dry_run) {
        if (open == 0)
            (void)puts("# nothing to do");
        return 0;
    }
    if (open > 0 && !settings->yes) {
        if (!isatty(STDIN_FILENO))
            return eco_failf(call->command, ECO_EXIT_MISUSE,
                             "no terminal to ask on: say --yes, or --dry-run");
        if (!is_agreed()) {
            (void)puts("Nothing was done.");
            return ECO_EXIT_NO;
        }
    }
    int status = make_all(call, fix, steps);
    if (status == 0 && settings->fix && *fix->user)
        (void)printf("\n%s is in the group " ECO_FIX_GROUP
                     " from the next login on (or now, in `newgrp " ECO_FIX_GROUP "`).\n",
                     fix->user);
    else if (status == 0 && settings->fix)
        (void)printf("\nTo let a user in: usermod --append --groups " ECO_FIX_GROUP " USER\n");
    return status;
}

static size_t append(struct eco_fix_step *ret, size_t count, const struct eco_fix_step *more)
{
    while (more->what && count < STEPS_MAX - 1)
        ret[count++] = *more++;
    ret[count] = (struct eco_fix_step){0};
    return count;
}

/* --undo takes away whatever --fix, with or without --udev, may have made. */
static void choose(const struct eco_settings *settings, struct eco_fix_step *ret)
{
    if (settings->fix) {
        (void)append(ret, 0, settings->udev ? eco_fix_udev : eco_fix_helper);
        return;
    }
    size_t count = append(ret, 0, eco_undo_udev);
    if (!settings->udev)
        (void)append(ret, count, eco_undo_helper);
}

int eco_fix_run(struct eco_call *call)
{
    static struct eco_fix fix;
    struct eco_why why = {0};
    const struct eco_settings *settings = &call->settings;
    if (settings->fix && settings->undo)
        return eco_failf(call->command, ECO_EXIT_MISUSE, "--fix or --undo, not both");
    int r = eco_root_init(&fix.root, NULL, NULL);
    if (r == 0 && !settings->udev)
        r = find_source(&fix, &why);
    if (r == -ENOENT && settings->undo)
        r = 0;
    if (r == 0)
        r = find_user(&fix, &why);
    struct eco_fix_step steps[STEPS_MAX];
    choose(settings, steps);
    int status = r < 0 ? eco_fail(call->command, ECO_EXIT_MISUSE, &why) : go(call, &fix, steps);
    eco_root_finish(&fix.root);
    return status;
}
