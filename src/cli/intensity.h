/* SPDX-License-Identifier: MIT */
/*
 * Intensity of the grid while a job runs, where --carbon-source asks for it: ecocode-intensity is started and
 * heard, never waited for but for a moment at the end of a run that was over before it could tell anything.
 * Zeroed to begin; start, frame, apply, finish.
 */
#pragma once

#include "cli/command.h"
#include "impact/impact.h"
#include "impact/live.h"
#include "model/frame.h"
#include "model/report.h"

#include <sys/types.h>

struct eco_intensity {
    const struct eco_live_source *source; /* NULL = none was asked for */
    char zone[ECO_ZONE_MAX];
    bool is_started, has_failed; /* has_failed: it told of a failure last */
    int fd;
    pid_t pid;
    struct eco_live_news newest; /* its g_per_kwh 0 = nothing was told yet */
    uint64_t heard_ns;           /* when, MONOTONIC */
    unsigned values;             /* how many different ones */
    struct eco_live_sum sum;
    char why[192];             /* why there is none, as it was told last */
    char text[128], brief[64]; /* its source, for the report */
};

/** --carbon-source and what goes with it: 0, or -EINVAL with a reason. */
int eco_intensity_check(const struct eco_call *call, struct eco_why *why) ECO_MUST_CHECK;
/** Starts the program, once. `cache` is the folder for its last answers, "" none. Never fails a run. */
void eco_intensity_start(struct eco_intensity *live, const struct eco_call *call, const char *cache);
/** Hear what was told, and count the energy of a frame. */
void eco_intensity_frame(struct eco_intensity *live, const struct eco_frame *frame);
/** The mean in place of the yearly figure, or a warning that it stayed. */
void eco_intensity_apply(struct eco_intensity *live, struct eco_report *report, struct eco_factors *factors,
                         struct eco_impact_input *input);
void eco_intensity_finish(struct eco_intensity *live);
