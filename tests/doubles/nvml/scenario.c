/* SPDX-License-Identifier: MIT */
#include "scenario.h"

#include "parse.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#define NS_PER_S 1e9

static double monotonic_ns(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec * NS_PER_S + (double)ts.tv_nsec;
}

double nv_scenario_now_s(const struct nv_scenario *scenario)
{
    return (monotonic_ns() - scenario->start_ns) / NS_PER_S;
}

static int split(char *line, char **ret_word)
{
    int count = 0;
    char *save = NULL;
    char *hash = strchr(line, '#');
    if (hash != NULL) {
        *hash = '\0';
    }
    for (char *word = strtok_r(line, " \t\r\n", &save); word != NULL;
         word = strtok_r(NULL, " \t\r\n", &save)) {
        if (count == NV_WORDS_MAX) {
            return -ENOSPC;
        }
        ret_word[count++] = word;
    }
    return count;
}

/* What only the whole tells: devices and processes that are not there, units that cannot be. */
static int check(const struct nv_scenario *scenario, char *ret_why, size_t why_size)
{
    for (int version = 1; version <= 3; version++) {
        if (!(scenario->stride[version] >= 16 && scenario->stride[version] <= 64)) {
            snprintf(ret_why, why_size, "stride %d: not 16 to 64 bytes", version);
            return -EINVAL;
        }
    }
    for (size_t i = 0; i < scenario->process_count; i++) {
        const struct nv_process *process = &scenario->process[i];
        if (!(process->device >= 0 && process->device < (double)scenario->device_count)) {
            snprintf(ret_why, why_size, "process %s: there is no device %g", process->name, process->device);
            return -EINVAL;
        }
        if (!(process->pid >= 0 && process->pid < 4e9) ||
            !(process->container_pid >= 0 && process->container_pid < 4e9)) {
            snprintf(ret_why, why_size, "process %s: no such pid", process->name);
            return -EINVAL;
        }
    }
    for (size_t i = 0; i < scenario->device_count; i++) {
        const struct nv_device *d = &scenario->device[i];
        const double smallest =
            fmin(fmin(d->energy_period_ms, d->power_period_ms), fmin(d->sample_period_ms, d->util_period_ms));
        if (d->arch_number <= 0) {
            snprintf(ret_why, why_size, "device %zu: no architecture is called %s", i, d->arch);
            return -EINVAL;
        }
        if (!(smallest >= 0.1) || !(d->util_ring >= 1 && d->util_ring <= 10000) ||
            !(d->sample_ring >= 1 && d->sample_ring <= 10000)) {
            snprintf(ret_why, why_size, "device %zu: a period below 0.1 ms, or a ring not of 1 to 10000", i);
            return -EINVAL;
        }
    }
    return 0;
}

/* "watts_slice": a process draws by the size of its instance. */
static void size_processes(struct nv_scenario *scenario)
{
    for (size_t p = 0; p < scenario->process_count; p++) {
        struct nv_process *process = &scenario->process[p];
        const struct nv_device *device = &scenario->device[(size_t)process->device];
        for (size_t i = 0; process->watts_slice > 0 && i < device->instance_count; i++) {
            if (nv_is_of_instance(process, &device->instance[i])) {
                process->watts[NV_SM] = process->watts_slice * device->instance[i].ci_slices;
            }
        }
    }
}

int nv_scenario_load(struct nv_scenario *scenario, const char *path, char *ret_why, size_t why_size)
{
    *scenario = (struct nv_scenario){
        .driver = "550.54.14", .nvml = "12.550.54.14", .cuda = 12040, .stride = {0, 16, 24, 24}};
    snprintf(scenario->path, sizeof(scenario->path), "%s", path);
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        const int r = -errno;
        snprintf(ret_why, why_size, "%s: %s", path, strerror(-r));
        return r;
    }
    char *line = NULL;
    size_t size = 0;
    int r = 0;
    for (int number = 1; r == 0 && getline(&line, &size, file) >= 0; number++) {
        char *word[NV_WORDS_MAX];
        const int count = split(line, word);
        r = count > 0 ? nv_parse_words(scenario, word, count, number) : count;
        if (r < 0) {
            snprintf(ret_why, why_size, "%s:%d: %s", path, number,
                     r == -EINVAL ? "not understood" : strerror(-r));
        }
    }
    free(line);
    fclose(file);
    if (r == 0) {
        nv_scenario_complete(scenario);
        r = check(scenario, ret_why, why_size);
    }
    if (r == 0) {
        size_processes(scenario);
    }
    if (r < 0) {
        nv_scenario_free(scenario);
        return r;
    }
    if (scenario->start_ns <= 0) {
        scenario->start_ns = monotonic_ns();
    }
    nv_scenario_refresh(scenario);
    return 0;
}

