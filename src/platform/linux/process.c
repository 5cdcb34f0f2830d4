/* SPDX-License-Identifier: MIT */
#include "platform/process.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void close_fd(int *fd)
{
    if (*fd >= 0) {
        (void)close(*fd);
    }
}

static ssize_t read_some(int fd, char *ret, size_t size)
{
    ssize_t n;
    do {
        n = read(fd, ret, size);
    } while (n < 0 && errno == EINTR);
    return n < 0 ? -errno : n;
}

static int read_children(const char *path, int (*each)(void *context, pid_t pid), void *context)
{
    int fd ECO_CLEANUP(close_fd) = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return -errno;
    }
    /* "12 345 6789 ": any length, so a number may be cut in two by the edge of a read. */
    char text[4096];
    uint64_t number = 0;
    bool has_digit = false;
    for (;;) {
        ssize_t n = read_some(fd, text, sizeof(text));
        if (n < 0) {
            return (int)n;
        }
        for (ssize_t i = 0; i < n; i++) {
            if (text[i] >= '0' && text[i] <= '9' && number <= INT32_MAX) {
                number = number * 10 + (uint64_t)(text[i] - '0');
                has_digit = true;
                continue;
            }
            int r = has_digit && number <= INT32_MAX ? each(context, (pid_t)number) : 0;
            number = 0;
            has_digit = false;
            if (r != 0) {
                return r;
            }
        }
        if (n == 0) {
            return has_digit && number <= INT32_MAX ? each(context, (pid_t)number) : 0;
        }
    }
}

int eco_process_children(int (*each)(void *context, pid_t pid), void *context)
{
    return read_children("/proc/thread-self/children", each, context);
}

int eco_process_children_of(pid_t pid, int (*each)(void *context, pid_t pid), void *context)
{
    char path[96];
    (void)snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
    DIR *tasks = opendir(path);
    if (tasks == NULL) {
        return -errno;
    }
    int r = 0;
    for (const struct dirent *entry = readdir(tasks); entry != NULL && r <= 0; entry = readdir(tasks)) {
        if (entry->d_name[0] < '0' || entry->d_name[0] > '9') {
            continue;
        }
        (void)snprintf(path, sizeof(path), "/proc/%d/task/%.20s/children", (int)pid, entry->d_name);
        r = read_children(path, each, context); /* a thread that has just ended has none */
    }
    (void)closedir(tasks);
    return r > 0 ? r : 0;
}

int eco_process_is_stopped(pid_t pid)
{
    char path[64];
    char text[256];
    (void)snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
    int fd ECO_CLEANUP(close_fd) = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return -errno;
    }
    ssize_t n = read_some(fd, text, sizeof(text) - 1);
    if (n < 0) {
        return (int)n;
    }
    text[n] = '\0';
    /* "PID (name) T ...": the name, of at most 64 bytes, may hold brackets itself, so the last one counts. */
    const char *end = strrchr(text, ')');
    if (end == NULL || end[1] != ' ') {
        return -EPROTO;
    }
    return end[2] == 'T' || end[2] == 't' ? 1 : 0;
}

int eco_process_own_path(char *ret, size_t size)
{
    ssize_t n = readlink("/proc/self/exe", ret, size);
    if (n < 0)
        return -errno;
    if ((size_t)n >= size)
        return -ENAMETOOLONG;
    ret[n] = '\0';
    return 0;
}

/* Their numbers are fixed: include/uapi/linux/nsfs.h. */
static bool is_namespace(const char *path, ino_t number)
{
    struct stat st;
    return stat(path, &st) == 0 && st.st_ino == number;
}

bool eco_process_is_in_first_namespaces(void)
{
    return is_namespace("/proc/self/ns/pid", 0xeffffffcu) &&
           (access("/proc/self/ns/time", F_OK) != 0 || is_namespace("/proc/self/ns/time", 0xeffffffau));
}
