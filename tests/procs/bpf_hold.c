/* SPDX-License-Identifier: MIT */
/*
 * Holds the hooks for bench/bpf.py:   bpf_hold lives|switches|siblings|strangers
 * (strangers: as siblings, for a cgroup that nobody is in: what `run` costs those who are not of it.)
 * Prints how long loading and attaching took in ms, waits for the end of its input, prints the kernel side's
 * own time in ms.
 */
#include "procs/bpf/load.h"
#include "procs/bpf/reader.h"

#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static double now_ms(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

int main(int argc, char **argv)
{
    static const int32_t siblings[] = {1, 0};
    const char *mode = argc > 1 ? argv[1] : "lives";
    struct eco_bpf_request request = {.has_switch = strcmp(mode, "lives") != 0};
    struct eco_bpf_fds fds = ECO_BPF_FDS_NONE;
    struct eco_feed *feed = NULL;
    struct eco_feed_health health;
    struct eco_why why = {0};
    char byte;

    if (strcmp(mode, "strangers") == 0) {
        request.cgroup_id = UINT64_MAX;
        request.cgroup_level = 2;
    }
    if (strcmp(mode, "siblings") == 0 || strcmp(mode, "strangers") == 0) {
        request.siblings = siblings;
        request.sibling_count = 2;
    }
    double begin = now_ms();
    if (eco_bpf_load(&request, &fds, &why) < 0 || eco_bpf_feed_open(&fds, &feed, &why) < 0) {
        (void)fprintf(stderr, "%s\n", why.text);
        return 77;
    }
    (void)printf("%.3f\n", now_ms() - begin);
    (void)fflush(stdout);
    while (read(STDIN_FILENO, &byte, 1) > 0)
        continue;
    feed->ops->health(feed, &health);
    (void)printf("%.3f\n", (double)health.self_ns / 1e6);
    (void)eco_feed_free(feed);
    return 0;
}
