/* SPDX-License-Identifier: MIT */
#include "parse.h"

#include "parse_block.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

bool nv_parse_number(const char *text, double *ret_value)
{
    char *end = NULL;
    const double value = strtod(text, &end);
    if (end == text || *end != '\0' || isnan(value)) {
        return false;
    }
    *ret_value = value;
    return true;
}

int nv_parse_code(const char *name)
{
    static const char *const names[] = {"SUCCESS",
                                        "UNINITIALIZED",
                                        "INVALID_ARGUMENT",
                                        "NOT_SUPPORTED",
                                        "NO_PERMISSION",
                                        "ALREADY_INITIALIZED",
                                        "NOT_FOUND",
                                        "INSUFFICIENT_SIZE",
                                        "INSUFFICIENT_POWER",
                                        "DRIVER_NOT_LOADED",
                                        "TIMEOUT",
                                        "IRQ_ISSUE",
                                        "LIBRARY_NOT_FOUND",
                                        "FUNCTION_NOT_FOUND",
                                        "CORRUPTED_INFOROM",
                                        "GPU_IS_LOST",
                                        "RESET_REQUIRED",
                                        "OPERATING_SYSTEM",
                                        "LIB_RM_VERSION_MISMATCH",
                                        "IN_USE",
                                        "MEMORY",
                                        "NO_DATA",
                                        "VGPU_ECC_NOT_SUPPORTED",
                                        "INSUFFICIENT_RESOURCES",
                                        "FREQ_NOT_SUPPORTED",
                                        "ARGUMENT_VERSION_MISMATCH",
                                        "DEPRECATED",
                                        "NOT_READY",
                                        "GPU_NOT_FOUND",
                                        "INVALID_STATE",
                                        "RESET_TYPE_NOT_SUPPORTED"};
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        if (strcmp(name, names[i]) == 0) {
            return (int)i;
        }
    }
    return strcmp(name, "UNKNOWN") == 0 ? 999 : -1;
}

/* The rest of the line is a name with spaces: words are put together again. */
static int join(char *ret, size_t size, char **word, int count)
{
    size_t used = 0;
    ret[0] = '\0';
    for (int i = 1; i < count; i++) {
        const int n = snprintf(ret + used, size - used, "%s%s", i > 1 ? " " : "", word[i]);
        if (n < 0 || (size_t)n >= size - used) {
            return -ENOSPC;
        }
        used += (size_t)n;
    }
    return used > 0 ? 0 : -EINVAL;
}

static int begin_device(struct nv_scenario *scenario, char **word, int count)
{
    if (scenario->device_count == NV_DEVICES_MAX) {
        return -ENOSPC;
    }
    const size_t index = scenario->device_count++;
    struct nv_device *device = &scenario->device[index];
    *device = (struct nv_device){.arch = "ampere",
                                 .brand = 14,
                                 .multiprocessors = 108,
                                 .minor = (double)index,
                                 .pci_device_id = 0x20B510DE,
                                 .pci_subsystem_id = 0x153310DE,
                                 .memory_mib = 81920,
                                 .memory_used_mib = 4,
                                 .memory_reserved_mib = 600,
                                 .idle_w = 50,
                                 .module_w = -1,
                                 .memory_w = -1,
                                 .gpu_scope = 1,
                                 .power_mean_ms = -1,
                                 .power_period_ms = 20,
                                 .sample_period_ms = 20,
                                 .sample_ring = 120,
                                 .energy = -1,
                                 .energy_period_ms = 100,
                                 .energy_base_mj = 123456789,
                                 .util_period_ms = 200,
                                 .util_ring = 100,
                                 .limit_w = 400,
                                 .limit_min_w = 100,
                                 .limit_max_w = -1,
                                 .limit_default_w = -1,
                                 .limit_requested_w = -1,
                                 .fan = -1,
                                 .persistence = 1,
                                 .clock_max_sm = 1410,
                                 .clock_max_mem = 1593,
                                 .clock_max_video = 1290,
                                 .pcie_gen = 4,
                                 .pcie_gen_max = 4,
                                 .pcie_width = 16,
                                 .pcie_width_max = 16,
                                 .gpm = -1};
    device->temperature.initial = 40;
    device->clock_sm.initial = 1410;
    device->clock_mem.initial = 1593;
    device->throttle.initial = 0;
    snprintf(device->uuid, sizeof(device->uuid), "GPU-00000000-0000-4000-8000-%012zx", index);
    snprintf(device->serial, sizeof(device->serial), "%013zu", 1320000000000 + index);
    snprintf(device->pci, sizeof(device->pci), "00000000:%02zX:00.0", 1 + index);
    return join(device->name, sizeof(device->name), word, count);
}

