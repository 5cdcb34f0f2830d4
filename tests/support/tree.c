/* SPDX-License-Identifier: MIT */
#include "support/tree.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PRINTF_MAX  65536
#define ARCHIVE_MAX (16u << 20)

static _Noreturn void give_up(const char *what, const char *path)
{
    (void)fprintf(stderr, "test set-up: %s %s: %s\n", what, path, strerror(errno));
    abort();
}

const char *eco_temp_path(const struct eco_temp *temp, const char *path, char *ret)
{
    int length = snprintf(ret, ECO_PATH_MAX, "%s/%s", temp->path, path);
    if (length < 0 || length >= ECO_PATH_MAX || path[0] == '/' || strstr(path, ".."))
        give_up("path", path);
    return ret;
}

static void make_parents(const struct eco_temp *temp, const char *path)
{
    char folder[ECO_PATH_MAX];
    (void)eco_temp_path(temp, path, folder);
    for (char *slash = folder + strlen(temp->path) + 1; (slash = strchr(slash, '/')); slash++) {
        *slash = '\0';
        if (mkdir(folder, 0755) < 0 && errno != EEXIST)
            give_up("mkdir", folder);
        *slash = '/';
    }
}

void eco_temp_init(struct eco_temp *temp)
{
    const char *base = getenv("TMPDIR");
    int length =
        snprintf(temp->path, sizeof(temp->path), "%s/eco-test-XXXXXX", base && *base ? base : "/tmp");
    if (length < 0 || (size_t)length >= sizeof(temp->path) || !mkdtemp(temp->path))
        give_up("mkdtemp", temp->path);
}

static int remove_one(const char *path, const struct stat *info, int type, struct FTW *place)
{
    (void)info;
    (void)type;
    (void)place;
    return remove(path);
}

static int open_up(const char *path, const struct stat *info, int type, struct FTW *place)
{
    (void)info;
    (void)place;
    return type == FTW_D || type == FTW_DNR ? chmod(path, 0700) : 0;
}

static void remove_tree(const char *path)
{
    struct stat info;
    if (lstat(path, &info) < 0)
        return;
    (void)nftw(path, open_up, 16, FTW_PHYS);
    if (nftw(path, remove_one, 16, FTW_PHYS | FTW_DEPTH) != 0)
        give_up("remove", path);
}

void eco_temp_finish(struct eco_temp *temp)
{
    if (temp->path[0])
        remove_tree(temp->path);
    temp->path[0] = '\0';
}

void eco_temp_remove(const struct eco_temp *temp, const char *path)
{
    char full[ECO_PATH_MAX];
    remove_tree(eco_temp_path(temp, path, full));
}

