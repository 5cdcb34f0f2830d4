/* SPDX-License-Identifier: MIT */
#include "history/tail.h"

#include "base/mem.h"
#include "history/lines.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define HEAD_BYTES     (16u << 10)
#define TAIL_BYTES     (64u << 10) /* the report's line is longer than that only with hundreds of processes */
#define LINE_MAX_BYTES ((size_t)ECO_LONGEST_LINE)

static int read_at(int fd, off_t at, size_t length, char **ret, size_t *ret_length)
{
    char *bytes = eco_calloc(length + 1, 1);
    size_t done = 0;
    if (!bytes)
        return -ENOMEM;
    while (done < length) {
        ssize_t n = pread(fd, bytes + done, length - done, at + (off_t)done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            break;
        done += (size_t)n;
    }
    *ret = bytes;
    *ret_length = done;
    return 0;
}

static int copy_line(const char *text, size_t length, char **ret, size_t *ret_length)
{
    char *line = eco_calloc(length + 1, 1);
    if (!line)
        return -ENOMEM;
    memcpy(line, text, length);
    free(*ret);
    *ret = line;
    *ret_length = length;
    return 0;
}

static int read_first(int fd, off_t size, struct eco_ends *ret)
{
    for (size_t length = HEAD_BYTES;; length *= 8) {
        char *text;
        size_t got;
        int r = read_at(fd, 0, (off_t)length < size ? length : (size_t)size, &text, &got);
        if (r < 0)
            return r;
        const char *end = memchr(text, '\n', got);
        if (end)
            r = copy_line(text, (size_t)(end - text), &ret->first, &ret->first_length);
        free(text);
        if (r < 0 || end || (off_t)length >= size)
            return r;
        if (length > LINE_MAX_BYTES)
            return -EBADMSG;
    }
}

/* The last line that has an end; what comes behind it was cut off. */
static int find_last(const char *text, size_t length, bool is_whole_file, struct eco_ends *ret)
{
    while (length > 0 && text[length - 1] != '\n')
        length--;
    if (length == 0)
        return 0;
    size_t end = --length;
    while (length > 0 && text[length - 1] != '\n')
        length--;
    if (length == 0 && !is_whole_file)
        return 0;
    return copy_line(text + length, end - length, &ret->last, &ret->last_length);
}

static int read_last(int fd, off_t size, struct eco_ends *ret)
{
    for (size_t length = TAIL_BYTES;; length *= 8) {
        char *text;
        size_t got, want = (off_t)length < size ? length : (size_t)size;
        int r = read_at(fd, size - (off_t)want, want, &text, &got);
        if (r < 0)
            return r;
        r = find_last(text, got, (off_t)length >= size, ret);
        free(text);
        if (r < 0 || ret->last || (off_t)length >= size)
            return r;
        if (length > LINE_MAX_BYTES)
            return -EBADMSG;
    }
}

static int read_packed(const char *path, struct eco_ends *ret, struct eco_why *why)
{
    struct eco_lines *lines = NULL;
    struct eco_span line, last = {0};
    char *kept = NULL;
    size_t capacity = 0;
    int r = eco_lines_open(path, &lines, why);
    while (r >= 0 && (r = eco_lines_next(lines, &line)) > 0) {
        if (!ret->first)
            r = copy_line(line.text, line.length, &ret->first, &ret->first_length);
        if (r >= 0)
            r = eco_grow((void **)&kept, &capacity, line.length + 1, LINE_MAX_BYTES + 1, 1);
        if (r >= 0) {
            memcpy(kept, line.text, line.length);
            last = (struct eco_span){kept, line.length};
        }
    }
    if (r >= 0 && last.text)
        r = copy_line(kept, last.length, &ret->last, &ret->last_length);
    free(kept);
    (void)eco_lines_free(lines);
    return r;
}

static bool is_packed(int fd)
{
    static const unsigned char magic[4] = {0x28, 0xb5, 0x2f, 0xfd};
    unsigned char found[sizeof magic];
    return pread(fd, found, sizeof found, 0) == sizeof found && memcmp(found, magic, sizeof magic) == 0;
}

int eco_ends_read(const char *path, struct eco_ends *ret, struct eco_why *why)
{
    struct eco_ends ends = {0};
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
        int error = fd < 0 ? errno : EBADMSG;
        eco_why_set(why, "%s: %s", path, fd < 0 ? strerror(error) : "not a file");
        if (fd >= 0)
            (void)close(fd);
        return -error;
    }
    int r;
    if (is_packed(fd)) {
        r = read_packed(path, &ends, why);
    } else {
        r = read_first(fd, st.st_size, &ends);
        if (r >= 0)
            r = read_last(fd, st.st_size, &ends);
        if (r < 0)
            eco_why_set(why, "%s: %s", path,
                        r == -EBADMSG ? "not a report or record of ecocode: a line has no end"
                                      : strerror(-r));
    }
    (void)close(fd);
    if (r < 0)
        eco_ends_finish(&ends);
    else
        *ret = ends;
    return r < 0 ? r : 0;
}

void eco_ends_finish(struct eco_ends *ends)
{
    free(ends->first);
    free(ends->last);
    *ends = (struct eco_ends){0};
}
