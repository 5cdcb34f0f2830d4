/* SPDX-License-Identifier: MIT */
/*
 * Processes that do nothing, for benchmarks: `sleepers COUNT [FORKS_PER_SECOND]`. Says "ready" when all
 * are there and lives until its standard input ends; then, or when it is killed, all of them end. With a
 * second number it also starts and ends so many short processes each second.
 */
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static int start_sleeper(pid_t parent)
{
    const pid_t pid = fork();
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() != parent) {
            _exit(0);
        }
        for (;;) {
            pause();
        }
    }
    return pid < 0 ? -1 : 0;
}

static void fork_once(void)
{
    const pid_t pid = fork();
    if (pid == 0) {
        _exit(0);
    }
    if (pid > 0) {
        waitpid(pid, NULL, 0);
    }
}

int main(int argc, char **argv)
{
    const long count = argc > 1 ? strtol(argv[1], NULL, 10) : 0;
    const long forks = argc > 2 ? strtol(argv[2], NULL, 10) : 0;
    const pid_t self = getpid();
    for (long i = 0; i < count; i++) {
        if (start_sleeper(self) != 0) {
            perror("sleepers: fork");
            return 1;
        }
    }
    puts("ready");
    fflush(stdout);
    struct pollfd input = {.fd = 0, .events = POLLIN};
    char byte;
    for (;;) {
        const int ready = poll(&input, 1, forks > 0 ? (int)(1000 / forks) : -1);
        if (ready > 0 && read(0, &byte, 1) <= 0) {
            return 0;
        }
        if (ready == 0) {
            fork_once();
        }
    }
}
