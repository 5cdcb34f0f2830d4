/* SPDX-License-Identifier: MIT */
#include "cli/ancestors.h"

#include "base/text.h"
#include "procs/parse.h"
#include "procs/scan.h"

#include <string.h>
#include <unistd.h>

#define GENERATIONS_MAX 64

struct person {
    int32_t pid, ppid;
    char name[ECO_PROC_NAME_MAX];
    char cmdline[ECO_CMDLINE_MAX];
};

static bool read_person(const struct eco_root *root, int32_t pid, struct person *ret)
{
    char path[ECO_PATH_MAX], text[4096];
    struct eco_stat_line line;
    if (eco_path(path, "%d/stat", pid) < 0)
        return false;
    ssize_t n = eco_root_read(root, ECO_PROCFS, path, text, sizeof text);
    if (n < 0 || eco_stat_parse(text, (size_t)n, &line) < 0)
        return false;
    *ret = (struct person){.pid = pid, .ppid = line.ppid};
    eco_text_copy(ret->name, sizeof ret->name, line.name);
    if (eco_path(path, "%d/cmdline", pid) < 0)
        return true;
    int fd = eco_root_open(root, ECO_PROCFS, path);
    if (fd < 0)
        return true;
    n = pread(fd, text, sizeof text - 1, 0);
    (void)close(fd);
    if (n > 0) {
        text[n] = 0;
        (void)eco_cmdline_parse(text, (size_t)n, ret->cmdline, sizeof ret->cmdline);
    }
    return true;
}

static const char *role_of(const struct person *who, const struct person *parent)
{
    bool same = strcmp(who->cmdline, parent->cmdline) == 0 && *who->cmdline;
    return eco_role_find(who->name, who->cmdline, same);
}

bool eco_find_worker(const struct eco_root *root, int32_t pid, struct eco_worker *ret)
{
    struct person who, parent;
    const char *first = NULL;
    if (!read_person(root, pid, &who))
        return false;
    for (int i = 0; i < GENERATIONS_MAX && who.ppid > 1 && read_person(root, who.ppid, &parent); i++) {
        const char *role = role_of(&who, &parent);
        if (!role)
            break;
        first = first ? first : role;
        who = parent;
    }
    if (!first)
        return false;
    const char *shown = *who.cmdline ? who.cmdline : who.name;
    *ret = (struct eco_worker){.role = first, .root_pid = who.pid};
    eco_text_clean(ret->root_cmdline, sizeof ret->root_cmdline, shown, strlen(shown), false);
    eco_text_cut(ret->root_cmdline, 60, true);
    return true;
}
