/* SPDX-License-Identifier: MIT */
#include "run/user.h"

#include "base/buf.h"
#include "base/parse.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define LINE_MAX_BYTES 65536

/* The next field up to ':' or the end; false when there is none any more. */
static bool next_field(const char **cursor, char *ret, size_t size)
{
    if (!*cursor)
        return false;
    size_t length = strcspn(*cursor, ":\n");
    (void)snprintf(ret, size, "%.*s", (int)(length < size ? length : size - 1), *cursor);
    *cursor = (*cursor)[length] == ':' ? *cursor + length + 1 : NULL;
    return length < size;
}

static bool next_number(const char **cursor, uint32_t *ret)
{
    char text[24];
    uint64_t number;
    if (!next_field(cursor, text, sizeof text) || eco_parse_u64(text, &number) < 0 || number >= UINT32_MAX)
        return false;
    *ret = (uint32_t)number;
    return true;
}

int eco_user_parse_passwd(const char *line, struct eco_user *ret)
{
    struct eco_user user = {.name = ""};
    char skipped[ECO_USER_TEXT_MAX];
    uint32_t uid, gid;
    if (!next_field(&line, user.name, sizeof user.name) || !*user.name ||
        !next_field(&line, skipped, sizeof skipped) || !next_number(&line, &uid) ||
        !next_number(&line, &gid) || !next_field(&line, skipped, sizeof skipped) ||
        !next_field(&line, user.home, sizeof user.home))
        return -EINVAL;
    if (line && !next_field(&line, user.shell, sizeof user.shell))
        return -EINVAL;
    user.uid = uid;
    user.gid = gid;
    user.groups[0] = gid;
    user.group_count = 1;
    *ret = user;
    return 0;
}

int eco_user_parse_group(const char *line, const char *name, gid_t *ret_gid)
{
    char text[ECO_USER_TEXT_MAX];
    uint32_t gid;
    bool has_password = next_field(&line, text, sizeof text) && line;
    if (!has_password || !next_field(&line, text, sizeof text) || !next_number(&line, &gid) || !line)
        return -EINVAL;
    *ret_gid = gid;
    size_t length = strlen(name);
    while (*line && *line != '\n') {
        size_t one = strcspn(line, ",\n");
        if (one == length && memcmp(line, name, length) == 0)
            return 1;
        line += one + (line[one] == ',');
    }
    return 0;
}

/* Lines of a file that begin with "name:", or all; `each` nonzero ends. */
static int read_lines(const char *path, int (*each)(void *context, const char *line), void *context)
{
    FILE *file = fopen(path, "re");
    static char line[LINE_MAX_BYTES];
    int r = 0;
    if (!file)
        return -errno;
    while (r == 0 && fgets(line, sizeof line, file))
        r = each(context, line);
    (void)fclose(file);
    return r;
}

struct search {
    const char *name;
    uint32_t number;
    bool has_number;
    struct eco_user *user;
};

static int see_passwd(void *context, const char *line)
{
    const struct search *search = context;
    struct eco_user user;
    if (eco_user_parse_passwd(line, &user) < 0 ||
        (strcmp(user.name, search->name) != 0 && !(search->has_number && user.uid == search->number)))
        return 0;
    *search->user = user;
    return 1;
}

static void add_group(struct eco_user *user, gid_t gid)
{
    for (size_t i = 0; i < user->group_count; i++)
        if (user->groups[i] == gid)
            return;
    if (user->group_count < ECO_USER_GROUPS_MAX)
        user->groups[user->group_count++] = gid;
}

static int see_group(void *context, const char *line)
{
    struct eco_user *user = context;
    gid_t gid;
    if (eco_user_parse_group(line, user->name, &gid) == 1)
        add_group(user, gid);
    return 0;
}

/* "1000 4 24 27": what `id -G` prints. False when that is not it. */
static bool take_ids(struct eco_user *user, const char *text)
{
    uint64_t gid;
    while (*(text += strspn(text, " \n"))) {
        if (eco_scan_u64(&text, &gid) < 0 || gid >= UINT32_MAX)
            return false;
        add_group(user, (gid_t)gid);
    }
    return user->group_count > 0;
}

static void find_groups(struct eco_user *user)
{
    static char text[ECO_USER_GROUPS_MAX * 11];
    const char *const argv[] = {"id", "-G", "--", user->name, NULL};
    if (eco_tool_run(argv, text, sizeof text) != 0 || !take_ids(user, text))
        (void)read_lines("/etc/group", see_group, user);
}

int eco_user_find(const char *name_or_number, struct eco_user *ret, struct eco_why *why)
{
    char text[4096];
    struct search search = {.name = name_or_number, .user = ret};
    uint64_t number;
    if (eco_parse_u64(name_or_number, &number) == 0 && number < UINT32_MAX) {
        search.has_number = true;
        search.number = (uint32_t)number;
    }
    const char *const argv[] = {"getent", "passwd", "--", name_or_number, NULL};
    bool is_told = *name_or_number && eco_tool_run(argv, text, sizeof text) == 0 &&
                   eco_user_parse_passwd(text, ret) == 0;
    if (!is_told && read_lines("/etc/passwd", see_passwd, &search) != 1) {
        eco_why_set(why, "there is no user '%.100s'", name_or_number);
        return -ENOENT;
    }
    find_groups(ret);
    return 0;
}

struct group_search {
    const char *name, *member;
    gid_t gid;
    bool has_member;
};

static int see_named_group(void *context, const char *line)
{
    struct group_search *search = context;
    size_t length = strlen(search->name);
    gid_t gid;
    if (strncmp(line, search->name, length) != 0 || line[length] != ':')
        return 0;
    int r = eco_user_parse_group(line, search->member, &gid);
    if (r < 0)
        return 0;
    search->gid = gid;
    search->has_member = r == 1;
    return 1;
}

static int find_group(struct group_search *search)
{
    static char text[LINE_MAX_BYTES];
    const char *const argv[] = {"getent", "group", "--", search->name, NULL};
    if (eco_tool_run(argv, text, sizeof text) == 0 && see_named_group(search, text) == 1)
        return 0;
    return read_lines("/etc/group", see_named_group, search) == 1 ? 0 : -ENOENT;
}

int eco_group_find(const char *name, gid_t *ret)
{
    struct group_search search = {.name = name, .member = ""};
    int r = find_group(&search);
    if (r == 0)
        *ret = search.gid;
    return r;
}

bool eco_group_has_member(const char *group, const char *user)
{
    struct group_search search = {.name = group, .member = user};
    return find_group(&search) == 0 && search.has_member;
}