static int begin_process(struct nv_scenario *scenario, char **word, int count, int line)
{
    if (scenario->process_count == NV_PROCESSES_MAX) {
        return -ENOSPC;
    }
    struct nv_process *grown = realloc(scenario->process, (scenario->process_count + 1) * sizeof(*grown));
    if (grown == NULL) {
        return -ENOMEM;
    }
    scenario->process = grown;
    struct nv_process *process = &grown[scenario->process_count++];
    *process = (struct nv_process){
        .line = line, .end_s = (double)INFINITY, .vram_mib = 100, .gi = -1, .ci = -1, .kind = NV_COMPUTE};
    return join(process->name, sizeof(process->name), word, count);
}

/* fault FROM TO DEVICE CALL CODE | delay MS | hang [PATH] | crash   [times N] */
static int parse_fault(struct nv_scenario *scenario, char **word, int count)
{
    if (count < 6) {
        return -EINVAL;
    }
    if (scenario->fault_count == NV_FAULTS_MAX) {
        return -ENOSPC;
    }
    struct nv_fault fault = {.device = -1};
    double device = -1, times = 0;
    if (count >= 8 && strcmp(word[count - 2], "times") == 0) {
        if (!nv_parse_number(word[count - 1], &times)) {
            return -EINVAL;
        }
        count -= 2;
    }
    if (!nv_parse_number(word[1], &fault.from_s) || !nv_parse_number(word[2], &fault.to_s) ||
        (strcmp(word[3], "*") != 0 && !nv_parse_number(word[3], &device))) {
        return -EINVAL;
    }
    fault.device = (int)device;
    fault.times = (unsigned long)times;
    if (snprintf(fault.call, sizeof(fault.call), "%s", word[4]) >= (int)sizeof(fault.call)) {
        return -ENOSPC;
    }
    const char *what = word[5];
    if (strcmp(what, "delay") == 0 && count == 7 && nv_parse_number(word[6], &fault.delay_ms)) {
        fault.kind = NV_FAULT_DELAY;
    } else if (strcmp(what, "hang") == 0 && count <= 7) {
        fault.kind = NV_FAULT_HANG;
        snprintf(fault.path, sizeof(fault.path), "%s", count == 7 ? word[6] : "");
    } else if (strcmp(what, "crash") == 0 && count == 6) {
        fault.kind = NV_FAULT_CRASH;
    } else {
        fault.code = nv_parse_code(what);
        if (fault.code < 0 || count != 6) {
            return -EINVAL;
        }
    }
    scenario->fault[scenario->fault_count++] = fault;
    return 0;
}

/* util_row FROM TO DEVICE AGE_MS PID SM MEM ENC DEC */
static int parse_util_row(struct nv_scenario *scenario, char **word, int count)
{
    if (count != 10) {
        return -EINVAL;
    }
    if (scenario->util_row_count == NV_UTIL_ROWS_MAX) {
        return -ENOSPC;
    }
    struct nv_util_row row = {0};
    double device;
    double *const number[] = {&row.from_s,       &row.to_s,         &device,
                              &row.age_ms,       &row.pid,          &row.util[NV_SM],
                              &row.util[NV_MEM], &row.util[NV_ENC], &row.util[NV_DEC]};
    for (int i = 0; i < 9; i++) {
        if (!nv_parse_number(word[i + 1], number[i])) {
            return -EINVAL;
        }
    }
    row.device = (int)device;
    scenario->util_row[scenario->util_row_count++] = row;
    return 0;
}

static int parse_absent(struct nv_scenario *scenario, char **word, int count)
{
    for (int i = 1; i < count; i++) {
        if (scenario->absent_count == NV_ABSENT_MAX) {
            return -ENOSPC;
        }
        char(*grown)[NV_NAME_SIZE] = realloc(scenario->absent, (scenario->absent_count + 1) * sizeof(*grown));
        if (grown == NULL) {
            return -ENOMEM;
        }
        scenario->absent = grown;
        snprintf(grown[scenario->absent_count++], NV_NAME_SIZE, "%s", word[i]);
    }
    return count > 1 ? 0 : -EINVAL;
}

/* A control file is named relative to the scenario. */
static int parse_pids(struct nv_scenario *scenario, const char *name)
{
    const char *slash = strrchr(scenario->path, '/');
    const int folder = slash != NULL && name[0] != '/' ? (int)(slash - scenario->path) + 1 : 0;
    const int n =
        snprintf(scenario->pids_path, sizeof(scenario->pids_path), "%.*s%s", folder, scenario->path, name);
    return n < (int)sizeof(scenario->pids_path) ? 0 : -ENOSPC;
}

static int parse_view(const char *text, enum nv_pid_view *ret_view)
{
    if (strcmp(text, "host") != 0 && strcmp(text, "container") != 0) {
        return -EINVAL;
    }
    *ret_view = text[0] == 'h' ? NV_PIDS_HOST : NV_PIDS_CONTAINER;
    return 0;
}