/* NAME pid=N [nspid=N] [start=S] [end=S] */
static void take_pids_line(struct nv_scenario *scenario, char *line)
{
    char *word[NV_WORDS_MAX];
    const int count = split(line, word);
    for (size_t i = 0; count > 0 && i < scenario->process_count; i++) {
        struct nv_process *process = &scenario->process[i];
        if (process->pid_name[0] == '\0' || strcmp(process->pid_name, word[0]) != 0) {
            continue;
        }
        for (int k = 1; k < count; k++) {
            char *equal = strchr(word[k], '=');
            double value;
            if (equal == NULL || !nv_parse_number(equal + 1, &value)) {
                continue;
            }
            *equal = '\0';
            if (strcmp(word[k], "pid") == 0) {
                process->now_pid = value;
                process->is_there = true;
            } else if (strcmp(word[k], "nspid") == 0) {
                process->now_container_pid = value;
            } else if (strcmp(word[k], "start") == 0) {
                process->now_start_s = value;
            } else if (strcmp(word[k], "end") == 0) {
                process->now_end_s = value;
            }
            *equal = '=';
        }
    }
}

void nv_scenario_refresh(struct nv_scenario *scenario)
{
    struct stat st = {0};
    const bool has_file = scenario->pids_path[0] != '\0' && stat(scenario->pids_path, &st) == 0;
    const bool is_first = scenario->pids_inode == 0;
    if (!is_first && st.st_ino == scenario->pids_inode && st.st_size == scenario->pids_size &&
        st.st_mtim.tv_sec == scenario->pids_mtime.tv_sec &&
        st.st_mtim.tv_nsec == scenario->pids_mtime.tv_nsec) {
        return;
    }
    if (!is_first && !has_file) {
        return; /* being replaced, or there is none: what was known stays */
    }
    for (size_t i = 0; i < scenario->process_count; i++) {
        struct nv_process *process = &scenario->process[i];
        process->is_there = process->pid_name[0] == '\0';
        process->now_pid = process->pid;
        process->now_container_pid = process->container_pid;
        process->now_start_s = process->start_s;
        process->now_end_s = process->end_s;
    }
    scenario->pids_inode = has_file ? st.st_ino : 1;
    scenario->pids_size = st.st_size;
    scenario->pids_mtime = st.st_mtim;
    FILE *file = has_file ? fopen(scenario->pids_path, "re") : NULL;
    if (file == NULL) {
        return;
    }
    char *line = NULL;
    size_t size = 0;
    while (getline(&line, &size, file) >= 0) {
        take_pids_line(scenario, line);
    }
    free(line);
    fclose(file);
}

void nv_scenario_free(struct nv_scenario *scenario)
{
    for (size_t i = 0; i < scenario->process_count; i++) {
        for (int engine = 0; engine < NV_ENGINES; engine++) {
            nv_curve_free(&scenario->process[i].util[engine]);
        }
    }
    for (size_t i = 0; i < scenario->device_count; i++) {
        struct nv_device *d = &scenario->device[i];
        struct nv_curve *const curves[] = {&d->power,     &d->temperature, &d->clock_sm,
                                           &d->clock_mem, &d->throttle,    &d->reset};
        for (size_t k = 0; k < sizeof(curves) / sizeof(*curves); k++) {
            nv_curve_free(curves[k]);
        }
    }
    free(scenario->process);
    free(scenario->absent);
    scenario->process = NULL;
    scenario->absent = NULL;
    scenario->process_count = scenario->device_count = scenario->absent_count = 0;
}
