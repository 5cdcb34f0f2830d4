/* SPDX-License-Identifier: MIT */
/*
 * What the paths of a process' cgroups and its environment tell of whose it is. Pure: text in, plain data
 * out. The shapes are those of engines as of 2026 (docs/attribution.md, "Containers, jobs, units"); of
 * several that match the innermost counts, over all hierarchies of versions 1 and 2.
 */
#pragma once

#include "base/macros.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ECO_CONTAINER_MAX 96
#define ECO_POD_MAX       40
#define ECO_UNIT_MAX      160
#define ECO_SLURM_MAX     64

/* "" = not told. */
struct eco_cgroup_names {
    char cgroup[512]; /* longer ones are cut; only to be shown */
    char container[ECO_CONTAINER_MAX];
    const char *runtime; /* static, NULL = not told */
    char pod[ECO_POD_MAX];
    char unit[ECO_UNIT_MAX];
    bool is_user_unit;
    char slurm_job[16], slurm_step[16];
    int32_t slurm_task; /* -1 not told */
};

/** All lines of /proc/PID/cgroup; lines that are none of the kernel's are left out. */
void eco_cgroup_names_parse(const char *text, size_t length, struct eco_cgroup_names *ret);

/* What slurmstepd puts into the environment of a task. "" = not there. */
struct eco_slurm_env {
    char job[16];   /* SLURM_JOB_ID; all others are "" without it */
    char shown[40]; /* "2_1" from SLURM_ARRAY_JOB_ID and SLURM_ARRAY_TASK_ID, else the job */
    char step[16];
    int32_t task; /* SLURM_PROCID, -1 not there */
    char name[ECO_SLURM_MAX], cluster[ECO_SLURM_MAX];
};

/** /proc/PID/environ. False when it is of no Slurm job. */
bool eco_slurm_env_parse(const char *text, size_t length, struct eco_slurm_env *ret);
