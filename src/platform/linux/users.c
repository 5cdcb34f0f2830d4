/* SPDX-License-Identifier: MIT */
#include "platform/users.h"

#include "base/parse.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define LINE_MAX_BYTES 1024

/* "name:x:1000:1000:...". A line that begins with '+' or '-' is for NIS. */
int eco_user_parse(const char *line, size_t *ret_length, uint32_t *ret_uid)
{
    uint64_t uid = 0;
    const char *first = strchr(line, ':');
    const char *second = first != NULL ? strchr(first + 1, ':') : NULL;
    const char *at = second != NULL ? second + 1 : NULL;

    if (at == NULL || first == line || *line == '+' || *line == '-' || *at < '0' || *at > '9' ||
        eco_scan_u64(&at, &uid) < 0 || *at != ':' || uid > UINT32_MAX)
        return -EINVAL;
    *ret_length = (size_t)(first - line);
    *ret_uid = (uint32_t)uid;
    return 0;
}

static void close_file(FILE **file)
{
    if (*file != NULL)
        (void)fclose(*file);
}

/* The first line of that name (or, where `name` is NULL, of that uid). */
static int find(const char *name, uint32_t uid, char *line, size_t *ret_length, uint32_t *ret_uid)
{
    FILE *file ECO_CLEANUP(close_file) = fopen("/etc/passwd", "re");
    bool is_rest = false; /* of a line that was too long */

    if (file == NULL)
        return -errno;
    while (fgets(line, LINE_MAX_BYTES, file) != NULL) {
        bool was_rest = is_rest;
        is_rest = strchr(line, '\n') == NULL;
        if (was_rest || eco_user_parse(line, ret_length, ret_uid) < 0)
            continue;
        if (name == NULL ? *ret_uid == uid
                         : strlen(name) == *ret_length && memcmp(line, name, *ret_length) == 0)
            return 0;
    }
    return ferror(file) ? -EIO : -ENOENT;
}

int eco_user_name(uint32_t uid, char *ret, size_t size)
{
    char line[LINE_MAX_BYTES];
    size_t length = 0;
    uint32_t found = 0;
    int r = find(NULL, uid, line, &length, &found);

    if (r < 0)
        return r;
    if (length >= size)
        return -ENOBUFS;
    memcpy(ret, line, length);
    ret[length] = '\0';
    return 0;
}

int eco_user_id(const char *name, uint32_t *ret)
{
    char line[LINE_MAX_BYTES];
    size_t length = 0;
    uint32_t found = 0;
    int r = find(name, 0, line, &length, &found);

    if (r == 0)
        *ret = found;
    return r;
}
