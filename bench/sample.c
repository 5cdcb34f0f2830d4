/* SPDX-License-Identifier: MIT */
/*
 * CPU time of one sample: ticks of the library one after another, on a tree of one sleeping process.
 *   sample SYSFS TICKS     prints microseconds per tick
 */
#define _GNU_SOURCE
#include <ecocode/ecocode.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double cpu_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

int main(int argc, char **argv)
{
    struct eco_meter_options options = {.size = sizeof options, .sysfs_path = argc > 1 ? argv[1] : NULL};
    struct eco_meter *meter;
    char why[320] = "";
    int ticks = argc > 2 ? atoi(argv[2]) : 10000;
    pid_t child = fork();
    if (child == 0) {
        pause();
        _exit(0);
    }
    if (eco_meter_open(&options, &meter, why, sizeof why) < 0 || eco_meter_add_root(meter, child) < 0 ||
        eco_meter_tick(meter) < 0) {
        fprintf(stderr, "sample: %s\n", why);
        kill(child, SIGKILL);
        return 1;
    }
    double before = cpu_us();
    for (int i = 0; i < ticks; i++)
        if (eco_meter_tick(meter) < 0)
            return 1;
    printf("%.3f\n", (cpu_us() - before) / ticks);
    eco_meter_free(meter);
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    return 0;
}
