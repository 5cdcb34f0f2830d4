/* SPDX-License-Identifier: MIT */
/* /proc/PID/cgroup and cpu.stat: a path begins with '/', fits, and is there only on success. */
#include "procs/parse.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
    if (!holds)
        abort();
}

static void try_path(const char *text, size_t size, const char *controller)
{
    char path[64], before[64];

    memset(path, 0x5a, sizeof(path));
    memcpy(before, path, sizeof(path));
    int n = eco_cgroup_parse(text, size, controller, path, sizeof(path));
    if (n < 0)
        require(memcmp(path, before, sizeof(path)) == 0);
    else
        require(n > 0 && (size_t)n < sizeof(path) && path[0] == '/' && strlen(path) == (size_t)n);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct eco_cgroup_cpu cpu, before;
    char *text = malloc(size + 1);

    if (text == NULL)
        return 0;
    if (size > 0)
        memcpy(text, data, size);
    text[size] = '\0';
    try_path(text, size, "");
    try_path(text, size, "cpuacct");
    memset(&cpu, 0x5a, sizeof(cpu));
    memcpy(&before, &cpu, sizeof(cpu));
    if (eco_cgroup_cpu_parse(text, size, &cpu) < 0)
        require(memcmp(&cpu, &before, sizeof(cpu)) == 0);
    free(text);
    return 0;
}
