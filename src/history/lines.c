/* SPDX-License-Identifier: MIT */
#include "history/lines.h"

#include "base/mem.h"
#include "history/unpack.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FIRST_BYTES (256u << 10)

struct eco_lines {
    struct eco_unpack *unpack;
    char *bytes;
    size_t capacity, from, to;  /* bytes[from .. to) are not given out yet */
    size_t searched;            /* of these, so many hold no line end */
    bool has_ended, is_passing; /* passing: within a line that is too long */
    uint64_t passed_over;
};

int eco_lines_open(const char *path, struct eco_lines **ret, struct eco_why *why)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
        int error = fd < 0 ? errno : EBADMSG;
        eco_why_set(why, "%s: %s", path, fd < 0 ? strerror(error) : "not a file");
        if (fd >= 0)
            (void)close(fd);
        return -error;
    }
    struct eco_lines *lines = eco_calloc(1, sizeof *lines);
    if (lines)
        lines->bytes = eco_calloc(FIRST_BYTES, 1);
    if (!lines || !lines->bytes) {
        free(lines);
        (void)close(fd);
        eco_why_set(why, "%s: %s", path, strerror(ENOMEM));
        return -ENOMEM;
    }
    lines->capacity = FIRST_BYTES;
    int r = eco_unpack_open(fd, &lines->unpack);
    if (r < 0) {
        eco_why_set(why, "%s: %s", path,
                    r == -ENOTSUP ? "compressed, and this ecocode was built without Zstandard"
                                  : strerror(-r));
        (void)eco_lines_free(lines);
        return r;
    }
    *ret = lines;
    return 0;
}

/* Room for more behind bytes[from .. to). */
static int make_room(struct eco_lines *lines)
{
    if (lines->from > 0) {
        memmove(lines->bytes, lines->bytes + lines->from, lines->to - lines->from);
        lines->to -= lines->from;
        lines->from = 0;
    }
    if (lines->to < lines->capacity)
        return 0;
    if (lines->capacity >= ECO_LONGEST_LINE) {
        lines->is_passing = true;
        lines->to = lines->searched = 0;
        return 0;
    }
    char *larger = eco_reallocarray(lines->bytes, lines->capacity, 2 * lines->capacity, 1);
    if (!larger)
        return -ENOMEM;
    lines->bytes = larger;
    lines->capacity *= 2;
    return 0;
}

static int fill(struct eco_lines *lines)
{
    int r = make_room(lines);
    if (r < 0)
        return r;
    long n = eco_unpack_read(lines->unpack, lines->bytes + lines->to, lines->capacity - lines->to);
    if (n < 0)
        return (int)n;
    lines->to += (size_t)n;
    lines->has_ended = n == 0;
    return 0;
}

int eco_lines_next(struct eco_lines *lines, struct eco_span *ret)
{
    for (;;) {
        const char *begin = lines->bytes + lines->from;
        size_t length = lines->to - lines->from;
        const char *end =
            length > lines->searched ? memchr(begin + lines->searched, '\n', length - lines->searched) : NULL;
        if (end) {
            lines->from += (size_t)(end - begin) + 1;
            lines->searched = 0;
            if (lines->is_passing) {
                lines->is_passing = false;
                lines->passed_over++;
                continue;
            }
            *ret = (struct eco_span){begin, (size_t)(end - begin)};
            return 1;
        }
        lines->searched = length;
        if (lines->has_ended)
            return 0;
        int r = fill(lines);
        if (r < 0)
            return r;
    }
}

size_t eco_lines_cut_bytes(const struct eco_lines *lines)
{
    return lines->to - lines->from;
}

uint64_t eco_lines_passed_over(const struct eco_lines *lines)
{
    return lines->passed_over;
}

struct eco_lines *eco_lines_free(struct eco_lines *lines)
{
    if (!lines)
        return NULL;
    (void)eco_unpack_free(lines->unpack);
    free(lines->bytes);
    free(lines);
    return NULL;
}
