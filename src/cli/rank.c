/* SPDX-License-Identifier: MIT */
#include "cli/rank.h"

#include "base/macros.h"
#include "base/parse.h"

#include <stdint.h>
#include <stdlib.h>

/*
 * The innermost launcher first: mpirun within a Slurm task, torchrun within one. RANK alone may be anything,
 * and counts only beside its size (torchrun sets both); SLURM_PROCID is 0 in a batch script, too (srun(1)).
 */
static const struct {
    const char *index, *size;
    bool needs_size;
} launchers[] = {{"OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE", false},
                 {"PMI_RANK", "PMI_SIZE", false},
                 {"RANK", "WORLD_SIZE", true},
                 {"SLURM_PROCID", "SLURM_NTASKS", false}};

static int read_number(const char *name)
{
    const char *text = getenv(name);
    uint64_t value;

    return text && eco_parse_u64(text, &value) == 0 && value <= INT32_MAX ? (int)value : -1;
}

void eco_rank_find(struct eco_report_rank *ret)
{
    *ret = (struct eco_report_rank){0};
    for (size_t i = 0; i < ECO_COUNT(launchers); i++) {
        int index = read_number(launchers[i].index), count = read_number(launchers[i].size);
        if (index < 0 || (launchers[i].needs_size && count < 0))
            continue;
        *ret = (struct eco_report_rank){
            .index = index, .count = count > index ? count : 0, .variable = launchers[i].index};
        return;
    }
}
