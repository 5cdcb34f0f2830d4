/* SPDX-License-Identifier: MIT */
/* The worst case for a hook on switches: a byte to and fro between two processes on one CPU.
 *   pingpong ROUNDS [CPU]     prints milliseconds */
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

static int pass(int from, int to, long rounds, int is_first)
{
    char byte = 0;
    for (long i = 0; i < rounds; i++) {
        if (is_first && write(to, &byte, 1) != 1)
            return 1;
        if (read(from, &byte, 1) != 1)
            return 1;
        if (!is_first && write(to, &byte, 1) != 1)
            return 1;
    }
    return 0;
}

int main(int argc, char **argv)
{
    long rounds = argc > 1 ? strtol(argv[1], NULL, 10) : 100000;
    int there[2], back[2], status = 1;
    cpu_set_t set;

    CPU_ZERO(&set);
    CPU_SET(argc > 2 ? (int)strtol(argv[2], NULL, 10) : 0, &set);
    if (sched_setaffinity(0, sizeof(set), &set) != 0 || pipe(there) != 0 || pipe(back) != 0)
        return 1;
    pid_t pid = fork();
    if (pid == 0)
        _exit(pass(there[0], back[1], rounds, 0));
    double begin = now_ms();
    int r = pass(back[0], there[1], rounds, 1);
    double took = now_ms() - begin;
    if (waitpid(pid, &status, 0) != pid || status != 0 || r != 0)
        return 1;
    printf("%.3f\n", took);
    return 0;
}
