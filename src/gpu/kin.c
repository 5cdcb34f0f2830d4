/* SPDX-License-Identifier: MIT */
#include "gpu/kin.h"

#include "base/parse.h"

#include <string.h>

#define STAT_MAX 512

static int32_t parent_of(const struct eco_root *root, int32_t pid)
{
    char path[ECO_PATH_MAX], text[STAT_MAX];
    uint64_t parent;
    if (eco_path(path, "%d/stat", pid) < 0 || eco_root_read(root, ECO_PROCFS, path, text, sizeof text) < 0)
        return 0;
    /* "PID (NAME) STATE PARENT": a name may hold anything, so the last bracket counts */
    const char *at = strrchr(text, ')');
    if (!at || strlen(at) < 5)
        return 0;
    at += 4;
    return eco_scan_u64(&at, &parent) == 0 && parent <= INT32_MAX ? (int32_t)parent : 0;
}

void eco_gpu_kin_read(const struct eco_root *root, int32_t pid, int32_t ret_parents[ECO_GPU_PARENTS])
{
    for (size_t i = 0; i < ECO_GPU_PARENTS; i++) {
        pid = pid > 0 ? parent_of(root, pid) : 0;
        ret_parents[i] = pid;
    }
}

static const struct eco_gpu_use *find(const struct eco_gpu_use *known, size_t count, size_t hint,
                                      const struct eco_gpu_use *use)
{
    if (hint < count && known[hint].pid == use->pid && known[hint].index == use->index)
        return &known[hint];
    for (size_t i = 0; i < count; i++)
        if (known[i].pid == use->pid && known[i].index == use->index)
            return &known[i];
    return NULL;
}

void eco_gpu_kin_fill(const struct eco_root *root, struct eco_gpu_use *uses, size_t count,
                      const struct eco_gpu_use *known, size_t known_count)
{
    for (size_t i = 0; i < count; i++) {
        struct eco_gpu_use *use = &uses[i];
        const struct eco_gpu_use *before = find(known, known_count, i, use);
        if (before && !(before->flags & ECO_GPU_USE_ENDED))
            memcpy(use->parents, before->parents, sizeof use->parents);
        else if (use->pid > 0)
            eco_gpu_kin_read(root, use->pid, use->parents);
    }
}
