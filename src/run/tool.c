/* SPDX-License-Identifier: MIT */
#include "run/user.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *const places[] = {"/usr/sbin", "/usr/bin", "/sbin", "/bin"};

static int spawn_tool(const char *const *argv, int output, pid_t *ret_pid)
{
    static char path_entry[] = "PATH=/usr/sbin:/usr/bin:/sbin:/bin", locale_entry[] = "LC_ALL=C";
    char *const environment[] = {path_entry, locale_entry, NULL};
    posix_spawn_file_actions_t actions;
    int r = posix_spawn_file_actions_init(&actions);
    if (r == 0)
        r = posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    if (r == 0 && output >= 0)
        r = posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
    if (r == 0 && output >= 0)
        r = posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    bool is_ready = r == 0;
    for (size_t i = 0; i < ECO_COUNT(places) && is_ready; i++) {
        char path[256];
        size_t length = strlen(places[i]), name = strlen(argv[0]);
        if (length + name + 2 > sizeof path)
            continue;
        memcpy(path, places[i], length);
        path[length] = '/';
        memcpy(path + length + 1, argv[0], name + 1);
        r = posix_spawn(ret_pid, path, &actions, NULL, (char *const *)(const void *)argv, environment);
        if (r != ENOENT)
            break;
    }
    (void)posix_spawn_file_actions_destroy(&actions);
    return -r;
}

static void read_all(int fd, char *ret, size_t size)
{
    size_t length = 0;
    char rest[512];
    for (;;) {
        bool is_full = length + 1 >= size;
        ssize_t n = is_full ? read(fd, rest, sizeof rest) : read(fd, ret + length, size - 1 - length);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            break;
        length += is_full ? 0 : (size_t)n;
    }
    ret[length] = '\0';
}

/* Where SIGCHLD is ignored, as a caller may have left it, no status can be waited for. */
static int wait_for(pid_t pid)
{
    int status = 0;
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return -errno;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int eco_tool_run(const char *const *argv, char *ret, size_t size)
{
    int ends[2] = {-1, -1};
    pid_t pid = -1;
    struct sigaction before, standard = {.sa_handler = SIG_DFL};
    if (ret && pipe2(ends, O_CLOEXEC) != 0)
        return -errno;
    (void)sigaction(SIGCHLD, &standard, &before);
    int r = spawn_tool(argv, ends[1], &pid);
    if (ret)
        (void)close(ends[1]);
    if (r == 0 && ret)
        read_all(ends[0], ret, size);
    if (ret)
        (void)close(ends[0]);
    if (r == 0)
        r = wait_for(pid);
    else if (r == -ENOENT)
        r = 127;
    (void)sigaction(SIGCHLD, &before, NULL);
    return r;
}
