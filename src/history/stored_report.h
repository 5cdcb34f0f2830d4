/* SPDX-License-Identifier: MIT */
/*
 * A report as it was written, as the struct from which it was: so that what shows a run after it has ended
 * shows it again. What the file does not hold stays unknown.
 */
#pragma once

#include "history/run_file.h"
#include "model/report.h"

struct eco_stored_report {
    struct eco_report report; /* texts are borrowed from the file's object */
    struct eco_host host;
    struct eco_identity *identities;
    struct eco_slurm_job *jobs;
    struct eco_slurm_told *told;
    struct eco_gpu_device *devices;
    struct eco_course *course;
    char **command;
};

/** @param file  must live longer. 0 or -ENOMEM. */
int eco_stored_report_init(struct eco_stored_report *ret, const struct eco_run_report *file) ECO_MUST_CHECK;
void eco_stored_report_finish(struct eco_stored_report *stored);
