/* SPDX-License-Identifier: MIT */
/*
 * The sensor tree of a machine as a .tree text (tests/support/tree.h): powercap, hwmon, power supplies, the
 * power PMUs, and where the CPUs sit. Directories and links keep their shape, since sensors are found by it.
 * Left out: whatever names the machine, its owner or a single device.
 */
#include "base/mem.h"
#include "base/text.h"
#include "cli/doctor.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define CONTENT_MAX 4096
#define PATHS_MAX   8192 /* directories visited */
#define DEPTH_MAX   12

/* Where sensors are looked for. Links out of these are followed once. */
static const char *const starts[] = {"class/powercap",
                                     "class/hwmon",
                                     "class/power_supply",
                                     "bus/event_source/devices/power",
                                     "bus/event_source/devices/power_core",
                                     "devices/system/cpu"};

static const char *const secret[] = {"*serial*",  "*uuid*", "*asset*", "uevent",
                                     "*address*", "*wwid*", "*unique*"};

/* Of a CPU only what the meter reads; the rest is large and of no use. */
static const char *const cpu_files[] = {"online",
                                        "possible",
                                        "present",
                                        "topology",
                                        "cpufreq",
                                        "cpu[0-9]*",
                                        "cpu_capacity",
                                        "physical_package_id",
                                        "die_id",
                                        "core_id",
                                        "thread_siblings_list",
                                        "core_cpus_list",
                                        "cpuinfo_max_freq",
                                        "cpuinfo_min_freq",
                                        "base_frequency",
                                        "scaling_cur_freq",
                                        "scaling_driver"};

struct bundle {
    int root_fd;
    FILE *out;
    const char *hostname;
    char **seen; /* directories already visited, by their real path below the root */
    size_t seen_count, seen_capacity;
};

static bool matches(const char *name, const char *const *patterns, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (fnmatch(patterns[i], name, 0) == 0)
            return true;
    return false;
}

static bool is_wanted(const char *directory, const char *name)
{
    if (matches(name, secret, ECO_COUNT(secret)))
        return false;
    if (strncmp(directory, "devices/system/cpu", 18) == 0)
        return matches(name, cpu_files, ECO_COUNT(cpu_files));
    /* Nothing about power management of the device itself, nor its driver and bus. */
    static const char *const noise[] = {"power",         "subsystem", "driver", "device",
                                        "firmware_node", "wakeup*",   "of_node"};
    return !matches(name, noise, ECO_COUNT(noise)) || strcmp(directory, "bus/event_source/devices") == 0;
}

static bool remember(struct bundle *bundle, const char *path)
{
    for (size_t i = 0; i < bundle->seen_count; i++)
        if (strcmp(bundle->seen[i], path) == 0)
            return false;
    if (eco_grow((void **)&bundle->seen, &bundle->seen_capacity, bundle->seen_count + 1, PATHS_MAX,
                 sizeof *bundle->seen) < 0)
        return false;
    bundle->seen[bundle->seen_count] = eco_strdup(path);
    return bundle->seen[bundle->seen_count] && ++bundle->seen_count;
}

/* Content lines; bytes that are not plain text are escaped, the host name is replaced. */
static void write_content(struct bundle *bundle, char *text, size_t length)
{
    size_t name = strlen(bundle->hostname);
    for (char *at = text;
         name > 2 && (at = memmem(at, (size_t)(text + length - at), bundle->hostname, name));)
        memset(at, 'x', name);
    for (size_t i = 0; i < length;) {
        char *newline = memchr(text + i, '\n', length - i);
        size_t end = newline ? (size_t)(newline - text) : length;
        (void)fputc(newline ? '|' : '+', bundle->out);
        for (; i < end; i++) {
            unsigned char c = (unsigned char)text[i];
            if (c == '\\')
                (void)fputs("\\\\", bundle->out);
            else if (c < 0x20 || c >= 0x7f)
                (void)fprintf(bundle->out, "\\x%02x", c);
            else
                (void)fputc(c, bundle->out);
        }
        (void)fputc('\n', bundle->out);
        i += newline ? 1 : 0;
    }
}

