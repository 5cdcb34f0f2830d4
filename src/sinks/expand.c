/* SPDX-License-Identifier: MIT */
/* Output paths may name the process, the host and variables, so that many runs do not share one file. */
#include "base/mem.h"
#include "sinks/sink.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define VARIABLE_MAX 128

struct cursor {
    char *at;
    size_t left; /* with room for the NUL */
};

static bool put(struct cursor *out, const char *text, size_t length)
{
    if (length >= out->left)
        return false;
    memcpy(out->at, text, length);
    out->at += length;
    out->left -= length;
    return true;
}

/* A part of a path: a '/' in a host name would lead elsewhere. */
static bool put_part(struct cursor *out, const char *text)
{
    for (; *text; text++) {
        if (!put(out, *text == '/' ? "_" : text, 1))
            return false;
    }
    return true;
}

/* "{NAME}" behind "%q". Returns what was used, 0 when it is malformed. */
static size_t variable_name(const char *text, char *ret, size_t size)
{
    const char *end = text[0] == '{' ? strchr(text, '}') : NULL;
    size_t length = end ? (size_t)(end - text) - 1 : 0;
    if (length == 0 || length >= size)
        return 0;
    memcpy(ret, text + 1, length);
    ret[length] = '\0';
    return length + 2;
}

static int expand_variable(struct cursor *out, const char *text, size_t *ret_used, struct eco_why *why)
{
    char name[VARIABLE_MAX];
    size_t used = variable_name(text, name, sizeof(name));
    if (used == 0) {
        eco_why_set(why, "%%q in an output path is written %%q{VARIABLE}");
        return -EINVAL;
    }
    const char *value = getenv(name);
    if (!value || !*value) {
        eco_why_set(why, "the output path names the variable %s, which is not set", name);
        return -EINVAL;
    }
    *ret_used = used;
    return put(out, value, strlen(value)) ? 0 : -ENAMETOOLONG;
}

/* One '%' sequence; `*ret_used` is its length behind the '%'. */
static int expand_one(struct cursor *out, const char *text, int32_t pid, const char *hostname,
                      size_t *ret_used, struct eco_why *why)
{
    char number[16];
    *ret_used = 1;
    switch (*text) {
    case '%':
        return put(out, "%", 1) ? 0 : -ENAMETOOLONG;
    case 'h':
        return put_part(out, hostname && *hostname ? hostname : "localhost") ? 0 : -ENAMETOOLONG;
    case 'p':
        (void)snprintf(number, sizeof(number), "%d", pid);
        return put(out, number, strlen(number)) ? 0 : -ENAMETOOLONG;
    case 'q': {
        size_t used = 0;
        int r = expand_variable(out, text + 1, &used, why);
        *ret_used += used;
        return r;
    }
    default:
        eco_why_set(why, "an output path may hold %%p (pid), %%h (host), %%q{VARIABLE} and %%%%, not %%%.1s",
                    text);
        return -EINVAL;
    }
}

int eco_sink_expand_path(const char *path, int32_t pid, const char *hostname, char *ret, size_t size,
                         struct eco_why *why)
{
    ECO_CLEANUP(eco_cleanup_free) char *expanded = size > 0 ? eco_calloc(size, 1) : NULL;
    if (!expanded)
        return size > 0 ? -ENOMEM : -ENAMETOOLONG;
    struct cursor out = {.at = expanded, .left = size};
    for (const char *p = path; *p;) {
        size_t used = 1;
        int r = 0;
        if (*p != '%') {
            r = put(&out, p, 1) ? 0 : -ENAMETOOLONG;
        } else {
            r = expand_one(&out, p + 1, pid, hostname, &used, why);
            used++;
        }
        if (r == -ENAMETOOLONG)
            eco_why_set(why, "the output path is too long once its %% sequences are filled in");
        if (r < 0)
            return r;
        p += used;
    }
    memcpy(ret, expanded, (size_t)(out.at - expanded));
    ret[out.at - expanded] = '\0';
    return 0;
}
