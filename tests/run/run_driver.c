/* SPDX-License-Identifier: MIT */
/*
 * `ecocode run` without a meter: the same command line as far as tests/e2e/test_never_harm.py uses it, so
 * that what src/run promises is tried without what stands above it.
 *
 *   run_driver run [-q] [--no-cgroup] [--wait-all] [-o FILE] [--] CMD...
 *
 * Its "report" is one line of JSON with what only src/run knows.
 */
#include "run/run.h"

#include "platform/clock.h"

#include <stdio.h>
#include <string.h>

struct driver {
    struct eco_run_options options;
    const char *output;
    bool is_quiet;
    unsigned reaped, stopped, signals;
    struct rusage usage;
};

/* The index of the command, or -1. */
static int parse(int argc, char **argv, struct driver *driver)
{
    int i = argc > 1 && strcmp(argv[1], "run") == 0 ? 2 : 1;
    for (; i < argc && argv[i][0] == '-'; i++) {
        if (strcmp(argv[i], "--") == 0) {
            i++;
            break;
        } else if (strcmp(argv[i], "-q") == 0) {
            driver->is_quiet = true;
        } else if (strcmp(argv[i], "--no-cgroup") == 0) {
            driver->options.no_cgroup = true;
        } else if (strcmp(argv[i], "--wait-all") == 0) {
            driver->options.wait_all = true;
        } else if (strcmp(argv[i], "-o") == 0 && i + 1 < argc) {
            driver->output = argv[++i];
        } else {
            return -1;
        }
    }
    return i < argc ? i : -1;
}

static int loop(struct eco_run *run, struct driver *driver)
{
    int status = 0;
    for (;;) {
        struct eco_run_event event;
        if (eco_run_wait(run, UINT64_MAX, &event) < 0) {
            return 125 << 8;
        }
        driver->reaped += event.kind == ECO_RUN_REAPED;
        driver->stopped += event.kind == ECO_RUN_STOPPED;
        driver->signals += event.kind == ECO_RUN_SIGNAL;
        if (event.kind == ECO_RUN_EXITED) {
            status = event.status;
            driver->usage = event.usage;
        }
        bool is_end = event.kind == ECO_RUN_EMPTY || event.kind == ECO_RUN_INTERRUPT ||
                      (event.kind == ECO_RUN_EXITED && !driver->options.wait_all);
        if (is_end) {
            return status;
        }
    }
}

static void report(const struct driver *driver, const struct eco_run *run, const char *id)
{
    FILE *out = driver->output != NULL ? fopen(driver->output, "we") : driver->is_quiet ? NULL : stderr;
    if (out == NULL) {
        return;
    }
    (void)fprintf(
        out,
        "{\"run_id\": \"%s\", \"cgroup\": \"%s\", \"cgroup_why\": \"%s\", \"reaped\": %u, \"stopped\": %u, "
        "\"signals\": %u, \"self_cpu_s\": %.6f, \"usage\": {\"max_rss_bytes\": %ld}}\n",
        id, eco_run_cgroup_path(run) != NULL ? eco_run_cgroup_path(run) : "", eco_run_cgroup_why(run),
        driver->reaped, driver->stopped, driver->signals, (double)eco_clock_self_cpu_ns() / 1e9,
        driver->usage.ru_maxrss * 1024);
    if (out != stderr) {
        (void)fclose(out);
    }
}

static int fail(struct eco_run *run, int status, const struct eco_why *why)
{
    (void)fprintf(stderr, "run_driver: %s\n", why->text);
    (void)eco_run_finish(run);
    return status;
}

int main(int argc, char **argv)
{
    struct driver driver;
    memset(&driver, 0, sizeof(driver));
    int first = parse(argc, argv, &driver);
    if (first < 0) {
        (void)fprintf(stderr,
                      "usage: run_driver run [-q] [--no-cgroup] [--wait-all] [-o FILE] [--] CMD...\n");
        return 125;
    }
    char id[33];
    eco_run_new_id(id);
    driver.options.argv = argv + first;
    driver.options.run_id = id;
    struct eco_why why = {"", ""};
    struct eco_run *run = NULL;
    if (eco_run_prepare(&driver.options, &run, &why) < 0 || eco_run_spawn(run, &why) < 0) {
        return fail(run, 125, &why);
    }
    uint64_t started_ns;
    int r = eco_run_release(run, &started_ns, &why);
    if (r < 0) {
        return fail(run, r == -2 ? 127 : 126, &why);
    }
    int status = loop(run, &driver);
    report(&driver, run, id);
    eco_run_reap_rest(run);
    (void)eco_run_finish(run);
    eco_run_die_like(status);
    return eco_run_exit_status(status);
}