void eco_temp_write_bytes(const struct eco_temp *temp, const char *path, const void *bytes, size_t count)
{
    char full[ECO_PATH_MAX];
    make_parents(temp, path);
    (void)eco_temp_path(temp, path, full);
    /* In place: a test that keeps the file open sees the new content, as it would in sysfs. */
    int fd = open(full, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (fd < 0)
        give_up("open", full);
    if (count > 0 && write(fd, bytes, count) != (ssize_t)count)
        give_up("write", full);
    (void)close(fd);
}

void eco_temp_write(const struct eco_temp *temp, const char *path, const char *text)
{
    eco_temp_write_bytes(temp, path, text, strlen(text));
}

void eco_temp_printf(const struct eco_temp *temp, const char *path, const char *format, ...)
{
    static char text[PRINTF_MAX];
    va_list args;
    va_start(args, format);
    int length = vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    if (length < 0 || (size_t)length >= sizeof(text))
        give_up("printf", path);
    eco_temp_write_bytes(temp, path, text, (size_t)length);
}

void eco_temp_write_all(const struct eco_temp *temp, const struct eco_temp_file *files, size_t count)
{
    for (size_t i = 0; i < count; i++)
        eco_temp_write(temp, files[i].path, files[i].text);
}

void eco_temp_mkdir(const struct eco_temp *temp, const char *path)
{
    char full[ECO_PATH_MAX];
    make_parents(temp, path);
    if (mkdir(eco_temp_path(temp, path, full), 0755) < 0 && errno != EEXIST)
        give_up("mkdir", full);
}

void eco_temp_link(const struct eco_temp *temp, const char *path, const char *target)
{
    char full[ECO_PATH_MAX];
    make_parents(temp, path);
    (void)eco_temp_path(temp, path, full);
    (void)unlink(full);
    if (symlink(target, full) < 0)
        give_up("symlink", full);
}

void eco_temp_fifo(const struct eco_temp *temp, const char *path)
{
    char full[ECO_PATH_MAX];
    make_parents(temp, path);
    if (mkfifo(eco_temp_path(temp, path, full), 0644) < 0)
        give_up("mkfifo", full);
}

/* Where the unpacker stands: the file whose content it collects, and the modes to set when all is written. */
struct unpacking {
    const struct eco_temp *temp;
    char path[ECO_PATH_MAX];
    unsigned mode;
    bool is_open;
    char *content;
    size_t length;
};

static void end_file(struct unpacking *unpacking)
{
    char full[ECO_PATH_MAX];
    if (!unpacking->is_open)
        return;
    eco_temp_write_bytes(unpacking->temp, unpacking->path, unpacking->content, unpacking->length);
    if (chmod(eco_temp_path(unpacking->temp, unpacking->path, full), unpacking->mode) < 0)
        give_up("chmod", full);
    unpacking->is_open = false;
    unpacking->length = 0;
}

static int hex_digit(char c)
{
    static const char digits[] = "0123456789abcdef";
    const char *found = c ? strchr(digits, c) : NULL;
    return found ? (int)(found - digits) : -1;
}

static void add_content(struct unpacking *unpacking, const char *text, size_t length, bool newline)
{
    for (size_t i = 0; i < length; i++) {
        char c = text[i];
        if (c == '\\' && i + 3 < length && text[i + 1] == 'x' && hex_digit(text[i + 2]) >= 0 &&
            hex_digit(text[i + 3]) >= 0) {
            c = (char)(hex_digit(text[i + 2]) << 4 | hex_digit(text[i + 3]));
            i += 3;
        } else if (c == '\\') {
            if (i + 1 >= length || text[i + 1] != '\\')
                give_up("bad escape in content of", unpacking->path);
            i++;
        }
        unpacking->content[unpacking->length++] = c;
    }
    if (newline)
        unpacking->content[unpacking->length++] = '\n';
}

/* "path mode": cuts `line` at the last blank. */
static unsigned split_mode(char *line)
{
    char *blank = strrchr(line, ' '), *end = NULL;
    if (!blank)
        give_up("no mode in .tree line", line);
    *blank = '\0';
    unsigned long mode = strtoul(blank + 1, &end, 8);
    if (end == blank + 1 || *end != '\0' || mode > 07777)
        give_up("bad mode in .tree line", line);
    return (unsigned)mode;
}

static void unpack_entry(struct unpacking *unpacking, char *line)
{
    char full[ECO_PATH_MAX], *rest = line + 2;
    if (strlen(line) < 3 || line[1] != ' ' || strlen(rest) >= sizeof(unpacking->path))
        give_up("bad .tree line", line);
    if (line[0] == 'F') {
        unpacking->mode = split_mode(rest);
        (void)snprintf(unpacking->path, sizeof(unpacking->path), "%s", rest);
        unpacking->is_open = true;
    } else if (line[0] == 'D') {
        unsigned mode = split_mode(rest);
        eco_temp_mkdir(unpacking->temp, rest);
        /* The owner can always write: files are still to come. */
        if (chmod(eco_temp_path(unpacking->temp, rest, full), mode | 0700) < 0)
            give_up("chmod", full);
    } else if (line[0] == 'L') {
        char *arrow = strstr(rest, " -> ");
        if (!arrow)
            give_up("no target in .tree line", line);
        *arrow = '\0';
        eco_temp_link(unpacking->temp, rest, arrow + strlen(" -> "));
    } else {
        give_up("bad .tree line", line);
    }
}

static void unpack_line(struct unpacking *unpacking, const char *line, size_t length)
{
    char copy[ECO_PATH_MAX * 2];
    if (length > 0 && (line[0] == '|' || line[0] == '+')) {
        if (!unpacking->is_open)
            give_up("content without a file", "");
        add_content(unpacking, line + 1, length - 1, line[0] == '|');
        return;
    }
    end_file(unpacking);
    if (length == 0 || line[0] == '#')
        return;
    if (length >= sizeof(copy))
        give_up("long .tree line", "");
    memcpy(copy, line, length);
    copy[length] = '\0';
    unpack_entry(unpacking, copy);
}

void eco_temp_unpack_text(const struct eco_temp *temp, const char *text, size_t length)
{
    struct unpacking unpacking = {.temp = temp, .content = malloc(length + 1)};
    if (!unpacking.content)
        give_up("malloc for", "archive");
    for (size_t at = 0; at < length;) {
        const char *end = memchr(text + at, '\n', length - at);
        size_t line_length = end ? (size_t)(end - (text + at)) : length - at;
        unpack_line(&unpacking, text + at, line_length);
        at += line_length + 1;
    }
    end_file(&unpacking);
    free(unpacking.content);
}

void eco_temp_unpack(const struct eco_temp *temp, const char *archive)
{
    FILE *file = fopen(archive, "re");
    if (!file)
        give_up("open", archive);
    char *text = malloc(ARCHIVE_MAX);
    if (!text)
        give_up("malloc for", archive);
    size_t length = fread(text, 1, ARCHIVE_MAX, file);
    if (ferror(file) || length == ARCHIVE_MAX)
        give_up("read", archive);
    (void)fclose(file);
    eco_temp_unpack_text(temp, text, length);
    free(text);
}

void eco_temp_init_fixture(struct eco_temp *temp, const char *name)
{
    char archive[ECO_PATH_MAX * 2];
    const char *folder = getenv("ECO_FIXTURES");
    (void)snprintf(archive, sizeof(archive), "%s/%s.tree", folder ? folder : ECO_FIXTURES_DIR, name);
    eco_temp_init(temp);
    eco_temp_unpack(temp, archive);
}
