/* SPDX-License-Identifier: MIT */
#include "course/mark.h"

#include "base/parse.h"
#include "base/text.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define MAGIC "ecocode.mark/1 "

/* Digits and nothing else: no sign, no blank. */
static int take_number(const char **cursor, uint64_t *ret)
{
    if (**cursor < '0' || **cursor > '9')
        return -EINVAL;
    return eco_scan_u64(cursor, ret);
}

static bool is_progress(uint64_t done, uint64_t total)
{
    return total > 0 && done <= total;
}

int eco_mark_parse_progress(const char *text, uint64_t *ret_done, uint64_t *ret_total)
{
    uint64_t done, total;
    if (take_number(&text, &done) < 0 || *text++ != '/' || take_number(&text, &total) < 0 || *text ||
        !is_progress(done, total))
        return -EINVAL;
    *ret_done = done;
    *ret_total = total;
    return 0;
}

bool eco_mark_is_name(const char *name)
{
    size_t length = strlen(name);
    if (length == 0 || length >= ECO_PHASE_NAME_MAX || strcmp(name, ECO_PHASE_BEFORE_NAME) == 0 ||
        strcmp(name, ECO_PHASE_MORE_NAME) == 0)
        return false;
    for (size_t i = 0; i < length; i++)
        if ((unsigned char)name[i] < 0x20 || name[i] == 0x7f)
            return false;
    return true;
}

size_t eco_mark_format(const struct eco_mark *mark, char ret[ECO_MARK_TEXT_MAX])
{
    int n = snprintf(ret, ECO_MARK_TEXT_MAX, MAGIC "%llu %llu %llu %s", (unsigned long long)mark->time_ns,
                     (unsigned long long)mark->done, (unsigned long long)mark->total, mark->name);
    return n > 0 && n < ECO_MARK_TEXT_MAX ? (size_t)n : 0;
}

int eco_mark_parse(const char *text, size_t length, struct eco_mark *ret)
{
    struct eco_mark mark = {0};
    char copy[ECO_MARK_TEXT_MAX];
    if (length >= sizeof copy || memchr(text, 0, length))
        return -EINVAL;
    memcpy(copy, text, length);
    copy[length] = '\0';
    const char *cursor = copy + strlen(MAGIC);
    if (strncmp(copy, MAGIC, strlen(MAGIC)) != 0 || take_number(&cursor, &mark.time_ns) < 0 ||
        *cursor++ != ' ' || take_number(&cursor, &mark.done) < 0 || *cursor++ != ' ' ||
        take_number(&cursor, &mark.total) < 0 || *cursor++ != ' ' || !eco_mark_is_name(cursor))
        return -EINVAL;
    if ((mark.total || mark.done) && !is_progress(mark.done, mark.total))
        return -EINVAL;
    (void)eco_text_copy(mark.name, sizeof mark.name, cursor);
    *ret = mark;
    return 0;
}

void eco_mark_address(const char *run_id, char *ret, size_t size)
{
    (void)snprintf(ret, size, "ecocode/run/%s", run_id);
}
