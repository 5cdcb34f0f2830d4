/* SPDX-License-Identifier: MIT */
/*
 * The floor of anything that samples: a program that wakes up once an interval and does nothing. On virtual
 * machines this alone can cost tenths of a millisecond.   wakeup INTERVAL_MS
 */
#define _GNU_SOURCE
#include <signal.h>
#include <stdlib.h>
#include <time.h>

int main(int argc, char **argv)
{
    long ms = argc > 1 ? strtol(argv[1], NULL, 10) : 1000;
    struct timespec wait = {ms / 1000, ms % 1000 * 1000000};
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigprocmask(SIG_BLOCK, &set, NULL);
    while (sigtimedwait(&set, NULL, &wait) < 0) {
    }
    return 0;
}