/* What stands before the first device. -ENOENT: none of these words. */
static int parse_head(struct nv_scenario *scenario, char **word, int count)
{
    const char *name = word[0];
    double *number = strcmp(name, "start_ns") == 0                 ? &scenario->start_ns
                     : strcmp(name, "cuda") == 0                   ? &scenario->cuda
                     : strcmp(name, "init_ms") == 0                ? &scenario->init_ms
                     : strcmp(name, "util_ignores_last_seen") == 0 ? &scenario->util_ignores_last_seen
                                                                   : NULL;
    if (number != NULL) {
        return count == 2 && nv_parse_number(word[1], number) ? 0 : -EINVAL;
    }
    if (strcmp(name, "absent") == 0) {
        return parse_absent(scenario, word, count);
    }
    if (strcmp(name, "stride") == 0) { /* VERSION BYTES */
        double version;
        return count == 3 && nv_parse_number(word[1], &version) && version >= 1 && version <= 3 &&
                       nv_parse_number(word[2], &scenario->stride[(int)version])
                   ? 0
                   : -EINVAL;
    }
    if (strcmp(name, "driver") == 0 || strcmp(name, "nvml") == 0) {
        return join(name[0] == 'd' ? scenario->driver : scenario->nvml, NV_NAME_SIZE, word, count);
    }
    if (strcmp(name, "pids") == 0) {
        return count == 2 ? parse_pids(scenario, word[1]) : -EINVAL;
    }
    if (strcmp(name, "pids_in_lists") == 0 || strcmp(name, "pids_in_util") == 0) {
        return count != 2
                   ? -EINVAL
                   : parse_view(word[1], name[8] == 'l' ? &scenario->pids_in_lists : &scenario->pids_in_util);
    }
    return -ENOENT;
}

int nv_parse_words(struct nv_scenario *scenario, char **word, int count, int line)
{
    if (strcmp(word[0], "device") == 0 && scenario->process_count == 0) {
        return begin_device(scenario, word, count);
    }
    if (strcmp(word[0], "process") == 0) {
        return begin_process(scenario, word, count, line);
    }
    if (strcmp(word[0], "fault") == 0) {
        return parse_fault(scenario, word, count);
    }
    if (strcmp(word[0], "util_row") == 0) {
        return parse_util_row(scenario, word, count);
    }
    const int r = parse_head(scenario, word, count);
    if (r != -ENOENT) {
        return r;
    }
    if (scenario->process_count > 0) {
        return nv_parse_process(&scenario->process[scenario->process_count - 1], word, count);
    }
    return scenario->device_count > 0
               ? nv_parse_device(&scenario->device[scenario->device_count - 1], word, count)
               : -EINVAL;
}

/* "init_ms": a driver that takes its time to begin. */
static void delay_init(struct nv_scenario *scenario)
{
    if (scenario->init_ms > 0 && scenario->fault_count < NV_FAULTS_MAX) {
        scenario->fault[scenario->fault_count++] = (struct nv_fault){.from_s = -(double)INFINITY,
                                                                     .to_s = (double)INFINITY,
                                                                     .device = -1,
                                                                     .call = "nvmlInit*",
                                                                     .kind = NV_FAULT_DELAY,
                                                                     .delay_ms = scenario->init_ms};
    }
}

void nv_scenario_complete(struct nv_scenario *scenario)
{
    delay_init(scenario);
    static const struct {
        const char *name;
        double number, cuda_major, cuda_minor;
        bool averages, counts, has_gpm;
    } archs[] = {{"kepler", 2, 3, 5, false, false, false}, {"maxwell", 3, 5, 2, false, false, false},
                 {"pascal", 4, 6, 0, false, false, false}, {"volta", 5, 7, 0, false, true, false},
                 {"turing", 6, 7, 5, false, true, false},  {"ga100", 7, 8, 0, false, true, false},
                 {"ampere", 7, 8, 6, true, true, false},   {"ada", 8, 8, 9, true, true, false},
                 {"hopper", 9, 9, 0, true, true, true},    {"blackwell", 10, 10, 0, true, true, true}};
    for (size_t d = 0; d < scenario->device_count; d++) {
        struct nv_device *device = &scenario->device[d];
        for (size_t i = 0; i < sizeof(archs) / sizeof(*archs); i++) {
            if (strcasecmp(archs[i].name, device->arch) != 0) {
                continue;
            }
            device->arch_number = archs[i].number;
            device->cuda_major = archs[i].cuda_major;
            device->cuda_minor = archs[i].cuda_minor;
            device->is_ga100 = strcmp(archs[i].name, "ga100") == 0;
            device->power_mean_ms = device->power_mean_ms >= 0 ? device->power_mean_ms
                                    : archs[i].averages        ? 1000
                                                               : 0;
            device->energy = device->energy >= 0 ? device->energy : archs[i].counts;
            device->gpm = device->gpm >= 0 ? device->gpm : archs[i].has_gpm;
        }
        device->limit_max_w = device->limit_max_w >= 0 ? device->limit_max_w : device->limit_w;
        device->limit_default_w = device->limit_default_w >= 0 ? device->limit_default_w : device->limit_w;
        device->limit_requested_w =
            device->limit_requested_w >= 0 ? device->limit_requested_w : device->limit_w;
    }
}
