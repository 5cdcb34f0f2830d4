/* SPDX-License-Identifier: MIT */
/* The worst case for a hook on switches: a byte to and fro between two processes on one CPU.
 *   pingpong [CPU]     for each line of its input, a number of rounds: runs them, prints milliseconds
 * One pair for all that is compared: another pair has other pages, and differs by more than the hook. */
#define _GNU_SOURCE
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static int pass(int from, int to, long rounds)
{
    char byte = 0;
    for (long i = 0; i < rounds; i++)
        if (write(to, &byte, 1) != 1 || read(from, &byte, 1) != 1)
            return 1;
    return 0;
}

/* Until the other end is closed. */
static int echo(int from, int to)
{
    char byte;
    while (read(from, &byte, 1) == 1)
        if (write(to, &byte, 1) != 1)
            return 1;
    return 0;
}

int main(int argc, char **argv)
{
    int there[2], back[2], status = 1;
    char line[32];
    cpu_set_t set;

    CPU_ZERO(&set);
    CPU_SET(argc > 1 ? (int)strtol(argv[1], NULL, 10) : 0, &set);
    if (sched_setaffinity(0, sizeof(set), &set) != 0 || pipe(there) != 0 || pipe(back) != 0)
        return 1;
    pid_t pid = fork();
    if (pid == 0) {
        close(there[1]);
        _exit(echo(there[0], back[1]));
    }
    while (fgets(line, sizeof(line), stdin)) {
        double begin = now_ms();
        if (pass(back[0], there[1], strtol(line, NULL, 10)) != 0)
            return 1;
        printf("%.6f\n", now_ms() - begin);
        fflush(stdout);
    }
    close(there[1]);
    return waitpid(pid, &status, 0) != pid || status != 0;
}