static void write_file(struct bundle *bundle, const char *path, const struct stat *st)
{
    char text[CONTENT_MAX];
    (void)fprintf(bundle->out, "F sys/%s %04o\n", path, (unsigned)(st->st_mode & 07777));
    int fd = openat(bundle->root_fd, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return;
    ssize_t n = read(fd, text, sizeof text);
    (void)close(fd);
    if (n > 0)
        write_content(bundle, text, (size_t)n);
}

/* "class/powercap" + "../../devices/virtual/x" = "devices/virtual/x"; false when it leaves the root. */
static bool resolve(const char *directory, const char *target, char *ret, size_t size)
{
    if (target[0] == '/' || strlen(directory) + strlen(target) + 2 > size)
        return false;
    (void)snprintf(ret, size, "%s", directory);
    while (*target) {
        size_t length = strcspn(target, "/");
        char *slash = strrchr(ret, '/');
        if (length == 2 && strncmp(target, "..", 2) == 0) {
            if (!*ret)
                return false;
            *(slash ? slash : ret) = 0;
        } else if (length && !(length == 1 && *target == '.')) {
            size_t used = strlen(ret);
            (void)snprintf(ret + used, size - used, "%s%.*s", used ? "/" : "", (int)length, target);
        }
        target += length;
        target += *target == '/';
    }
    return *ret != 0;
}

static void walk(struct bundle *bundle, const char *path, unsigned depth);

static void write_link(struct bundle *bundle, const char *directory, const char *path, unsigned depth)
{
    char target[ECO_PATH_MAX], real[ECO_PATH_MAX];
    ssize_t n = readlinkat(bundle->root_fd, path, target, sizeof target - 1);
    if (n <= 0)
        return;
    target[n] = 0;
    (void)fprintf(bundle->out, "L sys/%s -> %s\n", path, target);
    if (resolve(directory, target, real, sizeof real))
        walk(bundle, real, depth + 1);
}

static void visit(struct bundle *bundle, const char *directory, const char *name, unsigned depth)
{
    char path[ECO_PATH_MAX];
    struct stat st;
    if (!is_wanted(directory, name) || eco_path(path, "%s/%s", directory, name) < 0 ||
        fstatat(bundle->root_fd, path, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return;
    if (S_ISLNK(st.st_mode))
        write_link(bundle, directory, path, depth);
    else if (S_ISDIR(st.st_mode))
        walk(bundle, path, depth + 1);
    else if (S_ISREG(st.st_mode) && (st.st_mode & 0444))
        write_file(bundle, path, &st);
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

/* Sorted, so that two bundles of one machine differ only in their readings. */
static void walk(struct bundle *bundle, const char *path, unsigned depth)
{
    struct stat st;
    struct dirent **entries;
    if (depth > DEPTH_MAX || fstatat(bundle->root_fd, path, &st, 0) < 0 || !S_ISDIR(st.st_mode) ||
        !remember(bundle, path))
        return;
    (void)fprintf(bundle->out, "D sys/%s %04o\n", path, (unsigned)(st.st_mode & 07777));
    int count = scandirat(bundle->root_fd, path, &entries, NULL, by_name);
    for (int i = 0; i < count; i++) {
        const char *name = entries[i]->d_name;
        if (strcmp(name, ".") != 0 && strcmp(name, "..") != 0)
            visit(bundle, path, name, depth);
        free(entries[i]);
    }
    if (count >= 0)
        free(entries);
}

static void write_all(struct bundle *bundle, const struct eco_host *host)
{
    char model[ECO_NAME_MAX * 2];
    eco_text_clean(model, sizeof model, host->cpu_model, strlen(host->cpu_model), true);
    (void)fprintf(bundle->out, "# Sensor tree of a machine; format: tests/support/tree.h\n# CPU: %s\n",
                  model);
    (void)fprintf(bundle->out, "# family %u model %u stepping %u, Linux %s\n", host->cpu_family,
                  host->cpu_model_number, host->cpu_stepping, host->kernel);
    for (size_t i = 0; i < ECO_COUNT(starts); i++)
        walk(bundle, starts[i], 0);
}

int eco_bundle_write(const struct eco_probe *probe, const char *path, struct eco_why *why)
{
    struct bundle bundle = {.root_fd = probe->root.fd[ECO_SYSFS], .hostname = probe->host.hostname};
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOCTTY, 0600);
    bundle.out = fd >= 0 ? fdopen(fd, "w") : NULL;
    if (!bundle.out) {
        int error = errno;
        eco_why_set(why, "%s: %s", path, strerror(error));
        if (fd >= 0)
            (void)close(fd);
        return -error;
    }
    write_all(&bundle, &probe->host);
    for (size_t i = 0; i < bundle.seen_count; i++)
        free(bundle.seen[i]);
    free(bundle.seen);
    bool failed = ferror(bundle.out) != 0;
    failed |= fclose(bundle.out) != 0;
    if (!failed)
        return 0;
    eco_why_set(why, "%s: could not be written completely", path);
    return -EIO;
}
