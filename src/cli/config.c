/* SPDX-License-Identifier: MIT */
#include "cli/config.h"

#include "base/mem.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define TEXTS_MAX 512    /* values in all files together */
#define FILE_MAX  262144 /* bytes of a file */

struct eco_config {
    char **texts;
    size_t count, capacity;
    char user_path[PATH_MAX];
    bool told; /* that files are ignored */
};

struct eco_config *eco_config_new(void)
{
    return eco_calloc(1, sizeof(struct eco_config));
}

struct eco_config *eco_config_free(struct eco_config *config)
{
    if (!config)
        return NULL;
    for (size_t i = 0; i < config->count; i++)
        free(config->texts[i]);
    free(config->texts);
    free(config);
    return NULL;
}

bool eco_config_user_path(char *ret, size_t size)
{
    const char *base = getenv("XDG_CONFIG_HOME");
    const char *below = "";
    if (!base || base[0] != '/') {
        base = getenv("HOME");
        below = "/.config";
    }
    if (!base || base[0] != '/')
        return false;
    int n = snprintf(ret, size, "%s%s/ecocode/ecocode.conf", base, below);
    return n > 0 && (size_t)n < size;
}

/* A regular file of bounded size; a FIFO in its place must not hold us up. */
static int open_regular(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return -errno;
    struct stat st;
    int r = fstat(fd, &st) < 0 ? -errno : !S_ISREG(st.st_mode) ? -EINVAL : st.st_size > FILE_MAX ? -EFBIG : 0;
    if (r == 0)
        return fd;
    (void)close(fd);
    return r;
}

#if ECO_HAVE_INIH
#include <ini.h>

struct reading {
    struct eco_config *config;
    struct eco_call *call;
    struct eco_origin origin;
    struct eco_why *why;
    FILE *file;
    int error;
};

bool eco_config_is_built(void)
{
    return true;
}

/* fgets that counts lines (libinih hands no numbers to its handler) and refuses to split a long one. */
static char *read_line(char *line, int size, void *stream)
{
    struct reading *reading = stream;
    if (reading->error || !fgets(line, size, reading->file))
        return NULL;
    reading->origin.line++;
    size_t length = strlen(line);
    if (length + 1 < (size_t)size || line[length - 1] == '\n')
        return line;
    eco_why_set(reading->why, "%s:%u: line is longer than %d bytes", reading->origin.file,
                reading->origin.line, size - 2);
    reading->error = -EINVAL;
    return NULL;
}

static int keep(struct eco_config *config, const char *text, const char **ret)
{
    int r = eco_grow((void **)&config->texts, &config->capacity, config->count + 1, TEXTS_MAX,
                     sizeof *config->texts);
    if (r < 0)
        return r;
    char *copy = eco_strdup(text);
    if (!copy)
        return -ENOMEM;
    config->texts[config->count++] = copy;
    *ret = copy;
    return 0;
}

/* Known to some command? Fills why with the nearest name when not. */
static bool is_known_key(const struct reading *reading, const char *name)
{
    const char *names[ECO_OPTIONS_MAX * 2];
    size_t count = 0;
    for (size_t i = 0; eco_commands[i]; i++) {
        struct eco_option_set set;
        struct eco_settings settings = {0};
        eco_option_set_init(&set, eco_commands[i]->options, &settings);
        for (unsigned k = 0; k < set.count; k++) {
            if (set.options[k]->only_here)
                continue;
            if (strcmp(set.options[k]->name, name) == 0)
                return true;
            if (count < ECO_COUNT(names))
                names[count++] = set.options[k]->name;
        }
    }
    const char *near = eco_nearest(name, names, count);
    eco_why_set(reading->why, "%s:%u: unknown key '%.40s'%s%s%s", reading->origin.file, reading->origin.line,
                name, near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
    return false;
}

static int apply_key(struct reading *reading, const char *section, const char *name, const char *value)
{
    struct eco_option_set *set = &reading->call->set;
    if (*section && !eco_command_find(section)) {
        eco_why_set(reading->why, "%s:%u: section [%.40s] is not a command", reading->origin.file,
                    reading->origin.line, section);
        return -EINVAL;
    }
    if (!is_known_key(reading, name))
        return -EINVAL;
    int index = eco_option_find(set, name, strlen(name));
    bool is_for_us = !*section || strcmp(section, reading->call->command->name) == 0;
    if (index < 0 || !is_for_us || set->options[index]->only_here)
        return 0;
    const char *text;
    int r = keep(reading->config, value, &text);
    if (r < 0) {
        eco_why_set(reading->why, "%s:%u: %s", reading->origin.file, reading->origin.line,
                    r == -E2BIG ? "too many values" : "no memory");
        return r;
    }
    return eco_option_assign(set, (unsigned)index, text, &reading->origin, reading->why);
}

static int on_key(void *user, const char *section, const char *name, const char *value)
{
    struct reading *reading = user;
    if (!reading->error)
        reading->error = apply_key(reading, section, name, value);
    return reading->error == 0;
}

static int parse(struct reading *reading)
{
    /* libinih gives the reader's stream and the handler's user the same treatment: both are ours. */
    int line = ini_parse_stream(read_line, reading, on_key, reading);
    if (reading->error || line == 0)
        return reading->error;
    eco_why_set(reading->why, "%s:%d: not 'key = value'", reading->origin.file, line);
    return -EINVAL;
}
#else
struct reading {
    struct eco_config *config;
    struct eco_call *call;
    struct eco_origin origin;
    struct eco_why *why;
    FILE *file;
    int error;
};

bool eco_config_is_built(void)
{
    return false;
}

static int parse(struct reading *reading)
{
    eco_why_set(reading->why, "%s is ignored: built without libinih", reading->origin.file);
    return -ENOTSUP;
}
#endif

int eco_config_apply(struct eco_config *config, struct eco_call *call, enum eco_layer layer, const char *path,
                     struct eco_why *why)
{
    int fd = open_regular(path);
    if (fd == -ENOENT || fd == -ENOTDIR)
        return 0;
    if (fd < 0) {
        eco_why_set(why, "%s: %s", path, fd == -EINVAL ? "not a regular file" : strerror(-fd));
        return fd;
    }
    struct reading reading = {.config = config,
                              .call = call,
                              .why = why,
                              .origin = {.layer = layer, .file = path},
                              .file = fdopen(fd, "r")};
    if (!reading.file) {
        (void)close(fd);
        return -ENOMEM;
    }
    int r = parse(&reading);
    (void)fclose(reading.file);
    return r < 0 ? r : 1;
}

/* A file that this user may not read is not theirs to obey, one that cannot be parsed by this build is said.
 */
static int apply_place(struct eco_config *config, struct eco_call *call, enum eco_layer layer,
                       const char *path, struct eco_why *why)
{
    int r = eco_config_apply(config, call, layer, path, why);
    if (r == -ENOTSUP && !config->told) {
        config->told = true;
        eco_notice("%s", why->text);
    }
    return r == -ENOTSUP || r == -EACCES ? 0 : r;
}

int eco_config_apply_all(struct eco_config *config, struct eco_call *call, struct eco_why *why)
{
    int r = apply_place(config, call, ECO_LAYER_SYSTEM, ECO_CONFIG_SYSTEM, why);
    if (r >= 0 && eco_config_user_path(config->user_path, sizeof config->user_path))
        r = apply_place(config, call, ECO_LAYER_USER, config->user_path, why);
    return r < 0 ? r : 0;
}
