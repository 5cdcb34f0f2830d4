/* SPDX-License-Identifier: MIT */
/*
 * ecocode-sensord [--interval-ms N]: reads accelerators for EcoCode, apart, since their drivers' libraries
 * may be slow, crash or never come back. Its standard input is the socket to tell on; it is not started by
 * hand.
 */
#include "base/parse.h"
#include "gpu/daemon.h"
#include "platform/confine.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define INTERVAL_MS_DEFAULT 100u
#define INTERVAL_MS_MAX     60000u
#define INTERVAL_MS_MIN     10u
#define SOCKET_FD           3
#define SEND_BUFFER         (416 * 1024) /* the kernel allows what it allows */
#define EXIT_USAGE          2

struct arguments {
    uint64_t interval_ms;
    const char *procfs, *sysfs;
};

static int parse(int argc, char **argv, struct arguments *ret)
{
    for (int i = 1; i < argc; i += 2) {
        if (i + 1 == argc)
            return -EINVAL;
        if (strcmp(argv[i], "--interval-ms") == 0) {
            int r = eco_parse_u64(argv[i + 1], &ret->interval_ms);
            if (r < 0 || ret->interval_ms < INTERVAL_MS_MIN || ret->interval_ms > INTERVAL_MS_MAX)
                return -EINVAL;
        } else if (strcmp(argv[i], "--path.procfs") == 0) {
            ret->procfs = argv[i + 1];
        } else if (strcmp(argv[i], "--path.sysfs") == 0) {
            ret->sysfs = argv[i + 1];
        } else {
            return -EINVAL;
        }
    }
    return 0;
}

/* The socket goes to descriptor 3: what a library prints must not end up in it. */
static int take_socket(void)
{
    int type = 0;
    socklen_t size = sizeof type;
    if (getsockopt(STDIN_FILENO, SOL_SOCKET, SO_TYPE, &type, &size) != 0 || type != SOCK_SEQPACKET)
        return -ENOTSOCK;
    if (dup2(STDIN_FILENO, SOCKET_FD) < 0)
        return -errno;
    eco_confine_close_from(SOCKET_FD + 1);
    int null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (null_fd < 0)
        return -errno;
    for (int fd = 0; fd < SOCKET_FD; fd++)
        (void)dup2(null_fd, fd);
    (void)close(null_fd);
    (void)fcntl(SOCKET_FD, F_SETFD, FD_CLOEXEC);
    int bytes = SEND_BUFFER / 2; /* doubled by the kernel */
    (void)setsockopt(SOCKET_FD, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes);
    return 0;
}

int main(int argc, char **argv)
{
    struct arguments arguments = {.interval_ms = INTERVAL_MS_DEFAULT};
    if (parse(argc, argv, &arguments) < 0 || take_socket() < 0) {
        (void)fprintf(stderr, "ecocode-sensord: started by ecocode, not by hand\n");
        return EXIT_USAGE;
    }
    eco_confine_reader();
    struct eco_root root;
    if (eco_root_init(&root, arguments.procfs, arguments.sysfs) < 0)
        return EXIT_FAILURE;
    const struct eco_env env = {.root = &root, .clock = &eco_clock_system};
    const struct eco_gpu_daemon_options options = {.fd = SOCKET_FD,
                                                   .interval_ns = arguments.interval_ms * ECO_NS_PER_MS,
                                                   .sources = eco_gpu_sources,
                                                   .env = &env};
    eco_gpu_daemon_be(&options);
    _exit(EXIT_SUCCESS);
}
