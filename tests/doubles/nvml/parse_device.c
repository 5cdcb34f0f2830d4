/* SPDX-License-Identifier: MIT */
/* The words that describe a device or a process. */
#include "parse_block.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct key {
    const char *word;
    size_t offset;
};

#define DEVICE(word, member)                     \
    {                                            \
        word, offsetof(struct nv_device, member) \
    }
#define PROCESS(word, member)                     \
    {                                             \
        word, offsetof(struct nv_process, member) \
    }

static const struct key device_number[] = {
    DEVICE("brand", brand),
    DEVICE("pci_device_id", pci_device_id),
    DEVICE("pci_subsystem_id", pci_subsystem_id),
    DEVICE("multiprocessors", multiprocessors),
    DEVICE("minor", minor),
    DEVICE("memory_mib", memory_mib),
    DEVICE("memory_used_mib", memory_used_mib),
    DEVICE("memory_reserved_mib", memory_reserved_mib),
    DEVICE("idle_w", idle_w),
    DEVICE("context_w", context_w),
    DEVICE("module_w", module_w),
    DEVICE("memory_w", memory_w),
    DEVICE("gpu_scope", gpu_scope),
    DEVICE("power_mean_ms", power_mean_ms),
    DEVICE("power_period_ms", power_period_ms),
    DEVICE("sample_period_ms", sample_period_ms),
    DEVICE("sample_ring", sample_ring),
    DEVICE("energy", energy),
    DEVICE("energy_period_ms", energy_period_ms),
    DEVICE("energy_base_mj", energy_base_mj),
    DEVICE("field_stamp_query", field_stamp_query),
    DEVICE("util_period_ms", util_period_ms),
    DEVICE("util_ring", util_ring),
    DEVICE("limit_w", limit_w),
    DEVICE("limit_min_w", limit_min_w),
    DEVICE("limit_max_w", limit_max_w),
    DEVICE("limit_default_w", limit_default_w),
    DEVICE("limit_requested_w", limit_requested_w),
    DEVICE("fan", fan),
    DEVICE("ecc", ecc),
    DEVICE("ecc_corrected", ecc_corrected),
    DEVICE("ecc_uncorrected", ecc_uncorrected),
    DEVICE("persistence", persistence),
    DEVICE("accounting", accounting),
    DEVICE("pstate", pstate),
    DEVICE("clock_max_sm", clock_max_sm),
    DEVICE("clock_max_mem", clock_max_mem),
    DEVICE("clock_max_video", clock_max_video),
    DEVICE("pcie_gen", pcie_gen),
    DEVICE("pcie_gen_max", pcie_gen_max),
    DEVICE("pcie_width", pcie_width),
    DEVICE("pcie_width_max", pcie_width_max),
    DEVICE("pcie_tx_kib", pcie_tx_kib),
    DEVICE("pcie_rx_kib", pcie_rx_kib),
    DEVICE("mig", mig),
    DEVICE("gpm", gpm),
};

static const struct key device_curve[] = {
    DEVICE("power", power),         DEVICE("temperature", temperature), DEVICE("clock_sm", clock_sm),
    DEVICE("clock_mem", clock_mem), DEVICE("throttle", throttle),       DEVICE("reset", reset),
};

static const struct key process_number[] = {
    PROCESS("device", device),
    PROCESS("container_pid", container_pid),
    PROCESS("start", start_s),
    PROCESS("end", end_s),
    PROCESS("vram_mib", vram_mib),
    PROCESS("gi", gi),
    PROCESS("ci", ci),
    PROCESS("after_lists", after_lists),
    PROCESS("watts", watts[NV_SM]),
    PROCESS("watts_slice", watts_slice),
    PROCESS("watts_mem", watts[NV_MEM]),
    PROCESS("watts_enc", watts[NV_ENC]),
    PROCESS("watts_dec", watts[NV_DEC]),
    PROCESS("watts_jpg", watts[NV_JPG]),
    PROCESS("watts_ofa", watts[NV_OFA]),
};

static const struct key process_curve[] = {
    PROCESS("sm", util[NV_SM]),   PROCESS("mem", util[NV_MEM]), PROCESS("enc", util[NV_ENC]),
    PROCESS("dec", util[NV_DEC]), PROCESS("jpg", util[NV_JPG]), PROCESS("ofa", util[NV_OFA]),
};

/* NULL when `word` is none of them; a trailing "_ramp" is allowed where ret_ramp is given. */
static void *find(void *base, const struct key *key, size_t count, const char *word, bool *ret_ramp)
{
    size_t length = strlen(word);
    if (ret_ramp != NULL) {
        *ret_ramp = length > 5 && strcmp(word + length - 5, "_ramp") == 0;
        length -= *ret_ramp ? 5 : 0;
    }
    for (size_t i = 0; i < count; i++) {
        if (strlen(key[i].word) == length && strncmp(key[i].word, word, length) == 0) {
            return (char *)base + key[i].offset;
        }
    }
    return NULL;
}

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

