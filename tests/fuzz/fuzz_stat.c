/* SPDX-License-Identifier: MIT */
/* /proc/PID/stat, status and cmdline, and the CPU lines of /proc/stat: on failure nothing is written. */
#include "procs/busy_text.h"
#include "procs/parse.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define CPUS 16

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
    if (!holds)
        abort();
}

static void try_stat(const char *text, size_t size)
{
    struct eco_stat_line line, before;

    memset(&line, 0x5a, sizeof(line));
    memcpy(&before, &line, sizeof(line));
    if (eco_stat_parse(text, size, &line) < 0) {
        require(memcmp(&line, &before, sizeof(line)) == 0);
        return;
    }
    require(line.pid > 0 && line.ppid >= 0 && line.last_cpu >= -1);
    require(memchr(line.name, '\0', sizeof(line.name)) != NULL);
}

static void try_status(const char *text, size_t size)
{
    struct eco_status_file file, before;

    memset(&file, 0x5a, sizeof(file));
    memcpy(&before, &file, sizeof(file));
    if (eco_status_parse(text, size, &file) < 0)
        require(memcmp(&file, &before, sizeof(file)) == 0);
}

static void try_cmdline(const char *text, size_t size)
{
    char out[32];
    size_t n = eco_cmdline_parse(text, size, out, sizeof(out));

    require(n < sizeof(out) && n <= size && out[n] == '\0');
    require(memchr(out, '\0', n + 1) == out + n);
}

static void try_cpus(const char *text, size_t size)
{
    uint64_t values[CPUS] = {0};
    bool present[CPUS] = {false};
    struct eco_stat_sums sums;
    int counts[] = {eco_percpu_parse(text, size, values, present, CPUS),
                    eco_schedstat_parse(text, size, values, present, CPUS),
                    eco_cpustat_parse(text, size, values, present, CPUS)};

    for (size_t i = 0; i < ECO_COUNT(counts); i++)
        require(counts[i] <= CPUS && counts[i] != 0);
    (void)!eco_stat_sums_parse(text, size, &sums);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1);

    if (text == NULL)
        return 0;
    if (size > 0)
        memcpy(text, data, size);
    text[size] = '\0';
    try_stat(text, size);
    try_status(text, size);
    try_cmdline(text, size);
    try_cpus(text, size);
    require(eco_pid_parse(text) >= 0);
    free(text);
    return 0;
}
