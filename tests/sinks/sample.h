/* SPDX-License-Identifier: MIT */
/* Made-up measurements whose sums hold, for the tests of the outputs. */
#pragma once

#include "sinks/sink.h"

#define SAMPLE_DOMAINS   5
#define SAMPLE_PROCESSES 256

struct sample {
    struct eco_report report;
    struct eco_host host;
    struct eco_report_domain domains[SAMPLE_DOMAINS];
    struct eco_report_process processes[SAMPLE_PROCESSES];
    double energy[SAMPLE_PROCESSES * ECO_SLOT_COUNT * SAMPLE_DOMAINS];
    char names[SAMPLE_PROCESSES][ECO_PROC_NAME_MAX];
    char *command[8];
};

/* Every sample by name, NULL-ended: the golden files are tests/golden/report_<name>.txt. */
extern const char *const sample_names[];

/** Fills `ret` (large: not on a small stack); its report points into it and owns nothing. */
void sample_fill(const char *name, struct sample *ret);

/** An impact of these joules: of a named place with all that can be asked for, or of nowhere with nothing. */
void sample_impact(struct eco_report *report, bool is_full);

/* Frames of a machine with two domains and a few processes. */
struct sample_frames {
    struct eco_domain domains[SAMPLE_DOMAINS];
    struct eco_proc_name names[4];
    struct eco_frame frame;
    struct eco_frame_row rows[4];
    double energy[4 * ECO_SLOT_COUNT * SAMPLE_DOMAINS];
    struct eco_sink_begin begin;
    char *command[4];
};

/** `domains` and `rows` are at most 3. */
void sample_frames_init(struct sample_frames *ret, unsigned domains, unsigned rows);
/** The next interval of one second, its sums exact. */
void sample_frames_next(struct sample_frames *frames);