/* "word VALUE": the curve begins with it; "word T VALUE [T VALUE ...]": steps (or ramps) at these times. */
static int parse_curve(struct nv_curve *curve, bool ramp, char **word, int count)
{
    double t_s, value;
    if (count == 2) {
        return !ramp && nv_parse_number(word[1], &curve->initial) ? 0 : -EINVAL;
    }
    if (count < 3 || count % 2 == 0) {
        return -EINVAL;
    }
    for (int i = 1; i + 1 < count; i += 2) {
        if (!nv_parse_number(word[i], &t_s) || !nv_parse_number(word[i + 1], &value)) {
            return -EINVAL;
        }
        const int r = nv_curve_add(curve, t_s, value, ramp);
        if (r < 0) {
            return r;
        }
    }
    return 0;
}

static int copy(char *ret, size_t size, const char *text)
{
    return snprintf(ret, size, "%s", text) < (int)size ? 0 : -ENOSPC;
}

/* mig GI CI GI_SLICES CI_SLICES MEMORY_MIB MULTIPROCESSORS UUID */
static int parse_instance(struct nv_device *device, char **word, int count)
{
    if (count != 8) {
        return -EINVAL;
    }
    if (device->instance_count == NV_MIG_MAX) {
        return -ENOSPC;
    }
    struct nv_mig *mig = &device->instance[device->instance_count];
    double *const number[] = {&mig->gi,        &mig->ci,         &mig->gi_slices,
                              &mig->ci_slices, &mig->memory_mib, &mig->multiprocessors};
    for (size_t i = 0; i < COUNT(number); i++) {
        if (!nv_parse_number(word[i + 1], number[i])) {
            return -EINVAL;
        }
    }
    device->instance_count++;
    device->mig = 1;
    return copy(mig->uuid, sizeof(mig->uuid), word[7]);
}

int nv_parse_device(struct nv_device *device, char **word, int count)
{
    static const struct {
        const char *word;
        size_t offset, size;
    } text[] = {{"uuid", offsetof(struct nv_device, uuid), NV_NAME_SIZE},
                {"serial", offsetof(struct nv_device, serial), NV_NAME_SIZE},
                {"pci", offsetof(struct nv_device, pci), sizeof(device->pci)},
                {"arch", offsetof(struct nv_device, arch), sizeof(device->arch)}};
    bool ramp;
    double *number = find(device, device_number, COUNT(device_number), word[0], NULL);
    if (number != NULL && count == 2) {
        return nv_parse_number(word[1], number) ? 0 : -EINVAL;
    }
    if (strcmp(word[0], "instance") == 0) {
        return parse_instance(device, word, count);
    }
    if (strcmp(word[0], "sampled") == 0 && count == 3) { /* ON_MS PERIOD_MS */
        return nv_parse_number(word[1], &device->sampled_on_ms) &&
                       nv_parse_number(word[2], &device->sampled_period_ms) && device->sampled_on_ms > 0 &&
                       device->sampled_period_ms >= device->sampled_on_ms
                   ? 0
                   : -EINVAL;
    }
    for (size_t i = 0; count == 2 && i < COUNT(text); i++) {
        if (strcmp(word[0], text[i].word) == 0) {
            return copy((char *)device + text[i].offset, text[i].size, word[1]);
        }
    }
    struct nv_curve *curve = find(device, device_curve, COUNT(device_curve), word[0], &ramp);
    if (curve == &device->reset) {
        double t_s;
        return count == 2 && nv_parse_number(word[1], &t_s) ? nv_curve_add(curve, t_s, 0, false) : -EINVAL;
    }
    return curve != NULL ? parse_curve(curve, ramp, word, count) : -EINVAL;
}

int nv_parse_process(struct nv_process *process, char **word, int count)
{
    bool ramp;
    if (strcmp(word[0], "pid") == 0 && count == 2) {
        if (word[1][0] == '@') {
            return copy(process->pid_name, sizeof(process->pid_name), word[1] + 1);
        }
        return nv_parse_number(word[1], &process->pid) ? 0 : -EINVAL;
    }
    if (strcmp(word[0], "type") == 0 && count == 2) {
        const char *const kinds = "CGM";
        if (strlen(word[1]) != 1 || strchr(kinds, word[1][0]) == NULL) {
            return -EINVAL;
        }
        process->kind = (enum nv_process_kind)word[1][0];
        return 0;
    }
    double *number = find(process, process_number, COUNT(process_number), word[0], NULL);
    if (number != NULL && count == 2) {
        return nv_parse_number(word[1], number) ? 0 : -EINVAL;
    }
    struct nv_curve *curve = find(process, process_curve, COUNT(process_curve), word[0], &ramp);
    return curve != NULL ? parse_curve(curve, ramp, word, count) : -EINVAL;
}
